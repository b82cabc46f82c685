"""A newer edition takes the place of what is archived: the text, the classification that
counts, the subjects. What an edited text said before is kept in `document_editions`, and the
classification by another model beside the new one, uncounted.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from pipeline.documents import ClassifiedDocument, DocumentId
from pipeline.editions import edition, edition_of
from pipeline.stores.bulk import Row, insert_new
from pipeline.stores.tables import (
    classifications,
    document_editions,
    document_subjects,
    documents,
)

_IDS_AT_ONCE = 1_000


def newer_than_archived(
    connection: Connection, given: Sequence[ClassifiedDocument]
) -> list[ClassifiedDocument]:
    """Those of `given`, all of them archived and ordered by id, that are a newer edition.

    The rows stay locked until the transaction ends: two processes with two editions of one
    document take turns.
    """
    held: dict[str, bytes] = {}
    for first in range(0, len(given), _IDS_AT_ONCE):
        ids = [one.id for one in given[first : first + _IDS_AT_ONCE]]
        # locked first and read then: PostgreSQL reads what the other one committed
        connection.execute(
            select(documents.c.id)
            .where(documents.c.id.in_(ids))
            .order_by(documents.c.id)
            .with_for_update()
        )
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
        for name, version, at, model in connection.execute(statement):
            held[name] = edition(version, at, model)
    return [one for one in given if one.id not in held or edition_of(one) > held[one.id]]


def replace(
    connection: Connection,
    ids: Sequence[DocumentId],
    rows: Sequence[Row],
    classified: Sequence[Row],
    subjects: Sequence[Row],
    at: datetime,
) -> None:
    """Write these rows of `documents`, `classifications` and `document_subjects` instead of
    what is held of `ids`. When a document was first archived stays as it is."""
    if not ids:
        return
    versions = {row["id"]: row["version"] for row in rows}
    for first in range(0, len(ids), _IDS_AT_ONCE):
        part = ids[first : first + _IDS_AT_ONCE]
        before = connection.execute(
            select(
                documents.c.id.label("document_id"),
                documents.c.version,
                documents.c.title,
                documents.c.text,
                documents.c.url,
                documents.c.edited_at,
            ).where(documents.c.id.in_(part))
        ).mappings()
        edited = [
            {**row, "replaced_at": at}
            for row in before
            if row["version"] < versions[row["document_id"]]
        ]
        insert_new(connection, document_editions, edited)
        connection.execute(
            delete(document_subjects).where(document_subjects.c.document_id.in_(part))
        )
        connection.execute(
            update(classifications)
            .where(classifications.c.document_id.in_(part), classifications.c.counted)
            .values(counted=False)
        )
    connection.execute(
        delete(classifications).where(
            classifications.c.document_id == bindparam("of_document"),
            classifications.c.model_version == bindparam("of_model"),
        ),
        [
            {"of_document": row["document_id"], "of_model": row["model_version"]}
            for row in classified
        ],
    )
    changed = [name for name in rows[0] if name not in ("id", "archived_at")]
    connection.execute(
        update(documents)
        .where(documents.c.id == bindparam("of_id"))
        .values({name: bindparam(f"new_{name}") for name in changed}),
        [{"of_id": row["id"], **{f"new_{name}": row[name] for name in changed}} for row in rows],
    )
    insert_new(connection, classifications, classified)
    insert_new(connection, document_subjects, subjects)
