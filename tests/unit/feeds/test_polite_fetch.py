"""robots.txt, turns, slots and secrets of a fetch, against a local server."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from pipeline.errors import Unavailable
from pipeline.feeds.fetch import Fetcher, Limits
from pipeline.feeds.politeness import NotNow, Slots
from tests.unit.feeds.server import FeedServer, body, gzipped, redirect, serving, status

QUICK = Limits(
    read_seconds=0.5, total_seconds=2, max_bytes=100_000, host_gap=timedelta(0), max_redirects=3
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as running:
        running.routes["/feed"] = body(b"hello")
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fetcher(clock: Clock) -> Fetcher:
    return Fetcher(QUICK, clock=clock)


def local(fetcher: Fetcher, url: str, **options: Any) -> bytes:
    return fetcher.fetch(url, allow_private=True, **options).content


def robots(text: str) -> Any:
    return body(text.encode(), Content_Type="text/plain")


def test_a_path_robots_txt_forbids_is_not_asked_for(server: FeedServer, fetcher: Fetcher) -> None:
    server.routes["/robots.txt"] = robots("user-agent: *\ndisallow: /feed")
    with pytest.raises(Unavailable, match=r"robots\.txt does not allow /feed$"):
        local(fetcher, server.url("/feed?key=hidden"))
    assert server.asked("/feed?key=hidden") == 0
    server.routes["/free"] = body(b"free")
    assert local(fetcher, server.url("/free")) == b"free"


def test_a_source_with_the_publishers_word_ignores_it(server: FeedServer, fetcher: Fetcher) -> None:
    server.routes["/robots.txt"] = robots("user-agent: *\ndisallow: /")
    assert local(fetcher, server.url("/feed"), robots=False) == b"hello"
    assert server.asked("/robots.txt") == 0


def test_robots_txt_is_asked_for_once_a_day(
    server: FeedServer, fetcher: Fetcher, clock: Clock
) -> None:
    for _ in range(3):
        local(fetcher, server.url("/feed"))
    assert server.asked("/robots.txt") == 1
    clock.now += 86_401
    server.routes["/robots.txt"] = robots("user-agent: *\ndisallow: /feed")
    with pytest.raises(Unavailable, match="does not allow"):
        local(fetcher, server.url("/feed"))


def test_many_threads_ask_for_it_once(server: FeedServer, fetcher: Fetcher) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: local(fetcher, server.url("/feed")), range(12)))
    assert found == [b"hello"] * 12
    assert server.asked("/robots.txt") == 1


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_host_that_has_none_may_be_asked_for_everything(
    server: FeedServer, fetcher: Fetcher, code: int
) -> None:
    server.routes["/robots.txt"] = status(code)
    assert local(fetcher, server.url("/feed")) == b"hello"


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"#" * 65536)


@pytest.mark.parametrize("answer", [status(503), status(429), status(500), redirect("/robots.txt")])
def test_a_host_whose_robots_txt_cannot_be_read_is_not_asked(
    server: FeedServer, fetcher: Fetcher, clock: Clock, answer: Any
) -> None:
    server.routes["/robots.txt"] = answer
    for _ in range(2):
        with pytest.raises(Unavailable, match="without it nothing there is asked for"):
            local(fetcher, server.url("/feed"))
    assert server.asked("/feed") == 0
    asked = server.asked("/robots.txt")
    server.routes["/robots.txt"] = status(404)
    clock.now += 301
    assert local(fetcher, server.url("/feed")) == b"hello"
    assert server.asked("/robots.txt") == asked + 1


@pytest.mark.parametrize("packed", [False, True])
def test_of_a_huge_robots_txt_the_beginning_is_read(
    server: FeedServer, fetcher: Fetcher, packed: bool
) -> None:
    huge = b"user-agent: *\ndisallow: /private\n" + b"# nothing\n" * 400_000 + b"disallow: /\n"
    answer = gzipped(huge) if packed else body(huge)
    server.routes |= {"/robots.txt": answer, "/private": body(b"secret")}
    assert local(fetcher, server.url("/feed")) == b"hello"
    with pytest.raises(Unavailable, match="does not allow /private"):
        local(fetcher, server.url("/private"))


def test_a_robots_txt_without_end_holds_nobody_up(server: FeedServer, fetcher: Fetcher) -> None:
    server.routes["/robots.txt"] = endless
    assert local(fetcher, server.url("/feed")) == b"hello"


def test_what_it_said_last_holds_for_a_month_while_it_cannot_be_read(
    server: FeedServer, fetcher: Fetcher, clock: Clock
) -> None:
    server.routes["/robots.txt"] = robots("user-agent: *\ndisallow: /private")
    local(fetcher, server.url("/feed"))
    server.routes["/robots.txt"] = status(500)
    clock.now += 2 * 86_400
    assert local(fetcher, server.url("/feed")) == b"hello"
    with pytest.raises(Unavailable, match="does not allow"):
        local(fetcher, server.url("/private"))
    clock.now += 31 * 86_400
    with pytest.raises(Unavailable, match="without it nothing"):
        local(fetcher, server.url("/feed"))


def test_a_redirect_is_held_to_the_robots_txt_of_where_it_leads(
    server: FeedServer, fetcher: Fetcher
) -> None:
    with serving() as other:
        other.routes["/robots.txt"] = robots("user-agent: bellwether\ndisallow: /")
        server.routes["/feed"] = redirect(other.url("/feed"))
        with pytest.raises(Unavailable, match="does not allow /feed"):
            local(fetcher, server.url("/feed"))
        assert other.asked("/feed") == 0


def test_the_crawl_delay_lies_between_two_requests(server: FeedServer, clock: Clock) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        clock.now += seconds
        return False

    server.routes["/robots.txt"] = robots("user-agent: *\ncrawl-delay: 7\nallow: /")
    fetcher = Fetcher(Limits(host_gap=timedelta(seconds=1)), wait=wait, clock=clock)
    for _ in range(3):
        local(fetcher, server.url("/feed"))
    # robots.txt itself, then the feed a second later, then as the host wants it
    assert waited == [0, 1, 7, 7]


def test_a_turn_that_is_far_away_is_not_waited_for_and_is_no_failure(
    server: FeedServer, clock: Clock
) -> None:
    server.routes["/robots.txt"] = robots("user-agent: *\ncrawl-delay: 600")
    fetcher = Fetcher(QUICK, clock=clock)
    local(fetcher, server.url("/feed"))
    with pytest.raises(NotNow) as refused:
        local(fetcher, server.url("/feed"))
    assert refused.value.wait == timedelta(seconds=600)
    assert server.asked("/feed") == 1


def test_no_host_has_more_requests_at_once_than_it_may(server: FeedServer) -> None:
    lock, inside, most = threading.Lock(), 0, 0

    def slow(request: BaseHTTPRequestHandler) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        server.closing.wait(0.05)
        with lock:
            inside -= 1
        body(b"hello")(request)

    server.routes["/slow"] = slow
    fetcher = Fetcher(QUICK)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: local(fetcher, server.url("/slow")), range(8)))
    assert (found, most) == ([b"hello"] * 8, 2)


def test_a_slot_that_does_not_come_free_is_not_waited_for_for_ever() -> None:
    slots, patience = Slots(1), timedelta(milliseconds=20)
    with (
        slots.taken("a", patience),
        slots.taken("b", patience),
        pytest.raises(NotNow, match="as many as may"),
        slots.taken("a", patience),
    ):
        raise AssertionError
    with slots.taken("a", patience):
        pass


def test_secret_headers_stay_with_the_host_they_are_for(
    server: FeedServer, fetcher: Fetcher
) -> None:
    with serving() as other:
        other.routes["/end"] = body(b"end")
        server.routes["/near"] = redirect("/feed")
        server.routes["/far"] = redirect(other.url("/end"))
        secret = {"Authorization": "Bearer hidden", "X-Desk": "7"}
        assert local(fetcher, server.url("/near"), headers=secret) == b"hello"
        assert local(fetcher, server.url("/far"), headers=secret) == b"end"
        near = [headers for path, headers in server.requests if path in ("/near", "/feed")]
        assert [headers["authorization"] for headers in near] == ["Bearer hidden"] * 2
        (far,) = [headers for path, headers in other.requests if path == "/end"]
        assert not {"authorization", "x-desk"} & far.keys()
        assert "Bellwether" in far["user-agent"]
    asked_robots = [headers for path, headers in server.requests if path == "/robots.txt"]
    assert not any("authorization" in headers for headers in asked_robots)


def test_unchanged_is_believed_only_where_something_was_known(
    server: FeedServer, fetcher: Fetcher
) -> None:
    server.routes["/feed"] = status(304)
    with pytest.raises(Unavailable, match="says unchanged, and nothing was known"):
        local(fetcher, server.url("/feed"))
    assert fetcher.fetch(server.url("/feed"), allow_private=True, etag='"1"').unchanged


def test_private_addresses_are_open_at_the_origin_alone(server: FeedServer) -> None:
    with serving() as other:
        other.routes["/inside"] = body(b"secret")
        server.routes["/away"] = redirect(other.url("/inside"))
        fetcher = Fetcher(QUICK)
        origin = {"private_origin": server.url("/")}
        assert local(fetcher, server.url("/feed"), **origin) == b"hello"
        for url in (server.url("/away"), other.url("/inside")):
            with pytest.raises(Unavailable, match="loopback"):
                local(fetcher, url, **origin)
        assert other.requests == []


def test_a_name_server_that_does_not_answer_is_given_up() -> None:
    stuck = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        stuck.wait(20)
        return []

    fetcher = Fetcher(Limits(connect_seconds=0.1, host_gap=timedelta(0)), resolve=resolve)
    with pytest.raises(Unavailable, match=r"news\.example is not resolved in time"):
        fetcher.fetch("http://news.example/feed", robots=False)
    stuck.set()


def test_compressed_data_without_end_and_without_content_is_stopped(
    server: FeedServer, fetcher: Fetcher
) -> None:
    def nothing_for_ever(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        request.wfile.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
        while True:
            request.wfile.write(b"\0\0\0\xff\xff" * 10_000)  # empty blocks

    server.routes["/nothing"] = nothing_for_ever
    with pytest.raises(Unavailable, match="longer than 100,000 bytes"):
        local(fetcher, server.url("/nothing"))
