"""What is known about each source, in SQL: who polls it now, what it sent, how it fares.

A poll is claimed by moving `last_attempt_at`, which only one process can do from the value
it read. The same value is the claim's token: a process that lost its claim stores nothing.
What a poll found goes into the outbox in the transaction that remembers it as seen, so a
crash anywhere forgets both or neither.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.documents import Document, validated
from pipeline.errors import Rejected
from pipeline.feeds.feed import FeedState, Poll, SourceConfig
from pipeline.stores.database import reading, writing
from pipeline.stores.feed_tables import feed_state, outbox
from pipeline.stores.tables import documents
from pipeline.wire import DOCUMENTS

log = logging.getLogger(__name__)

# Longer than any fetch: a poll unfinished after this was a process that died.
LEASE = timedelta(seconds=90)
# Polls are spread by a tenth of the interval; a tick a little early is still in time.
_EARLY = 0.85
_LONGEST_PAUSE = timedelta(hours=1)
# A feed shows its latest tens of items. More than these are remembered only for a feed that
# shows more.
_SEEN = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to poll one source now, and what its last answer was."""

    source: str
    at: datetime
    state: FeedState
    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One source as it fares; `items` counts new documents, `errors` failed polls."""

    source: str
    last_success_at: datetime | None
    last_error_at: datetime | None
    last_error: str | None
    items: int
    errors: int
    failures_in_a_row: int


def due_at(
    interval: timedelta,
    attempt: datetime | None,
    finish: datetime | None,
    failures_in_a_row: int,
) -> datetime | None:
    """When the source may be polled again; None at once.

    `attempt` is when the last poll began, `finish` when the last finished one ended. A source
    that fails is asked at half the pace each time, down to once an hour.
    """
    if attempt is None:
        return None
    if finish is None or finish < attempt:
        return attempt + LEASE
    pause = interval * _EARLY * 2.0 ** min(max(failures_in_a_row - 1, 0), 10)
    return attempt + min(pause, max(interval * _EARLY, _LONGEST_PAUSE))


def remembered(seen: Sequence[str], shown: Sequence[str]) -> tuple[str, ...]:
    """`seen` with what the feed shows now as the newest; at least twice what it shows is kept,
    so that an item that leaves the feed and comes back is not news."""
    now = dict.fromkeys(shown)
    kept = [mark for mark in seen if mark not in now]
    return tuple([*kept, *now][-max(_SEEN, 2 * len(now)) :])


def mark(document_id: str) -> str:
    """What is remembered of an id: 16 hex digits."""
    return hashlib.blake2b(document_id.encode(), digest_size=8).hexdigest()


class Intake:
    """The tables `feed_state` and, for writing, `outbox`. Every method raises `Unavailable`
    when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due_at(self, source: SourceConfig) -> datetime | None:
        """When `source` may be polled again; None at once."""
        with reading(self._engine) as connection:
            row = self._row(connection, source.source)
            return None if row is None else _due_at(row, source)

    def claim(self, source: SourceConfig, now: datetime) -> Claim | None:
        """The right to poll `source`; None when it is not due or somebody polls it now."""
        with writing(self._engine) as connection:
            row = self._row(connection, source.source)
            if row is None:
                insert = _insert(connection)(feed_state).values(source=source.source, seen=[])
                connection.execute(insert.on_conflict_do_nothing())
                row = self._row(connection, source.source)
                assert row is not None
            due = _due_at(row, source)
            if due is not None and due > now:
                return None
            before = feed_state.c.last_attempt_at
            won = connection.execute(
                update(feed_state)
                .where(feed_state.c.source == source.source)
                .where(before.is_not_distinct_from(row.last_attempt_at))
                .values(last_attempt_at=now)
            )
            if won.rowcount != 1:
                return None
        return Claim(
            source=source.source,
            at=now,
            state=FeedState(etag=row.etag, last_modified=row.last_modified),
            seen=tuple(row.seen),
        )

    def record(self, claim: Claim, poll: Poll, now: datetime) -> list[Document]:
        """Remember what the poll gave and put what is new into the outbox; the new documents.

        Nothing is stored, and nothing new returned, when the claim was lost meanwhile.
        """
        known = set(claim.seen)
        fresh = _valid([d for d in poll.documents if mark(d.id) not in known], now)
        with writing(self._engine) as connection:
            values: dict[str, object] = {
                "etag": poll.state.etag,
                "last_modified": poll.state.last_modified,
                "last_success_at": now,
                "failures_in_a_row": 0,
            }
            if not self._finish(connection, claim, values):
                return []
            # archived before our memory began, or by another process since
            held = _archived(connection, [d.id for d in fresh])
            fresh = [d for d in fresh if d.id not in held]
            if not poll.unchanged:
                seen = remembered(claim.seen, [mark(d.id) for d in poll.documents])
                connection.execute(
                    update(feed_state)
                    .where(feed_state.c.source == claim.source)
                    .values({"seen": list(seen), "items": feed_state.c["items"] + len(fresh)})
                )
            if fresh:
                connection.execute(
                    _insert(connection)(outbox).on_conflict_do_nothing(),
                    [
                        {
                            "id": document.id,
                            "source": document.source,
                            "value": DOCUMENTS.encode(document).value,
                            "created_at": now,
                        }
                        for document in fresh
                    ],
                )
        return fresh

    def fail(self, claim: Claim, reason: str, now: datetime) -> None:
        """Remember that the poll failed; what was remembered of the source stays."""
        with writing(self._engine) as connection:
            self._finish(
                connection,
                claim,
                {
                    "last_error_at": now,
                    "last_error": reason[:500],
                    "errors": feed_state.c.errors + 1,
                    "failures_in_a_row": feed_state.c.failures_in_a_row + 1,
                },
            )

    def health(self) -> list[SourceHealth]:
        """Every source ever polled, by name."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(feed_state).order_by(feed_state.c.source)).all()
        return [
            SourceHealth(
                source=row.source,
                last_success_at=row.last_success_at,
                last_error_at=row.last_error_at,
                last_error=row.last_error,
                items=row.items,
                errors=row.errors,
                failures_in_a_row=row.failures_in_a_row,
            )
            for row in rows
        ]

    def _finish(self, connection: Connection, claim: Claim, values: Mapping[str, object]) -> bool:
        done = connection.execute(
            update(feed_state)
            .where(feed_state.c.source == claim.source)
            .where(feed_state.c.last_attempt_at == claim.at)
            .values(dict(values))
        )
        if done.rowcount != 1:
            log.warning(
                "feed %s: another process polls it by now, this poll is dropped", claim.source
            )
        return done.rowcount == 1

    def _row(self, connection: Connection, source: str) -> Row[Any] | None:
        found = connection.execute(select(feed_state).where(feed_state.c.source == source))
        return found.one_or_none()


def _due_at(row: Row[Any], source: SourceConfig) -> datetime | None:
    ends = [at for at in (row.last_success_at, row.last_error_at) if at is not None]
    return due_at(
        source.interval, row.last_attempt_at, max(ends, default=None), row.failures_in_a_row
    )


def _insert(connection: Connection) -> type[sqlite.Insert] | type[postgresql.Insert]:
    # both know ON CONFLICT DO NOTHING, SQLAlchemy's own insert does not
    return postgresql.Insert if connection.dialect.name == "postgresql" else sqlite.Insert


def _archived(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        rows = connection.execute(select(documents.c.id).where(documents.c.id.in_(chunk)))
        found.update(rows.scalars())
    return found


def _valid(found: Sequence[Document], now: datetime) -> list[Document]:
    """Those that the next stage would take; the rest is told, as the source may mend it."""
    valid = []
    for document in found:
        try:
            valid.append(validated(document, now))
        except Rejected as error:
            log.warning("feed %s: an item is left out: %s", document.source, error.reason)
    return valid
