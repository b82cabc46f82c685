"""Many rows in one statement, on both databases.

PostgreSQL takes a batch as one JSON value and takes it apart itself: one parameter, one
round trip, hardly any work for our process. SQLite runs in our process: one prepared
statement executed for each row.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import JSON, Connection, Dialect, Table, TextClause, text
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

Row = dict[str, Any]


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write the rows whose key is not there yet. All rows have the same columns."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        head = _from_json(table, tuple(rows[0]), connection.dialect)
        connection.execute(_text(head, "ON CONFLICT DO NOTHING"), {"rows": _rows(table, rows)})
    else:
        connection.execute(sqlite_insert(table).on_conflict_do_nothing(), rows)


def insert_new_returning(
    connection: Connection, table: Table, key: str, rows: Sequence[Row]
) -> set[str]:
    """Write the rows whose `key` is not there yet and return their keys."""
    if connection.dialect.name == "postgresql":
        head = _from_json(table, tuple(rows[0]), connection.dialect)
        statement = _text(head, f"ON CONFLICT DO NOTHING RETURNING {key}")
        return set(connection.execute(statement, {"rows": _rows(table, rows)}).scalars())
    # the driver cannot execute many statements that return rows: asked first, then written
    new = {row[key]: row for row in rows}
    for known in _known(connection, table, key, list(new)):
        del new[known]
    if new:
        connection.execute(table.insert(), list(new.values()))
    return set(new)


def replace_later(
    connection: Connection, table: Table, rows: Sequence[Row], grows: str, revision: str
) -> None:
    """Write the rows; one that is there is replaced by a later state of it: one that is not
    less in the column `grows`, or that is less and has the higher `revision`."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key.columns]
    others = [name for name in rows[0] if name not in keys]
    if connection.dialect.name == "postgresql":
        head = _from_json(table, tuple(rows[0]), connection.dialect)
        tail = (
            f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in others)
            + f" WHERE excluded.{grows} >= {table.name}.{grows}"
            + f" OR excluded.{revision} > {table.name}.{revision}"
        )
        connection.execute(_text(head, tail), {"rows": _rows(table, rows)})
    else:
        insert = sqlite_insert(table)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=keys,
                set_={name: insert.excluded[name] for name in others},
                where=(insert.excluded[grows] >= table.c[grows])
                | (insert.excluded[revision] > table.c[revision]),
            ),
            rows,
        )


def _known(connection: Connection, table: Table, key: str, keys: list[str]) -> list[str]:
    # one JSON value instead of a variable each: SQLite's limit of variables never matters.
    # The transaction holds SQLite's only write lock: nothing comes between this and the insert.
    statement = text(
        f"SELECT {key} FROM {table.name} "  # noqa: S608 - our own names
        f"WHERE {key} IN (SELECT value FROM json_each(:keys))"
    )
    return list(connection.execute(statement, {"keys": _json(keys)}).scalars())


@cache
def _from_json(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    columns = ", ".join(names)
    json_names = _json_columns(table)
    types = ", ".join(
        f"{name} {'text' if name in json_names else table.c[name].type.compile(dialect)}"
        for name in names
    )
    values = ", ".join(f"CAST({name} AS json)" if name in json_names else name for name in names)
    return (
        f"INSERT INTO {table.name} ({columns}) SELECT {values} "  # noqa: S608 - our own names
        f"FROM json_to_recordset(CAST(:rows AS json)) AS r({types})"
    )


@cache
def _text(head: str, tail: str) -> TextClause:
    return text(f"{head} {tail}")


@cache
def _json_columns(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns if isinstance(column.type, JSON))


def _rows(table: Table, rows: Sequence[Row]) -> str:
    # JSON within the JSON travels as text: the server decodes what it takes apart, and it
    # cannot decode the escape of NUL, which a stranger's `extra` may hold
    names = _json_columns(table)
    if not names:
        return _json(rows)
    return _json(
        [
            {name: _json(value) if name in names else value for name, value in row.items()}
            for row in rows
        ]
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
