"""The SQL schema, as SQLAlchemy Core tables. `migrations/` creates it; a test compares both.

The tables of ingest are in `feed_tables.py`. Whatever is a value of the wire (`record`) is
stored as the whole JSON too, so that a reader of an older row loses nothing. BI tools read
the views of `docs/bi.md`, never these tables.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)

from pipeline.stores.columns import UtcTime as UtcTime
from pipeline.stores.columns import metadata as metadata
from pipeline.stores.columns import optional as _optional
from pipeline.stores.columns import required as _required
from pipeline.stores.columns import time as _time


def _series_columns() -> tuple[Column[Any], ...]:
    return (
        _required("series"),
        _optional("subject"),
        _optional("topic"),
        _optional("source"),
        _optional("lang"),
    )


documents = Table(
    "documents",
    metadata,
    Column("id", Text, primary_key=True),
    _required("source"),
    _optional("publisher"),
    _optional("author"),
    _optional("url"),
    _optional("title"),
    _optional("text"),
    # `lang` is what we found, `declared_lang` what the source said
    _required("lang"),
    _optional("declared_lang"),
    _time("published_at"),
    _time("fetched_at", nullable=True),
    _optional("repost_of"),
    # the tickers the source itself gave
    _required("given_subjects", JSON),
    # json, not jsonb: jsonb refuses the escape of NUL, which a stranger's value may hold
    _required("extra", JSON),
    _time("archived_at"),
    # which edition of the text this is, and when it was edited
    _required("version", Integer, server_default=text("1")),
    _time("edited_at", nullable=True),
    Index(None, "published_at", "id"),
    Index(None, "source", "published_at"),
    Index(None, "archived_at", "id"),
)

# what a document said before it was edited, a row an edition
document_editions = Table(
    "document_editions",
    metadata,
    Column("document_id", Text, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _optional("title"),
    _optional("text"),
    _optional("url"),
    _time("edited_at", nullable=True),
    _time("replaced_at"),
    sqlite_with_rowid=False,
)

classifications = Table(
    "classifications",
    metadata,
    Column("document_id", Text, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("model_version", Text, primary_key=True),
    _optional("topic"),
    _required("topic_probability", Double),
    _optional("negative", Double),
    _optional("neutral", Double),
    _optional("positive", Double),
    _optional("label"),
    _optional("reason"),
    _required("story_id"),
    _required("story_position", Integer),
    # None in rows written before there were such columns
    _optional("story_voice"),
    _optional("story_event"),
    _optional("suspected_spam", Boolean),
    _optional("story_novelty", Integer),
    # which of several editions of a document is the newest: pipeline.editions
    _time("classified_at", nullable=True),
    _required("late", Boolean, server_default=false()),
    _required("lang_apart", Boolean, server_default=false()),
    # the document's newest edition is the one the trends count
    _required("counted", Boolean, server_default=false()),
    Index(None, "story_id"),
    sqlite_with_rowid=False,
)

document_subjects = Table(
    "document_subjects",
    metadata,
    Column("document_id", Text, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("subject_id", Text, primary_key=True),
    _required("tickers", JSON),
    _required("relevance", Double),
    # towards this subject; empty where the document's own sentiment counts
    _optional("negative", Double),
    _optional("neutral", Double),
    _optional("positive", Double),
    # the document's, repeated so that a subject's newest documents are one index range
    _time("published_at"),
    Index(None, "subject_id", "published_at", "document_id"),
    sqlite_with_rowid=False,
)

trend_buckets = Table(
    "trend_buckets",
    metadata,
    Column("series", Text, primary_key=True),
    Column("start", UtcTime(), primary_key=True),
    Column("width_seconds", Integer, primary_key=True, autoincrement=False),
    _optional("subject"),
    _optional("topic"),
    _optional("source"),
    _optional("lang"),
    *(
        _required(name, BigInteger)
        for name in (
            "documents",
            "negative",
            "neutral",
            "positive",
            "negative_micro",
            "neutral_micro",
            "positive_micro",
            "novel",
            "novel_negative",
        )
    ),
    *(
        _required(name, BigInteger, server_default=text("0"))
        for name in ("late", "novelty", "suspected", "revision")
    ),
    # tallies as pipeline.distinct has them, flat
    *(_required(name, JSON, server_default=text("'[]'")) for name in ("stories", "voices")),
    Index(None, "start"),
    sqlite_with_rowid=False,
)

alerts = Table(
    "alerts",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("opened_at", UtcTime(), primary_key=True),
    _required("rule"),
    _required("rule_version"),
    *_series_columns(),
    _required("tickers", JSON),
    _required("state"),
    _required("severity", Integer),
    _time("updated_at"),
    _time("firing_at", nullable=True),
    _time("resolved_at", nullable=True),
    # the optimistic version: a writer replaces exactly the revision it read
    _required("revision", Integer),
    _optional("acknowledged_by"),
    _required("record", JSON),
    # wall time of the first write, for retention: the other times are event time
    _required("recorded_at", UtcTime(), server_default=func.now()),
    CheckConstraint("state in ('pending', 'firing', 'resolved')", name="state"),
    Index(None, "state", "updated_at"),
    Index(None, "updated_at"),
    Index(None, "series", "opened_at"),
    Index(None, "subject", "updated_at"),
)

alert_events = Table(
    "alert_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _required("fingerprint"),
    _time("opened_at"),
    _required("revision", Integer),
    _required("state"),
    _required("severity", Integer),
    _time("at"),
    _required("record", JSON),
    UniqueConstraint("fingerprint", "opened_at", "revision"),
    Index(None, "at"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True),
    _required("fingerprint"),
    _time("opened_at"),
    _required("reason"),
    _required("subscription"),
    _required("severity", Integer),
    _required("status"),
    _required("attempts", Integer, server_default=text("0")),
    _time("next_attempt_at", nullable=True),
    # a sender holds the row until then; past it, another may take over
    _time("leased_until", nullable=True),
    _time("created_at"),
    _time("sent_at", nullable=True),
    _optional("last_error"),
    _required("record", JSON),
    CheckConstraint("status in ('pending', 'sent', 'failed')", name="status"),
    UniqueConstraint("fingerprint", "opened_at", "reason", "subscription"),
    Index(None, "status", "next_attempt_at"),
    Index(None, "subscription", "created_at"),
    Index(None, "created_at"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Text, primary_key=True),
    _required("matchers", JSON),
    _time("starts_at"),
    _time("ends_at"),
    _required("author"),
    _required("comment"),
    Index(None, "ends_at"),
)

models = Table(
    "models",
    metadata,
    Column("version", Text, primary_key=True),
    _required("name"),
    _time("first_seen_at"),
    _required("metadata", JSON),
)
