"""Alerts as the web stage reads them from SQL: as they are, their history, what is new."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.engine import Engine
from sqlalchemy.sql import ColumnElement

from alerts.lifecycle import Alert, Fingerprint
from pipeline.stores.database import reading
from pipeline.stores.tables import (
    UtcTime,
    alert_events,
    alerts,
)
from workers.web.answers import (
    AlertHistory,
    AlertPage,
    AlertStep,
)
from workers.web.events import LOOK_BACK, AlertEvent, TailState
from workers.web.parameters import BadRequest, Cursor, moment

# Changes of one alert and earlier episodes shown with it.
MOST_STEPS = 200


def list_alerts(
    engine: Engine,
    *,
    state: str | None = None,
    severity: int | None = None,
    subject: str | None = None,
    topic: str | None = None,
    source: str | None = None,
    rule: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
    after: Cursor | None = None,
) -> AlertPage:
    """A page of alerts, last changed first."""
    table = alerts.c
    query = select(alerts)
    for column, value in (
        (table.subject, subject),
        (table.topic, topic),
        (table.source, source),
        (table.rule, rule),
    ):
        if value is not None:
            query = query.where(column == value)
    if state == "open":
        query = query.where(table.state.in_(("pending", "firing")))
    elif state is not None:
        query = query.where(table.state == state)
    if severity is not None:
        query = query.where(table.severity >= severity)
    if since is not None:
        query = query.where(table.updated_at >= since)
    if after is not None:
        fingerprint, opened = after.key
        behind = tuple_(_time(after.at), fingerprint, _time(_moment(opened)))
        query = query.where(tuple_(table.updated_at, table.fingerprint, table.opened_at) < behind)
    query = query.order_by(
        table.updated_at.desc(), table.fingerprint.desc(), table.opened_at.desc()
    ).limit(limit + 1)
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    page = rows[:limit]
    following = None
    if len(rows) > limit:
        last = page[-1]
        following = str(Cursor(last.updated_at, (last.fingerprint, last.opened_at.isoformat())))
    return AlertPage(alerts=[_alert(row) for row in page], next=following)


def _moment(text: str) -> datetime:
    """The time in a cursor's key. Raises `BadRequest` for one that is not ours."""
    try:
        return moment(text)
    except ValueError:
        raise BadRequest("cursor: not a `next` of this list") from None


def alert_history(
    engine: Engine, fingerprint: Fingerprint, opened_at: datetime | None = None
) -> AlertHistory | None:
    """The episode of that fingerprint that opened then, or the last one; None without any."""
    query = select(alerts).where(alerts.c.fingerprint == fingerprint)
    if opened_at is not None:
        query = query.where(alerts.c.opened_at == opened_at)
    with reading(engine) as connection:
        row = connection.execute(query.order_by(alerts.c.opened_at.desc()).limit(1)).first()
        if row is None:
            return None
        steps = connection.execute(
            select(alert_events)
            .where(alert_events.c.fingerprint == fingerprint)
            .where(alert_events.c.opened_at == row.opened_at)
            .order_by(alert_events.c.revision.desc())
            .limit(MOST_STEPS)
        ).all()
        episodes = connection.execute(
            select(alerts.c.opened_at)
            .where(alerts.c.fingerprint == fingerprint)
            .order_by(alerts.c.opened_at.desc())
            .limit(MOST_STEPS)
        ).scalars()
        return AlertHistory(
            alert=_alert(row),
            steps=[
                AlertStep(
                    id=step.id,
                    revision=step.revision,
                    state=step.state,
                    severity=step.severity,
                    at=step.at,
                )
                for step in reversed(steps)
            ],
            episodes=list(episodes),
        )


def _alert(row: Any) -> Alert:
    """The alert as recorded, with who acknowledged it since."""
    alert = msgspec.convert(row.record, Alert)
    if row.acknowledged_by == alert.acknowledged_by:
        return alert
    return replace(alert, acknowledged_by=row.acknowledged_by)


def tail_state(engine: Engine) -> TailState:
    """The newest event and how many there are among the last ids."""
    newest = func.max(alert_events.c.id)
    with reading(engine) as connection:
        last: int = connection.execute(select(newest)).scalar() or 0
        recent: int = connection.execute(
            select(func.count()).where(alert_events.c.id > last - LOOK_BACK)
        ).scalar_one()
    return TailState(last, recent)


def events_after(engine: Engine, after: int, most: int) -> list[AlertEvent]:
    """At most `most` changes of alerts behind the event `after`, in their order."""
    table = alert_events.c
    query = (
        select(table.id, table.state, table.record)
        .where(table.id > after)
        .order_by(table.id)
        .limit(most)
    )
    with reading(engine) as connection:
        return [
            AlertEvent(row.id, row.state, msgspec.json.encode(row.record).decode())
            for row in connection.execute(query)
        ]


def _time(at: datetime) -> ColumnElement[datetime]:
    return literal(at, UtcTime())
