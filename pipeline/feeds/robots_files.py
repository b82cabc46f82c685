"""The robots.txt of each host, asked for once a day.

What an answer means (RFC 9309, 2.3.1):

- 200: what it says, for a day;
- 4xx but 429: there are no rules, everything may be asked for, for a day;
- 429, 5xx, none, too long, refused: what it said last, for up to 30 days. Where it never said
  anything, nothing may be asked for. Asked again after five minutes.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from pipeline.errors import Unavailable
from pipeline.feeds import robots
from pipeline.feeds.politeness import NotNow
from pipeline.feeds.request import HttpStatus, Page
from pipeline.feeds.robots import Robots

_DAY_SECONDS = 86_400.0
_AGAIN_SECONDS = 300.0
_HOSTS_KEPT = 1_000

# A page at a URL, which may be private or not. Raises `Unavailable`.
Get = Callable[[httpx.URL, bool], Page]


@dataclass(frozen=True, slots=True)
class _Known:
    robots: Robots
    said_at: float | None
    until: float
    failure: str = ""


class RobotsFiles:
    """Rules by host, shared between threads; `clock` counts seconds and never goes back."""

    def __init__(self, get: Get, clock: Callable[[], float]) -> None:
        self._get = get
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, threading.Lock] = {}

    def of(self, url: httpx.URL, allow_private: bool) -> Robots:
        """What applies to `url`. Raises `Unavailable` where it must not be asked for."""
        place = f"{url.scheme}://{url.netloc.decode('ascii', 'replace').rpartition('@')[2]}"
        with self._lock:
            asking = self._asking.setdefault(place, threading.Lock())
        with asking:  # one asks, the others wait for its answer
            known = self._known.get(place)
            if known is None or known.until <= self._clock():
                known = self._asked(url, allow_private, known)
                self._keep(place, known)
        if known.failure and known.said_at is None:
            raise Unavailable(
                f"{place}/robots.txt: {known.failure}; without it nothing there is asked for"
            )
        target = url.raw_path.decode("ascii", "replace")
        if not known.robots.allows(target):
            raise Unavailable(f"{place}: robots.txt does not allow {target.partition('?')[0]}")
        return known.robots

    def _asked(self, url: httpx.URL, allow_private: bool, known: _Known | None) -> _Known:
        now = self._clock()
        try:
            page = self._get(url.copy_with(raw_path=b"/robots.txt", fragment=None), allow_private)
            return _Known(robots.read(page.content), now, now + _DAY_SECONDS)
        except NotNow:
            raise
        except HttpStatus as error:
            if 400 <= error.status < 500 and error.status != 429:
                return _Known(robots.EVERYTHING, now, now + _DAY_SECONDS)
            failure = error.what
        except Unavailable as error:
            failure = error.what
        reason = failure.rpartition(": ")[2]
        said_at = None if known is None else known.said_at
        if known is not None and said_at is not None and now < said_at + 30 * _DAY_SECONDS:
            return _Known(known.robots, said_at, now + _AGAIN_SECONDS, reason)
        return _Known(robots.NOTHING, None, now + _AGAIN_SECONDS, reason)

    def _keep(self, place: str, known: _Known) -> None:
        with self._lock:
            self._known[place] = known
            self._known.move_to_end(place)
            while len(self._known) > _HOSTS_KEPT:
                gone, _ = self._known.popitem(last=False)
                self._asking.pop(gone, None)
