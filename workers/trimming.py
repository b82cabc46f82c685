"""Keeps the embedded broker small: drops records every reader has acknowledged.

It writes its whole state once a second while something changes, so what it keeps is what
each second costs. Time-based retention would also drop what a slow stage has not read yet;
this drops only what all stages are done with. `alerts` and `dead-letters` stay.
"""

import logging
import threading
from collections.abc import Mapping, Sequence

import kafka

from pipeline.errors import BellwetherError
from pipeline.wire import CLASSIFIED, DOCUMENTS, TRENDS
from workers.broker import (
    Positions,
    admin_client,
    broker_errors,
    committed_positions,
    start_positions,
)
from workers.settings import KafkaSettings

log = logging.getLogger(__name__)

READERS: Mapping[str, tuple[str, ...]] = {
    DOCUMENTS.name: ("classify",),
    CLASSIFIED.name: ("archive", "aggregate"),
    TRENDS.name: ("watch",),
}
EVERY_SECONDS = 3.0
# Enough to look at what just passed; deleting fewer is not worth the broker's write.
KEEP_RECORDS = 500
LEAST_RECORDS = 1_000


def trim_points(
    starts: Positions, acknowledged: Mapping[str, Positions], readers: Mapping[str, Sequence[str]]
) -> dict[tuple[str, int], int]:
    """The offset before which each partition's records may go.

    `acknowledged` by group, `readers` the groups of each topic. A partition that one of its
    groups has not acknowledged anything of, or that has little to drop, is left out.
    """
    points = {}
    for place, start in starts.items():
        groups = readers.get(place[0], ())
        done = [acknowledged.get(group, {}).get(place) for group in groups]
        if not done or any(position is None for position in done):
            continue
        point = min(position for position in done if position is not None) - KEEP_RECORDS
        if point - start >= LEAST_RECORDS:
            points[place] = point
    return points


def trim_once(settings: KafkaSettings) -> int:
    """Drop what every stage has acknowledged; how many records that were."""
    prefix = settings.prefix
    readers = {
        prefix + topic: tuple(prefix + group for group in groups)
        for topic, groups in READERS.items()
    }
    groups = sorted({group for names in readers.values() for group in names})
    with admin_client(settings) as client, broker_errors(settings, "trimming"):
        starts = start_positions(client, list(readers))
        acknowledged = {group: committed_positions(client, group) for group in groups}
        points = trim_points(starts, acknowledged, readers)
        if points:
            client.delete_records(
                {kafka.TopicPartition(*place): point for place, point in points.items()}
            )
    return sum(point - starts[place] for place, point in points.items())


def trim_until(stopping: threading.Event, settings: KafkaSettings) -> None:
    """Trim every few seconds until `stopping` is set; a failure is logged and tried again."""
    while not stopping.wait(EVERY_SECONDS):
        try:
            dropped = trim_once(settings)
        except BellwetherError as error:
            log.warning("the broker's consumed records were not dropped: %s", error)
            continue
        if dropped:
            log.debug("dropped %d consumed records", dropped)
