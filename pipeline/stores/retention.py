"""Deleting what is older than the history is kept, a little at a time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, delete, func, select

from pipeline.stores.database import reading, writing
from pipeline.stores.tables import (
    alert_events,
    alerts,
    documents,
    notifications,
    silences,
    trend_buckets,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Rows deleted in one transaction: SQLite's other writers wait that long, well under a second.
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many of each were deleted."""

    documents: int = 0
    alerts: int = 0
    silences: int = 0
    trend_buckets: int = 0


def forget(engine: Engine, now: datetime, retention: timedelta) -> Forgotten:
    """Delete documents and resolved alerts that have been kept for `retention`.

    By when they were written, not by event time: a replay of last decade is not gone the
    next minute. Classifications and subjects go with their document, events and sent
    notifications with their alert, kept buckets once no document of their day is left. An alert
    that is not resolved stays. Raises `Unavailable`; what was deleted until then stays deleted.
    """
    cutoff = now - retention
    return Forgotten(
        documents=_documents(engine, cutoff),
        alerts=_alerts(engine, cutoff),
        silences=_silences(engine, cutoff),
        trend_buckets=_trend_buckets(engine, cutoff),
    )


def _documents(engine: Engine, cutoff: datetime) -> int:
    deleted = 0
    oldest = (
        select(documents.c.id)
        .where(documents.c.archived_at < cutoff)
        .order_by(documents.c.archived_at)
        .limit(_AT_ONCE)
    )
    while True:
        with writing(engine) as connection:
            ids = connection.scalars(oldest).all()
            if not ids:
                return deleted
            connection.execute(delete(documents).where(documents.c.id.in_(ids)))
        deleted += len(ids)


def _alerts(engine: Engine, cutoff: datetime) -> int:
    deleted = 0
    oldest = (
        select(alerts.c.fingerprint, alerts.c.opened_at)
        .where(alerts.c.state == "resolved", alerts.c.recorded_at < cutoff)
        .limit(_AT_ONCE)
    )
    while True:
        with writing(engine) as connection:
            found = connection.execute(oldest).all()
            for fingerprint, opened_at in found:
                for table in (alert_events, notifications, alerts):
                    connection.execute(
                        delete(table).where(
                            table.c.fingerprint == fingerprint, table.c.opened_at == opened_at
                        )
                    )
        deleted += len(found)
        if len(found) < _AT_ONCE:
            return deleted


def _silences(engine: Engine, cutoff: datetime) -> int:
    with writing(engine) as connection:
        return connection.execute(delete(silences).where(silences.c.ends_at < cutoff)).rowcount


def _trend_buckets(engine: Engine, cutoff: datetime) -> int:
    with reading(engine) as connection:
        # no document at all: nothing is known of the counts, keep
        if connection.scalar(select(documents.c.id).limit(1)) is None:
            return 0
    deleted, day = 0, _EPOCH
    while True:
        with reading(engine) as connection:
            start = connection.scalar(
                select(func.min(trend_buckets.c.start)).where(trend_buckets.c.start >= day)
            )
            if start is None or start >= cutoff:
                return deleted
            day = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            published = documents.c.published_at
            kept = select(documents.c.id).where(published >= day - timedelta(days=1))
            # a document that is still there keeps the buckets of its day, and of no other
            if connection.scalar(kept.where(published < day).limit(1)) is not None:
                continue
        while start < min(day, cutoff):
            # an hour of buckets at a time: they have no key short enough to list
            end = min(day, cutoff, start + timedelta(hours=1))
            with writing(engine) as connection:
                deleted += connection.execute(
                    delete(trend_buckets).where(
                        trend_buckets.c.start >= start, trend_buckets.c.start < end
                    )
                ).rowcount
            start = end
