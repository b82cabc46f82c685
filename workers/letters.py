"""Dead letters: reading them from their topic, and putting what they hold back."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import kafka

from pipeline.errors import Rejected, Unavailable
from pipeline.wire import DEAD_LETTERS, DeadLetter
from workers.broker import (
    admin_client,
    broker_errors,
    end_positions,
    kafka_client_config,
    reach,
    start_positions,
)
from workers.settings import KafkaSettings

READ_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter and where it lies; `letter` is None where it cannot be read itself."""

    partition: int
    offset: int
    letter: DeadLetter | None

    @property
    def place(self) -> tuple[str, int, int]:
        """What identifies the record it is about: a letter written twice has the same."""
        if self.letter is None:
            return (DEAD_LETTERS.name, self.partition, self.offset)
        return (self.letter.topic, self.letter.partition, self.letter.offset)


def read_letters(
    settings: KafkaSettings,
    since: Mapping[tuple[str, int], int] | None = None,
    timeout_seconds: float = READ_SECONDS,
) -> Iterator[Letter]:
    """Every letter from `since` (default: the first kept) to where the topic ends now.

    Belongs to no group: reading changes nothing. Raises `Unavailable` when the ends are not
    reached in time.
    """
    topic = settings.prefix + DEAD_LETTERS.name
    with admin_client(settings) as client, broker_errors(settings, "reading dead letters"):
        ends = end_positions(client, [topic])
        starts = start_positions(client, [topic])
    positions = {
        place: max(starts.get(place, 0), (since or {}).get(place, 0))
        for place, end in ends.items()
        if end > max(starts.get(place, 0), (since or {}).get(place, 0))
    }
    if not positions:
        return
    with broker_errors(settings, "reading dead letters"):
        consumer = kafka.KafkaConsumer(
            **kafka_client_config(settings),
            client_id="bellwether-letters",
            group_id=None,
            enable_auto_commit=False,
            fetch_max_bytes=16 * 1024 * 1024,
            max_partition_fetch_bytes=8 * 1024 * 1024,
            bootstrap_timeout_ms=10_000,
        )
        try:
            yield from _read(consumer, positions, ends, timeout_seconds)
        finally:
            consumer.close(autocommit=False)


def _read(
    consumer: kafka.KafkaConsumer,
    positions: Mapping[tuple[str, int], int],
    ends: Mapping[tuple[str, int], int],
    timeout_seconds: float,
) -> Iterator[Letter]:
    places = [kafka.TopicPartition(*place) for place in positions]
    consumer.assign(places)
    for place in places:
        consumer.seek(place, positions[(place.topic, place.partition)])
    left = {place: ends[(place.topic, place.partition)] for place in places}
    deadline = time.monotonic() + timeout_seconds
    while left:
        for place, records in consumer.poll(timeout_ms=500).items():
            for record in records:
                if record.offset < ends[(place.topic, place.partition)]:
                    yield Letter(record.partition, record.offset, _decoded(record.value))
        # by position, not by the last record: a trailing transaction marker is no record
        left = {place: end for place, end in left.items() if consumer.position(place) < end}
        if left and time.monotonic() > deadline:
            raise Unavailable(f"dead letters: not read to the end in {timeout_seconds:.0f} s")


def _decoded(value: bytes | None) -> DeadLetter | None:
    try:
        return DEAD_LETTERS.decode(value)
    except Rejected:
        return None


def count_letters(
    settings: KafkaSettings, since: Mapping[tuple[str, int], int] | None = None
) -> int:
    """How many different records have a dead letter; one written twice counts once."""
    return len({letter.place for letter in read_letters(settings, since)})


def put_back(settings: KafkaSettings, letters: Iterator[Letter]) -> int:
    """Send what the letters hold to the topics they came from, each record once; how many.

    The letters stay in their topic: it is history. Confirmed by the broker on return.
    """
    seen: set[tuple[str, int, int]] = set()
    futures = []
    reach(settings)
    with broker_errors(settings, "retrying dead letters"):
        producer = kafka.KafkaProducer(
            **kafka_client_config(settings),
            client_id="bellwether-letters",
            acks="all",
            enable_idempotence=True,
            max_request_size=8 * 1024 * 1024,
            bootstrap_timeout_ms=10_000,
        )
        try:
            for found in letters:
                letter = found.letter
                if letter is None or found.place in seen:
                    continue
                seen.add(found.place)
                futures.append(
                    producer.send(letter.topic, value=letter.value_bytes, key=letter.key_bytes)
                )
            for future in futures:
                future.get(timeout=60)
        finally:
            producer.close(timeout=5)
    return len(futures)
