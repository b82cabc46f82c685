"""Polite fetching: robots.txt, turns at the host, redirects with every check repeated.

::

    robots.txt allows ─▶ a slot at the host ─▶ its next turn ─▶ one bounded GET ─▶ page
          ▲                                                           │
          └────────────────────── redirect, a few times ◀─────────────┘
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from urllib.parse import urljoin

import httpx

from pipeline.errors import Unavailable
from pipeline.feeds.connection import Guard, Resolve, resolved
from pipeline.feeds.politeness import MemoryTurns, NotNow, Slots, Turns
from pipeline.feeds.request import (
    DEFAULT_LIMITS,
    HttpStatus,
    Limits,
    Page,
    get,
    shown,
    web_url,
    wished,
)
from pipeline.feeds.robots import EVERYTHING, MOST_BYTES, Robots
from pipeline.feeds.robots_files import RobotsFiles

__all__ = ["Fetcher", "Fetches", "Limits", "Page", "agent", "shown", "web_url", "wished"]

# A file of rules is small: a host that makes us wait for it costs less than a page may.
_ROBOTS_SECONDS = 10.0
# Only where a server says when is it left alone as a whole; another status is one page's.
_HOST_WIDE = frozenset({429, 503})


def agent(contact: str | None = None) -> str:
    """The user agent: what we are and whom to write to."""
    return f"Bellwether/0.1 (financial news feed reader{f'; {contact}' if contact else ''})"


class Fetches(Protocol):
    """What a kind of source needs of a fetcher; tests and previews have others."""

    def fetch(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        allow_private: bool = False,
        private_origin: str | None = None,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        robots: bool = True,
    ) -> Page:
        """The page at `url`, or `Unavailable` with one line of reason."""


class Fetcher:
    """Fetches pages; one for all sources, shared between threads.

    `wait(seconds)` returns True when the process is ending, and the fetch is given up.
    `turns` are shared with whoever else asks the same hosts, else this fetcher's own.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        agent: str = agent(),
        wait: Callable[[float], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
        resolve: Resolve = resolved,
        turns: Turns | None = None,
    ) -> None:
        self._limits = limits
        self._agent = agent
        # an event nobody sets waits the whole time
        self._wait = wait or threading.Event().wait
        self._clock = clock
        self._resolve = resolve
        self._turns = turns or MemoryTurns(clock)
        self._slots = Slots(limits.host_requests)
        self._robots = RobotsFiles(self._robots_txt, clock)
        self._robots_limits = replace(
            limits,
            total_seconds=min(limits.total_seconds, _ROBOTS_SECONDS),
            max_bytes=min(limits.max_bytes, MOST_BYTES),
            cut=True,
        )

    def fetch(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        allow_private: bool = False,
        private_origin: str | None = None,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        robots: bool = True,
    ) -> Page:
        """The page at `url`. Raises `Unavailable` with one line of reason for anything else,
        with `retry_after` where the server named a time; `NotNow` where it was not asked.

        `headers` may hold secrets: they go to the host of `url` and are dropped where a
        redirect leads elsewhere. With `robots` False robots.txt is not looked at.
        `private_origin`, a URL, keeps `allow_private` to its host and port: for addresses that
        a source names and not the operator.
        """
        asked = self._headers(accept) | dict(headers or {})
        if etag:
            asked["If-None-Match"] = etag
        if last_modified:
            asked["If-Modified-Since"] = last_modified
        origin = None if private_origin is None else _place(web_url(private_origin))

        def private(target: httpx.URL) -> bool:
            return allow_private and origin in (None, _place(target))

        secret = frozenset(headers or {})
        return self._follow(web_url(url), asked, secret, private, robots, self._limits)

    def _follow(
        self,
        target: httpx.URL,
        headers: Mapping[str, str],
        secret: frozenset[str],
        private: Callable[[httpx.URL], bool],
        robots: bool,
        limits: Limits,
    ) -> Page:
        deadline = self._clock() + limits.total_seconds
        for _ in range(limits.max_redirects + 1):
            # what waiting for our turn takes is not the server's time
            before = self._clock()
            allowed = private(target)
            rules = self._robots.of(target, allowed) if robots else EVERYTHING
            with self._slots.taken(target.host, self._limits.patience):
                self._take_turn(target, rules)
                deadline += self._clock() - before
                guard = Guard(deadline, self._clock, allowed, self._resolve)
                try:
                    page, location = get(target, headers, guard, limits)
                except HttpStatus as error:
                    if error.retry_after is not None and error.status in _HOST_WIDE:
                        self._turns.hold(target.host, error.retry_after)
                    raise
            if location is None:
                return page
            onward = web_url(urljoin(str(target), location))
            if target.scheme == "https" and onward.scheme == "http":
                raise Unavailable(f"{shown(target)}: redirects from https to http")
            if _place(onward) != _place(target):
                headers = {name: value for name, value in headers.items() if name not in secret}
            target = onward
        raise Unavailable(f"{shown(target)}: more than {limits.max_redirects} redirects")

    def _take_turn(self, url: httpx.URL, rules: Robots) -> None:
        gap = max(self._limits.host_gap, rules.delay)
        wait = self._turns.turn(url.host, gap, self._limits.patience)
        if self._wait(wait.total_seconds()):
            raise NotNow("the process is ending", timedelta(0))

    def _headers(self, accept: str) -> dict[str, str]:
        return {
            "User-Agent": self._agent,
            "Accept": accept,
            "Accept-Encoding": "gzip, deflate",
        }

    def _robots_txt(self, url: httpx.URL, allow_private: bool) -> Page:
        headers = self._headers("text/plain, */*;q=0.1")
        return self._follow(
            url, headers, frozenset(), lambda _: allow_private, False, self._robots_limits
        )


def _place(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
