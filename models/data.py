"""Labelled texts: what a line of a training or evaluation file says, read strictly.

A file is JSON Lines; a line has a `text` and any of `sentiment`, `topic` and `entities`
(name to sentiment). What a line does not say is masked in training and left out of evaluation.
"""

import codecs
import hashlib
import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import ConfigurationError

TASKS = ("sentiment", "topic", "entity_sentiment")
SENTIMENTS = ("negative", "neutral", "positive")
TOPICS = (
    "Analyst Update",
    "Company | Product News",
    "Currencies",
    "Dividend",
    "Earnings",
    "Energy | Oil",
    "Fed | Central Banks",
    "Financials",
    "General News | Opinion",
    "Gold | Metals | Materials",
    "IPO",
    "Legal | Regulation",
    "M&A | Investments",
    "Macro",
    "Markets",
    "Personnel Change",
    "Politics",
    "Stock Commentary",
    "Stock Movement",
    "Treasuries | Corporate Debt",
)
LABELS: Mapping[str, tuple[str, ...]] = {
    "sentiment": SENTIMENTS,
    "topic": TOPICS,
    "entity_sentiment": SENTIMENTS,
}
# A line longer than this is no labelled sentence but a file of another kind.
MOST_LINE_BYTES = 4_000_000

_LINK = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_AMPERSANDS = re.compile(r"&(?:amp;?|#0*38;?|#x0*26;?)+", re.IGNORECASE)
_MOST_ENCODED = 8
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Example:
    """One line. `where` is `file:line`; `entities` holds (name, sentiment towards it);
    `slices` every other scalar of the line as text, to break figures down by."""

    text: str
    where: str
    sentiment: str | None = None
    topic: str | None = None
    entities: tuple[tuple[str, str], ...] = ()
    slices: Mapping[str, str] = field(default_factory=dict)


def lowered(text: str) -> str:
    """`text` in lower case, each character where it was: of all letters only the Turkish capital
    I with a dot would become two."""
    return text.replace("\u0130", "i").lower()


def readable(text: str) -> str:
    """The text as the network reads it: entities of HTML decoded, however often they were encoded,
    links as the one word `http` (their letters say nothing and cost a third of a tweet's tokens),
    spaces single. Read once more it stays as it is."""
    for _ in range(_MOST_ENCODED):
        if "&" not in text or (decoded := html.unescape(_AMPERSANDS.sub("&", text))) == text:
            break
        text = decoded
    return _SPACE.sub(" ", _LINK.sub("http", well_formed(text))).strip()


def well_formed(text: str) -> str:
    """The text with `?` for half a character (a lone surrogate): it is no text to a tokenizer, and
    would fail the whole batch, nor to a terminal or a file."""
    return text.encode("utf-8", "replace").decode()


def read_examples(paths: Sequence[Path]) -> list[Example]:
    """Every line of every file, in order. Raises `ConfigurationError` naming file and line
    where a line is not JSON, has no text, a label that does not exist, or a key twice."""
    return [example for path in paths for example in _examples(path)]


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises `ConfigurationError` if it cannot be read."""
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error


def _examples(path: Path) -> Iterator[Example]:
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                if line.strip():
                    yield _example(line, f"{path}:{number}")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error


def _example(line: bytes, where: str) -> Example:
    if len(line) > MOST_LINE_BYTES:
        raise ConfigurationError(f"{where}: {len(line):,} bytes, {MOST_LINE_BYTES:,} are allowed")
    row = json_of(line, where)
    if not isinstance(row, dict):
        raise ConfigurationError(f"{where}: a JSON object is needed, with `text` and its labels")
    # of two labels only the last would be seen
    for name in _repeated(line, where):
        raise ConfigurationError(f"{where}: {name!r} is there twice: one of the two would be lost")
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError(f"{where}: `text` is missing or empty")
    return Example(
        text=text,
        where=where,
        sentiment=_label(row, "sentiment", SENTIMENTS, where),
        topic=_label(row, "topic", TOPICS, where),
        entities=_entities(row.get("entities"), where),
        slices={
            name: str(value)
            for name, value in row.items()
            if name not in ("text", "sentiment", "topic", "entities")
            and isinstance(value, str | int | float | bool)
        },
    )


def json_of(line: bytes, where: str) -> Any:
    """The value in a line. Half a character that only JSON can write (the tweet was cut in an
    emoji) is `?`, wherever it stands. Raises `ConfigurationError` naming `where`."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if b"\\ud" in line.lower():
            with suppress(ValueError, RecursionError):
                return _well_formed(json.loads(line))
        raise ConfigurationError(f"{where}: not JSON: {error}") from error


def _repeated(line: bytes, where: str) -> list[str]:
    """The keys that an object of the line has more than once."""
    found: list[str] = []

    def seen(pairs: list[tuple[str, Any]]) -> None:
        times = Counter(well_formed(name) for name, _ in pairs)
        found.extend(name for name, count in times.items() if count > 1)

    try:
        # read before: a number of any length was no error there either
        json.loads(line, object_pairs_hook=seen, parse_int=float)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where}: not JSON: {error}") from error
    return found


def _well_formed(value: Any) -> Any:
    """A value of JSON with all its texts so."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [_well_formed(one) for one in value]
    if isinstance(value, dict):
        return {well_formed(name): _well_formed(one) for name, one in value.items()}
    return value


def _label(row: Mapping[str, Any], name: str, known: tuple[str, ...], where: str) -> str | None:
    value = row.get(name)
    if value is None or (isinstance(value, str) and value in known):
        return value
    raise ConfigurationError(f"{where}: {name} {value!r} is none of {', '.join(known)}")


def _entities(given: Any, where: str) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    if not isinstance(given, dict):
        raise ConfigurationError(f"{where}: `entities` must map each name to its sentiment")
    for name, value in given.items():
        if not name.strip():
            raise ConfigurationError(f"{where}: `entities` has an empty name")
        if not isinstance(value, str) or value not in SENTIMENTS:
            raise ConfigurationError(
                f"{where}: entities[{name!r}] {value!r} is none of {', '.join(SENTIMENTS)}"
            )
    return tuple(given.items())
