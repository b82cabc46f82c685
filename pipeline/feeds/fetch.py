"""One polite, bounded GET.

It asks conditionally, waits for its turn at the host, follows a few redirects with every
check repeated, and stops at a size and a time whatever the server does. It reads no
environment: a proxy would resolve names in our place and undo the address check.
"""

import functools
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import httpcore
import httpx

from pipeline.errors import Unavailable
from pipeline.feeds.connection import Guard, Refused, Resolve, resolved
from pipeline.feeds.decoding import Inflater
from pipeline.feeds.politeness import Pace


def agent(contact: str | None = None) -> str:
    """The user agent: what we are and whom to write to."""
    return f"Bellwether/0.1 (financial news feed reader{f'; {contact}' if contact else ''})"


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# no host may silence itself for longer than this by one header
_LONGEST_WISH = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one fetch may cost. `max_bytes` counts after decompression."""

    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    total_seconds: float = 30.0
    max_bytes: int = 5_000_000
    max_redirects: int = 5
    host_gap: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer. `url` is the last one after redirects; `unchanged` means HTTP 304."""

    url: str
    content: bytes = b""
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    unchanged: bool = False


class Fetcher:
    """Fetches pages; one for all sources, shared between threads.

    `wait(seconds)` returns True when the process is ending, and the fetch is given up.
    """

    def __init__(
        self,
        limits: Limits = Limits(),
        *,
        agent: str = agent(),
        wait: Callable[[float], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
        resolve: Resolve = resolved,
    ) -> None:
        self._limits = limits
        self._agent = agent
        # an event nobody sets waits the whole time
        self._wait = wait or threading.Event().wait
        self._clock = clock
        self._resolve = resolve
        self._pace = Pace(limits.host_gap, clock)

    def fetch(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        allow_private: bool = False,
        accept: str = "*/*",
    ) -> Page:
        """The page at `url`. Raises `Unavailable` with one line of reason for anything else,
        with `retry_after` where the server named a time."""
        headers: dict[bytes | str, bytes | str] = {
            "User-Agent": self._agent,
            "Accept": accept,
            "Accept-Encoding": "gzip, deflate",
        }
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        target = web_url(url)
        self._turn(target)
        deadline = self._clock() + self._limits.total_seconds
        for _ in range(self._limits.max_redirects + 1):
            try:
                page, location = self._once(target, headers, allow_private, deadline)
            except Refused as error:
                raise Unavailable(f"refused: {error}") from error
            except (httpcore.TimeoutException, httpcore.NetworkError) as error:
                raise Unavailable(f"{shown(target)}: {_told(error)}") from error
            except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
                raise Unavailable(f"{shown(target)}: not HTTP: {_told(error)}") from error
            except UnicodeError as error:
                raise Unavailable(f"{shown(target)}: not a valid address") from error
            if location is None:
                return page
            onward = web_url(urljoin(str(target), location))
            if target.scheme == "https" and onward.scheme == "http":
                raise Unavailable(f"{shown(target)}: redirects from https to http")
            target = onward
            deadline += self._turn(target)
        raise Unavailable(f"{shown(target)}: more than {self._limits.max_redirects} redirects")

    def _once(
        self,
        url: httpx.URL,
        headers: Mapping[bytes | str, bytes | str],
        allow_private: bool,
        deadline: float,
    ) -> tuple[Page, str | None]:
        """The answer to one request, or where it redirects to."""
        guard = Guard(deadline, self._clock, allow_private, self._resolve)
        with (
            httpcore.ConnectionPool(_trust(), network_backend=guard) as pool,
            pool.stream(
                "GET",
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=headers,
                extensions={
                    "timeout": {
                        "connect": self._limits.connect_seconds,
                        "read": self._limits.read_seconds,
                        "write": self._limits.read_seconds,
                        "pool": self._limits.connect_seconds,
                    }
                },
            ) as response,
        ):
            answered = httpx.Headers(response.headers)
            page = Page(
                url=str(url),
                content_type=answered.get("content-type"),
                etag=_kept(answered.get("etag")),
                last_modified=_kept(answered.get("last-modified")),
                unchanged=response.status == 304,
            )
            if page.unchanged:
                return page, None
            if response.status in _REDIRECTS:
                location = answered.get("location")
                if not location:
                    raise Unavailable(f"{shown(url)}: a redirect to nowhere")
                return page, location
            if response.status != 200:
                raise self._failed(url, response.status, answered)
            body = Inflater(
                answered.get("content-encoding", "").strip().lower(), self._limits.max_bytes
            )
            try:
                for piece in response.iter_stream():
                    body.add(piece)
                content = body.finish()
            except Unavailable as error:
                raise Unavailable(f"{shown(url)}: {error.what}") from error
            return (
                Page(
                    url=page.url,
                    content=content,
                    content_type=page.content_type,
                    etag=page.etag,
                    last_modified=page.last_modified,
                ),
                None,
            )

    def _turn(self, url: httpx.URL) -> float:
        """Wait for the host's turn; the seconds that took."""
        seconds = self._pace.turn(url.host)
        if self._wait(seconds):
            raise Unavailable("the process is ending")
        return seconds

    def _failed(self, url: httpx.URL, status: int, headers: httpx.Headers) -> Unavailable:
        wish = wished(headers.get("retry-after"), headers.get("date"))
        if wish is not None and status in (429, 503):
            self._pace.hold(url.host, wish)
        return Unavailable(f"{shown(url)}: HTTP {status}", wish)


def wished(retry_after: str | None, date: str | None) -> timedelta | None:
    """How long the server asks us to wait: seconds, or a date against its own `Date`."""
    if retry_after is None:
        return None
    value = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(timedelta(seconds=int(value)), _LONGEST_WISH)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(date or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), _LONGEST_WISH)


def shown(url: httpx.URL) -> str:
    """The URL as it may be logged: no user, password or query, which may hold keys."""
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.host}{port}{url.path}"


@functools.cache
def _trust() -> ssl.SSLContext:
    """The certificate authorities; loading them takes a tenth of a second, so once."""
    return httpx.create_ssl_context(trust_env=False)


def web_url(url: str) -> httpx.URL:
    """The URL, which names a host by http or https. Raises `Unavailable`; as a URL may hold
    a password, the reason does not repeat it."""
    try:
        parsed = httpx.URL(url)
        port = parsed.port
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise Unavailable("not a URL") from error
    if parsed.scheme not in ("http", "https"):
        raise Unavailable(f"only http and https are fetched, not {parsed.scheme[:20] or 'nothing'}")
    if not parsed.host:
        raise Unavailable("the URL names no host")
    if port is not None and not 0 < port < 65536:
        raise Unavailable(f"no port {port}")
    return parsed


def _kept(header: str | None) -> str | None:
    # sent back as it came, so it must be short and one line
    return header if header and len(header) <= 500 and header.isprintable() else None


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    if isinstance(error, httpcore.TimeoutException):
        return text if text.startswith("the time") else "no answer in time"
    return text or type(error).__name__
