"""Notifications and silences in SQL.

A notification is a row from the moment it is decided; (fingerprint, opened_at, reason,
subscription) is unique, with the sequence in the reason (`WORSE 80`). A sender holds a row by
a lease: a sender that died gives it back by the lease running out.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, insert, or_, select, update

from alerts.lifecycle import Alert
from alerts.notify import Episode
from alerts.routing import Notification, Reason, Silence
from pipeline.stores.bulk import insert_new
from pipeline.stores.database import reading, writing
from pipeline.stores.tables import notifications as rows
from pipeline.stores.tables import silences

_AT_ONCE = 200


class SqlNotificationLog:
    """`NotificationLog` in SQL. Raises `Unavailable` when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last(self, episodes: Sequence[Episode]) -> Mapping[tuple[Episode, str], Notification]:
        found: dict[tuple[Episode, str], Notification] = {}
        with reading(self._engine) as connection:
            for first in range(0, len(episodes), _AT_ONCE):
                part = episodes[first : first + _AT_ONCE]
                statement = (
                    select(rows)
                    .where(rows.c.fingerprint.in_({name for name, _ in part}))
                    .where(rows.c.opened_at.in_({at for _, at in part}))
                    .order_by(rows.c.created_at)
                )
                for row in connection.execute(statement).mappings():
                    one = _notification(row)
                    place = (one.episode, one.subscription)
                    held = found.get(place)
                    if held is None or _rank(one) >= _rank(held):
                        found[place] = one
        return found

    def add(self, notifications: Sequence[Notification]) -> None:
        with writing(self._engine) as connection:
            insert_new(connection, rows, [_row(one) for one in notifications])

    def claim(self, subscription: str, now: datetime, lease: timedelta) -> Notification | None:
        # what was put off is not overtaken: no receiver hears the end before the beginning
        older = rows.alias()
        overtaking = (
            select(older.c.id)
            .where(
                older.c.fingerprint == rows.c.fingerprint,
                older.c.opened_at == rows.c.opened_at,
                older.c.subscription == rows.c.subscription,
                older.c.status == "pending",
                older.c.created_at < rows.c.created_at,
            )
            .exists()
        )
        due = (
            select(rows.c.id)
            .where(
                rows.c.status == "pending",
                rows.c.subscription == subscription,
                rows.c.next_attempt_at <= now,
                or_(rows.c.leased_until.is_(None), rows.c.leased_until <= now),
                ~overtaking,
            )
            .order_by(rows.c.next_attempt_at, rows.c.created_at, rows.c.id)
            .limit(1)
        )
        with reading(self._engine) as connection:
            if connection.execute(due).first() is None:
                return None
        # only now the write lock: looking, twice a second, must not hinder anyone
        with writing(self._engine) as connection:
            found = connection.execute(due.with_for_update(skip_locked=True)).scalar_one_or_none()
            if found is None:
                return None
            connection.execute(
                update(rows).where(rows.c.id == found).values(leased_until=now + lease)
            )
            row = connection.execute(select(rows).where(rows.c.id == found)).mappings().one()
            return _notification(row)

    def sent(self, item: Notification, at: datetime) -> None:
        self._finish(item, status="sent", sent_at=at, last_error=None)

    def failed(self, item: Notification, error: str, again_at: datetime | None) -> None:
        if again_at is None:
            self._finish(item, status="failed", last_error=error[:500])
        else:
            self._finish(item, status="pending", next_attempt_at=again_at, last_error=error[:500])

    def _finish(self, item: Notification, **values: Any) -> None:
        with writing(self._engine) as connection:
            connection.execute(
                update(rows)
                .where(rows.c.id == row_id(item))
                .values(attempts=rows.c.attempts + 1, leased_until=None, **values)
            )


class SqlSilences:
    """`Silences` in SQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def active(self, first: datetime, last: datetime) -> Sequence[Silence]:
        statement = select(silences).where(silences.c.starts_at <= last, silences.c.ends_at > first)
        with reading(self._engine) as connection:
            return [_silence(row) for row in connection.execute(statement).mappings()]


def silence(
    engine: Engine,
    match: Mapping[str, Sequence[str]],
    starts_at: datetime,
    ends_at: datetime,
    author: str,
    comment: str = "",
) -> Silence:
    """A new silence for alerts that fit `match` (names as in subscriptions, or
    `fingerprint`), stored."""
    made = Silence(
        id=uuid.uuid4().hex[:12],
        match={name: tuple(patterns) for name, patterns in match.items()},
        starts_at=starts_at,
        ends_at=ends_at,
        author=author,
        comment=comment,
    )
    row = {
        "id": made.id,
        "matchers": made.match,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "author": author,
        "comment": comment,
    }
    with writing(engine) as connection:
        connection.execute(insert(silences), [row])
    return made


def unsilence(engine: Engine, silence_id: str) -> bool:
    """Whether there was a silence of that id; it is gone now."""
    with writing(engine) as connection:
        return connection.execute(delete(silences).where(silences.c.id == silence_id)).rowcount == 1


def row_id(item: Notification) -> str:
    """The same for whoever decides the same."""
    name = "\n".join(
        (item.alert.fingerprint, item.alert.opened_at.isoformat(), item.key, item.subscription)
    )
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _rank(item: Notification) -> tuple[int, datetime]:
    return (item.alert.revision, item.created_at)


def _row(item: Notification) -> dict[str, Any]:
    return {
        "id": row_id(item),
        "fingerprint": item.alert.fingerprint,
        "opened_at": item.alert.opened_at,
        "reason": item.key,
        "subscription": item.subscription,
        "severity": item.alert.severity,
        "status": "pending",
        "attempts": 0,
        "next_attempt_at": item.created_at,
        "leased_until": None,
        "created_at": item.created_at,
        "record": item.alert,
    }


def _notification(row: Any) -> Notification:
    reason, _, sequence = row["reason"].partition(" ")
    return Notification(
        subscription=row["subscription"],
        reason=Reason(reason),
        alert=msgspec.convert(row["record"], Alert),
        created_at=row["created_at"],
        sequence=int(sequence or 0),
        attempts=row["attempts"],
        status=row["status"],
    )


def _silence(row: Any) -> Silence:
    return Silence(
        id=row["id"],
        match={name: tuple(patterns) for name, patterns in row["matchers"].items()},
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        author=row["author"],
        comment=row["comment"],
    )
