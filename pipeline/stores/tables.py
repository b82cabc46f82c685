"""The SQL schema, as SQLAlchemy Core tables. `migrations/` creates it; a test compares both.

Times are aware UTC datetimes on both sides (`UtcTime`). Whatever is a value of the wire
(`record`) is stored as the whole JSON too, so that a reader of an older row loses nothing.
BI tools read the views of `docs/bi.md`, never these tables.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime: `timestamptz` in PostgreSQL, fixed-width text in SQLite.

    SQLite holds `YYYY-MM-DD HH:MM:SS.ffffff` in UTC: it sorts as time does, SQLite's own
    date functions take it, and BI tools show it as a timestamp, which microseconds as an
    integer would not give. A naive datetime is refused.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone reached the database: {value.isoformat()}")
        return value if value.tzinfo is UTC else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _time(name: str, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcTime(), nullable=nullable)


def _optional(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _required(name: str, kind: Any = Text, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


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
    Index(None, "published_at", "id"),
    Index(None, "source", "published_at"),
    Index(None, "archived_at", "id"),
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
    # the document's first classification is the one the trends counted
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

outbox = Table(
    "outbox",
    metadata,
    # the document's id; `value` is the record's bytes, so a resend is the same record
    Column("id", Text, primary_key=True),
    _required("source"),
    _required("value", LargeBinary),
    _time("created_at"),
    _time("sent_at", nullable=True),
    _required("attempts", Integer, server_default=text("0")),
    Index(None, "sent_at"),
    Index(None, "created_at"),
)

feed_state = Table(
    "feed_state",
    metadata,
    Column("source", Text, primary_key=True),
    _optional("etag"),
    _optional("last_modified"),
    _time("last_attempt_at", nullable=True),
    _time("last_success_at", nullable=True),
    _time("last_error_at", nullable=True),
    _optional("last_error"),
    _required("items", Integer, server_default=text("0")),
    _required("errors", Integer, server_default=text("0")),
    _required("failures_in_a_row", Integer, server_default=text("0")),
    _required("seen", JSON),
)
