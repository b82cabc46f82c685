"""What the web stage reads from SQL: alerts and their history, documents, counts.

Every list is bounded and paged by keyset, in an order an index has. Nothing here writes.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, func, literal, or_, select, tuple_
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql import ColumnElement

from alerts.lifecycle import Alert, Fingerprint
from pipeline.stores.database import reading
from pipeline.stores.tables import (
    UtcTime,
    alert_events,
    alerts,
    classifications,
    document_subjects,
    documents,
)
from workers.web.answers import (
    AlertHistory,
    AlertPage,
    AlertStep,
    DocumentPage,
    ListedDocument,
    ListedSubject,
)
from workers.web.events import LOOK_BACK, AlertEvent, TailState
from workers.web.parameters import Cursor

EXCERPT = 280
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
        behind = tuple_(_time(after.at), fingerprint, _time(datetime.fromisoformat(opened)))
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


def list_documents(
    engine: Engine,
    *,
    subject: str | None = None,
    topic: str | None = None,
    source: str | None = None,
    lang: str | None = None,
    sentiment: str | None = None,
    search: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 50,
    after: Cursor | None = None,
) -> DocumentPage:
    """A page of documents, last published first, each with its counted classification."""
    table, said = documents.c, classifications.c
    told = and_(said.document_id == table.id, said.counted)
    origin = documents.outerjoin(classifications, told)
    # ordered by the columns of the index that the filter uses
    at, key = table.published_at, table.id
    where: list[ColumnElement[bool]] = []
    if subject is not None:
        named = document_subjects.c
        origin = document_subjects.join(documents, table.id == named.document_id).outerjoin(
            classifications, told
        )
        at, key = named.published_at, named.document_id
        where.append(named.subject_id == subject)
    for column, value in (
        (said.topic, topic),
        (table.source, source),
        (table.lang, lang),
        (said.label, sentiment),
    ):
        if value is not None:
            where.append(column == value)
    if search is not None:
        where.append(
            or_(
                table.title.icontains(search, autoescape=True),
                table.text.icontains(search, autoescape=True),
            )
        )
    if start is not None:
        where.append(at >= start)
    if end is not None:
        where.append(at < end)
    if after is not None:
        where.append(tuple_(at, key) < tuple_(_time(after.at), after.key[0]))
    query = (
        select(
            *(table[name] for name in _SHOWN),
            func.substr(table.text, 1, EXCERPT + 1).label("excerpt"),
            *(said[name] for name in _SAID),
        )
        .select_from(origin)
        .where(*where)
        .order_by(at.desc(), key.desc())
        .limit(limit + 1)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
        page = list(rows[:limit])
        subjects = _subjects(connection, [row.id for row in page])
    following = None
    if len(rows) > limit:
        following = str(Cursor(page[-1].published_at, (page[-1].id,)))
    return DocumentPage(
        documents=[_document(row, subjects.get(row.id, [])) for row in page], next=following
    )


_SHOWN = ("id", "source", "publisher", "author", "url", "title", "lang", "published_at")
_SAID = ("topic", "label", "negative", "neutral", "positive", "reason", "story_id", "model_version")


def _subjects(connection: Connection, ids: Sequence[str]) -> dict[str, list[ListedSubject]]:
    table = document_subjects.c
    found: dict[str, list[ListedSubject]] = {}
    query = (
        select(table.document_id, table.subject_id, table.relevance)
        .where(table.document_id.in_(ids))
        .order_by(table.document_id, table.relevance.desc(), table.subject_id)
    )
    for row in connection.execute(query):
        listed = ListedSubject(id=row.subject_id, relevance=row.relevance)
        found.setdefault(row.document_id, []).append(listed)
    return found


def _document(row: Any, subjects: list[ListedSubject]) -> ListedDocument:
    excerpt: str | None = row.excerpt
    if excerpt is not None and len(excerpt) > EXCERPT:
        excerpt = excerpt[: EXCERPT - 1] + "…"
    return ListedDocument(
        id=row.id,
        source=row.source,
        publisher=row.publisher,
        author=row.author,
        url=row.url,
        title=row.title,
        excerpt=excerpt,
        lang=row.lang,
        published_at=row.published_at,
        topic=row.topic,
        sentiment=row.label,
        negative=row.negative,
        neutral=row.neutral,
        positive=row.positive,
        reason=row.reason,
        story=row.story_id,
        model_version=row.model_version,
        subjects=subjects,
    )


def _time(at: datetime) -> ColumnElement[datetime]:
    return literal(at, UtcTime())
