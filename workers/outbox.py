"""The outbox: what ingest found stays in SQL until it is known to have arrived.

::

    poll ─▶ outbox row ─▶ sent (sent_at) ─▶ archived or dead letter ─▶ row deleted
                 ▲                │
                 └── not arrived in time: sent again, same id, same bytes

A broker's acknowledgement is not arrival: one that loses acknowledged records (the embedded
one may, when killed) loses none of ours. Sending twice is harmless: the id is the same.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import kafka
import kafka.errors
from sqlalchemy import ColumnElement, Engine, and_, delete, exists, func, or_, select, update

from pipeline import metrics
from pipeline.errors import Unavailable
from pipeline.stores.database import reading, writing
from pipeline.stores.feed_tables import outbox
from pipeline.stores.tables import documents
from pipeline.wire import DOCUMENTS
from workers.broker import broker_errors, kafka_client_config
from workers.settings import KafkaSettings

log = logging.getLogger(__name__)

# The wait for arrival doubles with each sending up to this often (64 times the first wait):
# while the archive is down, the topic must not fill with copies.
_DOUBLINGS = 6
# At this many sendings something is wrong that sending again does not mend.
_TELL_AT = 4
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One document to send; `attempts` counts this sending too."""

    id: str
    value: bytes
    attempts: int


class Outbox:
    """The table `outbox`. Any number of processes may work on it: what one takes, no other
    takes until its time to arrive is over. Raises `Unavailable` like every store."""

    def __init__(self, engine: Engine, resend: timedelta) -> None:
        self._engine = engine
        self._resend = resend

    def take(self, now: datetime, most: int = _CHUNK) -> list[Waiting]:
        """Up to `most` documents that are due, oldest first, marked as sent at `now`."""
        due = self._due(now)
        with reading(self._engine) as connection:
            ids = connection.execute(
                select(outbox.c.id).where(due).order_by(outbox.c.created_at).limit(most)
            )
            chosen = list(ids.scalars())
        if not chosen:
            return []
        with writing(self._engine) as connection:
            # `due` once more: another process may have taken some since
            rows = connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(chosen), due)
                .values(sent_at=now, attempts=outbox.c.attempts + 1)
                .returning(outbox.c.id, outbox.c.value, outbox.c.attempts)
            ).all()
        return [Waiting(id=row.id, value=row.value, attempts=row.attempts) for row in rows]

    def give_back(self, ids: Sequence[str]) -> None:
        """These could not be sent: they are due at once, as if never taken."""
        with writing(self._engine) as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(list(ids)))
                .values(sent_at=None, attempts=outbox.c.attempts - 1)
            )

    def forget_arrived(self) -> int:
        """Delete what is archived; how many."""
        arrived = exists().where(
            documents.c.id == outbox.c.id, documents.c.version >= outbox.c.version
        )
        with reading(self._engine) as connection:
            found = connection.execute(select(outbox.c.id).where(arrived).limit(_CHUNK))
            ids = list(found.scalars())
        # once more: an edit may have taken the row's place since
        return self._forget(ids, arrived)

    def forget(self, ids: Iterable[str]) -> int:
        """Delete those of these that were sent; how many there were. An edit that waits is a later
        edition than the one somebody speaks of."""
        return self._forget(list(ids), outbox.c.sent_at.is_not(None))

    def _forget(self, ids: Sequence[str], *conditions: ColumnElement[bool]) -> int:
        count = 0
        for start in range(0, len(ids), _CHUNK):
            with writing(self._engine) as connection:
                chosen = outbox.c.id.in_(ids[start : start + _CHUNK])
                count += connection.execute(delete(outbox).where(chosen, *conditions)).rowcount
        return count

    def overdue(self, now: datetime) -> list[str]:
        """The ids that were sent and have not arrived in time."""
        with reading(self._engine) as connection:
            found = connection.execute(
                select(outbox.c.id).where(outbox.c.sent_at.is_not(None), self._due(now))
            )
            return list(found.scalars())

    def counts(self) -> tuple[int, int]:
        """How many wait to be sent, and how many to arrive."""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(func.count(), func.count(outbox.c.sent_at)).select_from(outbox)
            ).one()
        return row[0] - row[1], row[1]

    def _due(self, now: datetime) -> ColumnElement[bool]:
        return or_(
            outbox.c.sent_at.is_(None),
            *(
                and_(
                    outbox.c.attempts == sendings,
                    outbox.c.sent_at <= now - self._resend * 2 ** (sendings - 1),
                )
                for sendings in range(1, _DOUBLINGS + 1)
            ),
            and_(
                outbox.c.attempts > _DOUBLINGS,
                outbox.c.sent_at <= now - self._resend * 2**_DOUBLINGS,
            ),
        )


class Sender:
    """Sends records to `documents` by kafka-python, every delivery confirmed by all replicas."""

    def __init__(self, settings: KafkaSettings, confirm_seconds: float = 15.0) -> None:
        self._settings = settings
        self._topic = settings.prefix + DOCUMENTS.name
        self._confirm_seconds = confirm_seconds
        self._producer: kafka.KafkaProducer | None = None

    def send(self, batch: Sequence[Waiting], stopping: Callable[[], bool]) -> set[str]:
        """The ids the broker confirmed. Raises `Unavailable` when it confirmed none.

        Returns early, with what is confirmed by then, when `stopping()`.
        """
        with broker_errors(self._settings, "sending documents"):
            return self._sent(self._connected(), batch, stopping)

    def close(self) -> None:
        """End the connection; what is not confirmed is sent again another time."""
        if self._producer is not None:
            self._producer.close(timeout=1)
            self._producer = None

    def _connected(self) -> kafka.KafkaProducer:
        if self._producer is None:
            # a client that cannot reach its broker leaves sockets behind with each attempt
            _reach(self._settings.servers)
            self._producer = kafka.KafkaProducer(
                **kafka_client_config(self._settings),
                client_id="bellwether-ingest",
                acks="all",
                # repeats are harmless here, and a broker that lost its state would refuse
                # the sequence numbers of an idempotent producer for ever
                enable_idempotence=False,
                linger_ms=5,
                max_request_size=4 * 1024 * 1024,
                max_block_ms=5_000,
                # below the delivery's, so that one lost answer is asked for again
                request_timeout_ms=round(self._confirm_seconds * 600),
                delivery_timeout_ms=round(self._confirm_seconds * 1000),
                bootstrap_timeout_ms=5_000,
                allow_auto_create_topics=False,
            )
        return self._producer

    def _sent(
        self,
        producer: kafka.KafkaProducer,
        batch: Sequence[Waiting],
        stopping: Callable[[], bool],
    ) -> set[str]:
        futures = [
            (one.id, producer.send(self._topic, key=one.id.encode(), value=one.value))
            for one in batch
        ]
        confirmed: set[str] = set()
        failure: Exception | None = None
        deadline = time.monotonic() + self._confirm_seconds + 2
        for document_id, future in futures:
            while not future.is_done and not stopping() and time.monotonic() < deadline:
                try:
                    future.get(timeout=0.25)
                except kafka.errors.KafkaTimeoutError:
                    continue
                except kafka.errors.KafkaError:
                    break
            if future.is_done and future.succeeded():
                confirmed.add(document_id)
            elif future.is_done:
                failure = future.exception
        if failure is not None and not confirmed:
            raise failure
        if failure is not None:
            log.warning(
                "%d of %d documents were not confirmed and are sent again: %s",
                len(futures) - len(confirmed),
                len(futures),
                failure,
            )
        return confirmed


def _reach(servers: str) -> None:
    """Return when one of the brokers takes a connection. Raises `OSError`."""
    failure: OSError | None = None
    for server in servers.split(","):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=3).close()
        except OSError as error:
            failure = error
        else:
            return
    if failure is not None:
        raise failure


class Delivery:
    """One round of the outbox: forget what arrived, send what is due."""

    def __init__(
        self,
        box: Outbox,
        sender: Sender,
        dead: Callable[[], Iterable[str]],
    ) -> None:
        """`dead()` gives the ids of the dead letters since it was last asked."""
        metrics.RECORDS.labels("ingest")
        self._box = box
        self._sender = sender
        self._dead = dead
        self.unsent = 0

    def round(self, now: datetime, stopping: Callable[[], bool]) -> int:
        """How many were confirmed by the broker. Raises `Unavailable`; nothing is lost."""
        unsent, sent = self._box.counts()
        self.unsent = unsent
        if sent or unsent:
            sent -= self._box.forget_arrived()
        if sent and self._box.overdue(now):
            # only now, because reading a topic costs more than a look into a table
            refused = self._box.forget(self._dead())
            if refused:
                log.warning("%d documents were refused: they are in dead-letters", refused)
        confirmed = 0
        while not stopping() and (batch := self._box.take(now)):
            confirmed += self._send(batch, stopping)
        unsent, sent = self._box.counts() if confirmed else (unsent, sent)
        self.unsent = unsent
        metrics.OUTBOX.labels("unsent").set(unsent)
        metrics.OUTBOX.labels("sent").set(sent)
        return confirmed

    def _send(self, batch: Sequence[Waiting], stopping: Callable[[], bool]) -> int:
        again = [one for one in batch if one.attempts > 1]
        if again:
            metrics.RESENT.inc(len(again))
            log.info("%d documents had not arrived in time and are sent again", len(again))
        stuck = sum(one.attempts == _TELL_AT for one in again)
        if stuck:
            log.warning(
                "%d documents were sent %d times and neither archived nor refused: are "
                "classify and archive running?", stuck, _TELL_AT
            )  # fmt: skip
        try:
            confirmed = self._sender.send(batch, stopping)
        except Unavailable:
            self._box.give_back([one.id for one in batch])
            raise
        lost = [one.id for one in batch if one.id not in confirmed]
        if lost:
            self._box.give_back(lost)
        metrics.SENT.labels("ingest", DOCUMENTS.name).inc(len(confirmed))
        metrics.RECORDS.labels("ingest").inc(len(confirmed))
        return len(confirmed)
