"""Where in a JSON value a field is: paths, alternatives and templates.

::

    title                       a key
    user.name                   a key inside
    symbols[].symbol            of every element of a list
    langs[0]                    of one element
    title | story_title         the first that has something
    https://x.example/{id}      a text around values; {uri/2} is the third part between slashes
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d*)\]")
_HOLE = re.compile(r"\{([^{}/]+)(?:/(\d+))?\}")
_MOST_VALUES = 1_000


def is_path(expression: str) -> bool:
    """False for what no value could be found by."""
    return all(
        _HOLE.search(one) or re.fullmatch(r"[^\s.\[\]]+(?:\[\d*\]|\.[^\s.\[\]]+)*", one)
        for one in _alternatives(expression)
    )


def found(value: Any, expression: str) -> list[Any]:
    """The values at the first alternative that has any; those that say nothing left out."""
    for one in _alternatives(expression):
        if "{" in one:
            text = _filled(value, one)
            values = [] if text is None else [text]
        else:
            values = [each for each in _walk(value, one) if each not in (None, "", [], {})]
        if values:
            return values[:_MOST_VALUES]
    return []


def text(value: Any, expression: str) -> str | None:
    """The first value as text; None when there is none, or only an object."""
    return next(iter(texts(value, expression)), None)


def texts(value: Any, expression: str) -> tuple[str, ...]:
    """Every value at the first alternative that has one that is text."""
    for one in _alternatives(expression):
        if said := tuple(each for each in map(_text, found(value, one)) if each):
            return said
    return ()


def _alternatives(expression: str) -> Sequence[str]:
    return [one for part in expression.split("|") if (one := part.strip())]


def _walk(value: Any, path: str) -> Iterator[Any]:
    values = [value]
    for key, index in _STEP.findall(path):
        if key:
            values = [one[key] for one in values if isinstance(one, dict) and key in one]
        elif index:
            place = int(index)
            values = [one[place] for one in values if isinstance(one, list) and place < len(one)]
        else:
            values = [each for one in values if isinstance(one, list) for each in one]
        if not values:
            break
    for one in values:
        # a list where one value was meant: its elements
        yield from one if isinstance(one, list) else [one]


def _filled(value: Any, template: str) -> str | None:
    missing = False

    def fill(hole: re.Match[str]) -> str:
        nonlocal missing
        filling = text(value, hole[1])
        if filling is not None and hole[2] is not None:
            parts = filling.split("/")
            filling = parts[int(hole[2])] if int(hole[2]) < len(parts) else None
        missing = missing or not filling
        return filling or ""

    filled = _HOLE.sub(fill, template)
    return None if missing else filled


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)
