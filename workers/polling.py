"""Polling sources on a timetable: APScheduler is the clock, SQL says whose turn it is.

Each source is one job that runs when SQL says the source is due, tries to claim it, polls it,
and is put back for the time SQL then says. Several processes have a job for each source; the
claim lets one of them poll. A job that runs late runs once, whatever it missed.

One host's sources are polled at most two at a time, so that a host that answers slowly does
not take all the threads from the others; whoever waited longest for it is asked next.
"""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlsplit

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from pipeline import metrics
from pipeline.documents import Document
from pipeline.errors import Unavailable
from pipeline.feeds.feed import Feed
from pipeline.feeds.politeness import NotNow
from workers.intake import Claim, Intake, lag

log = logging.getLogger(__name__)

_POLLERS = 8
_RENEWING = "renewing"
_PER_HOST = 2
# the first polls of a start are spread, not sent all at once
_SPREAD_SECONDS = 0.2
# A job is never put back for now: another process may hold what it wants, or be an instant late.
_SOONEST = timedelta(milliseconds=200)
_BUSY = timedelta(seconds=2)
# A job is put back for a time after each run; should that fail, it runs again all the same.
_AT_LEAST = IntervalTrigger(hours=1, timezone=UTC)
# With the database away nobody knows when a source is due; looked at again after so long.
_BLIND = timedelta(seconds=10)


class Polling:
    """Polls `feeds` whenever they are due; `found` is called when there is something new."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        intake: Intake,
        found: Callable[[], None],
        clock: Callable[[], datetime],
        random: Random,
    ) -> None:
        self._feeds = feeds
        self._intake = intake
        self._found = found
        self._clock = clock
        self._random = random
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._at_host: Counter[str] = Counter()
        self._waiting: defaultdict[str, dict[str, Feed]] = defaultdict(dict)
        self._claims: dict[str, Claim] = {}
        self._scheduler = _scheduler()

    def start(self) -> None:
        """Begin, in threads of its own."""
        start = self._clock()
        try:
            self._intake.register([feed.source for feed in self._feeds], start)
        except Unavailable as error:
            log.warning("the sources are not registered yet: %s", error.what)
        for number, feed in enumerate(self._feeds):
            most = feed.source.interval.total_seconds()
            self._scheduler.add_job(
                self._tick,
                _AT_LEAST,
                args=[feed],
                id=feed.source.source,
                next_run_time=start + timedelta(seconds=min(number * _SPREAD_SECONDS, most)),
            )
        every = self._intake.lease.total_seconds() / 3
        self._scheduler.add_job(
            self._renew, IntervalTrigger(seconds=every, timezone=UTC), executor=_RENEWING
        )
        self._scheduler.start()

    def stop(self, patience_seconds: float) -> None:
        """End; polls under way have so long. What they would store later is found again."""
        self._stopping.set()
        self._scheduler.shutdown(wait=False)
        with self._changed:
            self._changed.wait_for(lambda: not self._at_host, patience_seconds)

    def poll(self, feed: Feed) -> int | None:
        """Poll one source if it is due and nobody does so now; the number of new documents.

        None when it was not polled or failed; the reason is logged and kept.
        """
        name = feed.source.source
        try:
            claim = self._intake.claim(feed.source, self._clock())
            if claim is None:
                return None
            self._claims[name] = claim
            try:
                sent = self._polled(feed, claim)
            finally:
                self._claims.pop(name, None)
        except Unavailable as error:
            # nothing is remembered, so the next poll finds the same documents
            log.warning("feed %s: not polled: %s", name, error.what)
            return None
        if sent is None:
            return None
        new = [document for document in sent if document.version == 1]
        _measure(name, new, len(sent) - len(new), self._clock(), claim)
        if sent:
            log.info("feed %s: %d new documents, %d edited", name, len(new), len(sent) - len(new))
            self._found()
        return len(new)

    def _polled(self, feed: Feed, claim: Claim) -> list[Document] | None:
        try:
            answer = feed.poll(claim.state, self._clock())
        except NotNow as error:
            log.debug("feed %s: put off: %s", claim.source, error.what)
            self._intake.put_off(claim, self._clock(), error.wait)
            return None
        except Exception as error:  # one source, whatever it sends, is not the others
            self._failed(claim, error)
            return None
        try:
            return self._intake.record(claim, answer, self._clock(), feed.complete)
        except Unavailable:
            raise
        except Exception as error:  # what it sent cannot be kept: that is known of it then
            self._failed(claim, error)
            return None

    def _failed(self, claim: Claim, error: Exception) -> None:
        expected = isinstance(error, Unavailable)
        reason = error.what if isinstance(error, Unavailable) else repr(error)
        log.warning("feed %s: %s", claim.source, reason, exc_info=not expected)
        metrics.FEED_POLLS.labels(claim.source, "failed").inc()
        metrics.FEED_FAILURES.labels(claim.source).set(claim.failures_in_a_row + 1)
        wish = error.retry_after if isinstance(error, Unavailable) else None
        self._intake.fail(claim, reason, self._clock(), wish)

    def _tick(self, feed: Feed) -> None:
        if self._stopping.is_set():
            return
        host = urlsplit(feed.source.url).hostname or ""
        if not self._take_place(host, feed):
            self._put(feed, self._clock() + _BUSY)
            return
        try:
            self.poll(feed)
        finally:  # also behind a mistake of ours, which the scheduler logs
            at = self._clock()
            # before anything that may fail: a place that is kept is lost to the host
            for other in self._leave_place(host):
                self._put(other, at)
            self._put(feed, max(self._due(feed), at + _SOONEST))

    def _due(self, feed: Feed) -> datetime:
        now = self._clock()
        try:
            return self._intake.due_at(feed.source) or now
        except Unavailable:
            return now + min(_BLIND, feed.source.interval)

    def _put(self, feed: Feed, at: datetime) -> None:
        # a scheduler that is stopped meanwhile knows no jobs
        with suppress(JobLookupError):
            self._scheduler.modify_job(feed.source.source, next_run_time=at)

    def _take_place(self, host: str, feed: Feed) -> bool:
        """Whether `feed` may be polled now; if not it waits, behind those that wait already."""
        name = feed.source.source
        with self._changed:
            waiting = self._waiting[host]
            if self._at_host[host] >= _PER_HOST:
                waiting.setdefault(name, feed)
                return False
            waiting.pop(name, None)
            self._at_host[host] += 1
            return True

    def _leave_place(self, host: str) -> list[Feed]:
        """Give the place back; those whose turn it is now."""
        with self._changed:
            self._at_host[host] -= 1
            self._at_host += Counter()  # drops the hosts nobody is at
            self._changed.notify_all()
            return list(self._waiting[host].values())[: _PER_HOST - self._at_host[host]]

    def _renew(self) -> None:
        try:
            self._intake.renew(list(self._claims.values()), self._clock())
        except Unavailable as error:
            log.warning("leases of running polls are not renewed: %s", error.what)


def _scheduler() -> BackgroundScheduler:
    # its own lines, one per job run, say nothing ours do not
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    return BackgroundScheduler(
        # leases are renewed most of all when every poller is busy
        executors={"default": ThreadPoolExecutor(_POLLERS), _RENEWING: ThreadPoolExecutor(1)},
        # A job puts itself back before it has quite ended: a second instance must not be
        # dropped for that. The claim keeps two polls of one source apart.
        job_defaults={"coalesce": True, "max_instances": 3, "misfire_grace_time": None},
        timezone=UTC,
    )


def _measure(name: str, new: Sequence[Document], edited: int, now: datetime, claim: Claim) -> None:
    metrics.FEED_POLLS.labels(name, "new" if new else "nothing").inc()
    metrics.FEED_SUCCESS.labels(name).set(now.timestamp())
    metrics.FEED_FAILURES.labels(name).set(0)
    if new:
        metrics.FEED_DOCUMENTS.labels(name).inc(len(new))
    if edited:
        metrics.FEED_EDITED.labels(name).inc(edited)
    late = lag(new, now) if claim.answered else None
    if late is not None:
        metrics.FEED_LAG.labels(name).observe(max(0.0, late.total_seconds()))
