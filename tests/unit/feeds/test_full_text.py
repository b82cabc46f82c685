import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from pipeline.documents import Document
from pipeline.errors import Unavailable
from pipeline.feeds.feed import FeedState, SourceConfig
from pipeline.feeds.fetch import Fetcher, Limits
from pipeline.feeds.full_text import FullText
from pipeline.feeds.kinds import open_feed
from pipeline.feeds.page import PageFeed
from pipeline.feeds.rss import RssFeed
from tests.unit.feeds.samples import sample_page
from tests.unit.feeds.server import FeedServer, body, gzipped, redirect, rss, serving, status

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
QUICK = Limits(host_gap=timedelta(0), read_seconds=0.5, total_seconds=2, max_bytes=3_000_000)
FAR = "Acme said on Monday that it would recall forty thousand anvils from all of its dealers."
PAGE = (
    "<html><head><title>Acme recalls anvils</title><meta name=author content='Jane Doe'>"
    "<meta property='article:published_time' content='2026-03-08T23:58:37Z'></head><body>"
    f"<article><h1>Acme recalls anvils</h1><p>{FAR}</p></article></body></html>"
).encode()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as running:
        yield running


def item(link: str, text: str = "A teaser.", date: str = "") -> str:
    return (
        f"<item><title>Acme recalls anvils</title><link>{link}</link>"
        f"<description>{text}</description>{date}</item>"
    )


def completed(server: FeedServer, *items: str) -> list[Document]:
    server.routes["/feed"] = body(rss(*items))
    source = SourceConfig(name="a", url=server.url("/feed"), allow_private=True, full_text=True)
    feed = open_feed(source, Fetcher(QUICK))
    return list(feed.complete(feed.poll(FeedState(), NOW).documents))


def test_an_item_is_completed_with_the_text_author_and_time_of_its_page(
    server: FeedServer,
) -> None:
    server.routes["/story"] = body(PAGE)
    (document,) = completed(server, item("/story"))
    assert (document.text, document.author) == (FAR, "Jane Doe")
    assert document.published_at == datetime(2026, 3, 8, 23, 58, 37, tzinfo=UTC)
    assert (document.extra["dated"], document.extra["full_text"]) == ("page", "page")


def test_the_items_own_time_comes_before_the_pages(server: FeedServer) -> None:
    server.routes["/story"] = body(PAGE)
    date = "<pubDate>Sun, 08 Mar 2026 10:00:00 GMT</pubDate>"
    (document,) = completed(server, item("/story", date=date))
    assert document.published_at == datetime(2026, 3, 8, 10, tzinfo=UTC)
    assert document.extra["dated"] == "published"


def test_completing_changes_no_id_and_keeps_a_fuller_text_of_the_feed(server: FeedServer) -> None:
    server.routes["/story"] = body(PAGE)
    fuller = "The whole of the article, as the feed has it already. " * 5
    server.routes["/feed"] = body(rss(item("/story", fuller)))
    source = SourceConfig(name="a", url=server.url("/feed"), allow_private=True)
    fetcher = Fetcher(QUICK)
    plain = RssFeed(source, fetcher)
    (before,) = plain.poll(FeedState(), NOW).documents
    (after,) = FullText(plain, fetcher).complete([before])
    assert (after.id, after.text) == (before.id, fuller.strip())


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.end_headers()
    while True:
        request.wfile.write(b"<p>and more " * 1_000)


def test_a_page_that_cannot_be_read_leaves_the_item_as_it_is_and_says_why(
    server: FeedServer,
) -> None:
    def silent(request: BaseHTTPRequestHandler) -> None:
        server.closing.wait(30)

    server.routes |= {
        "/silent": silent,
        "/refused": body(b"<title>Access denied</title><h1>Access denied</h1>"),
        "/shell": body(b"<title>News</title><div id=root></div><script></script>"),
        "/failed": status(500),
        "/bomb": gzipped(bytes(50_000_000)),
        "/endless": endless,
        "/metadata": redirect("http://169.254.169.254/latest/meta-data/"),
        "/inside": redirect("http://127.0.0.1:9/admin"),
        "/loop": redirect("/loop"),
        "/image": body(b"\x89PNG\r\n\x1a\n\0\0"),
    }
    paths = {
        "/refused": "a refusal",
        "/shell": "a script would fill",
        "/failed": "HTTP 500",
        "/bomb": "longer than",
        "/endless": "longer than",
        "/metadata": "a metadata service",
        "/inside": "a loopback address",
        "/loop": "redirects",
        "/image": "not an HTML page",
        "/silent": "no answer in time",
        "http://127.0.0.1:9/": "a loopback address",
        "http://localhost:9/": "a loopback address",
        "http://[::1]:9/": "a loopback address",
        "": "names no page",
    }
    documents = completed(server, *(item(path) for path in paths))
    # one without a link is known by its words, the others by their links
    assert len(documents) == len(paths)
    for document, reason in zip(documents, paths.values(), strict=True):
        assert document.text == "A teaser."
        assert reason in str(document.extra["full_text"]), document.url


def test_what_there_is_no_time_for_has_its_turn_at_the_next_poll(server: FeedServer) -> None:
    server.routes |= {
        "/1": body(PAGE),
        "/2": body(PAGE),
        "/feed": body(rss(item("/1"), item("/2"))),
    }
    source = SourceConfig(name="a", url=server.url("/feed"), allow_private=True)
    fetcher = Fetcher(QUICK)
    minutes = iter(range(0, 1_000, 60))
    feed = FullText(RssFeed(source, fetcher), fetcher, clock=lambda: float(next(minutes)))
    documents = feed.poll(FeedState(), NOW).documents
    assert [document.url for document in feed.complete(documents)] == [server.url("/1")]
    assert [document.url for document in feed.complete(documents[1:])] == [server.url("/2")]


def page_feed(server: FeedServer, path: str, publisher: str | None = None) -> PageFeed:
    source = SourceConfig(
        name="p", kind="page", url=server.url(path), allow_private=True, publisher=publisher
    )
    return PageFeed(source, Fetcher(QUICK))


def test_a_page_is_one_document_which_stays_the_same_one(server: FeedServer) -> None:
    server.routes["/story"] = body(PAGE, ETag='"1"', Last_Modified="yesterday")
    feed = page_feed(server, "/story")
    poll = feed.poll(FeedState(), NOW)
    (first,) = poll.documents
    assert (first.title, first.text) == ("Acme recalls anvils", FAR)
    assert (first.source, first.url) == ("page:p", server.url("/story"))
    server.routes["/story"] = body(PAGE.replace(b"forty", b"fifty"))
    (second,) = feed.poll(poll.state, NOW).documents
    assert server.requests[-1][1]["if-none-match"] == '"1"'
    assert second.id == first.id
    assert second.text != first.text
    server.routes["/story"] = status(304)
    assert feed.poll(poll.state, NOW).unchanged


def test_a_page_without_a_time_is_dated_by_the_header_else_by_when_it_was_fetched(
    server: FeedServer,
) -> None:
    undated = PAGE.replace(b"article:published_time", b"x")
    server.routes["/1"] = body(undated, Last_Modified="Sun, 08 Mar 2026 10:00:00 GMT")
    server.routes["/2"] = body(undated)
    (first,) = page_feed(server, "/1").poll(FeedState(), NOW).documents
    (second,) = page_feed(server, "/2").poll(FeedState(), NOW).documents
    assert (first.published_at.hour, first.extra["dated"]) == (10, "header")
    assert (second.published_at, second.extra["dated"]) == (NOW, "fetched")


def test_a_refusal_is_no_document_but_an_error_with_its_reason(server: FeedServer) -> None:
    server.routes["/story"] = body(b"<title>403 Forbidden</title><h1>Forbidden</h1>")
    with pytest.raises(Unavailable, match="a refusal: “Forbidden”"):
        page_feed(server, "/story").poll(FeedState(), NOW)


def test_the_operators_name_of_a_publisher_goes_before_the_pages(server: FeedServer) -> None:
    content = sample_page("fundus__CNBC_2023_04_28.html.gz")
    server.routes["/story"] = body(gzip.compress(content), Content_Encoding="gzip")
    (own,) = page_feed(server, "/story").poll(FeedState(), NOW).documents
    (given,) = page_feed(server, "/story", "CNBC Europe").poll(FeedState(), NOW).documents
    assert (own.publisher, given.publisher) == ("CNBC", "CNBC Europe")
