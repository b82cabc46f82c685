"""JSON records as items, by a mapping that is data and no code."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import Unavailable
from pipeline.feeds import json_paths
from pipeline.feeds.items import Item

FIELDS = ("id", "title", "text", "url", "author", "publisher", "lang", "published", "updated",
          "subjects", "repost_of")  # fmt: skip
_DEEPEST = 12
_MOST_ITEMS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """Where the following page is: its address at `url`, or `param` set to what is at `cursor`."""

    url: str | None = None
    param: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonMapping:
    """Which part of a record is what; values are expressions of `pipeline.feeds.json_paths`.

    `items` is where the records are, empty at the top. Without it they are looked for: an
    object in which one line of `needs` is found in full is a record. `columns` is where an object
    of lists of one length lies, each a column of a table: a record is a row of it, with what the
    answer says beside. `markup` False says that texts are no HTML.
    """

    fields: Mapping[str, str]
    items: str | None = None
    needs: tuple[tuple[str, ...], ...] = ()
    columns: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    markup: bool = True
    next: Next | None = None
    pages: int = 1


def read_json(content: str) -> Any:
    """The value in `content`. Raises `Unavailable` when it is no JSON."""
    try:
        return json.loads(content.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise Unavailable(f"not JSON: {' '.join(str(error).split())[:200]}") from error


def records(value: Any, mapping: JsonMapping) -> list[Any]:
    """The records in an answer; none where `items` leads nowhere."""
    if mapping.columns is not None and mapping.items is None:
        return _rows(value, mapping.columns)
    if mapping.items is None:
        return list(_recognised(value, mapping))
    if mapping.items:
        listed = json_paths.found(value, mapping.items)
    else:
        listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)][:_MOST_ITEMS]


def _rows(value: Any, columns: str) -> list[Any]:
    table = next(iter(json_paths.found(value, columns)), None)
    if not isinstance(table, dict):
        return []
    lists = {name: column for name, column in table.items() if isinstance(column, list)}
    count = min(map(len, lists.values()), default=0)
    return [
        {**value, **{name: column[row] for name, column in lists.items()}}
        for row in range(min(count, _MOST_ITEMS))
    ]


def fits(record: Any, mapping: JsonMapping) -> bool:
    """True for a record of the mapping's own shape."""
    return isinstance(record, dict) and any(
        all(json_paths.found(record, path) for path in paths) for paths in mapping.needs
    )


def item_of(record: Any, mapping: JsonMapping) -> Item:
    """The record as an item; fields it lacks are None."""

    def part(name: str) -> str | None:
        path = mapping.fields.get(name)
        return None if path is None else json_paths.text(record, path)

    subjects = mapping.fields.get("subjects")
    return Item(
        guid=part("id"),
        link=part("url"),
        title=part("title"),
        text=part("text"),
        author=part("author"),
        publisher=part("publisher"),
        lang=part("lang"),
        dates=(("published", part("published")), ("updated", part("updated"))),
        subjects=json_paths.texts(record, subjects) if subjects else (),
        repost_of=part("repost_of"),
        extra={
            name: values[0]
            for name, path in mapping.extra.items()
            if (values := json_paths.found(record, path))
            and isinstance(values[0], str | int | float)
        },
        is_text=not mapping.markup,
    )


def _recognised(value: Any, mapping: JsonMapping) -> Iterator[Any]:
    """Every record in `value`, however deep, in order; what lies in a record is its own."""
    waiting = [(value, 0)]
    count = 0
    while waiting and count < _MOST_ITEMS:
        one, depth = waiting.pop()
        if fits(one, mapping):
            count += 1
            yield one
        elif depth < _DEEPEST and isinstance(one, dict | list):
            inner = list(one.values()) if isinstance(one, dict) else one
            waiting.extend((each, depth + 1) for each in reversed(inner))
