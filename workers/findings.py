"""What a poll found, on its way into the outbox: what is known of it, which edition it is.

An edited item keeps its id and the time it was first published, and gets the next version
after the one that is archived or still on its way. What the archive no longer holds, or never
did, has no edition to follow: it is left alone.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.documents import Document
from pipeline.feeds.seen import words
from pipeline.stores.feed_tables import outbox
from pipeline.stores.tables import documents
from pipeline.wire import DOCUMENTS

log = logging.getLogger(__name__)

_AT_ONCE = 500
# A page that says something else each time it is asked (a counter, the time of day) is not
# edited: after so many editions it is left as it is.
MOST_EDITIONS = 50


def archived(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that are in the archive."""
    return {row.id for row in _rows(connection, documents, ("id",), ids)}


def editions(connection: Connection, changed: Sequence[Document], now: datetime) -> list[Document]:
    """The next edition of each of `changed`, without those whose words are known after all."""
    latest = _latest(connection, [one.id for one in changed])
    found = []
    for one in changed:
        before = latest.get(one.id)
        if before is None or before.version >= MOST_EDITIONS or words(before) == words(one):
            continue
        found.append(
            replace(
                one,
                published_at=before.published_at,
                version=before.version + 1,
                edited_at=_edited_at(one, before, now),
            )
        )
    return found


def put(connection: Connection, found: Sequence[Document], now: datetime) -> None:
    """Put `found` into the outbox; a later edition takes the place of one not archived yet."""
    if not found:
        return
    insert = insert_new(connection, outbox, nothing=False)
    names = ("value", "version", "created_at", "sent_at", "attempts")
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["id"],
            set_={name: insert.excluded[name] for name in names},
            where=insert.excluded["version"] > outbox.c.version,
        ),
        [
            {
                "id": document.id,
                "source": document.source,
                "value": DOCUMENTS.encode(document).value,
                "version": document.version,
                "created_at": now,
                "sent_at": None,
                "attempts": 0,
            }
            for document in found
        ],
    )


def insert_new(connection: Connection, table: Table, nothing: bool = True) -> Any:
    """An insert that knows ON CONFLICT, which both databases do and SQLAlchemy's own does not;
    with `nothing` it does nothing then."""
    kind = postgresql.Insert if connection.dialect.name == "postgresql" else sqlite.Insert
    insert = kind(table)
    return insert.on_conflict_do_nothing() if nothing else insert


def _latest(connection: Connection, ids: Sequence[str]) -> dict[str, Document]:
    """The newest edition of each that is archived or on its way."""
    names = ("id", "source", "title", "text", "published_at", "version", "edited_at")
    latest = {
        row.id: Document(
            source=row.source,
            published_at=row.published_at,
            id=row.id,
            title=row.title,
            text=row.text,
            version=row.version,
            edited_at=row.edited_at,
        )
        for row in _rows(connection, documents, names, ids)
    }
    for row in _rows(connection, outbox, ("id", "version", "value"), ids):
        if row.id not in latest or row.version > latest[row.id].version:
            latest[row.id] = DOCUMENTS.decode(row.value)
    return latest


def _edited_at(edited: Document, before: Document, now: datetime) -> datetime:
    """The item's own new time, where it has one that can be right, else now."""
    later = before.edited_at or before.published_at
    return edited.published_at if later < edited.published_at <= now else now


def _rows(
    connection: Connection, table: Table, names: Sequence[str], ids: Sequence[str]
) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(ids), _AT_ONCE):
        chosen = select(*(table.c[name] for name in names)).where(
            table.c.id.in_(ids[start : start + _AT_ONCE])
        )
        found += connection.execute(chosen).all()
    return found
