"""Construction: which adapters stand behind which port, one plain function per stage."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING

from redis import Redis
from sqlalchemy import Engine

from alerts.notify import Channel
from alerts.routing import Subscription
from pipeline.errors import ConfigurationError, Unavailable
from pipeline.stages import Aggregate, ArchiveDocuments, Classify
from pipeline.stores.database import connect
from pipeline.stores.migrate import revision
from pipeline.stores.redis_connection import connect_redis
from pipeline.stores.redis_stories import RedisSeriesStates, RedisStoryIndex
from pipeline.stores.redis_trends import RedisTrendStore
from pipeline.wire import CLASSIFIED, DOCUMENTS, TRENDS
from workers.delivery import Handler
from workers.settings import Settings

if TYPE_CHECKING:
    from pipeline.ports import Classifier, Words

log = logging.getLogger(__name__)

STATE_RETENTION = timedelta(days=60)
FAREWELL_SECONDS = 4.0
SCHEMA_SECONDS = 60.0
_QUICK_MODELS = ("baseline", "stub")


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage that reads a topic: its name (also its group), topic, handler, batch size.

    `close` releases what the handler holds. `forget` drops what the handler remembers about
    partitions that may be somebody else's after a rebalance.
    """

    name: str
    reads: str
    handler: Handler
    batch_records: int | None = 500
    close: Callable[[], None] = _nothing
    forget: Callable[[], None] = _nothing


def redis_prefix(settings: Settings) -> str:
    """What keeps two installations on one Redis apart: as their topics, by the prefix."""
    return f"bw:{settings.kafka.prefix.rstrip('.')}"


def trend_store(settings: Settings, client: Redis) -> RedisTrendStore:
    """The counts in Redis."""
    return RedisTrendStore(client, redis_prefix(settings), settings.trend_retention)


def series_states(settings: Settings, client: Redis) -> RedisSeriesStates:
    """What the detector remembers. Kept longer than the buckets it was learned from: a
    detector that forgets starts learning anew."""
    return RedisSeriesStates(client, redis_prefix(settings), STATE_RETENTION)


def database(settings: Settings) -> Engine:
    """The database, once it holds our schema; one that is away is for the stage to wait for.

    Raises `ConfigurationError` when nobody made the schema within a minute.
    """
    engine = connect(settings.database)
    deadline = monotonic() + SCHEMA_SECONDS
    try:
        while revision(engine) is None:
            if monotonic() > deadline:
                raise ConfigurationError(
                    "BELLWETHER_DATABASE holds no schema: run `bellwether db upgrade`"
                )
            log.info("waiting for the schema: run `bellwether db upgrade`")
            sleep(1.0)
    except Unavailable as error:
        log.warning("%s", error.what)
    return engine


def build_stage(name: str, settings: Settings) -> Stage:
    """The named stage, its stores connected. Raises `ConfigurationError` on bad settings."""
    return _BUILDERS[name](settings)


def _classify(settings: Settings) -> Stage:
    # imported here: few processes need the catalogue or a model
    from models.languages import running
    from pipeline import metrics
    from pipeline.catalogue import load_catalogue
    from pipeline.subjects import CatalogueLinker
    from workers.catalogue_watch import CatalogueWatch

    settings.require("KAFKA", "REDIS")
    client = connect_redis(settings.redis)
    classifier = _classifier(
        settings,
        # a source may give any tag: a label has few values
        lambda lang: metrics.UNREAD.labels(lang if len(lang) <= 3 else "other").inc(),
    )
    for one in running(classifier):
        metrics.CLASSIFIER.labels(one.lang, one.model_version, one.runtime, one.device).set(1)
    extension = Path(settings.subjects) if settings.subjects else None
    linker = CatalogueLinker(load_catalogue(extension))
    close = client.close
    if extension is not None:
        watch = CatalogueWatch(extension, linker.use)
        watch.start()

        def close() -> None:
            watch.close()
            client.close()

    stories = RedisStoryIndex(client, redis_prefix(settings))
    return Stage(
        name="classify",
        reads=DOCUMENTS.name,
        handler=Classify(classifier, linker, stories, settings.trend_languages),
        # A word list takes no longer per document in a large batch; a network's batch must
        # be done before a rebalance gives it up.
        batch_records=settings.batch_documents * (4 if settings.model in _QUICK_MODELS else 1),
        close=close,
    )


def _classifier(settings: Settings, unread: Callable[[str], object] | None = None) -> "Classifier":
    from models.load import load_classifier

    return load_classifier(
        settings.model,
        settings.model_base,
        settings.model_labels,
        settings.model_languages,
        settings.model_runtime,
        unread,
    )


def _alert_words(settings: Settings) -> "Words | None":
    """What tells the words of evidence, loading in the background; None where it is not wanted."""
    from models.reasons import NegativeWords, WordsWhenReady
    from pipeline.catalogue import load_catalogue
    from pipeline.subjects import CatalogueLinker

    if not settings.alert_words or settings.model == "stub":
        return None
    extension = Path(settings.subjects) if settings.subjects else None
    return WordsWhenReady(
        lambda: NegativeWords(_classifier(settings), CatalogueLinker(load_catalogue(extension)))
    )


def _archive(settings: Settings) -> Stage:
    from pipeline.stores.archive import SqlArchive

    settings.require("KAFKA", "DATABASE")
    engine = database(settings)
    return Stage(
        name="archive",
        reads=CLASSIFIED.name,
        handler=ArchiveDocuments(SqlArchive(engine), now),
        batch_records=settings.batch_documents,
        close=engine.dispose,
    )


def _aggregate(settings: Settings) -> Stage:
    settings.require("KAFKA", "REDIS")
    client = connect_redis(settings.redis)
    return Stage(
        name="aggregate",
        reads=CLASSIFIED.name,
        handler=Aggregate(trend_store(settings, client)),
        batch_records=settings.batch_documents,
        close=client.close,
    )


def _watch(settings: Settings) -> Stage:
    from alerts.rules import load_rules
    from alerts.store import ArchiveEvidence, SqlAlertStore
    from alerts.watch import Watch

    settings.require("KAFKA", "REDIS", "DATABASE")
    rules = load_rules(settings.rules)
    client = connect_redis(settings.redis)
    engine = database(settings)
    states = series_states(settings, client)
    alerts, evidence = SqlAlertStore(engine), ArchiveEvidence(engine)
    watch = Watch(
        rules,
        states,
        alerts,
        evidence,
        partitions=settings.kafka.partitions,
        words=_alert_words(settings),
    )

    def close() -> None:
        client.close()
        engine.dispose()

    return Stage(
        name="watch",
        reads=TRENDS.name,
        handler=watch,
        batch_records=2 * settings.batch_documents,
        close=close,
        forget=watch.forget,
    )


def _notify(settings: Settings) -> Stage:
    from alerts.lifecycle import ALERTS
    from alerts.notification_store import SqlNotificationLog, SqlSilences
    from alerts.notify import Dispatcher, Notify

    settings.require("KAFKA", "DATABASE")
    subscriptions, channels = receivers(settings)
    engine = database(settings)
    log = SqlNotificationLog(engine)
    stop = Event()
    threads = [
        Dispatcher(one, channels[one.channel], log, now, seed=number).start(stop)
        for number, one in enumerate(subscriptions)
    ]

    def close() -> None:
        # a message on its way is given the time to be recorded as sent
        stop.set()
        for thread in threads:
            thread.join(FAREWELL_SECONDS / len(threads))
        engine.dispose()

    return Stage(
        name="notify",
        reads=ALERTS.name,
        handler=Notify(subscriptions, log, SqlSilences(engine)),
        batch_records=settings.batch_documents,
        close=close,
    )


def receivers(settings: Settings) -> tuple[Sequence[Subscription], Mapping[str, Channel]]:
    """Who is told, and by which ways: the subscription file, else the webhook and the log.

    Raises `ConfigurationError` on a file that is wrong or names a channel that is not set up.
    """
    from alerts.channels import LogChannel, WebhookChannel
    from alerts.routing import load_subscriptions

    channels: dict[str, Channel] = {"log": LogChannel()}
    if settings.webhook_url:
        channels["webhook"] = WebhookChannel(settings.webhook_url, settings.webhook_secret, now)
    if settings.subscriptions:
        return load_subscriptions(settings.subscriptions, tuple(channels)), channels
    return [Subscription(name=name, channel=name) for name in channels], channels


def now() -> datetime:
    """The wall clock, read in `workers` only."""
    return datetime.now(UTC)


_BUILDERS: dict[str, Callable[[Settings], Stage]] = {
    "classify": _classify,
    "archive": _archive,
    "aggregate": _aggregate,
    "watch": _watch,
    "notify": _notify,
}
STREAM_STAGES = ("classify", "archive", "aggregate", "watch", "notify")
