"""Bad documents and bad webhooks: their neighbours are unharmed."""

import json
import time
from collections.abc import Iterator

from benchmarks.load import Plan
from tests.faults.conftest import World
from tests.faults.test_processes import PER_SECOND

POISON = (
    b"\xff\xfe not UTF-8",
    b'{"source": "load", "published_at": "2026-01-05T10:00:00Z"',
    b'{"source": "load", "text": "no time"}',
    b'{"source": "load", "published_at": "0001-01-01T00:00:00Z", "text": "year one"}',
    b'{"source": "load", "published_at": "9999-12-31T23:59:59Z", "text": "far future"}',
    b'{"source": "load", "published_at": "2026-01-05T10:00:00Z", "text": "a\\u0000b"}',
    b'{"source": "load", "published_at": "2026-01-05T10:00:00Z", "text": "\\ud800 alone"}',
    json.dumps(
        {"source": "load", "published_at": "2026-01-05T10:00:00Z", "text": "x" * 2_000_000}
    ).encode(),
    b"",
    b"[]",
)


def poisoned(plan: Plan) -> Iterator[tuple[str, bytes]]:
    """The plan with every hundredth record replaced by poison, its keys kept.

    Only background is replaced: the surge must still raise its alert.
    """
    poison = 0
    for number, (key, value) in enumerate(plan.records()):
        if number % 100 == 50 and b'"author":"s' not in value:
            yield key, POISON[poison % len(POISON)]
            poison += 1
        else:
            yield key, value


def test_one_percent_of_poison_goes_to_the_dead_letters(world: World):
    plan = world.plan()
    bad = [key for key, value in poisoned(plan) if value in POISON]
    assert len(bad) >= 40
    world.cluster.publish(poisoned(plan), PER_SECOND)
    world.assert_whole(plan, dead=len(bad))
    world.assert_no_repeats()
    reasons = {letter["reason"].partition(":")[0] for letter in world.cluster.read("dead-letters")}
    assert {"value", "published_at", "text"} <= reasons


def test_a_slow_and_then_dead_webhook_slows_nothing_down(world: World):
    plan = world.plan()
    world.receiver.slow.set()
    try:
        started = time.monotonic()
        world.cluster.publish(plan.records(), PER_SECOND)
        world.cluster.until(
            lambda: world.cluster.archived(plan.run) == plan.documents, 60, "all archived"
        )
        took = time.monotonic() - started
        world.receiver.dead = True
    finally:
        world.receiver.slow.clear()
        world.receiver.released.set()
    # 5,000 at 700 a second take 7 s; a webhook that blocked the stream would take 30 more
    assert took < 30
    world.receiver.dead = False
    world.assert_whole(plan)
    world.assert_no_repeats()
