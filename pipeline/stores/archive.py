"""Writing the history: documents, classifications and subjects, once each, in bulk.

One transaction a batch. The newest edition of a document (`pipeline.editions`) is the one that
is `counted`; a classification by another model is kept beside it, uncounted, so that the
history always adds up to what the trends counted.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, StatementError

from pipeline.documents import ClassifiedDocument
from pipeline.editions import newest_of
from pipeline.errors import Rejected
from pipeline.stores.bulk import Row, insert_new, insert_new_returning
from pipeline.stores.database import writing
from pipeline.stores.replacing import newer_than_archived, replace
from pipeline.stores.tables import classifications, document_subjects, documents, models


class SqlArchive:
    """`Archive` in SQL. Raises `Unavailable` when the database does not answer now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # versions this process has seen written; another may have written them too
        self._models: set[str] = set()

    def store(self, batch: Sequence[ClassifiedDocument], at: datetime) -> None:
        """Write each document, its classification and subjects; durable on return.

        Raises `Rejected` when the database refuses a value itself: nothing of the batch is
        written then, and the caller finds the document by storing singly.
        """
        if not batch:
            return
        # by id, so that two processes storing the same documents never wait for each other;
        # of each document the newest edition
        newest = newest_of(batch)
        ordered = sorted(newest.values(), key=lambda one: one.id)
        older = [one for one in batch if one is not newest[one.id]]
        versions = {one.classification.model_version for one in batch} - self._models
        try:
            with writing(self._engine) as connection:
                if versions:
                    rows = [_model_row(version, at) for version in sorted(versions)]
                    insert_new(connection, models, rows)
                new = insert_new_returning(
                    connection, documents, "id", [_document_row(one, at) for one in ordered]
                )
                fresh = [one for one in ordered if one.id in new]
                insert_new(
                    connection, classifications, [_classification_row(one, True) for one in fresh]
                )
                insert_new(
                    connection,
                    document_subjects,
                    [row for one in fresh for row in _subject_rows(one)],
                )
                known = [one for one in ordered if one.id not in new]
                newer = newer_than_archived(connection, known)
                replace(
                    connection,
                    [one.id for one in newer],
                    [_document_row(one, at) for one in newer],
                    [_classification_row(one, True) for one in newer],
                    [row for one in newer for row in _subject_rows(one)],
                    _utc(at),
                )
                replaced = {one.id for one in newer}
                older += [one for one in known if one.id not in replaced]
                insert_new(
                    connection,
                    classifications,
                    [_classification_row(one, False) for one in sorted(older, key=_name)],
                )
        except DataError as error:
            # a value the database has no form for, such as a NUL: no retry will help
            raise Rejected(f"the database refused a value: {error.orig}") from error
        except (UnicodeEncodeError, OverflowError) as error:
            raise Rejected(f"the database has no form for a value: {error}") from error
        except StatementError as error:
            if isinstance(error.orig, UnicodeEncodeError | OverflowError):
                raise Rejected(f"the database has no form for a value: {error.orig}") from error
            raise
        self._models |= versions


def _name(one: ClassifiedDocument) -> tuple[str, str]:
    return one.id, one.classification.model_version


def _model_row(version: str, at: datetime) -> Row:
    return {
        "version": version,
        "name": version.partition("@")[0].partition(":")[0],
        "first_seen_at": at,
        "metadata": {},
    }


def _document_row(one: ClassifiedDocument, at: datetime) -> Row:
    document = one.document
    return {
        "id": one.id,
        "source": document.source,
        "publisher": document.publisher,
        "author": document.author,
        "url": document.url,
        "title": document.title,
        "text": document.text,
        "lang": one.lang,
        "declared_lang": document.lang,
        "published_at": _utc(document.published_at),
        "fetched_at": None if document.fetched_at is None else _utc(document.fetched_at),
        "repost_of": document.repost_of,
        "given_subjects": document.subjects,
        "extra": document.extra,
        "archived_at": _utc(at),
        "version": document.version,
        "edited_at": None if document.edited_at is None else _utc(document.edited_at),
    }


def _classification_row(one: ClassifiedDocument, counted: bool) -> Row:
    classification = one.classification
    sentiment = classification.sentiment
    return {
        "document_id": one.id,
        "model_version": classification.model_version,
        "topic": classification.topic,
        "topic_probability": classification.topic_probability,
        "negative": sentiment and sentiment.negative,
        "neutral": sentiment and sentiment.neutral,
        "positive": sentiment and sentiment.positive,
        "label": sentiment and sentiment.label,
        "reason": classification.reason,
        "story_id": one.story.id,
        "story_position": one.story.position,
        # the voice counted with, so that counting again needs no `extra`
        "story_voice": one.voice,
        "story_event": one.story.event,
        "suspected_spam": one.story.suspected_spam,
        "story_novelty": one.story.novelty,
        "classified_at": None if one.classified_at is None else _utc(one.classified_at),
        "late": one.late,
        "lang_apart": one.lang_apart,
        "counted": counted,
    }


def _subject_rows(one: ClassifiedDocument) -> list[Row]:
    published = _utc(one.document.published_at)
    return [
        {
            "document_id": one.id,
            "subject_id": subject.id,
            "tickers": subject.tickers,
            "relevance": subject.relevance,
            "negative": subject.sentiment and subject.sentiment.negative,
            "neutral": subject.sentiment and subject.sentiment.neutral,
            "positive": subject.sentiment and subject.sentiment.positive,
            "published_at": published,
        }
        for subject in one.subjects
    ]


def _utc(at: datetime) -> datetime:
    # the decoder's zone object is not always this one; the column's check is then one `is`
    return at.astimezone(UTC)
