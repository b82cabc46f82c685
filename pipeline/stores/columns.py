"""What all tables are made of: the metadata with its naming of keys, and the kinds of column.

Times are aware UTC datetimes on both sides (`UtcTime`).
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Text
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


def time(name: str, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcTime(), nullable=nullable)


def optional(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=True)


def required(name: str, kind: Any = Text, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)
