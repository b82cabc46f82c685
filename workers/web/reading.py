"""Blocking reads off the event loop: few at once, each for a limited time.

The page, the event clients and the API share one pool of threads. When it is full a request
waits a moment and is then told to come back: a slow database makes the web stage slow, never
unbounded. A read that times out keeps its thread until the database gives up (its own
statement timeout), and its place in the pool with it; that is what bounds the queue.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from pipeline.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


class Readers:
    """A bounded pool for blocking reads; belongs to one event loop."""

    def __init__(
        self, at_once: int = 8, queue_seconds: float = 2.0, read_seconds: float = 10.0
    ) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="web-read")
        self._places = asyncio.Semaphore(at_once)
        self._queue_seconds = queue_seconds
        self._read_seconds = read_seconds

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns. Raises `Unavailable` when it cannot start or end in time."""
        try:
            async with asyncio.timeout(self._queue_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("too many requests are being answered") from None
        loop = asyncio.get_running_loop()
        try:
            future = self._pool.submit(partial(function, *args, **kwargs))
        except BaseException:
            self._places.release()
            raise
        # the place is free when the thread is, not when the caller stops waiting
        future.add_done_callback(lambda _: _tell(loop, self._places.release))
        try:
            async with asyncio.timeout(self._read_seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise Unavailable("the stores did not answer in time") from None

    def close(self) -> None:
        """Take no more reads; running ones end in their own time."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)
