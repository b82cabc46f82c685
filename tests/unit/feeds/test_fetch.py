import gzip
import socket
import time
import zlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from pipeline.errors import Unavailable
from pipeline.feeds.fetch import Fetcher, Limits, agent, wished
from tests.unit.feeds.server import FeedServer, body, gzipped, redirect, serving, status

NO_GAP = timedelta(0)
QUICK = Limits(
    connect_seconds=1,
    read_seconds=0.3,
    total_seconds=1,
    max_bytes=100_000,
    max_redirects=3,
    host_gap=NO_GAP,
)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as running:
        yield running


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(QUICK)


def local(fetcher: Fetcher, url: str, **options: Any) -> Any:
    return fetcher.fetch(url, allow_private=True, robots=False, **options)


def test_a_page_comes_with_its_type_and_validators(server: FeedServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = body(
        b"hello", Content_Type="text/xml", ETag='"7"', Last_Modified="Sun, 08 Mar 2026 10:00:00 GMT"
    )
    page = local(fetcher, server.url("/a?key=1"))
    assert page.content == b"hello"
    assert (page.content_type, page.etag) == ("text/xml", '"7"')
    assert page.last_modified == "Sun, 08 Mar 2026 10:00:00 GMT"
    assert page.url == server.url("/a?key=1")
    assert not page.unchanged


def test_the_request_says_who_asks_and_what_is_known(server: FeedServer) -> None:
    server.routes["/a"] = status(304, ETag='"7"')
    fetcher = Fetcher(QUICK, agent=agent("ops@bank.example"))
    page = local(fetcher, server.url("/a"), etag='"7"', last_modified="Sun, 08 Mar 2026 10:00 GMT")
    assert page.unchanged
    headers = server.requests[0][1]
    assert headers["if-none-match"] == '"7"'
    assert headers["if-modified-since"] == "Sun, 08 Mar 2026 10:00 GMT"
    assert "Bellwether" in headers["user-agent"]
    assert "ops@bank.example" in headers["user-agent"]
    assert headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/a",
        "http://localhost:{port}/a",
        "http://[::1]:{port}/a",
        "http://[::ffff:127.0.0.1]:{port}/a",
        "http://2130706433:{port}/a",
        "http://0x7f.1:{port}/a",
        "http://0177.0.0.1:{port}/a",
        "http://127.1:{port}/a",
        "http://127.0.0.1.:{port}/a",
        "http://①②⑦.⓪.⓪.①:{port}/a",
        "http://127。0。0。1:{port}/a",
        "http://%31%32%37.0.0.1:{port}/a",
        "http://[::ffff:7f00:1]:{port}/a",
        "http://[::ffff:0:127.0.0.1]:{port}/a",
        "http://[64:ff9b::7f00:1]:{port}/a",
        "http://[2002:7f00:1::]:{port}/a",
        "http://[fe80::1%25lo]:{port}/a",
        "http://user:pw@127.0.0.1:{port}/a",
        "http://example.com@127.0.0.1:{port}/a",
        "http://127.0.0.1:{port}#@example.com/a",
        "http://0.0.0.0:{port}/a",
    ],
)
def test_no_spelling_of_an_own_address_is_connected_to(
    server: FeedServer, fetcher: Fetcher, url: str
) -> None:
    server.routes["/a"] = body(b"secret")
    with pytest.raises(Unavailable):
        fetcher.fetch(url.format(port=server.port), robots=False)
    assert server.requests == []


def test_a_name_that_resolves_to_a_private_address_is_refused_with_the_reason() -> None:
    fetcher = Fetcher(QUICK, resolve=answers("93.184.216.34", "10.0.0.5"))
    with pytest.raises(Unavailable, match=r"news\.example is 10\.0\.0\.5, which is a private"):
        fetcher.fetch("http://news.example/feed", robots=False)


def test_a_metadata_service_is_refused_even_where_private_addresses_are_allowed() -> None:
    fetcher = Fetcher(QUICK, resolve=answers("169.254.169.254"))
    with pytest.raises(Unavailable, match="a metadata service"):
        local(fetcher, "http://news.example/latest")


def test_the_connection_goes_to_the_checked_address_and_keeps_the_name(
    server: FeedServer,
) -> None:
    server.routes["/a"] = body(b"hello")
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    fetcher = Fetcher(QUICK, resolve=resolve)
    page = local(fetcher, f"http://news.example:{server.port}/a")
    assert page.content == b"hello"
    assert asked == ["news.example"]  # once: no second answer can differ
    assert server.requests[0][1]["host"] == f"news.example:{server.port}"


def test_the_next_address_is_tried_when_one_does_not_answer(server: FeedServer) -> None:
    server.routes["/a"] = body(b"hello")
    fetcher = Fetcher(QUICK, resolve=answers("127.0.0.2", "127.0.0.1"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.2", 0))
        page = fetcher.fetch(f"http://news.example:{server.port}/a", allow_private=True)
    assert page.content == b"hello"


def test_a_redirect_is_followed_and_resolved_against_where_it_came_from(
    server: FeedServer, fetcher: Fetcher
) -> None:
    server.routes["/old/feed"] = redirect("../new?x=1", 301)
    server.routes["/new"] = body(b"hello")
    page = local(fetcher, server.url("/old/feed"))
    assert (page.content, page.url) == (b"hello", server.url("/new?x=1"))


def test_a_redirect_to_a_private_address_is_refused(server: FeedServer) -> None:
    server.routes["/a"] = redirect("http://inside.example/admin")
    resolve = {"news.example": ["127.0.0.1"], "inside.example": ["169.254.169.254"]}
    fetcher = Fetcher(QUICK, resolve=lambda host, port: resolve[host])
    with pytest.raises(
        Unavailable, match=r"inside\.example is 169\.254\.169\.254, which is a metadata"
    ):
        fetcher.fetch(f"http://news.example:{server.port}/a", allow_private=True)


def test_redirects_without_end_are_given_up(server: FeedServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = redirect("/a")
    with pytest.raises(Unavailable, match="more than 3 redirects"):
        local(fetcher, server.url("/a"))
    assert server.asked("/a") == 4


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/", "javascript:1"]
)
def test_only_http_is_followed(server: FeedServer, fetcher: Fetcher, location: str) -> None:
    server.routes["/a"] = redirect(location)
    with pytest.raises(Unavailable):
        local(fetcher, server.url("/a"))
    assert server.asked("/a") == 1


@pytest.mark.parametrize(
    "url", ["", "feed.xml", "http://", "http://[1::", "http://a b/", "http://x:99999/"]
)
def test_what_is_no_url_is_unavailable_with_a_reason(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(Unavailable) as failure:
        fetcher.fetch(url)
    assert failure.value.what


def test_a_gzip_body_is_decompressed(server: FeedServer, fetcher: Fetcher) -> None:
    server.routes["/a"] = gzipped(b"hello" * 1000)
    assert local(fetcher, server.url("/a")).content == b"hello" * 1000


def test_a_deflate_body_is_decompressed_with_and_without_its_header(
    server: FeedServer, fetcher: Fetcher
) -> None:
    bare = zlib.compressobj(wbits=-15)
    server.routes["/proper"] = body(zlib.compress(b"hello"), Content_Encoding="deflate")
    server.routes["/bare"] = body(
        bare.compress(b"hello") + bare.flush(), Content_Encoding="deflate"
    )
    assert local(fetcher, server.url("/proper")).content == b"hello"
    assert local(fetcher, server.url("/bare")).content == b"hello"


def test_a_gzip_bomb_is_stopped_at_the_limit(server: FeedServer, fetcher: Fetcher) -> None:
    # a stream of 400 MB made of 4 MB: the same compressed block, a hundred times
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(4_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    server.routes["/bomb"] = body(head + block * 100, Content_Encoding="gzip")
    began = time.process_time()
    with pytest.raises(Unavailable, match="longer than 100,000 bytes"):
        local(fetcher, server.url("/bomb"))
    assert time.process_time() - began < 1


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zip"])
def test_an_encoding_that_was_not_asked_for_is_refused(
    server: FeedServer, fetcher: Fetcher, encoding: str
) -> None:
    server.routes["/a"] = body(b"hello", Content_Encoding=encoding)
    with pytest.raises(Unavailable, match="encoding"):
        local(fetcher, server.url("/a"))


def test_a_damaged_or_cut_gzip_body_is_unavailable(server: FeedServer, fetcher: Fetcher) -> None:
    whole = gzip.compress(b"hello" * 1000)
    server.routes["/damaged"] = body(whole[:10] + b"\xff" * 20, Content_Encoding="gzip")
    server.routes["/cut"] = body(whole[:-9], Content_Encoding="gzip")
    with pytest.raises(Unavailable, match="damaged"):
        local(fetcher, server.url("/damaged"))
    with pytest.raises(Unavailable, match="cut short"):
        local(fetcher, server.url("/cut"))


def test_an_endless_stream_is_stopped_at_the_limit(server: FeedServer, fetcher: Fetcher) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not server.closing.is_set():
            request.wfile.write(bytes(65536))

    server.routes["/endless"] = endless
    with pytest.raises(Unavailable, match="longer than 100,000 bytes"):
        local(fetcher, server.url("/endless"))


def test_a_server_that_does_not_answer_is_given_up(server: FeedServer, fetcher: Fetcher) -> None:
    server.routes["/silent"] = lambda request: void(server.closing.wait(20))
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no answer in time"):
        local(fetcher, server.url("/silent"))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_server_that_drips_is_given_up_at_the_deadline(
    server: FeedServer, fetcher: Fetcher, where: str
) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if where == "body":
            request.wfile.write(b"\r\n")
        while not server.closing.wait(0.05):
            request.wfile.write(b"x")

    server.routes["/drip"] = drip
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"time for the whole request is over|no answer in time"):
        local(fetcher, server.url("/drip"))
    assert 0.8 < time.monotonic() - began < 3


def test_the_deadline_is_for_all_redirects_together(server: FeedServer) -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        server.closing.wait(0.25)
        redirect("/slow")(request)

    server.routes["/slow"] = slow
    limits = Limits(read_seconds=1, total_seconds=0.6, max_redirects=50, host_gap=NO_GAP)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="time"):
        local(Fetcher(limits), server.url("/slow"))
    assert time.monotonic() - began < 2


def test_what_is_not_http_is_unavailable(server: FeedServer, fetcher: Fetcher) -> None:
    def garbage(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"\x00\x01 nonsense\r\n\r\n")

    def short(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")

    server.routes["/garbage"], server.routes["/short"] = garbage, short
    for path in ("/garbage", "/short"):
        with pytest.raises(Unavailable, match="not HTTP"):
            local(fetcher, server.url(path))


def test_a_port_nobody_listens_on_is_unavailable(fetcher: Fetcher) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="refused"):
            local(fetcher, f"http://127.0.0.1:{bound.getsockname()[1]}/")


def test_an_error_names_status_and_place_and_never_the_query(
    server: FeedServer, fetcher: Fetcher
) -> None:
    server.routes["/a"] = status(403, b"Forbidden")
    with pytest.raises(Unavailable) as failure:
        local(fetcher, server.url("/a?token=hidden").replace("http://", "http://me:secret@"))
    assert failure.value.what == f"{server.url('/a')}: HTTP 403"


def test_retry_after_is_told_and_the_host_is_left_alone(server: FeedServer) -> None:
    clock = Clock()
    fetcher = Fetcher(QUICK, clock=clock)
    server.routes["/a"] = status(429, Retry_After="120")
    server.routes["/b"] = body(b"hello")
    with pytest.raises(Unavailable, match="HTTP 429") as failure:
        local(fetcher, server.url("/a"))
    assert failure.value.retry_after == timedelta(seconds=120)
    clock.now += 100
    with pytest.raises(Unavailable, match="another 20 s") as failure:
        local(fetcher, server.url("/b"))
    assert failure.value.retry_after == timedelta(seconds=20)
    assert server.asked("/b") == 0
    clock.now += 21
    assert local(fetcher, server.url("/b")).content == b"hello"


def test_requests_to_one_host_are_spaced(server: FeedServer) -> None:
    waited: list[float] = []
    clock = Clock()

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        clock.now += seconds
        return False

    fetcher = Fetcher(Limits(host_gap=timedelta(seconds=2)), wait=wait, clock=clock)
    server.routes["/a"] = body(b"hello")
    for _ in range(3):
        local(fetcher, server.url("/a"))
    assert waited == [0, 2, 2]


def test_a_fetch_ends_when_the_process_does(server: FeedServer) -> None:
    fetcher = Fetcher(QUICK, wait=lambda seconds: True)
    with pytest.raises(Unavailable, match="the process is ending"):
        local(fetcher, server.url("/a"))
    assert server.requests == []


@pytest.mark.parametrize(
    ("header", "date", "wait"),
    [
        ("120", None, timedelta(seconds=120)),
        (" 0 ", None, timedelta(0)),
        ("99999999", None, timedelta(days=1)),
        ("-5", None, None),
        ("soon", None, None),
        ("", None, None),
        (None, None, None),
        ("Sun, 08 Mar 2026 10:05:00 GMT", "Sun, 08 Mar 2026 10:00:00 GMT", timedelta(minutes=5)),
        ("Sun, 08 Mar 2026 09:00:00 GMT", "Sun, 08 Mar 2026 10:00:00 GMT", timedelta(0)),
        ("Sun, 08 Mar 2026 10:05:00 GMT", None, None),
        ("Sun, 08 Mar 2026 10:05:00", "Sun, 08 Mar 2026 10:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    header: str | None, date: str | None, wait: timedelta | None
) -> None:
    assert wished(header, date) == wait


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def answers(*addresses: str) -> Any:
    return lambda host, port: list(addresses)


def void(value: object) -> None:
    """A handler's wait answers nothing."""
