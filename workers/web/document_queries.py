"""Documents as the web stage reads them from SQL: filtered, paged, each read a bounded one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import FromClause, Select, and_, func, literal, or_, select, tuple_
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql import ColumnElement

from pipeline.stores.database import reading
from pipeline.stores.tables import UtcTime, classifications, document_subjects, documents
from workers.web.answers import DocumentPage, ListedDocument, ListedSubject
from workers.web.parameters import Cursor

EXCERPT = 280
# A rare word in ten million documents must not cost a minute of the database.
MOST_LOOKED_AT = 20_000

_SHOWN = ("id", "source", "publisher", "author", "url", "title", "lang", "published_at")
_SAID = (
    *("topic", "label", "negative", "neutral", "positive", "reason", "model_version"),
    *("story_id", "suspected_spam"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which documents: None is any. Times are [start, end) of publication."""

    subject: str | None = None
    topic: str | None = None
    source: str | None = None
    lang: str | None = None
    sentiment: str | None = None
    search: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def list_documents(
    engine: Engine,
    wanted: Wanted,
    limit: int = 50,
    after: Cursor | None = None,
    most_looked_at: int = MOST_LOOKED_AT,
) -> DocumentPage:
    """A page of documents, last published first, each with its counted classification.

    Conditions that no index answers are tried on the next `most_looked_at` documents behind
    the cursor only, so a page may be short, even empty, and still have a `next`.
    """
    table, said = documents.c, classifications.c
    origin: FromClause = documents
    # ordered by the columns of the index that the condition uses
    at, key = table.published_at, table.id
    if wanted.subject is not None:
        named = document_subjects.c
        origin = document_subjects.join(documents, table.id == named.document_id)
        at, key = named.published_at, named.document_id
    quick = _indexed(wanted, at)
    if after is not None:
        quick.append(tuple_(at, key) < _place(after))
    slow = _unindexed(wanted)
    query = (
        select(
            *(table[name] for name in _SHOWN),
            func.substr(table.text, 1, EXCERPT + 1).label("excerpt"),
            *(said[name] for name in _SAID),
        )
        .select_from(
            origin.outerjoin(classifications, and_(said.document_id == table.id, said.counted))
        )
        .where(*quick, *slow)
        .order_by(at.desc(), key.desc())
        .limit(limit + 1)
    )
    following = None
    with reading(engine) as connection:
        if slow:
            edge = _last(connection, select(at, key).where(*quick), most_looked_at)
            if edge is not None:
                query = query.where(tuple_(at, key) >= _place(edge))
                following = str(edge)
        rows = connection.execute(query).all()
        page = list(rows[:limit])
        subjects = _subjects(connection, [row.id for row in page])
    if len(rows) > limit:
        following = str(Cursor(page[-1].published_at, (page[-1].id,)))
    return DocumentPage(
        documents=[_document(row, subjects.get(row.id, [])) for row in page], next=following
    )


def _indexed(wanted: Wanted, at: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.subject is not None:
        found.append(document_subjects.c.subject_id == wanted.subject)
    elif wanted.source is not None:
        found.append(documents.c.source == wanted.source)
    if wanted.start is not None:
        found.append(at >= wanted.start)
    if wanted.end is not None:
        found.append(at < wanted.end)
    return found


def _unindexed(wanted: Wanted) -> list[ColumnElement[bool]]:
    table, said = documents.c, classifications.c
    # with a subject, its index is the one that is used
    source = None if wanted.subject is None else wanted.source
    found: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (table.source, source),
            (table.lang, wanted.lang),
            (said.topic, wanted.topic),
            (said.label, wanted.sentiment),
        )
        if value is not None
    ]
    if wanted.search is not None:
        found.append(
            or_(
                table.title.icontains(wanted.search, autoescape=True),
                table.text.icontains(wanted.search, autoescape=True),
            )
        )
    return found


def _last(connection: Connection, query: Select[Any], most: int) -> Cursor | None:
    """The place of row number `most` of the query, last published first; None if it has fewer."""
    at, key = query.selected_columns
    row = connection.execute(
        query.order_by(at.desc(), key.desc()).offset(most - 1).limit(1)
    ).first()
    return None if row is None else Cursor(row[0], (row[1],))


def _place(cursor: Cursor) -> ColumnElement[Any]:
    return tuple_(literal(cursor.at, UtcTime()), cursor.key[0])


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
        suspected_spam=bool(row.suspected_spam),
        model_version=row.model_version,
        subjects=subjects,
    )
