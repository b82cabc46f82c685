"""The books of the whole cluster: what is in SQL, in dead letters, and whether Redis agrees."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Engine, and_, case, func, select

from alerts.rebuild import rebuild_states
from alerts.rules import load_rules
from pipeline.stores.consistency import ALWAYS, Comparison, compare, lasting
from pipeline.stores.database import reading
from pipeline.stores.rebuilding import rebuild as rebuild_redis
from pipeline.stores.redis_connection import connect_redis
from pipeline.stores.spans import Span
from pipeline.stores.tables import alert_events, classifications, documents
from workers.letters import count_letters
from workers.settings import Settings
from workers.wiring import now, series_states, trend_store

# SQLite takes at least 32,766 parameters; small enough to plan, large enough to be few.
_IDS_A_QUERY = 1_000
# What was on its way in a first look has arrived by the second; see `consistency.lasting`.
_SECOND_LOOK_SECONDS = 3.0
_BATCH_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What `db check` says; `dead_letters` is None where no broker is configured.

    `documents` are all in the archive, whatever the period that was compared. A difference is
    one number of one bucket (`series`, `start`, `field`, `redis`, `sql`) or a document that
    only one side knows (`document`, `redis`, `sql`).
    """

    documents: int
    dead_letters: int | None
    redis_equals_sql: bool
    differences: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Archived:
    """Of the ids asked for, how many different ones are archived, and classified."""

    documents: int
    classified: int


def check_accounts(engine: Engine, settings: Settings, period: Span = ALWAYS) -> Accounts:
    """Count, and compare what was published in `period`; nothing is changed. Raises
    `Unavailable`."""
    with reading(engine) as connection:
        count = connection.scalar(select(func.count()).select_from(documents)) or 0
    compared = comparison(engine, settings, period)
    letters = count_letters(settings.kafka) if settings.kafka.servers else None
    return Accounts(
        documents=count,
        dead_letters=letters,
        redis_equals_sql=compared.equal,
        differences=tuple(_as_mappings(compared)),
    )


def comparison(
    engine: Engine,
    settings: Settings,
    period: Span = ALWAYS,
    sleep: Callable[[float], None] = time.sleep,
) -> Comparison:
    """Redis against SQL; where they differ, what still differs a moment later."""
    with closing(connect_redis(settings.redis)) as client:
        store = trend_store(settings, client)

        def look() -> Comparison:
            return compare(engine, store, now(), settings.trend_retention, period=period)

        first = look()
        if first.equal:
            return first
        sleep(_SECOND_LOOK_SECONDS)
        return lasting(first, look())


def _settle() -> None:
    """By then a batch that `watch` had begun before is done."""
    time.sleep(_BATCH_SECONDS)


def rebuild(engine: Engine, settings: Settings) -> int:
    """Restore Redis from SQL: the counts, then what the detector learned from them where that
    is gone too. How many documents were counted again."""
    with closing(connect_redis(settings.redis)) as client:
        store = trend_store(settings, client)
        counted = rebuild_redis(engine, store, now(), settings.trend_retention)
        states, rules = series_states(settings, client), load_rules(settings.rules)
        rebuild_states(rules, store, states, settings.kafka.partitions, _settle)
        return counted


def _as_mappings(compared: Comparison) -> Iterator[Mapping[str, Any]]:
    for one in compared.differences:
        yield {
            "series": str(one.series),
            "start": one.start,
            "field": one.field,
            "redis": one.redis,
            "sql": one.sql,
        }
    for name in compared.missing:
        yield {"document": name, "redis": False, "sql": True}
    for name in compared.unknown:
        yield {"document": name, "redis": True, "sql": False}


def archived_of(engine: Engine, ids: Iterable[str]) -> Archived:
    """How many of `ids`, each given once, are archived and classified."""
    stored = classified = 0
    for some in _chunks(ids, _IDS_A_QUERY):
        with reading(engine) as connection:
            stored += (
                connection.scalar(
                    select(func.count()).select_from(documents).where(documents.c.id.in_(some))
                )
                or 0
            )
            classified += (
                connection.scalar(
                    select(func.count())
                    .select_from(classifications)
                    .where(and_(classifications.c.document_id.in_(some), classifications.c.counted))
                )
                or 0
            )
    return Archived(stored, classified)


def newest_alert_event(engine: Engine) -> int:
    """A mark: alert events after it are new. 0 where there is none."""
    with reading(engine) as connection:
        return connection.scalar(select(func.max(alert_events.c.id))) or 0


def alerts_since(engine: Engine, mark: int) -> int:
    """How many alerts began firing after the mark and were not known before it."""
    events = alert_events
    firing = func.max(case((events.c.state == "firing", 1), else_=0))
    fresh = (
        select(events.c.fingerprint)
        .group_by(events.c.fingerprint, events.c.opened_at)
        .having(and_(func.min(events.c.id) > mark, firing == 1))
    )
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(fresh.subquery())) or 0


def _chunks(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    source = iter(ids)
    while some := list(islice(source, size)):
        yield some
