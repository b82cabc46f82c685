"""A file of documents into the topic `documents`, in order, keeping their event time.

All records of a replay go to one partition unless told otherwise: partitions are read side
by side, and at full speed one would run hours of event time ahead of another; what the
detector then sees is late documents, not a surge. One partition keeps the file's order end
to end. Lines that are no valid document are sent as they are: they become dead letters.
"""

import gzip
import logging
import time
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import IO, Any

import kafka
import kafka.errors
import msgspec

from pipeline.documents import document_id
from pipeline.errors import ConfigurationError, Rejected, Unavailable
from pipeline.wire import DOCUMENTS
from workers.broker import broker_errors, kafka_client_config, reach
from workers.settings import KafkaSettings
from workers.topics import MAX_DOCUMENT_BYTES

log = logging.getLogger(__name__)

_GZIP_MAGIC = b"\x1f\x8b"
# Room for key and framing within the topic's limit.
MAX_LINE_BYTES = MAX_DOCUMENT_BYTES - 4096
# A line without end is read no further than this; it is too long to send long before.
_READ_BYTES = 16 * 1024 * 1024
# At slow speeds a sleeping replay reports and can be stopped this often.
_NAP_SECONDS = 0.5
_FLUSH_SECONDS = 60.0


class _Peek(msgspec.Struct):
    id: str | None = None
    published_at: datetime | None = None


_peek = msgspec.json.Decoder(_Peek)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file; `id` and `at` are None where it is no valid document."""

    number: int
    value: bytes
    id: str | None
    at: datetime | None


@dataclass(slots=True)
class Replayed:
    """How many records were sent, and the numbers of lines that were too long to send."""

    sent: int = 0
    too_long: list[int] = field(default_factory=list)


def id_hash(name: str) -> bytes:
    """Eight bytes for a document id, so that a million fit easily; two ids of one replay
    practically never share them."""
    return blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a JSONL file, gzipped or not, one at a time; blank ones are left out.

    Raises `ConfigurationError` naming the line for a file that cannot be read (to its end).
    """
    number = 0
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            file: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
            while chunk := file.readline(_READ_BYTES):
                number += 1
                if number == 1:
                    chunk = chunk.removeprefix(BOM_UTF8)
                value = chunk.rstrip(b"\r\n")
                while len(chunk) == _READ_BYTES and not chunk.endswith(b"\n"):
                    chunk = file.readline(_READ_BYTES)
                if value.strip():
                    yield _line(number, value)
    except (OSError, EOFError, zlib.error) as error:
        where = f" after line {number}" if number else ""
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path}: cannot be read{where}: {reason}") from error


def _line(number: int, value: bytes) -> Line:
    try:
        peeked = _peek.decode(value)
        name = peeked.id or document_id(DOCUMENTS.decode(value))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Rejected):
        return Line(number, value, None, None)
    at = peeked.published_at
    return Line(number, value, name, at if at is not None and at.tzinfo is not None else None)


def distinct_ids(lines: Iterator[Line]) -> Iterator[str]:
    """Each document id in `lines`, once."""
    seen: set[bytes] = set()
    for line in lines:
        if line.id is not None and (name := id_hash(line.id)) not in seen:
            seen.add(name)
            yield line.id


def seconds_until_due(at: datetime, first: datetime, speed: float, elapsed: float) -> float:
    """How long to wait before sending a document of event time `at`, `elapsed` seconds after
    the first was sent, at `speed` times event time; never negative."""
    return max(0.0, (at - first).total_seconds() / speed - elapsed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast to send: `speed` times event time, None for as fast as possible."""

    speed: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def replay(
    lines: Iterator[Line],
    settings: KafkaSettings,
    *,
    pace: Pace | None = None,
    partition: int | None = 0,
    progress: Callable[[Replayed, datetime | None], None] = lambda replayed, at: None,
) -> Replayed:
    """Send every line and return when the broker has confirmed all of them.

    `partition` None spreads by key. `progress` is called as records are sent, with the last
    event time. Raises `Unavailable` when the broker does not confirm; what was sent so far
    may be sent again without harm, ids make it the same documents.
    """
    reach(settings)
    with broker_errors(settings, "replaying"):
        sender = _Sender(settings, partition)
        try:
            replayed = send_all(lines, sender.send, pace or Pace(), progress)
            sender.finish()
        finally:
            sender.close()
    return replayed


def send_all(
    lines: Iterator[Line],
    send: Callable[[Line], None],
    pace: Pace,
    progress: Callable[[Replayed, datetime | None], None],
) -> Replayed:
    """Hand every line to `send` when it is due; lines without a time follow the one before.

    Lines the topic would refuse for their size are left out and named.
    """
    replayed = Replayed()
    first: datetime | None = None
    started = pace.clock()
    for line in lines:
        if pace.speed is not None and line.at is not None:
            first = line.at if first is None else first
            while wait := seconds_until_due(line.at, first, pace.speed, pace.clock() - started):
                progress(replayed, line.at)
                pace.sleep(min(wait, _NAP_SECONDS))
        if len(line.value) > MAX_LINE_BYTES:
            replayed.too_long.append(line.number)
            continue
        send(line)
        replayed.sent += 1
        if replayed.sent % 500 == 0:
            progress(replayed, line.at)
    progress(replayed, None)
    return replayed


class _Sender:
    """An idempotent producer that remembers the first failed delivery."""

    def __init__(self, settings: KafkaSettings, partition: int | None) -> None:
        self._topic = settings.prefix + DOCUMENTS.name
        self._partition = partition
        self._lock = Lock()
        self._unconfirmed = 0
        self._failure: BaseException | None = None
        self._producer = kafka.KafkaProducer(
            **kafka_client_config(settings),
            client_id="bellwether-replay",
            acks="all",
            # retries cannot reorder: the broker refuses a batch whose predecessor is missing
            enable_idempotence=True,
            compression_type="gzip",
            linger_ms=20,
            batch_size=256 * 1024,
            max_request_size=MAX_DOCUMENT_BYTES,
            delivery_timeout_ms=120_000,
            max_block_ms=60_000,
            bootstrap_timeout_ms=15_000,
        )

    def send(self, line: Line) -> None:
        """Hand over one record; blocks while the producer's buffer is full."""
        if self._failure is not None:
            raise self._failure
        key = None if line.id is None else line.id.encode(errors="replace")
        with self._lock:
            self._unconfirmed += 1
        future = self._producer.send(
            self._topic, value=line.value, key=key, partition=self._partition
        )
        future.add_callback(self._confirmed)
        future.add_errback(self._failed)

    def finish(self) -> None:
        """Wait for every confirmation. Raises the first failure."""
        self._producer.flush(timeout=_FLUSH_SECONDS * 2)
        if self._failure is not None:
            raise self._failure
        if self._unconfirmed:
            raise Unavailable(f"the broker did not confirm {self._unconfirmed} records")

    def close(self) -> None:
        with suppress(kafka.errors.KafkaError):
            self._producer.close(timeout=5)

    def _confirmed(self, _metadata: Any) -> None:
        with self._lock:
            self._unconfirmed -= 1

    def _failed(self, error: BaseException) -> None:
        self._failure = self._failure or error
