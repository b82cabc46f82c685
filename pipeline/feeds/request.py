"""One bounded GET: one connection to checked addresses, one answer, no redirect followed.

It stops at a size and a time whatever the server does, and reads no environment: a proxy
would resolve names in our place and undo the address check.
"""

import functools
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from pipeline.errors import Unavailable
from pipeline.feeds.connection import Guard, Refused
from pipeline.feeds.decoding import Inflater

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# no host may silence itself for longer than this by one header
_LONGEST_WISH = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one fetch may cost, and what one host may be asked.

    `max_bytes` counts after decompression, and before it too. `host_gap` lies between two
    requests to a host, of which `host_requests` may be under way at once; a turn further away
    than `patience` is not waited for. With `cut` what is beyond `max_bytes` is left unread and
    the answer ends there, instead of being refused.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    total_seconds: float = 30.0
    max_bytes: int = 5_000_000
    max_redirects: int = 5
    host_gap: timedelta = timedelta(seconds=1)
    host_requests: int = 2
    patience: timedelta = timedelta(seconds=15)
    cut: bool = False


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer. `url` is the last one after redirects; `unchanged` means HTTP 304."""

    url: str
    content: bytes = b""
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    unchanged: bool = False


class HttpStatus(Unavailable):
    """The server answered with `status` instead of a page."""

    def __init__(self, what: str, status: int, retry_after: timedelta | None) -> None:
        super().__init__(what, retry_after)
        self.status = status


def get(
    url: httpx.URL, headers: Mapping[str, str], guard: Guard, limits: Limits
) -> tuple[Page, str | None]:
    """The answer to one request, or where it redirects to.

    Raises `Unavailable` with one line of reason, `HttpStatus` for a status that is no page.
    """
    try:
        return _answer(url, headers, guard, limits)
    except Refused as error:
        raise Unavailable(f"refused: {error}") from error
    except (httpcore.TimeoutException, httpcore.NetworkError) as error:
        raise Unavailable(f"{shown(url)}: {_told(error)}") from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise Unavailable(f"{shown(url)}: not HTTP: {_told(error)}") from error
    except UnicodeError as error:
        raise Unavailable(f"{shown(url)}: not a valid address") from error


def _answer(
    url: httpx.URL, headers: Mapping[str, str], guard: Guard, limits: Limits
) -> tuple[Page, str | None]:
    timeouts = {
        "connect": limits.connect_seconds,
        "read": limits.read_seconds,
        "write": limits.read_seconds,
        "pool": limits.connect_seconds,
    }
    with (
        httpcore.ConnectionPool(_trust(), network_backend=guard) as pool,
        pool.stream(
            "GET",
            httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            extensions={"timeout": timeouts},
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
            if not {"If-None-Match", "If-Modified-Since"} & headers.keys():
                raise Unavailable(f"{shown(url)}: says unchanged, and nothing was known of it")
            return page, None
        if response.status in _REDIRECTS:
            location = answered.get("location")
            if not location:
                raise Unavailable(f"{shown(url)}: a redirect to nowhere")
            return page, location
        if response.status != 200:
            raise HttpStatus(
                f"{shown(url)}: HTTP {response.status}",
                response.status,
                wished(answered.get("retry-after"), answered.get("date")),
            )
        try:
            content = _body(response, answered, limits)
        except Unavailable as error:
            raise Unavailable(f"{shown(url)}: {error.what}") from error
        return replace(page, content=content), None


def _body(response: httpcore.Response, headers: httpx.Headers, limits: Limits) -> bytes:
    most = limits.max_bytes
    body = Inflater(headers.get("content-encoding", "").strip().lower(), most, cut=limits.cut)
    taken = 0
    for piece in response.iter_stream():
        taken += len(piece)
        if limits.cut and (taken > most or body.full):
            return body.so_far()
        # compressed data can go on for ever and mean nothing
        if taken > most:
            raise Unavailable(f"the answer is longer than {most:,} bytes")
        body.add(piece)
    return body.finish()


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
        ours = text.startswith("the time") or text.endswith("not resolved in time")
        return text if ours else "no answer in time"
    return text or type(error).__name__
