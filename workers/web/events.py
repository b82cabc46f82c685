"""Server-sent events: every change of an alert, as soon as SQL has it, to many readers.

One task looks for new rows; the readers sleep until it finds some, then each reads its own
rows from where it stands. A slow reader therefore costs a place and no memory, and a
reader that comes back with `Last-Event-ID` goes on exactly where it was.

Rows of two writers can become visible out of order::

    writer A   insert 5 ─────────────── commit
    writer B        insert 6 ── commit
    reader                        reads 6      must still read 5

so the tail also watches the number of rows among the last ones, and a reader looks back
that far and leaves out what it has sent. An event tells what *is*: seeing one twice, after a
reconnect, does no harm; (`fingerprint`, `opened_at`, `revision`) tell the later state.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from pipeline.errors import Unavailable
from workers.web.reading import Readers

logger = logging.getLogger(__name__)

# Ids that far behind the newest may still appear: watch commits within seconds.
LOOK_BACK = 256
# Rows a reader takes at once; a reader that was away for a day catches up page by page.
PAGE = 200


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One row of the history of alerts: its growing id and the wire alert as JSON text."""

    id: int
    state: str
    record: str


@dataclass(frozen=True, slots=True)
class TailState:
    """What the end of the history looks like; any new row changes it."""

    newest: int
    recent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things happen; tests use a faster one."""

    poll_seconds: float = 0.5
    heartbeat_seconds: float = 15.0
    retry_seconds: float = 2.0
    readers_at_most: int = 100


class AlertTail:
    """The end of the history of alerts, and everyone who reads it."""

    def __init__(
        self,
        readers: Readers,
        look: Callable[[], TailState],
        fetch: Callable[[int, int], Sequence[AlertEvent]],
        pace: Pace,
    ) -> None:
        """`look` and `fetch(after_id, most)` block; they run on the pool of `readers`."""
        self._readers = readers
        self._look = look
        self._fetch = fetch
        self._pace = pace
        self._state: TailState | None = None
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._attached = 0
        self._poller: asyncio.Task[None] | None = None

    @property
    def attached(self) -> int:
        """How many read now."""
        return self._attached

    def close(self) -> None:
        """End every stream after what it is sending; call it before the server stops."""
        self._closing.set()
        self._changed.set()

    async def stream(self, after: int | None) -> AsyncIterator[bytes]:
        """The event stream behind row `after`; None begins with what comes next.

        Raises `Unavailable` before the first byte when no place is free or SQL is away.
        """
        if self._attached >= self._pace.readers_at_most:
            raise Unavailable(f"{self._pace.readers_at_most} clients follow the events already")
        if self._closing.is_set():
            raise Unavailable("the web stage is stopping")
        newest = (await self._readers.read(self._look)).newest
        # ahead of all there is: the table was made anew, and would be silent until it got there
        return self._read(newest if after is None else min(after, newest))

    async def _read(self, start: int) -> AsyncIterator[bytes]:
        position = start
        sent: set[int] = set()
        # counted here, not in `stream`: an answer that never starts must not keep a place
        if self._attached >= self._pace.readers_at_most:
            return
        self._attached += 1
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="alert-tail")
        try:
            yield b"retry: %d\n\n" % int(self._pace.retry_seconds * 1000)
            while not self._closing.is_set():
                changed = self._changed
                try:
                    # never behind `start`: what lies there the client has seen
                    low = max(start, position - LOOK_BACK)
                    events = await self._readers.read(self._fetch, low, LOOK_BACK + PAGE)
                except Unavailable as error:
                    logger.warning("events wait for the database: %s", error)
                    events = ()
                fresh = [event for event in events if event.id not in sent]
                for event in fresh:
                    yield encoded(event)
                    sent.add(event.id)
                    position = max(position, event.id)
                sent = {known for known in sent if known > position - LOOK_BACK}
                if not fresh and not await self._woken(changed):
                    yield b": still here\n\n"
        finally:
            self._attached -= 1

    async def _woken(self, changed: asyncio.Event) -> bool:
        """False when nothing happened for the length of a heartbeat."""
        try:
            async with asyncio.timeout(self._pace.heartbeat_seconds):
                await changed.wait()
        except TimeoutError:
            return False
        return True

    async def _poll(self) -> None:
        """Wake the readers when the tail has changed; ends when nobody reads."""
        while self._attached and not self._closing.is_set():
            try:
                state = await self._readers.read(self._look)
            except Unavailable as error:
                logger.warning("events wait for the database: %s", error)
            except Exception:
                # without a poller the clients would hear nothing and think all is well
                logger.exception("the tail of the alerts could not be read")
            else:
                if state != self._state:
                    self._state = state
                    # readers hold the old event; those that come later wait on the new one
                    self._changed, woken = asyncio.Event(), self._changed
                    woken.set()
            try:
                async with asyncio.timeout(self._pace.poll_seconds):
                    await self._closing.wait()
            except TimeoutError:
                continue


def encoded(event: AlertEvent) -> bytes:
    """The event in the text form of server-sent events. JSON has no raw line breaks."""
    data = event.record.replace("\r", "").replace("\n", "")
    return f"id: {event.id}\nevent: alert\ndata: {data}\n\n".encode()


def last_event_id(text: str | None) -> int | None:
    """The id a client comes back with; None for none. Raises ValueError on any other text."""
    if text is None or text == "":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError("Last-Event-ID: a whole number")
    return int(text)
