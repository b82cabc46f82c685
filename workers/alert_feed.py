"""The alerts topic as a stream of states, for people at a terminal."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import kafka
import kafka.errors

from alerts.lifecycle import ALERTS, Alert
from pipeline.errors import Rejected
from workers.broker import broker_errors, kafka_client_config, reach
from workers.settings import KafkaSettings

_POLL_MILLISECONDS = 300


def follow_alerts(
    settings: KafkaSettings, stopping: Callable[[], bool], from_start: bool = False
) -> Iterator[Alert | None]:
    """Every alert record as it arrives, and None now and then while none does.

    Begins at the end of the topic, or at its start. Belongs to no group. Ends when
    `stopping` says so. Raises `Unavailable` when there is no broker at the beginning; later
    outages are waited for.
    """
    reach(settings)
    with broker_errors(settings, "following alerts"):
        consumer = kafka.KafkaConsumer(
            settings.prefix + ALERTS.name,
            **kafka_client_config(settings),
            client_id="bellwether-tail",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest" if from_start else "latest",
            bootstrap_timeout_ms=10_000,
        )
        try:
            while not stopping():
                found = consumer.poll(timeout_ms=_POLL_MILLISECONDS)
                for records in found.values():
                    for record in records:
                        # what is no alert is not ours to judge here: notify dead-letters it
                        with suppress(Rejected):
                            yield ALERTS.decode(record.value)
                yield None
        finally:
            consumer.close(autocommit=False)
