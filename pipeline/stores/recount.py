"""The trends counted again from SQL, by the very function that counted them for Redis."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Text,
    and_,
    func,
    or_,
    select,
    text,
    type_coerce,
)

from pipeline.distinct import together
from pipeline.documents import (
    Classification,
    ClassifiedDocument,
    Document,
    DocumentId,
    Sentiment,
    Story,
    Subject,
    SubjectId,
)
from pipeline.editions import edition
from pipeline.ports import CountedDocument, counted
from pipeline.stores.database import reading
from pipeline.stores.tables import classifications, document_subjects, documents
from pipeline.stores.trend_packing import DAY
from pipeline.trends import Bucket, Counts, SeriesKey, merged

# Documents read at once: short queries, so that no reader holds back SQLite's log or
# PostgreSQL's clean-up while millions are read.
_AT_ONCE = 2_000


def recount(engine: Engine, since: datetime) -> dict[tuple[SeriesKey, datetime], Bucket]:
    """Every bucket of the documents archived at `since` or later, by (series, minute).

    All in memory: for tests and for small archives. Raises `Unavailable`.
    """
    found: dict[tuple[SeriesKey, datetime], Bucket] = {}
    for batch in counted_since(engine, since):
        for document, _ in batch:
            for one in document.contributions:
                name = (one.series, one.bucket.start)
                held = found.get(name)
                found[name] = one.bucket if held is None else merged(held, one.bucket)
    return found


def counted_since(
    engine: Engine, since: datetime
) -> Iterator[list[tuple[CountedDocument, datetime]]]:
    """Batches of (what a document adds, when it was archived), in the order of archiving."""
    return _read(engine, documents.c.archived_at, documents.c.archived_at >= since)


def counted_between(
    engine: Engine, start: datetime, end: datetime
) -> Iterator[list[tuple[CountedDocument, datetime]]]:
    """The same for the documents published in [start, end), in that order."""
    published = documents.c.published_at
    return _read(engine, published, and_(published >= start, published < end))


def classified_between(
    engine: Engine, start: datetime, end: datetime
) -> Iterator[list[ClassifiedDocument]]:
    """Batches of the documents published in [start, end), in that order, as they were
    counted: without their text, and of what else was told of them with the tier of their source
    alone, which rules ask for."""
    published = documents.c.published_at
    within = and_(published >= start, published < end)
    for rows in _rows(engine, published, within, documents.c.extra):
        yield [_classified(row, subjects, _tier(row.extra)) for row, subjects in rows]


def _tier(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"tier": extra["tier"]} if "tier" in extra else {}


def days_archived_since(engine: Engine, since: datetime) -> dict[datetime, int]:
    """The UTC days on which documents archived at `since` or later were published, and how many
    those are."""
    published = documents.c.published_at
    day = type_coerce(
        func.to_char(func.timezone("UTC", published), "YYYY-MM-DD")
        if engine.dialect.name == "postgresql"
        else func.substr(published, 1, 10),
        Text,
    )
    statement = (
        select(day.label("day"), func.count())
        .where(documents.c.archived_at >= since)
        .group_by(text("day"))
    )
    with reading(engine) as connection:
        return {
            datetime.fromisoformat(found).replace(tzinfo=UTC): size
            for found, size in connection.execute(statement)
        }


def archived_on(engine: Engine, day: datetime, ids: Sequence[DocumentId]) -> set[DocumentId]:
    """Those of `ids` that are archived and were published on the UTC day beginning at `day`."""
    statement = select(documents.c.id).where(
        documents.c.id.in_(ids),
        documents.c.published_at >= day,
        documents.c.published_at < day + DAY,
    )
    with reading(engine) as connection:
        return {DocumentId(name) for name in connection.scalars(statement)}


def editions_of(engine: Engine, ids: Sequence[DocumentId]) -> dict[DocumentId, bytes]:
    """The edition that counts of each of `ids` that is archived."""
    statement = (
        select(
            documents.c.id,
            documents.c.version,
            classifications.c.classified_at,
            classifications.c.model_version,
        )
        .join_from(documents, classifications)
        .where(documents.c.id.in_(ids), classifications.c.counted)
    )
    with reading(engine) as connection:
        return {
            DocumentId(name): edition(version, at, model)
            for name, version, at, model in connection.execute(statement)
        }


class Sums:
    """What many documents add up to, bucket by bucket; a series goes by its text."""

    def __init__(self) -> None:
        self._added: dict[tuple[str, datetime], Bucket | list[Bucket]] = {}
        self._text = cache(SeriesKey.__str__)

    def add(self, document: CountedDocument) -> None:
        """Add what one document adds."""
        for one in document.contributions:
            name = (self._text(one.series), one.bucket.start)
            held = self._added.setdefault(name, one.bucket)
            # most buckets of most series hold one document
            if isinstance(held, list):
                held.append(one.bucket)
            elif held is not one.bucket:
                self._added[name] = [held, one.bucket]

    def counts(self) -> dict[tuple[str, datetime], Counts]:
        """The counts of every bucket that holds something."""
        return {
            name: added.counts if isinstance(added, Bucket) else _summed(added)
            for name, added in self._added.items()
        }


def _summed(buckets: Sequence[Bucket]) -> Counts:
    return (
        *map(sum, zip(*(bucket.totals.row() for bucket in buckets), strict=True)),
        together(bucket.stories for bucket in buckets),
        together(bucket.voices for bucket in buckets),
    )


def _read(
    engine: Engine, order: Any, condition: ColumnElement[bool]
) -> Iterator[list[tuple[CountedDocument, datetime]]]:
    for rows in _rows(engine, order, condition):
        yield [(_counted(row, subjects), row.archived_at) for row, subjects in rows]


def _rows(
    engine: Engine, order: Any, condition: ColumnElement[bool], *further: ColumnElement[Any]
) -> Iterator[list[tuple[Any, tuple[Subject, ...]]]]:
    after: tuple[datetime, str] | None = None
    while True:
        statement = (
            select(
                documents.c.id,
                documents.c.source,
                documents.c.publisher,
                documents.c.author,
                documents.c.title,
                documents.c.url,
                documents.c.lang,
                documents.c.published_at,
                documents.c.archived_at,
                documents.c.version,
                *further,
                classifications.c.topic,
                classifications.c.negative,
                classifications.c.neutral,
                classifications.c.positive,
                classifications.c.model_version,
                classifications.c.story_id,
                classifications.c.story_position,
                classifications.c.story_voice,
                classifications.c.suspected_spam,
                classifications.c.story_novelty,
                classifications.c.classified_at,
                classifications.c.late,
                classifications.c.lang_apart,
            )
            .join_from(documents, classifications)
            .where(classifications.c.counted, condition)
            .order_by(order, documents.c.id)
            .limit(_AT_ONCE)
        )
        if after is not None:
            statement = statement.where(
                order >= after[0], or_(order > after[0], documents.c.id > after[1])
            )
        with reading(engine) as connection:
            rows = connection.execute(statement).all()
            subjects = _subjects(connection, [row.id for row in rows])
        if not rows:
            return
        yield [(row, subjects.get(row.id, ())) for row in rows]
        if len(rows) < _AT_ONCE:
            return
        after = (getattr(rows[-1], order.name), rows[-1].id)


def _subjects(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[Subject, ...]]:
    found: dict[str, tuple[Subject, ...]] = {}
    table = document_subjects
    statement = select(
        table.c.document_id,
        table.c.subject_id,
        table.c.tickers,
        table.c.relevance,
        table.c.negative,
        table.c.neutral,
        table.c.positive,
    ).where(table.c.document_id.in_(ids))
    for document, subject, tickers, relevance, *chances in connection.execute(statement):
        found[document] = (
            *found.get(document, ()),
            Subject(
                id=SubjectId(subject),
                tickers=tuple(tickers),
                relevance=relevance,
                sentiment=None if chances[0] is None else Sentiment(*chances),
            ),
        )
    return found


def _counted(row: Any, subjects: tuple[Subject, ...]) -> CountedDocument:
    return counted(_classified(row, subjects))


def _classified(
    row: Any, subjects: tuple[Subject, ...], extra: Mapping[str, Any] | None = None
) -> ClassifiedDocument:
    # no text: what a document adds does not depend on it
    return ClassifiedDocument(
        document=Document(
            id=DocumentId(row.id),
            source=row.source,
            publisher=row.publisher,
            author=row.author,
            title=row.title,
            url=row.url,
            published_at=row.published_at,
            version=row.version,
            extra=extra or {},
        ),
        lang=row.lang,
        subjects=subjects,
        story=Story(
            id=row.story_id,
            position=row.story_position,
            voice=row.story_voice,
            suspected_spam=bool(row.suspected_spam),
            novelty=row.story_novelty,
        ),
        classified_at=row.classified_at,
        late=bool(row.late),
        lang_apart=bool(row.lang_apart),
        classification=Classification(
            model_version=row.model_version,
            topic=row.topic,
            sentiment=(
                None if row.negative is None else Sentiment(row.negative, row.neutral, row.positive)
            ),
        ),
    )
