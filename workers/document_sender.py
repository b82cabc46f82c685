"""Sends found documents to their topic, every delivery confirmed by all replicas."""

import logging
import socket
import time
from collections.abc import Callable, Sequence

import kafka
import kafka.errors

from pipeline.wire import DOCUMENTS
from workers.broker import broker_errors, kafka_client_config
from workers.outbox import Waiting
from workers.settings import KafkaSettings

log = logging.getLogger(__name__)


class DocumentSender:
    """A producer of kafka-python for `documents`, connected when it is first needed."""

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
