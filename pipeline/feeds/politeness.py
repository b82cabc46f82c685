"""When a host may be asked again: never in a burst, and never before it said so.

`Turns` is the port: `MemoryTurns` for one process, `pipeline.stores.host_turns.SqlTurns` for
all processes on one database together. `Slots` bounds how many requests of this process are
at one host at the same time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from pipeline.errors import Unavailable

# Redirects can name any number of hosts; only those with a wait matter.
_HOSTS_KEPT = 1_000


class NotNow(Unavailable):
    """The host is to be left alone for `retry_after`: nothing was asked, and nobody failed."""

    def __init__(self, what: str, retry_after: timedelta) -> None:
        super().__init__(what, retry_after)
        self.wait = retry_after


class Turns(Protocol):
    """Turns at hosts, shared by everybody who asks them."""

    def turn(self, host: str, gap: timedelta, patience: timedelta) -> timedelta:
        """Reserve the host's next turn, `gap` after the one before; how long to wait until then.

        Raises `NotNow` with the wait, and reserves nothing, where the host asked to be left
        alone or the wait is longer than `patience`.
        """

    def hold(self, host: str, wait: timedelta) -> None:
        """The host asked for no requests for `wait`; an earlier, longer wish stands."""


class MemoryTurns:
    """`Turns` of one process. `clock` counts seconds and never goes back. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}
        self._held_until: dict[str, float] = {}

    def turn(self, host: str, gap: timedelta, patience: timedelta) -> timedelta:
        with self._lock:
            now = self._clock()
            held = self._held_until.get(host, now) - now
            at = max(now, self._free_at.get(host, now))
            wait = granted(host, timedelta(seconds=held), timedelta(seconds=at - now), patience)
            self._free_at[host] = at + gap.total_seconds()
            self._forget(now)
            return wait

    def hold(self, host: str, wait: timedelta) -> None:
        with self._lock:
            until = self._clock() + wait.total_seconds()
            self._held_until[host] = max(until, self._held_until.get(host, until))

    def _forget(self, now: float) -> None:
        for times in (self._free_at, self._held_until):
            if len(times) > _HOSTS_KEPT:
                for host in [host for host, at in times.items() if at <= now]:
                    del times[host]


def granted(host: str, held: timedelta, wait: timedelta, patience: timedelta) -> timedelta:
    """The wait for the next turn. Raises `NotNow` where there is none to wait for now."""
    if held > timedelta(0):
        raise NotNow(f"{host} asked for no requests for another {held.total_seconds():.0f} s", held)
    if wait > patience:
        raise NotNow(f"the next turn at {host} is in {wait.total_seconds():.0f} s", wait)
    return wait


class Slots:
    """At most `most` at one name at the same time, in this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._taken: dict[str, int] = {}

    @contextmanager
    def taken(self, name: str, patience: timedelta) -> Iterator[None]:
        """Hold one while the block runs, waiting up to `patience` for it. Raises `NotNow`."""
        with self._changed:
            free = self._changed.wait_for(
                lambda: self._taken.get(name, 0) < self._most, patience.total_seconds()
            )
            if not free:
                raise NotNow(f"{name} is asked by as many as may", timedelta(seconds=1))
            self._taken[name] = self._taken.get(name, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._taken[name] -= 1
                if not self._taken[name]:
                    del self._taken[name]
                self._changed.notify_all()
