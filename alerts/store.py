"""Alerts in SQL: rows guarded by their revision, their history, and what people ask of them.

`alerts` holds the latest state of each episode, `alert_events` every state it was saved in.
A writer replaces exactly the revision it read; whoever comes second reads again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from alerts.lifecycle import Alert, AlertEvidence, Fingerprint, State, series_key
from alerts.ports import Conflict, FoundDocument, Wanted
from alerts.tracking import Change, series_of
from pipeline.stores.database import reading, writing
from pipeline.stores.history import History
from pipeline.stores.tables import alert_events
from pipeline.stores.tables import alerts as rows
from pipeline.trends import SeriesKey

# Far below the parameters any supported database takes in one statement.
_AT_ONCE = 400


class SqlAlertStore:
    """`AlertStore` in SQL. Raises `Unavailable` when the database does not answer now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, fingerprints: Sequence[Fingerprint]) -> Mapping[Fingerprint, Alert]:
        found: dict[Fingerprint, Alert] = {}
        with reading(self._engine) as connection:
            for part in _parts(fingerprints):
                for record in connection.execute(_latest(part)).scalars():
                    alert = decoded(record)
                    found[alert.fingerprint] = alert
        return found

    def save(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        try:
            with writing(self._engine) as connection:
                # one order for all writers: two of them never wait for each other
                for change in sorted(changes, key=_order):
                    if not _written(connection, change):
                        raise Conflict([change.alerts[-1].fingerprint])
                events = [_event(alert) for change in changes for alert in change.alerts]
                connection.execute(insert(alert_events), events)
        except IntegrityError as error:
            # two writers inserted the same episode at the same time
            raise Conflict(change.alerts[-1].fingerprint for change in changes) from error

    def open_alerts(self) -> Sequence[Alert]:
        statement = select(rows.c.record).where(rows.c.state.in_(("pending", "firing")))
        with reading(self._engine) as connection:
            return [decoded(record) for record in connection.execute(statement).scalars()]

    def open_series(self) -> Sequence[tuple[SeriesKey, tuple[str, ...]]]:
        return series_of(self.open_alerts())


class ArchiveEvidence:
    """`EvidenceLookup` over the archive."""

    def __init__(self, engine: Engine) -> None:
        self._history = History(engine)

    def find(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, FoundDocument]:
        documents = self._history.by_id([document for document, _ in wanted])
        stories = self._history.stories(list(documents.values()))
        towards = self._history.towards(
            [(name, subject) for name, subject in wanted if subject is not None]
        )
        found = {}
        for asked in wanted:
            one = documents.get(asked[0])
            if one is None:
                continue
            told = stories.get(one.story)
            found[asked] = FoundDocument(
                evidence=AlertEvidence(
                    id=one.id,
                    at=one.published_at,
                    title=one.title,
                    publisher=one.publisher or one.source,
                    url=one.url,
                    sentiment=towards.get(asked, one.sentiment),
                    story=one.story,
                    story_size=told.documents if told else 1,
                    independent_publishers=told.voices if told else 1,
                ),
                model_version=one.model_version,
            )
        return found


def list_alerts(
    engine: Engine,
    state: State | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[Alert]:
    """The alerts in `state` that changed at or after `since`, the latest change first."""
    statement = select(rows.c.record).order_by(
        rows.c.updated_at.desc(), rows.c.fingerprint, rows.c.opened_at.desc()
    )
    if state is not None:
        statement = statement.where(rows.c.state == state)
    if since is not None:
        statement = statement.where(rows.c.updated_at >= since)
    with reading(engine) as connection:
        found = connection.execute(statement.limit(limit)).scalars()
        return [decoded(record) for record in found]


def fired_between(engine: Engine, start: datetime, end: datetime) -> list[Alert]:
    """The alerts that fired in [start, end), in the order they did."""
    statement = (
        select(rows.c.record)
        .where(rows.c.firing_at >= start, rows.c.firing_at < end)
        .order_by(rows.c.firing_at, rows.c.fingerprint)
    )
    with reading(engine) as connection:
        return [decoded(record) for record in connection.execute(statement).scalars()]


def episodes(engine: Engine, fingerprint: str, limit: int = 100) -> list[Alert]:
    """The episodes whose fingerprint begins with `fingerprint`, the newest first."""
    statement = (
        select(rows.c.record)
        .where(rows.c.fingerprint.startswith(fingerprint, autoescape=True))
        .order_by(rows.c.opened_at.desc(), rows.c.fingerprint)
        .limit(limit)
    )
    with reading(engine) as connection:
        return [decoded(record) for record in connection.execute(statement).scalars()]


def acknowledge(engine: Engine, fingerprint: str, who: str) -> Alert | None:
    """The open alert with that fingerprint, now acknowledged; None where none is open.

    The revision grows: the running watch notices, reads again and sends the alert on.
    """
    with writing(engine) as connection:
        statement = select(rows.c.record).where(
            rows.c.fingerprint == fingerprint, rows.c.state != "resolved"
        )
        record = connection.execute(
            statement.order_by(rows.c.opened_at.desc()).limit(1).with_for_update()
        ).scalar_one_or_none()
        if record is None:
            return None
        before = decoded(record)
        after = replace(before, acknowledged_by=who, revision=before.revision + 1)
        if not _written(connection, Change(alerts=(after,), expected=before.revision)):
            raise Conflict([before.fingerprint])
        connection.execute(insert(alert_events), [_event(after)])
        return after


def decoded(record: Any) -> Alert:
    """The alert in a `record` column."""
    return msgspec.convert(record, Alert)


def _latest(fingerprints: Sequence[Fingerprint]) -> Any:
    newest = (
        select(rows.c.fingerprint, func.max(rows.c.opened_at).label("opened_at"))
        .where(rows.c.fingerprint.in_(fingerprints))
        .group_by(rows.c.fingerprint)
        .subquery()
    )
    return select(rows.c.record).join(
        newest,
        and_(rows.c.fingerprint == newest.c.fingerprint, rows.c.opened_at == newest.c.opened_at),
    )


def _parts(fingerprints: Sequence[Fingerprint]) -> Iterator[Sequence[Fingerprint]]:
    for first in range(0, len(fingerprints), _AT_ONCE):
        yield fingerprints[first : first + _AT_ONCE]


def _order(change: Change) -> tuple[str, datetime]:
    return (change.alerts[-1].fingerprint, change.alerts[-1].opened_at)


def _written(connection: Connection, change: Change) -> bool:
    """Whether the row was at the expected revision and is now the change's last state."""
    alert = change.alerts[-1]
    row = _row(alert)
    if change.expected == 0:
        known = select(rows.c.revision).where(*_same(alert))
        if connection.execute(known).first() is not None:
            return False
        connection.execute(insert(rows), [row])
        return True
    statement = update(rows).where(*_same(alert), rows.c.revision == change.expected).values(row)
    return connection.execute(statement).rowcount == 1


def _same(alert: Alert) -> tuple[Any, Any]:
    return (rows.c.fingerprint == alert.fingerprint, rows.c.opened_at == alert.opened_at)


def _row(alert: Alert) -> dict[str, Any]:
    series = alert.series
    return {
        "fingerprint": alert.fingerprint,
        "opened_at": alert.opened_at,
        "rule": alert.rule,
        "rule_version": alert.rule_version,
        "series": str(series_key(series)),
        "subject": series.subject,
        "topic": series.topic,
        "source": series.source,
        "lang": series.lang,
        "tickers": list(series.tickers),
        "state": alert.state,
        "severity": alert.severity,
        "updated_at": alert.updated_at,
        "firing_at": alert.firing_at,
        "resolved_at": alert.resolved_at,
        "revision": alert.revision,
        "acknowledged_by": alert.acknowledged_by,
        "record": alert,
    }


def _event(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "opened_at": alert.opened_at,
        "revision": alert.revision,
        "state": alert.state,
        "severity": alert.severity,
        "at": alert.updated_at,
        "record": alert,
    }
