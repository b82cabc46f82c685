"""Query parameters: one definition reads them, refuses bad ones and describes them in OpenAPI.

A bad parameter is the caller's mistake and is told in one line that names the parameter and
what is allowed. Nothing is guessed and no unknown name is passed over: `?stat=firing` would
otherwise answer with every alert, and look right.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MAX_TEXT = 500
# A document id may have 500 characters; a cursor carries it, in base64 of UTF-8.
MAX_CURSOR = 3_000
# Years an API caller may ask for; the ends of `datetime` overflow when shifted.
FIRST_YEAR, LAST_YEAR = 1970, 2200


class BadRequest(Exception):
    """The caller's mistake; `status` and one line to answer with."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = " ".join(message.split())[:500]
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One query parameter: how it is read, its default, and its JSON Schema."""

    name: str
    meaning: str
    read: Callable[[str], Any]
    schema: Mapping[str, Any]
    default: Any = None
    required: bool = False
    longest: int = MAX_TEXT

    def described(self) -> dict[str, Any]:
        """The parameter object of OpenAPI."""
        schema = dict(self.schema)
        if self.default is not None:
            schema["default"] = self.default
        return {
            "name": self.name,
            "in": "query",
            "required": self.required,
            "description": self.meaning,
            "schema": schema,
        }


def parsed(parameters: Sequence[Parameter], given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The value of every parameter, defaults filled in. Raises `BadRequest`."""
    known = {parameter.name: parameter for parameter in parameters}
    found: dict[str, Any] = {}
    for name, text in given:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise BadRequest(f"{_quoted(name)}: no such parameter; known: {allowed}")
        if name in found:
            raise BadRequest(f"{name}: given more than once")
        longest = known[name].longest
        if len(text) > longest or "\x00" in text:
            raise BadRequest(f"{name}: over {longest} characters, or holds a NUL")
        try:
            # encoding proves that there is no lone surrogate, which no database would take
            text.encode()
            found[name] = known[name].read(text)
        except ValueError as error:
            raise BadRequest(f"{name}={_quoted(text)}: {error}") from error
    for name, parameter in known.items():
        if name not in found:
            if parameter.required:
                raise BadRequest(f"{name}: missing; {parameter.meaning}")
            found[name] = parameter.default
    return found


def text(name: str, meaning: str, *, required: bool = False, longest: int = MAX_TEXT) -> Parameter:
    """Any non-empty text."""

    def read(value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value

    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return Parameter(
        name=name, meaning=meaning, read=read, schema=schema, required=required, longest=longest
    )


def choice(name: str, meaning: str, among: Sequence[str], default: str | None = None) -> Parameter:
    """One of a few words."""

    def read(value: str) -> str:
        if value not in among:
            raise ValueError(f"one of {', '.join(among)}")
        return value

    schema = {"type": "string", "enum": list(among)}
    return Parameter(name=name, meaning=meaning, read=read, schema=schema, default=default)


def whole(name: str, meaning: str, least: int, most: int, default: int | None = None) -> Parameter:
    """A whole number from `least` to `most`."""

    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", value) or not least <= int(value) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Parameter(name=name, meaning=meaning, read=read, schema=schema, default=default)


def instant(name: str, meaning: str) -> Parameter:
    """A time: RFC 3339 with its zone, read into UTC."""

    def read(value: str) -> datetime:
        try:
            # an unescaped + arrives as a space: there is no other reading of it
            at = datetime.fromisoformat(value.replace(" ", "+", 1) if "T" in value else value)
        except ValueError:
            raise ValueError("a time such as 2026-01-31T09:30:00Z") from None
        if at.tzinfo is None:
            raise ValueError("needs a time zone, such as a final Z")
        if not FIRST_YEAR <= at.year < LAST_YEAR:
            raise ValueError(f"the year must be {FIRST_YEAR} to {LAST_YEAR - 1}")
        return at.astimezone(UTC)

    schema = {"type": "string", "format": "date-time"}
    return Parameter(name=name, meaning=meaning, read=read, schema=schema)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the time and the identity of its last row."""

    at: datetime
    key: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        """Opaque, URL-safe text."""
        raw = json.dumps(
            [self.at.isoformat(), *self.key], ensure_ascii=False, separators=(",", ":")
        )
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def moment(text: str) -> datetime:
    """The time a cursor names. Raises ValueError for one without a zone, or that could not be
    shifted to another."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None or not FIRST_YEAR <= found.year < LAST_YEAR:
        raise ValueError("not a time of ours")
    return found


def cursor(parts: int) -> Parameter:
    """The `next` of the page before; its key has `parts` parts."""

    def read(value: str) -> Cursor:
        try:
            padded = value + "=" * (-len(value) % 4)
            at, *key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if len(key) != parts or not all(isinstance(part, str) for part in key):
                raise ValueError("not ours")
            for part in key:
                part.encode()
                if "\x00" in part:
                    raise ValueError("holds a NUL")
            return Cursor(moment(at), tuple(key))
        except (ValueError, TypeError, binascii.Error, RecursionError):
            raise ValueError("not a `next` of this list") from None

    return Parameter(
        name="cursor",
        meaning="`next` of the page before: continues behind it",
        read=read,
        schema={"type": "string", "maxLength": MAX_CURSOR},
        longest=MAX_CURSOR,
    )


def limit(default: int, most: int) -> Parameter:
    """How many rows a page holds."""
    return whole("limit", "Most rows in the answer", 1, most, default)


def _quoted(value: str) -> str:
    shown = value if len(value) <= 60 else value[:60] + "…"
    return json.dumps(shown)
