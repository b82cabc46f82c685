"""The housekeeping stage: time passes, counts are kept, the old is forgotten.

- *sweep*: a series that goes quiet sends nothing, so its alert would never resolve. The last
  bucket of every series with an open alert is sent to `trends` again, with the time it is.
- *persist*: `trend_buckets` in SQL is brought up to Redis.
- *sources*: a source that gives no answer or no news for long has an alert of its own.
- *retention*: documents, trends and closed alerts past their time are deleted from SQL.

Any number of processes may run it: each job takes a lock in Redis for its turn.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

import kafka
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from redis import Redis
from sqlalchemy import Engine

from alerts.lifecycle import ALERTS
from alerts.ports import AlertStore
from alerts.rules import load_rules
from alerts.store import SqlAlertStore
from pipeline import metrics
from pipeline.documents import minute_of
from pipeline.errors import Unavailable
from pipeline.ports import TrendStore
from pipeline.stores.late_history import keep_latecomers
from pipeline.stores.redis_connection import connect_redis
from pipeline.stores.retention import forget
from pipeline.stores.trend_history import persist
from pipeline.trends import Bucket, TrendPoint
from pipeline.wire import TRENDS, Outgoing, partition_of
from workers.broker import broker_errors, kafka_client_config
from workers.completion import flow
from workers.health import Health
from workers.job_lock import job_lock
from workers.orphan_watch import OrphanWatch
from workers.settings import KafkaSettings, Settings
from workers.source_watch import SourceWatch
from workers.wiring import database, now, redis_prefix, trend_store

log = logging.getLogger(__name__)

RETENTION_EVERY = timedelta(hours=1)
SOURCES_EVERY = timedelta(minutes=1)
SEND_SECONDS = 15
# What stands between a document and its counts.
COUNTING = ("classify", "aggregate")
# By then aggregate has sent the points of what it has counted, or waits for a dependency.
SENT_WITHIN_SECONDS = 15.0
# A day of minutes is looked through for a series' last bucket; before that it was empty.
LOOK_BACK = timedelta(days=1)


def swept_points(alerts: AlertStore, trends: TrendStore, at: datetime) -> list[TrendPoint]:
    """A point for each series with an open alert: its last bucket, and `at` as the time."""
    points = []
    for series, tickers in alerts.open_series():
        found = trends.buckets(series, minute_of(at) - LOOK_BACK, at + timedelta(minutes=1))
        bucket = found[-1] if found else Bucket(start=minute_of(at))
        points.append(
            TrendPoint(series=series, bucket=bucket, watermark=at, tickers=tickers, sweep=True)
        )
    return points


def time_to_tell(
    at: datetime, heard: datetime | None, lateness: timedelta, is_behind: Callable[[], bool]
) -> datetime:
    """`at`, but while documents wait to be counted (`is_behind`) no later than `lateness` after
    the last that was `heard`: time would resolve alerts about what is not known yet, and the
    documents would then come too late. Asked only where it matters."""
    if heard is None or at <= heard + lateness or not is_behind():
        return at
    return heard + lateness


class RecordSender:
    """Sends records by kafka-python, each confirmed, to the partitions their stages choose."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: kafka.KafkaProducer | None = None

    def send(self, outgoing: list[Outgoing]) -> None:
        """Send all and wait. Raises `Unavailable`."""
        with broker_errors(self._settings, "housekeeping"):
            if self._producer is None:
                self._producer = kafka.KafkaProducer(
                    **kafka_client_config(self._settings),
                    acks="all",
                    delivery_timeout_ms=SEND_SECONDS * 1000,
                    request_timeout_ms=SEND_SECONDS * 500,
                )
            waiting = []
            for one in outgoing:
                topic = self._settings.prefix + one.topic
                partitions = len(self._producer.partitions_for(topic))
                partition = partition_of(one.key, partitions)
                waiting.append(
                    self._producer.send(topic, key=one.key, value=one.value, partition=partition)
                )
            self._producer.flush(SEND_SECONDS)
            for one in waiting:
                one.get(SEND_SECONDS)

    def close(self) -> None:
        """Drop the connection."""
        if self._producer is not None:
            self._producer.close(2)


# Jobs that come again so soon say with `holding` whether they work.
OFTEN = timedelta(minutes=5)


class Jobs:
    """The jobs, each under its lock; a dependency that is away costs one line and a turn."""

    def __init__(
        self, settings: Settings, engine: Engine, client: Redis, sender: RecordSender
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._client = client
        self._sender = sender
        self._alerts = SqlAlertStore(engine)
        self._trends = trend_store(settings, client)
        self._sources = SourceWatch(engine, self._alerts, sender.send)
        self._rules = load_rules(settings.rules)
        self._orphans = OrphanWatch(self._alerts, self._rules, sender.send)
        self._seen: deque[tuple[float, datetime | None]] = deque()
        self._told: datetime | None = None
        self.progressed_at = monotonic()
        self._waiting: dict[str, str] = {}

    @property
    def holding(self) -> str | None:
        """What a job waits for, or how it fails; None while all of them work."""
        # the jobs are other threads
        return next(iter(list(self._waiting.values())), None)

    def lag(self) -> int:
        return 0

    def assignment(self) -> tuple[()]:
        return ()

    def sweep(self) -> None:
        """Re-send the points of series with an open alert, a few seconds behind the stream.

        Redis knows of documents whose points aggregate has yet to send. A sweep with that
        time would carry a series past points still on their way, which would then be late.
        """
        self._seen.append((monotonic(), self._trends.now()))
        long_ago, at = self._seen[-1][0] - SENT_WITHIN_SECONDS, None
        while self._seen[0][0] <= long_ago:
            at = self._seen.popleft()[1]
        if at is not None:
            ended = self._orphans.look(at)
            metrics.SENT.labels("housekeeping", ALERTS.name).inc(ended)
            heard, lateness = self._trends.heard(), self._rules.lateness
            told = time_to_tell(at, heard, lateness, self._is_behind)
            if self._told is not None and told <= self._told:
                # the same time again would be taken for a batch that comes again
                return
            self._told = told
            points = swept_points(self._alerts, self._trends, told)
            if points:
                self._sender.send([TRENDS.encode(point) for point in points])
                metrics.SENT.labels("housekeeping", TRENDS.name).inc(len(points))

    def _is_behind(self) -> bool:
        waiting = flow(self._settings.kafka).waiting
        return any(waiting[stage] for stage in COUNTING)

    def sources(self) -> None:
        """Say which sources are silent, and which no longer are."""
        sent = self._sources.look(now())
        if sent:
            metrics.SENT.labels("housekeeping", ALERTS.name).inc(sent)

    def persist(self) -> None:
        """Bring `trend_buckets` up to Redis."""
        rows = persist(self._engine, self._trends)
        late = keep_latecomers(self._engine, self._trends)
        log.debug("trend_buckets: %d rows written, %d documents in SQL alone", rows, late)

    def forget(self) -> None:
        """Delete what is past its time from SQL."""
        gone = forget(self._engine, now(), self._settings.sql_retention)
        log.info("retention: deleted %s", gone)

    def _hold(self, name: str, every: timedelta, what: str) -> None:
        # a job with an hour to its next turn would hold the stage for what is long over
        if every <= OFTEN:
            self._waiting[name] = what

    def in_turn(self, name: str, every: timedelta, work: Callable[[], None]) -> None:
        """Do `work` if no other process is at it; never raises, the next turn tries again."""
        key = f"{redis_prefix(self._settings)}:turn:{name}"
        try:
            with job_lock(self._client, key, max(every * 3, timedelta(seconds=30))) as mine:
                if not mine:
                    # another process is at it, or one that was killed was
                    self._waiting.pop(name, None)
                    return
                work()
        except Unavailable as error:
            if name not in self._waiting:
                log.warning("%s waits: %s", name, error.what)
            self._hold(name, every, error.what)
        except Exception as error:
            log.exception("housekeeping: %s failed", name)
            self._hold(name, every, f"{name} fails: {type(error).__name__}")
        else:
            self.progressed_at = monotonic()
            self._waiting.pop(name, None)


def run_housekeeping(settings: Settings, stop: threading.Event, health: Health) -> None:
    """The stage `housekeeping` of a process, until `stop`."""
    settings.require("KAFKA", "REDIS", "DATABASE")
    engine = database(settings)
    client = connect_redis(settings.redis)
    sender = RecordSender(settings.kafka)
    jobs = Jobs(settings, engine, client, sender)
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(3)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    for name, work, every in (
        ("sweep", jobs.sweep, settings.sweep_every),
        ("persist", jobs.persist, settings.persist_every),
        ("sources", jobs.sources, SOURCES_EVERY),
        ("retention", jobs.forget, RETENTION_EVERY),
    ):
        trigger = IntervalTrigger(seconds=every.total_seconds())
        scheduler.add_job(jobs.in_turn, trigger, (name, every, work), id=name)
    health.watch("housekeeping", jobs, jobs)
    scheduler.start()
    try:
        stop.wait()
    finally:
        scheduler.shutdown(wait=True)
        sender.close()
        client.close()
        engine.dispose()
