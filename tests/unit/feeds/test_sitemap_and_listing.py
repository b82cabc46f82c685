import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from pipeline.errors import ConfigurationError, Unavailable
from pipeline.feeds.config import parse_feeds
from pipeline.feeds.feed import Feed, FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetcher, Limits, Page
from pipeline.feeds.guess import guess_kind
from pipeline.feeds.kinds import open_feed
from pipeline.feeds.plugins import loaded
from tests.unit.feeds.samples import sample_feed
from tests.unit.feeds.server import FeedServer, body, gzipped, serving
from tests.unit.feeds.test_full_text import FAR, PAGE

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as running:
        yield running


def opened(server: FeedServer, kind: str, path: str = "/a", **more: Any) -> Feed:
    source = SourceConfig(name="a", kind=kind, url=server.url(path), allow_private=True, **more)
    limits = Limits(host_gap=timedelta(0), max_bytes=1_000_000)
    return open_feed(source, Fetcher(limits))


def sitemap(*urls: str, root: str = "urlset") -> bytes:
    return (
        f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">'
        f"{''.join(urls)}</{root}>"
    ).encode()


def test_a_real_news_sitemap_gives_its_articles_newest_first(server: FeedServer) -> None:
    content = sample_feed("bloomberg.xml")
    assert guess_kind(Page(url="x", content=content)) == ("sitemap", {})
    server.routes["/a"] = body(content)
    documents = opened(server, "sitemap").poll(FeedState(), NOW).documents
    assert len(documents) == content.count(b"<url>")
    first = documents[0]
    assert first.title == "Trump Wants Countries to Send Warships, UAE Port Suspends, More"
    assert (first.publisher, first.lang) == ("Bloomberg", "en")
    assert first.published_at == datetime(2026, 3, 15, 0, 48, 24, 900000, tzinfo=UTC)
    times = [document.published_at for document in documents]
    assert times == sorted(times, reverse=True)


def test_of_an_index_the_newest_sitemaps_are_read_gzipped_or_not(server: FeedServer) -> None:
    maps = [
        f"<sitemap><loc>{server.url(f'/{n}.xml.gz')}</loc><lastmod>2026-03-0{n}</lastmod></sitemap>"
        for n in range(1, 6)
    ]
    server.routes["/a"] = body(sitemap(*maps, root="sitemapindex"))
    for n in range(1, 6):
        one = f"<url><loc>https://n.example/story-number-{n}</loc></url>"
        server.routes[f"/{n}.xml.gz"] = body(gzip.compress(sitemap(one)))
    documents = opened(server, "sitemap").poll(FeedState(), NOW).documents
    assert [document.title for document in documents] == [
        "story number 5",
        "story number 4",
        "story number 3",
    ]


def test_a_sitemap_of_an_index_that_cannot_be_read_leaves_the_others(server: FeedServer) -> None:
    named = "".join(
        f"<sitemap><loc>{server.url(path)}</loc></sitemap>" for path in ("/gone.xml", "/here.xml")
    )
    server.routes["/a"] = body(sitemap(named, root="sitemapindex"))
    server.routes["/here.xml"] = body(sitemap("<url><loc>https://n.example/acme-falls</loc></url>"))
    feed = opened(server, "sitemap")
    assert [one.title for one in feed.poll(FeedState(), NOW).documents] == ["acme falls"]
    del server.routes["/here.xml"]
    with pytest.raises(Unavailable, match="404"):
        feed.poll(FeedState(), NOW)


def test_pictures_of_a_sitemap_are_not_its_articles(server: FeedServer) -> None:
    picture = "<image:image><image:loc>https://n.example/p.jpg</image:loc><image:title>A picture"
    picture += "</image:title></image:image>"
    news = "<news:news><news:title>Acme & Bolt merge</news:title></news:news>"
    link = "<loc>https://n.example/1</loc>"
    # nobody declared the prefix of the pictures, and & is no XML
    server.routes["/a"] = body(
        sitemap(f"<url>{link}{news}{picture}</url>", f"<url>{picture}{link}{news}</url>")
    )
    (document,) = opened(server, "sitemap").poll(FeedState(), NOW).documents
    assert (document.title, document.url) == ("Acme & Bolt merge", "https://n.example/1")


def test_an_address_stands_for_a_title_until_the_page_gives_one(server: FeedServer) -> None:
    server.routes["/story-of-acme"] = body(PAGE)
    server.routes["/a"] = body(sitemap(f"<url><loc>{server.url('/story-of-acme')}</loc></url>"))
    feed = opened(server, "sitemap", full_text=True)
    found = feed.poll(FeedState(), NOW).documents
    assert [document.title for document in found] == ["story of acme"]
    (document,) = feed.complete(found)
    assert (document.title, document.text) == ("Acme recalls anvils", FAR)


def test_tickers_of_a_news_sitemap_are_subjects(server: FeedServer) -> None:
    news = (
        "<url><loc>https://n.example/1</loc><news:news><news:title>A</news:title>"
        "<news:stock_tickers>NASDAQ:AAPL, NYSE:T</news:stock_tickers></news:news></url>"
    )
    server.routes["/a"] = body(sitemap(news))
    (document,) = opened(server, "sitemap").poll(FeedState(), NOW).documents
    assert document.subjects == ("AAPL", "T")


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE urlset [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;"><!ENTITY f SYSTEM "file:///etc/passwd">]><urlset><url>
<loc>https://n.example/1</loc><title>News &c;&f;</title></url></urlset>"""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (body(gzip.compress(bytes(60_000_000))), "longer than|not a sitemap"),
        (gzipped(bytes(60_000_000)), "longer than"),
        (body(b"<html><body>Forbidden"), "not a sitemap"),
        (body(b""), "not a sitemap"),
        (body(b"<urlset>" + b"<url>" * 100_000), "tags inside each other"),
        (body(b"\x1f\x8bnot gzip"), "damaged"),
    ],
)
def test_a_hostile_sitemap_is_refused(server: FeedServer, answer: Any, reason: str) -> None:
    server.routes["/a"] = answer
    with pytest.raises(Unavailable, match=reason):
        opened(server, "sitemap").poll(FeedState(), NOW)


def test_entities_of_a_sitemap_tell_nothing(server: FeedServer) -> None:
    server.routes["/a"] = body(LAUGHS)
    for document in opened(server, "sitemap").poll(FeedState(), NOW).documents:
        assert "root:" not in document.body
        assert "haha" not in document.body


def test_an_index_leads_to_no_other_place_of_the_own_network(server: FeedServer) -> None:
    index = "<sitemap><loc>http://127.0.0.1:9/news.xml</loc></sitemap>"
    server.routes["/a"] = body(sitemap(index, root="sitemapindex"))
    with pytest.raises(Unavailable, match="loopback"):
        opened(server, "sitemap").poll(FeedState(), NOW)


LIST = b"""<html lang=en><body><nav><a href=/about>About</a></nav><ul class=news>
<li><h3><a href=/1>Acme falls</a></h3><p class=sum>It fell.</p>
<time datetime=2026-03-08T10:00:00Z>Sunday</time></li>
<li><h3><a href=/2>Acme rises</a></h3><p class=sum>It rose.</p><span class=d>March 9, 2026</span>
</li></ul></body></html>"""


def test_a_list_is_read_by_its_selectors(server: FeedServer) -> None:
    server.routes["/a"] = body(LIST)
    select = {"item": "ul.news > li", "text": "p.sum", "time": "time@datetime, .d"}
    feed = opened(server, "listing", options={"select": {**select, "time": "time@datetime"}})
    first, second = feed.poll(FeedState(), NOW).documents
    assert (first.title, first.text, first.url) == ("Acme falls", "It fell.", server.url("/1"))
    assert (first.published_at.hour, first.lang) == (10, "en")
    assert (second.title, second.published_at) == ("Acme rises", NOW)


def test_a_list_whose_selector_finds_nothing_says_so(server: FeedServer) -> None:
    server.routes["/a"] = body(b"<html><body><p>All new.</p></body></html>")
    with pytest.raises(Unavailable, match=r"'li\.story' finds nothing"):
        opened(server, "listing", options={"select": {"item": "li.story"}}).poll(FeedState(), NOW)


@pytest.mark.parametrize(
    ("keys", "line", "reason"),
    [
        ("kind: json, preset: myspace", 1, "preset: 'myspace' is not one of"),
        ("kind: json, fields: {title: a b}", 1, "fields: title: 'a b' is no path"),
        ("kind: rss, preset: reddit", 1, "preset: is no key of the kind rss"),
        ("kind: listing", 1, "select: item is needed"),
        ("kind: listing, select: {item: 'li['}", 1, "select: item: "),
        ("kind: listing, select: {item: li, colour: p}", 1, "select: colour: is not one of"),
        ("kind: telex", 1, "kind: 'telex' is not one of rss, page, sitemap"),
    ],
)
def test_keys_that_only_a_kind_knows_are_checked_with_their_line(
    keys: str, line: int, reason: str
) -> None:
    text = f"feeds: [{{name: a, url: 'https://n.example/', {keys}}}]"
    with pytest.raises(ConfigurationError, match=f"^feeds.yaml:{line}: {reason}"):
        parse_feeds(text)


def test_a_source_of_each_kind_is_read_from_the_file() -> None:
    file = parse_feeds(
        """
feeds:
  - {name: a, kind: json, preset: hackernews, url: "https://hn.algolia.com/api/v1/search_by_date"}
  - {name: b, kind: jsonl, url: "file:///data/posts.jsonl"}
  - {name: c, kind: kafka, url: "kafka:///posts", fields: {title: t}}
  - {name: d, kind: listing, url: "https://n.example/", select: {item: li}}
  - {name: e, kind: sitemap, url: "https://n.example/news.xml", full_text: true}
"""
    )
    assert [source.kind for source in file.sources] == [
        "json", "jsonl", "kafka", "listing", "sitemap",
    ]  # fmt: skip
    assert file.sources[0].options == {"preset": "hackernews"}
    with pytest.raises(ConfigurationError, match="only http and https"):
        parse_feeds("feeds: [{name: a, url: 'file:///etc/passwd'}]")


class Telex(Feed):
    """A kind that another package brings."""

    def __init__(self, source: SourceConfig, fetcher: object) -> None:
        self.source = source

    def poll(self, state: FeedState, now: datetime) -> Poll:
        return Poll(documents=(), state=state)


def test_a_kind_of_another_package_is_one_class_with_a_poll(server: FeedServer) -> None:
    point = EntryPoint("telex", f"{__name__}:Telex", "bellwether.feeds")
    feed = loaded(point)(SourceConfig(name="a", kind="telex", url="telex:1"), Fetcher())
    assert feed.complete(feed.poll(FeedState(), NOW).documents) == ()


@pytest.mark.parametrize("value", ["nowhere:Telex", f"{__name__}:NOW"])
def test_a_package_that_brings_no_kind_is_named(value: str) -> None:
    with pytest.raises(ConfigurationError, match="kind 'telex'"):
        loaded(EntryPoint("telex", value, "bellwether.feeds"))
