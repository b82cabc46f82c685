"""What the classifier said lately, for a look at whether its world has changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, and_, func, select

from pipeline.documents import Sentiment
from pipeline.stores.database import reading
from pipeline.stores.tables import classifications, documents

_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One archived text with its classification."""

    text: str
    topic: str | None
    topic_probability: float
    sentiment: Sentiment | None


def answers_since(engine: Engine, model_version: str, since: datetime) -> Iterator[Answered]:
    """Each document published since then that `model_version` classified, oldest first."""
    query = (
        select(
            documents.c.title,
            documents.c.text,
            classifications.c.topic,
            classifications.c.topic_probability,
            classifications.c.negative,
            classifications.c.neutral,
            classifications.c.positive,
        )
        .join(classifications, classifications.c.document_id == documents.c.id)
        .where(
            and_(
                documents.c.published_at >= since,
                classifications.c.model_version == model_version,
            )
        )
        .order_by(documents.c.published_at, documents.c.id)
    )
    with reading(engine) as connection:
        found = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
        for row in found.mappings():
            sentiment = None
            if row["negative"] is not None:
                sentiment = Sentiment(row["negative"], row["neutral"], row["positive"])
            yield Answered(
                text="\n".join(filter(None, (row["title"], row["text"]))),
                topic=row["topic"],
                topic_probability=row["topic_probability"],
                sentiment=sentiment,
            )


def versions_since(engine: Engine, since: datetime) -> dict[str, int]:
    """How many documents published since then each model version classified."""
    query = (
        select(classifications.c.model_version, func.count())
        .join(documents, classifications.c.document_id == documents.c.id)
        .where(documents.c.published_at >= since)
        .group_by(classifications.c.model_version)
        .order_by(classifications.c.model_version)
    )
    with reading(engine) as connection:
        return {str(row[0]): int(row[1]) for row in connection.execute(query)}
