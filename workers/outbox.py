"""The outbox: what ingest found stays in SQL until it is known to have arrived.

::

    poll ─▶ outbox row ─▶ sent (sent_at) ─▶ archived or dead letter ─▶ row deleted
                 ▲                │
                 └── not arrived in time: sent again, same id, same bytes

A broker's acknowledgement is not arrival: one that loses acknowledged records (the embedded
one may, when killed) loses none of ours. Sending twice is harmless: the id is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Engine,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from pipeline.stores.database import reading, writing
from pipeline.stores.feed_tables import outbox
from pipeline.stores.tables import documents

# The wait for arrival doubles with each sending up to this often (64 times the first wait):
# while the archive is down, the topic must not fill with copies.
_DOUBLINGS = 6
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One document to send; `attempts` counts this sending too."""

    id: str
    value: bytes
    attempts: int


class Outbox:
    """The table `outbox`. Any number of processes may work on it: what one takes, no other
    takes until its time to arrive is over. Raises `Unavailable` like every store."""

    def __init__(self, engine: Engine, resend: timedelta) -> None:
        self._engine = engine
        self._resend = resend

    def take(self, now: datetime, most: int = _CHUNK) -> list[Waiting]:
        """Up to `most` documents that are due, oldest first, marked as sent at `now`."""
        due = self._due(now)
        with reading(self._engine) as connection:
            ids = connection.execute(
                select(outbox.c.id).where(due).order_by(outbox.c.created_at).limit(most)
            )
            chosen = list(ids.scalars())
        if not chosen:
            return []
        with writing(self._engine) as connection:
            # `due` once more: another process may have taken some since
            rows = connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(chosen), due)
                .values(sent_at=now, attempts=outbox.c.attempts + 1)
                .returning(outbox.c.id, outbox.c.value, outbox.c.attempts)
            ).all()
        return [Waiting(id=row.id, value=row.value, attempts=row.attempts) for row in rows]

    def give_back(self, ids: Sequence[str]) -> None:
        """These could not be sent: they are due at once, as if never taken."""
        with writing(self._engine) as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(list(ids)))
                .values(sent_at=None, attempts=outbox.c.attempts - 1)
            )

    def forget_arrived(self) -> int:
        """Delete what is archived; how many."""
        arrived = exists().where(
            documents.c.id == outbox.c.id, documents.c.version >= outbox.c.version
        )
        with reading(self._engine) as connection:
            found = connection.execute(select(outbox.c.id).where(arrived).limit(_CHUNK))
            ids = list(found.scalars())
        if not ids:
            return 0
        with writing(self._engine) as connection:
            # once more: an edit may have taken the row's place since
            gone = delete(outbox).where(outbox.c.id.in_(ids), arrived)
            return connection.execute(gone).rowcount

    def forget(self, refused: Mapping[str, int | None]) -> int:
        """Delete those of these that were sent, where the edition is the one refused or an earlier
        one (None: whichever it was); how many there were. A later edit is still on its way."""
        count, ids = 0, list(refused)
        for start in range(0, len(ids), _CHUNK):
            sent = outbox.c.id.in_(ids[start : start + _CHUNK]), outbox.c.sent_at.is_not(None)
            with writing(self._engine) as connection:
                rows = connection.execute(select(outbox.c.id, outbox.c.version).where(*sent)).all()
                meant = [
                    (row.id, row.version)
                    for row in rows
                    if (edition := refused[row.id]) is None or row.version <= edition
                ]
                editions = tuple_(outbox.c.id, outbox.c.version).in_(meant)
                count += connection.execute(delete(outbox).where(editions)).rowcount
        return count

    def overdue(self, now: datetime) -> list[str]:
        """The ids that were sent and have not arrived in time."""
        with reading(self._engine) as connection:
            found = connection.execute(
                select(outbox.c.id).where(outbox.c.sent_at.is_not(None), self._due(now))
            )
            return list(found.scalars())

    def counts(self) -> tuple[int, int]:
        """How many wait to be sent, and how many to arrive."""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(func.count(), func.count(outbox.c.sent_at)).select_from(outbox)
            ).one()
        return row[0] - row[1], row[1]

    def _due(self, now: datetime) -> ColumnElement[bool]:
        return or_(
            outbox.c.sent_at.is_(None),
            *(
                and_(
                    outbox.c.attempts == sendings,
                    outbox.c.sent_at <= now - self._resend * 2 ** (sendings - 1),
                )
                for sendings in range(1, _DOUBLINGS + 1)
            ),
            and_(
                outbox.c.attempts > _DOUBLINGS,
                outbox.c.sent_at <= now - self._resend * 2**_DOUBLINGS,
            ),
        )
