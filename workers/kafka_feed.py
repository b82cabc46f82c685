"""Any Kafka topic behind `Feed`: its records as documents, by the mapping of the source.

`kafka:///topic` is a topic of our own broker, `kafka://host:9092/topic` of another one, which
is asked without our credentials. Where reading stopped is the state for the next poll, in the
place of an ETag: nothing is committed, so no group of the topic's owner is touched.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import kafka

from pipeline.errors import ConfigurationError, Unavailable
from pipeline.feeds.feed import Feed, FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetches, Page
from pipeline.feeds.items import Item, Items, documents_of
from pipeline.feeds.json_mapping import item_of, records
from pipeline.feeds.mapping_options import mapping_of
from pipeline.feeds.plugins import Opener
from workers.broker import broker_errors, kafka_client_config, reach
from workers.settings import KafkaSettings

log = logging.getLogger(__name__)

# of one poll; the next one goes on where this one stopped
_MOST_RECORDS = 5_000
_AT_ONCE = 500
_MOST_SECONDS = 20.0


def kafka_opener(settings: KafkaSettings) -> Opener:
    """What opens a source of the kind `kafka`."""

    def opened(source: SourceConfig, fetcher: Fetches) -> Feed:
        return KafkaFeed(source, settings)

    return opened


class KafkaFeed(Feed):
    """One topic, read from its beginning on. Raises `ConfigurationError` without a topic."""

    def __init__(self, source: SourceConfig, settings: KafkaSettings) -> None:
        self.source = source
        parts = urlsplit(source.url)
        self._topic = parts.path.strip("/")
        if not self._topic or "/" in self._topic:
            raise ConfigurationError(
                f"{source.source}: url: kafka://host:9092/topic or kafka:///topic is needed"
            )
        if source.full_text:
            # a page that was not read this time is asked for again by reading all again
            raise ConfigurationError(f"{source.source}: full_text: not for a topic")
        self._mapping = mapping_of(source.options)
        self._settings = settings
        if parts.netloc:
            # whose broker it is must not learn our password
            self._settings = replace(
                settings, servers=parts.netloc, security="PLAINTEXT", sasl_mechanism=""
            )

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """The documents of the records since the last poll. Raises `Unavailable`."""
        reach(self._settings)
        with broker_errors(self._settings, f"reading {self._topic}"):
            consumer = kafka.KafkaConsumer(
                **kafka_client_config(self._settings),
                client_id="bellwether-feed",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_bytes=16 * 1024 * 1024,
                max_partition_fetch_bytes=8 * 1024 * 1024,
                bootstrap_timeout_ms=10_000,
            )
            try:
                found, positions = self._read(consumer, _positions(state, self._topic))
            finally:
                consumer.close(autocommit=False)
        items = [item for record in found for item in self._items(record)]
        skipped = sum(not self._items(record) for record in found)
        page = Page(url=self.source.url)
        # all of them: what is read is not read again; of two editions the later one
        documents, empty = documents_of(
            Items(items=tuple(items)), page, self.source, now, max(1, len(items)), last_stands=True
        )
        return Poll(
            documents=documents,
            state=FeedState(etag=json.dumps({"topic": self._topic, **positions})),
            unchanged=not found,
            skipped=skipped + empty,
        )

    def _read(
        self, consumer: kafka.KafkaConsumer, positions: Mapping[str, int]
    ) -> tuple[list[Any], dict[str, int]]:
        partitions = consumer.partitions_for_topic(self._topic)
        if not partitions:
            raise Unavailable(f"the broker has no topic {self._topic!r}")
        places = [kafka.TopicPartition(self._topic, number) for number in sorted(partitions)]
        consumer.assign(places)
        beginnings, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        for place in places:
            # what was deleted meanwhile cannot be read
            kept = max(positions.get(str(place.partition), 0), beginnings[place])
            if kept > ends[place]:
                log.warning(
                    "feed %s: partition %d of %s ends at %d, before %d where reading stopped: it "
                    "was made anew and is read from its beginning",
                    self.source.source, place.partition, self._topic, ends[place], kept,
                )  # fmt: skip
                kept = beginnings[place]
            consumer.seek(place, kept)
        found: list[Any] = []
        deadline = time.monotonic() + _MOST_SECONDS
        # by position: a trailing transaction marker is no record
        while any(consumer.position(place) < ends[place] for place in places):
            most = min(_AT_ONCE, _MOST_RECORDS - len(found))
            read = consumer.poll(timeout_ms=500, max_records=most)
            found += [record for records_of_one in read.values() for record in records_of_one]
            if len(found) >= _MOST_RECORDS or time.monotonic() > deadline:
                break
        return found, {str(place.partition): consumer.position(place) for place in places}

    def _items(self, record: Any) -> Sequence[Item]:
        """The items of one record; none where it is no JSON or the mapping finds none."""
        try:
            value = json.loads(record.value or b"")
        except (ValueError, RecursionError):
            return []
        place = f"{record.topic}-{record.partition}-{record.offset}"
        items = [item_of(one, self._mapping) for one in records(value, self._mapping)]
        # one that names itself nowhere is known by its place
        return [
            item if item.guid or item.link else replace(item, guid=f"{place}-{number}")
            for number, item in enumerate(items)
        ]


def _positions(state: FeedState, topic: str) -> Mapping[str, int]:
    """Where reading of `topic` stopped; nothing where another topic was read."""
    try:
        told = json.loads(state.etag or "{}")
    except ValueError:
        return {}
    if isinstance(told, dict) and told.get("topic", topic) != topic:
        return {}
    return {
        str(partition): offset
        for partition, offset in (told.items() if isinstance(told, dict) else ())
        if isinstance(offset, int)
    }
