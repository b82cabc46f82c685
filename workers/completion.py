"""Whether everything that was sent has gone through all stages, and what came of it.

Followed downstream: once `classify` has acknowledged up to the end of `documents` as it was
after sending, all of `classified` is written, so its end can be read; and so on. Offsets
only, so waiting costs the same with a thousand documents and with a billion in the archive.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pipeline.errors import Unavailable
from pipeline.wire import CLASSIFIED, DEAD_LETTERS, DOCUMENTS, TRENDS
from workers.broker import (
    admin_client,
    broker_errors,
    committed_positions,
    end_positions,
    lag,
    start_positions,
)
from workers.settings import KafkaSettings
from workers.topics import ALERTS_NAME

# Each step's readers write what the next step's readers read.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (DOCUMENTS.name, ("classify",)),
    (CLASSIFIED.name, ("archive", "aggregate")),
    (TRENDS.name, ("watch",)),
    (ALERTS_NAME, ("notify",)),
)
POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Flow:
    """A moment, stages upstream first: records each still has to do, and has acknowledged;
    `ends` is where the topics end."""

    waiting: Mapping[str, int]
    acknowledged: Mapping[str, int]
    ends: Mapping[tuple[str, int], int]

    @property
    def first_waiting(self) -> str | None:
        """The most upstream stage that has something to do; None when all are through."""
        return next((stage for stage, count in self.waiting.items() if count), None)

    def __str__(self) -> str:
        left = [f"{stage} {count:,}" for stage, count in self.waiting.items() if count]
        return ", ".join(left) or "nothing waits"


def flow(settings: KafkaSettings) -> Flow:
    """The lag of every stage now, in one connection. Raises `Unavailable`.

    Acknowledgements are read downstream, and all of them before the ends. So if none waits,
    everything had gone through: when `classify` had acknowledged, all of `classified` was
    written, its end was read after that, and so on down to `alerts`.
    """
    prefix = settings.prefix
    topics = [prefix + topic for topic, _ in STEPS] + [prefix + DEAD_LETTERS.name]
    with admin_client(settings) as client, broker_errors(settings, "reading lag"):
        committed = {
            group: committed_positions(client, prefix + group)
            for _, groups in STEPS
            for group in groups
        }
        starts = start_positions(client, topics)
        ends = end_positions(client, topics)
    waiting = {}
    for topic, groups in STEPS:
        own = {place: end for place, end in ends.items() if place[0] == prefix + topic}
        for group in groups:
            waiting[group] = lag(own, committed[group], starts)
    return Flow(waiting, {group: sum(committed[group].values()) for group in committed}, ends)


def wait_until_through(
    read: Callable[[], Flow],
    stall: timedelta,
    *,
    progress: Callable[[Flow], None] = lambda moment: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Flow:
    """Return the first moment in which no stage has anything to do.

    Raises `Unavailable` when the most upstream stage that has work acknowledges nothing for
    `stall`; those behind it may still move, a sweep sends to them without end.
    """
    watched: tuple[str, int] | None = None
    moved = clock()
    while True:
        moment = read()
        progress(moment)
        stage = moment.first_waiting
        if stage is None:
            return moment
        now = (stage, moment.acknowledged[stage])
        if now != watched:
            watched, moved = now, clock()
        if clock() - moved > stall.total_seconds():
            raise Unavailable(
                f"{stage} acknowledged nothing for {stall.total_seconds():.0f} s while records "
                f"wait ({moment}); is `bellwether run {stage}` running?"
            )
        sleep(POLL_SECONDS)
