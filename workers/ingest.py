"""The ingest stage: polls the sources on a schedule and sends what is new to `documents`.

Any number of processes share the sources: each ticks, and the claim in SQL lets one of them
poll. The schedule survives restarts because it follows from `feed_state`. A source that
fails costs one log line and a pause of its own; the others do not notice.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from pipeline import metrics
from pipeline.errors import Unavailable
from pipeline.feeds.config import read_feeds
from pipeline.feeds.feed import Feed
from pipeline.feeds.fetch import Fetcher, agent
from pipeline.feeds.kinds import open_feed
from pipeline.retry import Backoff
from workers.feeds import check, preview
from workers.health import Health
from workers.intake import Intake
from workers.letters import read_letters
from workers.outbox import Delivery, Outbox, Sender
from workers.settings import KafkaSettings, Settings
from workers.topics import State, ensure_topics
from workers.wiring import database

__all__ = ["DeadIds", "Ingest", "check", "preview", "run_ingest", "utc_now"]

log = logging.getLogger(__name__)

_POLLERS = 8
# how often the outbox is looked at when no poll says that something is in it
_ROUND = timedelta(seconds=1)
_OUTAGE = Backoff(first=timedelta(seconds=1), most=timedelta(seconds=30))
# a stop waits so long for polls under way; what they would store later is stored next time
_STOP_SECONDS = 3.0
# the first polls of a start are spread, not sent all at once
_SPREAD_SECONDS = 0.2


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
        self._feeds = feeds
        self._intake = intake
        self._delivery = delivery
        self._clock = clock
        self._random = random or Random()  # noqa: S311 - jitter
        self._every = every.total_seconds()
        self._stop = threading.Event()
        self._found = threading.Event()
        self._polling = threading.Condition()
        self._under_way = 0
        self.progressed_at = time.monotonic()
        self.holding: str | None = None

    def lag(self) -> int:
        """Documents found and not yet sent."""
        return self._delivery.unsent

    def assignment(self) -> object:
        """The sources this process may poll."""
        return [feed.source.name for feed in self._feeds]

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then return within seconds. Outages of the broker or the
        database are waited for; nothing that was found is lost by them."""
        self._stop = stop
        scheduler = self._scheduled()
        scheduler.start()
        try:
            self._deliver()
        finally:
            scheduler.shutdown(wait=False)
            with self._polling:
                self._polling.wait_for(lambda: self._under_way == 0, _STOP_SECONDS)

    def poll(self, feed: Feed) -> int | None:
        """Poll one source if it is due and nobody does so now; the number of new documents.

        None when it was not polled or failed; the reason is logged and kept.
        """
        name = feed.source.source
        try:
            claim = self._intake.claim(feed.source, self._clock())
            if claim is None:
                return None
            try:
                answer = feed.poll(claim.state, self._clock())
            except Exception as error:  # one source, whatever it sends, is not the others
                reason = error.what if isinstance(error, Unavailable) else repr(error)
                log.warning(
                    "feed %s: %s", name, reason, exc_info=not isinstance(error, Unavailable)
                )
                metrics.FEED_POLLS.labels(name, "failed").inc()
                self._intake.fail(claim, reason, self._clock())
                return None
            now = self._clock()
            fresh = self._intake.record(claim, answer, now)
        except Unavailable as error:
            # nothing is remembered, so the next poll finds the same documents
            log.warning("feed %s: not polled: %s", name, error.what)
            return None
        metrics.FEED_POLLS.labels(name, "new" if fresh else "nothing").inc()
        metrics.FEED_SUCCESS.labels(name).set(now.timestamp())
        if fresh:
            metrics.FEED_DOCUMENTS.labels(name).inc(len(fresh))
            log.info("feed %s: %d new documents", name, len(fresh))
            self._found.set()
        return len(fresh)

    def _scheduled(self) -> BackgroundScheduler:
        """A job for each source: first when its last poll says, then by its interval."""
        # its own lines, one per job run, say nothing ours do not
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(_POLLERS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        start = self._clock()
        for number, feed in enumerate(self._feeds):
            seconds = feed.source.interval.total_seconds()
            try:
                due = self._intake.due_at(feed.source) or start
            except Unavailable:
                due = start  # the claim decides again
            spread = timedelta(seconds=min(number * _SPREAD_SECONDS, seconds))
            scheduler.add_job(
                self._tick,
                IntervalTrigger(seconds=seconds, jitter=seconds / 10, timezone=UTC),
                args=[feed],
                id=feed.source.source,
                next_run_time=max(due, start) + spread,
            )
        return scheduler

    def _tick(self, feed: Feed) -> None:
        with self._counted():
            if not self._stop.is_set():
                self.poll(feed)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._polling:
            self._under_way += 1
        try:
            yield
        finally:
            with self._polling:
                self._under_way -= 1
                self._polling.notify_all()

    def _deliver(self) -> None:
        """Rounds of the outbox, one after another, until the stop."""
        waits = None
        while not self._stop.is_set():
            self._found.clear()
            try:
                if self._delivery.round(self._clock(), self._stop.is_set):
                    self.progressed_at = time.monotonic()
            except Unavailable as error:
                if self.holding is None:
                    log.warning("found documents wait: %s", error.what)
                self.holding = error.what
                waits = waits or _OUTAGE.waits(self._random)
                self._stop.wait(next(waits).total_seconds())
                continue
            if self.holding is not None:
                log.info("documents are sent again, after: %s", self.holding)
            self.holding, waits = None, None
            # a poll that finds something ends the wait; so does the stop, a moment later
            self._found.wait(self._every)


class DeadIds:
    """The ids of dead letters, each told once: where reading stopped is remembered."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._next: dict[tuple[str, int], int] = {}

    def __call__(self) -> list[str]:
        found = []
        topic = f"{self._settings.prefix}dead-letters"
        for letter in read_letters(self._settings, self._next, timeout_seconds=20):
            self._next[(topic, letter.partition)] = letter.offset + 1
            key = letter.letter.key_bytes if letter.letter is not None else None
            if key is not None:
                found.append(key.decode(errors="replace"))
        return found


def run_ingest(settings: Settings, stop: threading.Event, health: Health) -> None:
    """The stage `ingest` of a process. Raises `ConfigurationError` before it begins."""
    settings.require("KAFKA", "DATABASE")
    file = read_feeds(Path(settings.feeds))
    engine = database(settings)
    sender = Sender(settings.kafka)
    try:
        for finding in ensure_topics(settings.kafka):
            if finding.state is State.DIFFERS:
                log.warning("%s", finding)
        fetcher = Fetcher(agent=agent(file.contact), wait=stop.wait)
        delivery = Delivery(Outbox(engine, settings.resend), sender, DeadIds(settings.kafka))
        ingest = Ingest(
            [open_feed(source, fetcher) for source in file.sources], Intake(engine), delivery
        )
        health.watch("ingest", ingest, ingest)
        log.info("polling %d sources", len(file.sources))
        ingest.run(stop)
    finally:
        sender.close()
        engine.dispose()
