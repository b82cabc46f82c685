"""Reading the archive: documents by id for evidence, pages for people, counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, and_, func, or_, select

from pipeline.documents import DocumentId, Sentiment, SentimentLabel, SubjectId
from pipeline.stores.database import reading
from pipeline.stores.tables import classifications, document_subjects, documents
from pipeline.trends import MIN_RELEVANCE, SeriesKey

EXCERPT = 140
# A fingerprint that comes back a month later is another event in the same words.
STORY_SPAN = timedelta(hours=48)
MAX_PAGE = 500
_IDS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedDocument:
    """One document as people see it. `title` is its beginning where it has none."""

    id: DocumentId
    title: str
    source: str
    publisher: str | None
    author: str | None
    url: str | None
    lang: str
    published_at: datetime
    archived_at: datetime
    topic: str | None
    topic_probability: float
    sentiment: Sentiment | None
    label: SentimentLabel | None
    reason: str | None
    model_version: str
    story: str
    story_position: int
    subjects: tuple[SubjectId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStory:
    """How many documents told a story, and how many independent voices
    (`ClassifiedDocument.voice`)."""

    documents: int
    voices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Documents, newest first; `following` is where the next page begins, None at the end."""

    documents: tuple[ArchivedDocument, ...]
    following: tuple[datetime, DocumentId] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveCounts:
    """What the archive holds. `unclassified` had a text no model can read."""

    documents: int
    unclassified: int
    first_published_at: datetime | None
    last_published_at: datetime | None
    last_archived_at: datetime | None


class History:
    """The read side of `SqlArchive`. Every method raises `Unavailable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def by_id(self, ids: Sequence[DocumentId]) -> dict[DocumentId, ArchivedDocument]:
        """Those of the documents that are in the archive."""
        found: list[ArchivedDocument] = []
        unique = list(dict.fromkeys(ids))
        with reading(self._engine) as connection:
            for first in range(0, len(unique), _IDS_AT_ONCE):
                part = unique[first : first + _IDS_AT_ONCE]
                rows = connection.execute(_counted().where(documents.c.id.in_(part)))
                found.extend(self._documents(connection, rows.mappings().all()))
        return {document.id: document for document in found}

    def towards(
        self, pairs: Sequence[tuple[DocumentId, SubjectId]]
    ) -> dict[tuple[DocumentId, SubjectId | None], Sentiment]:
        """The sentiment of each document towards the company, where it has one of its own."""
        table, unique = document_subjects, list(dict.fromkeys(pairs))
        found: dict[tuple[DocumentId, SubjectId | None], Sentiment] = {}
        with reading(self._engine) as connection:
            for first in range(0, len(unique), _IDS_AT_ONCE):
                part = unique[first : first + _IDS_AT_ONCE]
                statement = select(
                    table.c.document_id,
                    table.c.subject_id,
                    table.c.negative,
                    table.c.neutral,
                    table.c.positive,
                ).where(
                    table.c.document_id.in_({document for document, _ in part}),
                    table.c.subject_id.in_({subject for _, subject in part}),
                    table.c.negative.is_not(None),
                )
                for document, subject, *chances in connection.execute(statement):
                    found[DocumentId(document), SubjectId(subject)] = Sentiment(*chances)
        return found

    def stories(self, told: Sequence[ArchivedDocument]) -> dict[str, ToldStory]:
        """For the stories of these documents, by story id: what told them within two days
        of these documents."""
        if not told:
            return {}
        first = min(document.published_at for document in told) - STORY_SPAN
        last = max(document.published_at for document in told) + STORY_SPAN
        # the empty string is no name: Document.voice skips it as well
        voice = func.coalesce(
            classifications.c.story_voice,
            func.nullif(documents.c.author, ""),
            func.nullif(documents.c.publisher, ""),
            documents.c.source,
        )
        statement = (
            select(classifications.c.story_id, func.count(), func.count(voice.distinct()))
            .join_from(classifications, documents)
            .where(
                classifications.c.story_id.in_({document.story for document in told}),
                classifications.c.counted,
                documents.c.published_at.between(first, last),
            )
            .group_by(classifications.c.story_id)
        )
        with reading(self._engine) as connection:
            return {
                story: ToldStory(documents=size, voices=voices)
                for story, size, voices in connection.execute(statement)
            }

    def page(
        self,
        series: SeriesKey,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        label: SentimentLabel | None = None,
        before: tuple[datetime, DocumentId] | None = None,
        limit: int = 50,
    ) -> Page:
        """Up to `limit` documents of `series` published in [start, end), newest first,
        continuing at a former page's `following`. Costs the same however far back."""
        limit = max(1, min(limit, MAX_PAGE))
        published, name = documents.c.published_at, documents.c.id
        statement = _counted()
        if series.subject is not None:
            # by the subject's own index of times, not by the documents'
            published = document_subjects.c.published_at
            name = document_subjects.c.document_id
            statement = statement.join(
                document_subjects,
                and_(
                    document_subjects.c.document_id == documents.c.id,
                    document_subjects.c.subject_id == series.subject,
                    document_subjects.c.relevance >= MIN_RELEVANCE,
                ),
            )
        for column, value in (
            (classifications.c.topic, series.topic),
            (documents.c.source, series.source),
            (documents.c.lang, series.lang),
            (classifications.c.label, label),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if start is not None:
            statement = statement.where(published >= start)
        if end is not None:
            statement = statement.where(published < end)
        if before is not None:
            # the first half lets the index begin there, the second settles equal times
            statement = statement.where(
                published <= before[0],
                or_(published < before[0], name < before[1]),
            )
        statement = statement.order_by(published.desc(), name.desc()).limit(limit + 1)
        with reading(self._engine) as connection:
            rows = connection.execute(statement).mappings().all()
            found = self._documents(connection, rows[:limit])
        more = len(rows) > limit
        return Page(
            documents=tuple(found),
            following=(found[-1].published_at, found[-1].id) if more else None,
        )

    def counts(self) -> ArchiveCounts:
        """What the archive holds now."""
        with reading(self._engine) as connection:
            total, first, last, archived = connection.execute(
                select(
                    func.count(),
                    func.min(documents.c.published_at),
                    func.max(documents.c.published_at),
                    func.max(documents.c.archived_at),
                ).select_from(documents)
            ).one()
            unclassified = connection.execute(
                select(func.count())
                .select_from(classifications)
                .where(classifications.c.counted, classifications.c.negative.is_(None))
            ).scalar_one()
        return ArchiveCounts(
            documents=total,
            unclassified=unclassified,
            first_published_at=first,
            last_published_at=last,
            last_archived_at=archived,
        )

    def _documents(
        self, connection: Connection, rows: Sequence[RowMapping]
    ) -> list[ArchivedDocument]:
        subjects: dict[str, list[SubjectId]] = {}
        if rows:
            for document, subject in connection.execute(
                select(document_subjects.c.document_id, document_subjects.c.subject_id)
                .where(document_subjects.c.document_id.in_([row["id"] for row in rows]))
                .order_by(document_subjects.c.relevance.desc(), document_subjects.c.subject_id)
            ):
                subjects.setdefault(document, []).append(SubjectId(subject))
        return [_document(row, tuple(subjects.get(row["id"], ()))) for row in rows]


def _counted() -> Select[Any]:
    return (
        select(
            documents.c.id,
            documents.c.title,
            # of the text only what is shown: half a megabyte a document stays where it is
            func.substr(documents.c.text, 1, EXCERPT).label("beginning"),
            documents.c.source,
            documents.c.publisher,
            documents.c.author,
            documents.c.url,
            documents.c.lang,
            documents.c.published_at,
            documents.c.archived_at,
            classifications.c.topic,
            classifications.c.topic_probability,
            classifications.c.negative,
            classifications.c.neutral,
            classifications.c.positive,
            classifications.c.label,
            classifications.c.reason,
            classifications.c.model_version,
            classifications.c.story_id,
            classifications.c.story_position,
        )
        .join_from(documents, classifications)
        .where(classifications.c.counted)
    )


def _document(row: RowMapping, subjects: tuple[SubjectId, ...]) -> ArchivedDocument:
    sentiment = None
    if row["negative"] is not None:
        sentiment = Sentiment(row["negative"], row["neutral"], row["positive"])
    return ArchivedDocument(
        id=DocumentId(row["id"]),
        title=row["title"] or row["beginning"] or "",
        source=row["source"],
        publisher=row["publisher"],
        author=row["author"],
        url=row["url"],
        lang=row["lang"],
        published_at=row["published_at"],
        archived_at=row["archived_at"],
        topic=row["topic"],
        topic_probability=row["topic_probability"],
        sentiment=sentiment,
        label=row["label"],
        reason=row["reason"],
        model_version=row["model_version"],
        story=row["story_id"],
        story_position=row["story_position"],
        subjects=subjects,
    )
