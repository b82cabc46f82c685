"""When a host may be asked again: never in a burst, and never before it said so."""

import threading
from collections.abc import Callable
from datetime import timedelta

from pipeline.errors import Unavailable


class Pace:
    """Spaces requests to one host by `gap` and keeps its `Retry-After`, for all its sources.

    `clock` counts seconds and never goes back. Safe to share between threads.
    """

    def __init__(self, gap: timedelta, clock: Callable[[], float]) -> None:
        self._gap = gap.total_seconds()
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}
        self._held_until: dict[str, float] = {}

    def turn(self, host: str) -> float:
        """Reserve the host's next turn; return the seconds to wait until then.

        Raises `Unavailable` with the rest of the wait while the host asked to be left alone.
        """
        with self._lock:
            now = self._clock()
            held = self._held_until.get(host, now) - now
            if held > 0:
                raise Unavailable(
                    f"{host} asked for no requests for another {held:.0f} s",
                    timedelta(seconds=held),
                )
            at = max(now, self._free_at.get(host, now))
            self._free_at[host] = at + self._gap
            self._forget(now)
            return at - now

    def hold(self, host: str, wait: timedelta) -> None:
        """The host asked for no requests for `wait`; an earlier, longer wish stands."""
        with self._lock:
            until = self._clock() + wait.total_seconds()
            self._held_until[host] = max(until, self._held_until.get(host, until))

    def _forget(self, now: float) -> None:
        # redirects can name any number of hosts; only those with a wait matter
        if len(self._free_at) > 1_000:
            self._free_at = {host: at for host, at in self._free_at.items() if at > now}
            self._held_until = {host: at for host, at in self._held_until.items() if at > now}
