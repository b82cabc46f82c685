import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents import Document, validated
from pipeline.errors import ConfigurationError, Unavailable
from pipeline.feeds import json_paths
from pipeline.feeds.feed import FeedState, SourceConfig
from pipeline.feeds.fetch import Fetcher, Limits, Page
from pipeline.feeds.guess import guess_kind
from pipeline.feeds.json_feed import JsonFeed
from pipeline.feeds.jsonl import JsonlFeed
from pipeline.feeds.mapping_options import mapping_of
from pipeline.feeds.presets import recognised
from pipeline.wire import DOCUMENTS
from tests.unit.feeds.samples import sample_post
from tests.unit.feeds.server import FeedServer, body, serving, status

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as running:
        yield running


def answered(server: FeedServer, value: Any, options: Mapping[str, Any]) -> tuple[Document, ...]:
    server.routes["/api"] = body(value if isinstance(value, bytes) else json.dumps(value).encode())
    return opened(server, options).poll(FeedState(), NOW).documents


def opened(server: FeedServer, options: Mapping[str, Any], path: str = "/api") -> JsonFeed:
    source = SourceConfig(
        name="a", kind="json", url=server.url(path), allow_private=True, options=options
    )
    return JsonFeed(source, Fetcher(Limits(host_gap=timedelta(0))))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a", ["x"]),
        ("b.c", [1]),
        ("d[].e", [1, 2]),
        ("d[1].e", [2]),
        ("d[9].e", []),
        ("f", ["p", "q"]),
        ("none | empty | a", ["x"]),
        ("https://x.example/{b.c}", ["https://x.example/1"]),
        ("{none}", []),
        ("{g/1}", ["two"]),
        ("{g/7}", []),
        ("d.e", []),
        ("a.b", []),
    ],
)
def test_a_path_leads_to_values(path: str, values: list[Any]) -> None:
    record = {
        "a": "x",
        "b": {"c": 1},
        "d": [{"e": 1}, {"e": 2}],
        "f": ["p", "q"],
        "empty": "",
        "g": "one/two",
    }
    assert json_paths.found(record, path) == values


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "text", "body", "uri", "record"]), inner, max_size=3), max_leaves=12))  # fmt: skip # noqa: E501
def test_no_value_breaks_a_preset(value: Any) -> None:
    recognised(value)


def test_stocktwits_messages_are_documents_with_their_symbols() -> None:
    content = sample_post("AAPL_20260531_184122_raw.jsonl")
    assert guess_kind(Page(url="x", content=content)) == ("jsonl", {})
    source = SourceConfig(name="s", kind="jsonl", url="file:///s")

    class File:
        def fetch(self, url: str, **asked: Any) -> Page:
            return Page(url=url, content=content)

    documents = JsonlFeed(source, File()).poll(FeedState(), NOW).documents
    assert len(documents) == len(content.splitlines())
    first = documents[0]
    assert first.author == "TheUltimatePayoff"
    assert first.url == "https://stocktwits.com/TheUltimatePayoff/message/654905976"
    assert first.published_at == datetime(2026, 5, 31, 18, 25, 42, tzinfo=UTC)
    assert {"AAPL", "AIXI"} <= set(first.subjects)
    assert all("&amp;" not in document.body for document in documents)
    assert all(validated(document, NOW).id == document.id for document in documents)


def test_a_stream_of_stocktwits_is_recognised_and_read(server: FeedServer) -> None:
    lines = sample_post("TSLA_20260531_184122_raw.jsonl").splitlines()
    answer = {
        "response": {"status": 200},
        "symbol": {"symbol": "TSLA", "title": "Tesla Inc"},
        "cursor": {"more": True, "since": 1, "max": 2},
        "messages": [json.loads(line) for line in lines],
    }
    assert recognised(answer) == "stocktwits"
    assert len(answered(server, answer, {"preset": "stocktwits"})) == len(lines)


def test_answers_of_hacker_news_are_stories_and_comments(server: FeedServer) -> None:
    replies = [one["reply"] for one in json.loads(sample_post("hackernews_algolia.json"))]
    searches = [reply for reply in replies if "hits" in reply]
    for reply in searches:
        assert recognised(reply) == "hackernews"
        (document,) = answered(server, reply, {"preset": "hackernews"})
        (hit,) = reply["hits"]
        assert document.author == hit["author"]
        assert document.published_at == datetime.fromtimestamp(hit["created_at_i"], UTC)
        assert document.title == " ".join((hit["title"] or hit["story_title"]).split())
        assert (document.url or "").startswith("http")
    # a user is no document
    users = [reply for reply in replies if "karma" in reply]
    assert users
    assert recognised(users[0]) is None


@pytest.mark.parametrize("name", ["post_record.json", "extended_post_record.json"])
def test_a_record_of_bluesky_is_a_document(name: str, server: FeedServer) -> None:
    content = sample_post(name)
    record = json.loads(content)
    assert guess_kind(Page(url="x", content=content)) == ("json", {"preset": "bluesky"})
    (document,) = answered(server, content, {"preset": "bluesky"})
    assert document.text == record["value"]["text"]
    repository, _, key = record["uri"].split("/")[2:]
    assert document.url == f"https://bsky.app/profile/{repository}/post/{key}"
    assert document.published_at.replace(tzinfo=None) == datetime.fromisoformat(
        record["value"]["createdAt"]
    ).replace(tzinfo=None)


POST = {"$type": "app.bsky.feed.post", "text": "$AAPL & co\nfall", "createdAt": "2026-05-01T10:00:00Z"}  # fmt: skip # noqa: E501
ANSWERS: list[tuple[str, Any, str, str]] = [
    (
        "bluesky",
        {"posts": [{"uri": "at://did:plc:x/app.bsky.feed.post/1", "author": {"handle": "a.b"},
                    "record": POST, "indexedAt": "2026-05-01T10:00:01Z"}], "cursor": "2"},
        "$AAPL & co\nfall",
        "https://bsky.app/profile/a.b/post/1",
    ),
    (
        "bluesky",
        {"did": "did:plc:x", "kind": "commit", "commit": {"rkey": "7", "record": POST}},
        "$AAPL & co\nfall",
        "https://bsky.app/profile/did:plc:x/post/7",
    ),
    (
        "mastodon",
        {"accounts": [], "statuses": [{"id": "1", "uri": "https://m.example/users/a/statuses/1",
         "url": "https://m.example/@a/1", "created_at": "2026-05-01T10:00:00.000Z",
         "account": {"acct": "a"}, "content": "<p>AT&amp;T</p><p>falls</p>", "language": "en"}]},
        "AT&T\nfalls",
        "https://m.example/@a/1",
    ),
    (
        "reddit",
        {"kind": "Listing", "data": {"after": "t3_b", "children": [{"kind": "t3", "data": {
            "name": "t3_a", "title": "Acme falls", "selftext": "It &amp; more.", "author": "u",
            "permalink": "/r/stocks/comments/a/acme/", "created_utc": 1777629600.0}}]}},
        "It & more.",
        "https://www.reddit.com/r/stocks/comments/a/acme/",
    ),
    (
        "common",
        {"status": "ok", "articles": [{"title": "Acme falls", "description": "It did.",
         "url": "https://n.example/1", "publishedAt": "2026-05-01T10:00:00Z",
         "source": {"name": "Example"}, "author": "Jane Doe"}]},
        "It did.",
        "https://n.example/1",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("preset", "answer", "text", "url"), ANSWERS)
def test_an_answer_is_recognised_by_its_shape(
    preset: str, answer: Any, text: str, url: str, server: FeedServer
) -> None:
    assert recognised(answer) == preset
    (document,) = answered(server, answer, {"preset": preset})
    assert (document.text, document.url) == (text, url)
    assert document.published_at == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_an_own_mapping_says_where_everything_is(server: FeedServer) -> None:
    options = {
        "items": "data.posts",
        "fields": {
            "id": "n",
            "title": "head",
            "url": "https://own.example/{n}",
            "published": "at",
            "subjects": "about[].ticker",
        },
        "extra": {"score": "score"},
    }
    post = {"n": 5, "head": "A", "at": 1777629600, "about": [{"ticker": "ACME"}], "score": 3}
    (document,) = answered(server, {"data": {"posts": [post, "no record"]}}, options)
    assert (document.title, document.url) == ("A", "https://own.example/5")
    assert document.published_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert document.subjects == ("ACME",)
    assert document.extra["score"] == 3


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"preset": "myspace"}, "preset: 'myspace' is not one of"),
        ({"fields": {"title": "a b"}}, "fields: title: 'a b' is no path"),
        ({"fields": {"headline": "a"}}, "fields: headline: is not one of"),
        ({"fields": {"id": "a"}}, "neither title nor text"),
        ({"fields": "title"}, "fields: names with paths"),
        ({"preset": "reddit", "items": "a b"}, "items: 'a b' is no path"),
        ({"preset": "reddit", "pages": 99}, "pages: 1 to 10"),
        ({"preset": "reddit", "next": {"param": "a"}}, "next: url, or param and cursor"),
        ({"preset": "reddit", "markup": "no"}, "markup: true or false"),
        ({"colour": "red"}, "colour: unknown key"),
    ],
)
def test_a_mapping_that_cannot_work_says_which_key(options: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        mapping_of(options)


def record(number: int) -> dict[str, Any]:
    return {"id": number, "title": f"Story {number}", "date": "2026-05-01T10:00:00Z"}


def test_further_pages_are_read_up_to_the_number_asked_for(server: FeedServer) -> None:
    pages = {"": 1, "2": 2, "3": 3}

    def answer(request: Any) -> None:
        page = pages[request.path.partition("page=")[2]]
        value = {"items": [record(page)], "next": str(page + 1)}
        body(json.dumps(value).encode())(request)

    server.routes["/api"] = answer
    options = {"preset": "common", "next": {"param": "page", "cursor": "next"}, "pages": 3}
    documents = opened(server, options, "/api").poll(FeedState(), NOW).documents
    assert [document.title for document in documents] == ["Story 1", "Story 2", "Story 3"]


@pytest.mark.parametrize("onward", ["http://169.254.169.254/", "http://127.0.0.1:9/", "/gone"])
def test_a_next_page_elsewhere_or_broken_ends_the_reading_quietly(
    server: FeedServer, onward: str
) -> None:
    server.routes["/gone"] = status(500)
    options = {"preset": "common", "next": {"url": "next"}, "pages": 5}
    assert len(answered(server, {"items": [record(1)], "next": onward}, options)) == 1
    assert not [path for path, _ in server.requests if path not in ("/api", "/gone", "/robots.txt")]


@pytest.mark.parametrize("content", [b"", b"<html>", b"[" * 100_000, b'{"a": ', b"\xff\xfe"])
def test_what_is_no_json_is_unavailable(server: FeedServer, content: bytes) -> None:
    with pytest.raises(Unavailable, match="not JSON"):
        answered(server, content, {"preset": "common"})


def test_broken_lines_are_skipped_and_counted() -> None:
    lines = [json.dumps(record(1)), "no record", "", json.dumps(record(2)), "[1]"]

    class File:
        def fetch(self, url: str, **asked: Any) -> Page:
            return Page(url=url, content="\n".join(lines).encode())

    poll = JsonlFeed(SourceConfig(name="s", kind="jsonl", url="-"), File()).poll(FeedState(), NOW)
    assert len(poll.documents) == 2
    assert poll.skipped == 2


@pytest.mark.parametrize("answer", [{"h": "Acme falls"}, [{"h": "Acme falls"}]])
def test_an_own_mapping_without_a_place_finds_records_at_the_top(
    server: FeedServer, answer: Any
) -> None:
    (document,) = answered(server, answer, {"fields": {"title": "h"}})
    assert document.title == "Acme falls"


@pytest.mark.parametrize(
    ("record", "title", "text"),
    [
        ({"id": 1, "title": {"rendered": "Acme &#8217;s"}, "content": {"rendered": "<p>a</p>b"},
          "date": "2026-03-08T10:00:00", "date_gmt": "2026-03-08T15:00:00"}, "Acme ’s", "a\nb"),
        ({"title": "Acme", "published_utc": "2026-03-08T15:00:00Z"}, "Acme", None),
        ({"title": "Acme", "summary": "falls", "time_published": "20260308T150000"}, "Acme",
         "falls"),
        ({"title": "茅台", "intro": "下跌", "ctime": "1772982000"}, "茅台", "下跌"),
    ],
)  # fmt: skip
def test_records_of_apis_nobody_described_are_read_by_the_names_in_use(
    server: FeedServer, record: Any, title: str, text: str | None
) -> None:
    (document,) = answered(server, {"results": [record]}, {"preset": "common"})
    assert (document.title, document.text) == (title, text)
    assert document.published_at == datetime(2026, 3, 8, 15, tzinfo=UTC)


def test_an_answer_that_is_an_error_is_one_and_an_empty_list_is_none(server: FeedServer) -> None:
    with pytest.raises(Unavailable, match=r"no records but error, key$"):
        answered(server, {"error": "wrong key hunter2", "key": "hunter2"}, {"preset": "hackernews"})
    assert answered(server, {"hits": [], "page": 0}, {"preset": "hackernews"}) == ()


def test_the_filings_of_a_company_are_rows_of_a_table(server: FeedServer) -> None:
    recent = {
        "accessionNumber": ["0000320193-26-000012", "0000320193-26-000011"],
        "acceptanceDateTime": ["2026-03-08T16:30:12.000Z", "2026-03-07T16:30:12.000Z"],
        "form": ["8-K", "10-Q"],
        "items": ["2.02,9.01", ""],
        "primaryDocDescription": ["RESULTS", "10-Q"],
    }
    company = {"cik": "320193", "name": "Apple Inc.", "tickers": ["AAPL"]}
    value = {**company, "filings": {"recent": recent, "files": []}}
    assert recognised(value) == "sec-company"
    first, second = answered(server, value, {"preset": "sec-company"})
    assert (first.title, first.text, first.subjects) == ("8-K: Apple Inc.", "RESULTS", ("AAPL",))
    assert first.url == "https://www.sec.gov/Archives/edgar/data/320193/0000320193-26-000012.txt"
    assert first.published_at == datetime(2026, 3, 8, 16, 30, 12, tzinfo=UTC)
    assert first.extra["items"] == "2.02,9.01"
    assert second.title == "10-Q: Apple Inc."


def test_half_a_character_in_one_record_holds_up_no_other(server: FeedServer) -> None:
    value = b'[{"id":"1\\ud83d","title":"Apple up"},{"id":"2","title":"cut here \\ud83d"}]'
    first, second = answered(server, value, {"fields": {"id": "id", "title": "title"}})
    assert (first.title, second.title) == ("Apple up", "cut here ?")
    for document in (first, second):
        DOCUMENTS.encode(document)


def test_pages_that_failed_are_asked_for_again(server: FeedServer) -> None:
    def answer(number: int) -> bytes:
        url = server.url(f"/api{number + 1}")
        items = [{"id": number, "title": f"Story {number}"}]
        return json.dumps({"next": url, "items": items}).encode()

    options = {
        "items": "items",
        "fields": {"id": "id", "title": "title"},
        "pages": 3,
        "next": {"url": "next"},
    }
    server.routes["/api"] = body(answer(1), ETag='"one"')
    server.routes["/api2"] = status(429)
    feed = opened(server, options)
    poll = feed.poll(FeedState(), NOW)
    assert [document.title for document in poll.documents] == ["Story 1"]
    server.routes["/api2"] = body(answer(2))
    server.routes["/api3"] = body(answer(3))
    again = feed.poll(poll.state, NOW)
    assert [document.title for document in again.documents] == ["Story 1", "Story 2", "Story 3"]
