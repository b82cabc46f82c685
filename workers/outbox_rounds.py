"""Rounds of the outbox: what arrived or was refused leaves it, what is due is sent."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pipeline import metrics
from pipeline.errors import Unavailable
from pipeline.wire import DOCUMENTS
from workers.document_sender import DocumentSender
from workers.outbox import Outbox, Waiting

log = logging.getLogger(__name__)

# At this many sendings something is wrong that sending again does not mend.
_TELL_AT = 4


class Delivery:
    """One round of the outbox: forget what arrived, send what is due."""

    def __init__(
        self,
        box: Outbox,
        sender: DocumentSender,
        refused: Callable[[], Mapping[str, int | None]],
    ) -> None:
        """`refused()` gives what dead letters since it was last asked speak of: ids with the
        edition, where that can be told."""
        metrics.RECORDS.labels("ingest")
        self._box = box
        self._sender = sender
        self._refused = refused
        self.unsent = 0

    def round(self, now: datetime, stopping: Callable[[], bool]) -> int:
        """How many were confirmed by the broker. Raises `Unavailable`; nothing is lost."""
        unsent, sent = self._box.counts()
        self.unsent = unsent
        if sent or unsent:
            sent -= self._box.forget_arrived()
        if sent and self._box.overdue(now):
            # only now, because reading a topic costs more than a look into a table
            refused = self._box.forget(self._refused())
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
