"""The ingest stage: polls the sources on a schedule and sends what is new to `documents`.

Any number of processes share the sources: `workers/polling.py` has the timetable, and the
claim in SQL (`workers/intake.py`) lets one of them poll. The schedule survives restarts
because it is in `feed_state`. A source that fails costs one log line and a pause of its own;
the others do not notice.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from pipeline.errors import Unavailable
from pipeline.feeds.feed import Feed
from pipeline.feeds.fetch import Fetcher, agent
from pipeline.feeds.kinds import FEEDS, open_feed
from pipeline.retry import Backoff
from pipeline.stores.host_turns import SqlTurns
from workers.document_sender import DocumentSender
from workers.feed_file import feed_file
from workers.feeds import check, preview
from workers.health import Health
from workers.intake import Intake
from workers.kafka_feed import kafka_opener
from workers.local_pages import Local
from workers.outbox import Outbox
from workers.outbox_rounds import Delivery
from workers.polling import Polling
from workers.refusals import Refusals
from workers.settings import Settings
from workers.topics import State, ensure_topics
from workers.wiring import database

__all__ = ["Ingest", "check", "preview", "run_ingest", "utc_now"]

log = logging.getLogger(__name__)

# how often the outbox is looked at when no poll says that something is in it
_ROUND = timedelta(seconds=1)
_OUTAGE = Backoff(first=timedelta(seconds=1), most=timedelta(seconds=30))
# a stop waits so long for polls under way; what they would store later is stored next time
_STOP_SECONDS = 3.0


def utc_now() -> datetime:
    """The clock this stage runs on."""
    return datetime.now(UTC)


class Ingest:
    """Polls `feeds` and delivers the outbox until told to stop."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        intake: Intake,
        delivery: Delivery,
        clock: Callable[[], datetime] = utc_now,
        random: Random | None = None,
        every: timedelta = _ROUND,
    ) -> None:
        self._names = [feed.source.name for feed in feeds]
        self._delivery = delivery
        self._clock = clock
        self._random = random or Random()  # noqa: S311 - jitter
        self._every = every.total_seconds()
        self._found = threading.Event()
        self._polling = Polling(feeds, intake, self._found.set, clock, self._random)
        self.progressed_at = time.monotonic()
        self.holding: str | None = None

    def lag(self) -> int:
        """Documents found and not yet sent."""
        return self._delivery.unsent

    def assignment(self) -> object:
        """The sources this process may poll."""
        return self._names

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then return within seconds. Outages of the broker or the
        database are waited for; nothing that was found is lost by them."""
        self._polling.start()
        try:
            self._deliver(stop)
        finally:
            self._polling.stop(_STOP_SECONDS)

    def _deliver(self, stop: threading.Event) -> None:
        """Rounds of the outbox, one after another, until the stop."""
        waits = None
        while not stop.is_set():
            self._found.clear()
            try:
                if self._delivery.round(self._clock(), stop.is_set):
                    self.progressed_at = time.monotonic()
            except Unavailable as error:
                if self.holding is None:
                    log.warning("found documents wait: %s", error.what)
                self.holding = error.what
                waits = waits or _OUTAGE.waits(self._random)
                stop.wait(next(waits).total_seconds())
                continue
            if self.holding is not None:
                log.info("documents are sent again, after: %s", self.holding)
            self.holding, waits = None, None
            # a poll that finds something ends the wait; so does the stop, a moment later
            self._found.wait(self._every)


def run_ingest(settings: Settings, stop: threading.Event, health: Health) -> None:
    """The stage `ingest` of a process. Raises `ConfigurationError` before it begins."""
    settings.require("KAFKA", "DATABASE")
    file = feed_file(settings)
    engine = database(settings)
    sender = DocumentSender(settings.kafka)
    try:
        for finding in ensure_topics(settings.kafka):
            if finding.state is State.DIFFERS:
                log.warning("%s", finding)
        fetcher = Fetcher(
            agent=agent(file.contact), wait=stop.wait, turns=SqlTurns(engine, utc_now)
        )
        kinds = {**FEEDS, "kafka": kafka_opener(settings.kafka)}
        delivery = Delivery(Outbox(engine, settings.resend), sender, Refusals(settings.kafka))
        ingest = Ingest(
            [open_feed(source, Local(fetcher), kinds) for source in file.sources],
            Intake(engine),
            delivery,
        )
        health.watch("ingest", ingest, ingest)
        log.info("polling %d sources", len(file.sources))
        ingest.run(stop)
    finally:
        sender.close()
        engine.dispose()
