"""How empty fetches are paced."""

import asyncio
from time import monotonic

from workers.transport import EMPTY_FETCH_SECONDS, paced


async def test_a_fetch_that_is_empty_at_once_is_not_asked_again_at_once():
    asked = 0

    async def empty(node: int, request: str) -> bool:
        nonlocal asked
        asked += 1
        assert (node, request) == (1, "fetch")
        return False

    begun = monotonic()
    for _ in range(5):
        assert await paced(empty)(1, "fetch") is False
    assert asked == 5
    assert monotonic() - begun >= 5 * EMPTY_FETCH_SECONDS


async def test_records_are_handed_on_at_once():
    async def full() -> bool:
        return True

    working = asyncio.ensure_future(paced(full)())
    for _ in range(3):
        await asyncio.sleep(0)
    assert working.done() and working.result() is True


async def test_a_fetch_cancelled_while_it_waits_ends_in_silence():
    async def empty() -> bool:
        return False

    waiting = asyncio.ensure_future(paced(empty)())
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    assert await waiting is False
