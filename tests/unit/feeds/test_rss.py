import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents import Document, document_id, validated
from pipeline.errors import Unavailable
from pipeline.feeds.feed import FeedState, SourceConfig
from pipeline.feeds.fetch import Fetcher, Limits, Page
from pipeline.feeds.formats import read_items
from pipeline.feeds.items import documents_of
from pipeline.feeds.rss import RssFeed
from pipeline.feeds.xml_mending import mended
from pipeline.wire import DOCUMENTS
from tests.unit.feeds.samples import sample_feed
from tests.unit.feeds.server import FeedServer, body, item, rss, serving, status

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
URL = "https://news.example/feeds/top.xml"
SOURCE = SourceConfig(name="example", url=URL, publisher="Example News")


def read(content: bytes, source: SourceConfig = SOURCE, url: str = URL) -> tuple[Document, ...]:
    page = Page(url=url, content=content)
    return documents_of(read_items(page), page, source, NOW)[0]


def one(fields: str, source: SourceConfig = SOURCE) -> Document:
    (document,) = read(rss(f"<item>{fields}</item>"), source)
    return document


# What each sample holds: documents, and of the first its title, address and time.
SAMPLES = {
    "cnbc.xml": (
        30,
        "Oil surges above $100 a barrel; Trump says 'small price to pay' for defeating Iran",
        "https://www.cnbc.com/2026/03/08/crude-oil-prices-today-iran-war.html",
        datetime(2026, 3, 8, 23, 58, 37, tzinfo=UTC),
    ),
    "google.xml": (
        100,
        "Canada's labor market dips sharply in February, unemployment rate up",
        "https://news.google.com/rss/articles/",
        datetime(2026, 3, 13, 12, 33, 3, tzinfo=UTC),
    ),
    "nytimes.xml": (
        50,
        "Oil Prices Surge Above $100 a Barrel for the First Time in Almost Four Years",
        "https://www.nytimes.com/2026/03/08/business/energy-environment/",
        datetime(2026, 3, 8, 23, 24, 20, tzinfo=UTC),
    ),
    "medium-feed.xml": (
        3,
        "Koszty tranzycji medycznej",
        "https://ameliakusiak.medium.com/koszty-tranzycji-medycznej-16f4e8603a33",
        datetime(2023, 3, 19, 14, 6, 34, tzinfo=UTC),
    ),
    "atom-feed-standard-realworld.xml": (
        38,
        "In a major boost to Democrats, Manchin and Schumer announce deal for energy and health"
        " care bill - CNN",
        "https://news.google.com/__i/rss/rd/articles/",
        datetime(2022, 7, 28, 2, 43, tzinfo=UTC),
    ),
    "rss-feed-standard-realworld.xml": (
        38,
        "In a major boost to Democrats, Manchin and Schumer announce deal for energy and health"
        " care bill",
        "https://news.google.com/__i/rss/rd/articles/",
        datetime(2022, 7, 28, 2, 43, tzinfo=UTC),
    ),
    "rdf-standard.xml": (
        3,
        "SpaceX Working With Cloudflare To Speed Up Starlink Service",
        "https://tech.slashdot.org/story/23/08/23/2238246/",
        datetime(2023, 8, 24, 7, tzinfo=UTC),
    ),
    "rss-feed-miss-link.xml": (
        175,
        "Introduction to Graph Machine Learning",
        "https://huggingface.co/blog/intro-graphml",
        datetime(2023, 1, 3, tzinfo=UTC),
    ),
    "json-feed-standard-realworld.json": (
        10,
        "The line-up for dConstruct 2022 …revealed!",
        "https://adactio.com/journal/19317",
        datetime(2022, 7, 26, 13, 1, 1, tzinfo=UTC),
    ),
    "koi8r.xml": (
        2,
        "Первая новость",
        "http://example.com/post1",
        datetime(2026, 2, 15, 10, tzinfo=UTC),
    ),
    # neither links nor dates: where and when it was read stand in
    "invalid-prolog.xml": (1, "Café", URL, NOW),
    "utf8-incorrect-prolog.xml": (1, "Café", URL, NOW),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_feed_gives_documents_with_id_title_url_and_time(name: str) -> None:
    count, title, url, at = SAMPLES[name]
    documents = read(sample_feed(name))
    assert len(documents) == count
    first = documents[0]
    assert (first.title, first.published_at) == (title, at)
    assert (first.url or "").startswith(url)
    assert len({document.id for document in documents}) == count
    for document in documents:
        assert document.title
        assert (document.url or "").startswith("http")
        assert document.fetched_at == NOW
        assert "<" not in (document.text or "")[:1]
        # the next stage takes it, with this very id, and it comes back from the wire
        assert validated(document, NOW).id == document.id == document_id(document)
        assert DOCUMENTS.decode(DOCUMENTS.encode(document).value) == document


def test_a_feed_without_items_gives_none() -> None:
    assert read(sample_feed("windows-1252.xml")) == ()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "something else"),
        (b"<html><body>Forbidden</body></html>", "an HTML page"),
        (b"<!doctype html><HTML lang=en>Please accept cookies", "an HTML page"),
        (b'{"error": "no"}', "other JSON"),
        (b'{"version": ', "broken JSON"),
        (b"{" * 100_000, "broken JSON"),
        (b"[" * 100_000, "something else"),
        (b"\x89PNG\r\n\x1a\n\0\0", "something else"),
        (b"/etc/passwd", "something else"),
        (b"http://127.0.0.1/", "something else"),
    ],
)
def test_what_is_no_feed_is_unavailable_with_what_it_is(content: bytes, what: str) -> None:
    with pytest.raises(Unavailable, match=what):
        read(content)


def test_broken_xml_still_gives_the_items_before_the_break() -> None:
    content = rss(item("1"), item("2", "A &nbsp; B & C")).removesuffix(b"</channel></rss>")
    titles = [document.title for document in read(content)]
    assert titles[0] == "Shares of Acme fall"
    assert len(titles) == 2


def test_the_id_follows_source_and_guid_alone() -> None:
    first = one("<guid>7</guid><title>Old</title><link>https://a.example/1</link>")
    edited = one("<guid>7</guid><title>New</title><link>https://a.example/2</link>")
    assert first.id == edited.id
    other = SourceConfig(name="other", url=URL)
    assert one("<guid>7</guid><title>Old</title>", other).id != first.id
    assert first.extra["guid"] == "7"


def test_an_item_without_guid_is_known_by_its_link_and_one_without_both_by_its_words() -> None:
    link = "<title>Old</title><link>https://a.example/1</link>"
    assert one(link).id == one(link.replace("Old", "New")).id
    words = read(rss("<item><title>A</title></item>", "<item><title>B</title></item>"))
    assert words[0].id != words[1].id
    assert words[0].id == one("<title>A</title><pubDate>Sun, 08 Mar 2026 10:00 GMT</pubDate>").id


def test_an_item_that_comes_twice_is_one_document() -> None:
    assert len(read(rss(item("1"), item("2"), item("1")))) == 2


@pytest.mark.parametrize("guid", ["", "<guid>https://news.example/live</guid>"])
def test_items_that_share_one_link_are_told_apart_by_their_words(guid: str) -> None:
    lines = [
        f"<item>{guid}<title>Acme {n}</title><link>https://news.example/live</link></item>"
        for n in range(3)
    ]
    documents = read(rss(*lines))
    assert [document.title for document in documents] == ["Acme 0", "Acme 1", "Acme 2"]
    assert {document.url for document in documents} == {"https://news.example/live"}
    # and are the same ones at the next poll, whatever their order
    again = read(rss(*reversed(lines)))
    assert {one.id for one in again} == {one.id for one in documents}


def test_a_guid_that_leads_to_several_articles_names_none_of_them() -> None:
    lines = [
        f"<item><guid>0</guid><title>Acme {n}</title><link>https://news.example/{n}</link></item>"
        for n in range(2)
    ]
    both, first = read(rss(*lines)), read(rss(lines[0].replace("<guid>0</guid>", "")))
    assert [document.title for document in both] == ["Acme 0", "Acme 1"]
    assert both[0].id == first[0].id


def test_two_editions_of_one_entry_are_one_document() -> None:
    entry = "<item><guid>7</guid><title>{}</title><link>https://news.example/7</link></item>"
    assert len(read(rss(entry.format("Acme falls"), entry.format("Acme falls 5%")))) == 1


def test_the_home_page_is_no_items_own_link() -> None:
    home = "<link>https://news.example/</link>"
    first, second = one(f"<title>Acme</title>{home}"), one(f"<title>Bolt</title>{home}")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("R&D at AT&T, P&L; &nbsp;M&A", "R&D at AT&T, P&L; M&A"),
        ("Caf&eacute; &mdash; 5&thinsp;&euro;", "Café — 5 €"),
        ("&amp;amp; &lt;5% &#8217;&#x2019;", "& <5% ’’"),
        ("<![CDATA[R&D <b>&eacute;</b>]]>", "R&D é"),
        ("x &unknown; y", "x &unknown; y"),
    ],
)
def test_ampersands_and_names_that_xml_lacks_are_read_as_they_are_meant(
    written: str, title: str
) -> None:
    assert one(f"<guid>1</guid><title>{written}</title>").title == title


def test_ampersands_in_what_is_never_closed_cost_no_time() -> None:
    for part in ("<![CDATA[ & ]]>", "<!-- & -->", "<![CDATA[ & ", "<!-- & "):
        text = "<rss>" + part * 40_000
        began = time.process_time()
        mended(text)
        assert time.process_time() - began < 2


def test_a_json_feed_states_authors_and_language_for_all_or_for_one() -> None:
    items = [{"id": "1", "title": "Acme"}, {"id": "2", "title": "Bolt", "language": "fr"}]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "language": "en",
        "authors": [{"name": "Jane Doe"}],
        "items": items,
    }
    documents = read(json.dumps(feed).encode())
    assert [(one.author, one.lang) for one in documents] == [("Jane Doe", "en"), ("Jane Doe", "fr")]


def test_an_item_that_says_nothing_is_skipped_and_counted() -> None:
    content = rss("<item><guid>1</guid></item>", item("2"))
    page = Page(url=URL, content=content)
    documents, skipped = documents_of(read_items(page), page, SOURCE, NOW)
    assert (len(documents), skipped) == (1, 1)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://a.example/x?a=1&amp;b=2", "https://a.example/x?a=1&b=2"),
        ("/story/1", "https://news.example/story/1"),
        ("story/1", "https://news.example/feeds/story/1"),
        ("//cdn.example/1", "https://cdn.example/1"),
        ("\n  https://a.example/\n  x ", "https://a.example/x"),
        # not an address to show: the feed's own home page stands in
        ("javascript:alert(1)", "https://news.example/"),
        ("file:///etc/passwd", "https://news.example/"),
        ("https://[bad", "https://news.example/"),
        ("", "https://news.example/"),
    ],
)
def test_a_link_becomes_an_absolute_web_address(link: str, url: str) -> None:
    assert one(f"<title>News</title><link>{link}</link>").url == url


def test_the_time_is_published_else_updated_else_when_it_was_fetched() -> None:
    published, updated = "2026-03-08T10:00:00Z", "2026-03-08T11:00:00Z"
    atom = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>A</title>{}</entry></feed>"

    def at(dates: str) -> tuple[datetime, object]:
        (document,) = read(atom.format(dates).encode())
        return document.published_at, document.extra["dated"]

    both = f"<published>{published}</published><updated>{updated}</updated>"
    assert at(both) == (datetime(2026, 3, 8, 10, tzinfo=UTC), "published")
    assert at(f"<updated>{updated}</updated>") == (
        datetime(2026, 3, 8, 11, tzinfo=UTC),
        "updated",
    )
    assert at(f"<published>soon</published><updated>{updated}</updated>")[1] == "updated"
    assert at("<published>soon</published>") == (NOW, "fetched")


def test_a_date_without_zone_is_in_the_zone_of_the_source() -> None:
    chinese = SourceConfig(name="zh", url=URL, zone="Asia/Shanghai")
    document = one("<title>上证指数下跌</title><pubDate>2026-03-08 10:00:00</pubDate>", chinese)
    assert document.published_at == datetime(2026, 3, 8, 2, tzinfo=UTC)


def test_title_and_text_lose_their_markup_and_keep_paragraphs() -> None:
    document = one(
        "<title>AT&amp;amp;T &lt;b&gt;falls&lt;/b&gt;</title>"
        "<description>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two &amp;amp; three.&lt;/p&gt;</description>"
    )
    assert document.title == "AT&T falls"
    assert document.text == "One.\nTwo & three."


def test_the_fullest_text_is_taken() -> None:
    document = one(
        "<title>A</title><description>Teaser</description><content:encoded xmlns:content="
        "'http://purl.org/rss/1.0/modules/content/'><![CDATA[<p>The whole article.</p>]]>"
        "</content:encoded>"
    )
    assert document.text == "The whole article."


def test_a_text_that_only_repeats_the_title_is_left_out() -> None:
    document = one(
        "<title>Shares of Acme fall - Reuters</title>"
        "<source url='https://r.example'>Reuters</source><description>"
        "&lt;a&gt;Shares of Acme fall&lt;/a&gt;&amp;nbsp;Reuters</description>"
    )
    assert document.text is None
    # and the aggregator's suffix goes, so that copies tell the same story
    assert (document.title, document.publisher) == ("Shares of Acme fall", "Reuters")


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("Jane Doe", "Jane Doe"),
        ("jane@news.example (Jane Doe)", "Jane Doe"),
        ("jane.doe@news.example", "jane.doe"),
        ("Jane Doe &lt;jane@news.example&gt;", "Jane Doe"),
        ("Jane Doe (jane@news.finance)", "Jane Doe"),
        ("&lt;b&gt;Jane&lt;/b&gt; Doe", "Jane Doe"),
        ("", None),
    ],
)
def test_the_author_is_a_name(author: str, name: str | None) -> None:
    assert one(f"<title>A</title><author>{author}</author>").author == name


def test_the_source_file_says_publisher_family_tier_and_language() -> None:
    source = SourceConfig(
        name="x", url=URL, publisher="CNBC", publisher_family="NBCUniversal", tier=1, lang="zh"
    )
    document = one("<title>A</title>", source)
    assert document.source == "rss:x"
    assert (document.publisher, document.lang) == ("CNBC", "zh")
    assert document.extra["publisher_family"] == "NBCUniversal"
    assert document.extra["tier"] == 1
    # without a word in the file the feed's own stands
    assert one("<title>A</title>").lang == "en"


def test_an_overlong_text_is_cut_below_a_brokers_record_limit() -> None:
    (document,) = read(
        rss(f"<item><title>{'t' * 5000}</title><description>{'股' * 300_000}</description></item>")
    )
    assert len(DOCUMENTS.encode(document).value) < 500_000


LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "{laugh}">{entities}]>
<rss version="2.0"><channel><item><title>News &z;</title></item></channel></rss>"""


def hostile(name: str) -> bytes:
    return {
        "billion laughs": LAUGHS.format(
            laugh="ha" * 10,
            entities="".join(
                f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(25)
            ),
        ).encode(),
        "quadratic entities": LAUGHS.format(laugh="x" * 100_000, entities="")
        .replace("&z;", "&a;" * 20_000)
        .encode(),
        "outside entity": b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY z SYSTEM
            "file:///etc/passwd">]><rss version="2.0"><channel><item><title>News &z;</title>
            </item></channel></rss>""",
        "deep nesting": rss("<item><title>News</title>" + "<a>" * 100_000),
        "many attributes in broken xml": rss(
            "<item><title>News & more</title><x "
            + " ".join(f'a{n}="1"' for n in range(50_000))
            + "/></item>"
        ),
        "many attributes": rss(
            "<item><title>News</title><x "
            + " ".join(f'a{n}="1"' for n in range(50_000))
            + "/></item>"
        ),
        "open tags": rss("<item><title>News</title><description>" + "&lt;" * 200_000),
        "open comments": rss("<item><title>News</title><description>" + "&lt;!--" * 100_000),
        "many items": rss(*(f"<item><title>{n}</title></item>" for n in range(20_000))),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "billion laughs",
        "quadratic entities",
        "outside entity",
        "deep nesting",
        "many attributes",
        "many attributes in broken xml",
        "open tags",
        "open comments",
        "many items",
    ],
)
def test_a_hostile_feed_costs_little_and_tells_nothing(name: str) -> None:
    content = hostile(name)
    began = time.process_time()
    try:
        documents = read(content)
    except Unavailable:
        documents = ()
    # generous: the point is seconds instead of hours
    assert time.process_time() - began < 10
    assert len(documents) <= 1000
    for document in documents:
        assert "root:" not in document.body
        assert len(document.body) < 120_000


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    try:
        read(b"<rss version='2.0'><channel><item><title>A</title>" + content)
    except Unavailable as error:
        assert error.what


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as running:
        yield running


def local_feed(server: FeedServer, path: str) -> RssFeed:
    source = SourceConfig(name="local", url=server.url(path), allow_private=True)
    return RssFeed(source, Fetcher(Limits(host_gap=timedelta(0))))


def test_a_poll_remembers_the_validators_and_the_next_one_uses_them(server: FeedServer) -> None:
    server.routes["/feed"] = body(rss(item("1")), ETag='"v1"', Last_Modified="yesterday")
    feed = local_feed(server, "/feed")
    first = feed.poll(FeedState(), NOW)
    assert len(first.documents) == 1
    assert first.state == FeedState(etag='"v1"', last_modified="yesterday")
    server.routes["/feed"] = status(304)
    second = feed.poll(first.state, NOW)
    assert second.unchanged
    assert (second.documents, second.state) == ((), first.state)
    assert server.requests[-1][1]["if-none-match"] == '"v1"'


def test_links_are_resolved_against_where_the_feed_moved_to(server: FeedServer) -> None:
    server.routes["/old"] = status(301, Location="/new/feed")
    server.routes["/new/feed"] = body(rss("<item><title>A</title><link>story</link></item>"))
    (document,) = local_feed(server, "/old").poll(FeedState(), NOW).documents
    assert document.url == server.url("/new/story")
