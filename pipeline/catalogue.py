"""The catalogue: companies, and the names and tickers each is or was known by.

The shipped catalogue is three files beside this module, read in order: `listed.csv`
(generated from pytickersymbols), `asia.csv` and `curated.csv` (written for this project).
A user's file, YAML or CSV, comes after them. Each row is an `Entry`: a bundle of claims with
one validity. Several entries may share an id; together they describe one subject. Where two
files claim the same ticker or name on the same day, the later file has it.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.documents import SubjectId
from pipeline.errors import ConfigurationError
from pipeline.garbage import collector_at_rest
from pipeline.tickers import EXCHANGES, canonical

SHIPPED = Path(__file__).with_name("catalogue_data")
_SHIPPED_FILES = ("listed.csv", "asia.csv", "curated.csv")
FIELDS = (
    "id",
    "names",
    "former_names",
    "zh_short",
    "zh_full",
    "tickers",
    "cashtags",
    "codes",
    "valid_from",
    "valid_to",
    "ambiguous",
    "context",
    "unless",
    "analyst",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one row says about a subject, from `valid_from` to `valid_to`, both days included.

    `tickers` are canonical. The names of an `ambiguous` entry are also ordinary words: they
    need support in the text, such as one of the `context` words. A phrase in `unless`
    ("price target") holds the name but never means the company. An `analyst` also rates other
    companies: "upgraded at Citi" is not about Citi.
    """

    id: SubjectId
    names: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    valid_from: date = date.min
    valid_to: date = date.max
    ambiguous: bool = False
    context: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    analyst: bool = False
    origin: str = ""
    layer: int = 0


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Entries in the order of precedence, the last the strongest."""

    entries: tuple[Entry, ...] = ()
    words: frozenset[str] = field(default_factory=frozenset)

    def extended(self, entries: Iterable[Entry]) -> "Catalogue":
        """This catalogue with `entries` above it."""
        layer = 1 + max((entry.layer for entry in self.entries), default=-1)
        above = tuple(replace(entry, layer=layer) for entry in entries)
        return Catalogue(self.entries + above, self.words)


def shipped_catalogue() -> Catalogue:
    """The catalogue that comes with Bellwether."""
    catalogue = Catalogue(words=ordinary_words())
    for name in _SHIPPED_FILES:
        catalogue = catalogue.extended(read_entries(SHIPPED / name))
    return catalogue


def ordinary_words() -> frozenset[str]:
    """Words, abbreviations and surnames that alone mean no company, in lower case."""
    return _listed("words.txt")


def given_names() -> frozenset[str]:
    """What, before a surname, makes a person of it, in lower case."""
    return _listed("given_names.txt")


@cache
def _listed(name: str) -> frozenset[str]:
    lines = (SHIPPED / name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def load_catalogue(extension: Path | None = None) -> Catalogue:
    """The shipped catalogue, extended by the file `extension` where one is given.

    Raises `ConfigurationError` naming file, line and field.
    """
    with collector_at_rest():
        catalogue = shipped_catalogue()
        return catalogue if extension is None else catalogue.extended(read_entries(extension))


def read_entries(path: Path) -> list[Entry]:
    """The entries of a CSV or YAML file, by its extension. Raises `ConfigurationError`."""
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            rows = _yaml_rows(path)
        elif path.suffix.lower() == ".csv":
            rows = _csv_rows(path)
        else:
            raise ConfigurationError(f"{path}: a catalogue is a .csv, .yaml or .yml file")
        return [_entry(row, f"{path.name}:{line}") for line, row in rows]
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 at byte {error.start}") from error
    except csv.Error as error:
        raise ConfigurationError(f"{path}: not CSV: {error} (a quote left open?)") from error


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        for cells in reader:
            if not cells:
                continue
            row = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
            if len(cells) > len(header):
                row["too many cells"] = "|".join(cells[len(header) :])
            yield reader.line_num, row


def _yaml_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # Imported here: the shipped catalogue is CSV and most processes read nothing else.
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = path.read_text(encoding="utf-8")
    try:
        rows = yaml.load(text, loader)  # noqa: S506  (a safe loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if isinstance(rows, Mapping):
        rows = rows.get("subjects")
    if not isinstance(rows, list):
        raise ConfigurationError(f"{path}: a list of subjects is needed")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise ConfigurationError(f"{path.name}:{number}: a subject is a mapping")
        yield number, row


def _entry(row: Mapping[str, Any], origin: str) -> Entry:
    for name in row:
        if name not in FIELDS:
            raise ConfigurationError(
                f"{origin}: {name!r} is not a field; known are {', '.join(FIELDS)}"
            )
    subject = row.get("id")
    if not isinstance(subject, str) or not subject.strip():
        raise ConfigurationError(f"{origin}: id: missing or not text (quote it in YAML)")
    names = [
        name
        for part in ("names", "zh_short", "zh_full", "former_names")
        if part in row
        for name in _list(row, part, origin)
    ]
    tickers = dict.fromkeys(
        canonical(ticker)
        for part in ("tickers", "codes", "cashtags")
        if part in row
        for ticker in (_tickers if part == "tickers" else _list)(row, part, origin)
    )
    for part, given in (("names", names), ("tickers", tickers)):
        for text in given:
            # nothing a text could be searched for
            if not any(letter.isalnum() for letter in text):
                raise ConfigurationError(f"{origin}: {part}: {text!r} has no letter and no digit")
    return Entry(
        id=SubjectId(subject.strip()),
        names=tuple(dict.fromkeys(names)),
        tickers=tuple(tickers),
        valid_from=_day(row, "valid_from", origin) or date.min,
        valid_to=_day(row, "valid_to", origin) or date.max,
        ambiguous=_flag(row, "ambiguous", origin),
        context=_list(row, "context", origin),
        unless=_list(row, "unless", origin),
        analyst=_flag(row, "analyst", origin),
        origin=origin,
    )


def _list(row: Mapping[str, Any], name: str, origin: str) -> tuple[str, ...]:
    """The texts in a field: a YAML list, or one text with `|` between the items."""
    value = row.get(name)
    if value is None:
        return ()
    if type(value) is str and "|" not in value:
        text = value.strip()
        return (text,) if text else ()
    items: Sequence[Any] = value if isinstance(value, list) else str(value).split("|")
    for item in items:
        # YAML reads an unquoted 600519 as a number, NO as false and 0700 as octal
        if not isinstance(item, str):
            raise ConfigurationError(f"{origin}: {name}: {item!r} is not text: quote it")
    return tuple(item.strip() for item in items if item.strip())


def _tickers(row: Mapping[str, Any], name: str, origin: str) -> Sequence[str]:
    """The field is a list, or in YAML a mapping of exchange to one symbol or several."""
    value = row.get(name)
    if not isinstance(value, Mapping):
        return _list(row, name, origin)
    found: list[str] = []
    for exchange, symbols in value.items():
        if str(exchange).upper() not in EXCHANGES:
            raise ConfigurationError(f"{origin}: {name}: exchange {exchange!r} is not known")
        for symbol in _list({name: symbols}, name, origin):
            found.append(f"{str(exchange).upper()}:{symbol}")
    return found


def _day(row: Mapping[str, Any], name: str, origin: str) -> date | None:
    value = row.get(name)
    if value is None or (isinstance(value, date) and type(value) is date):
        return value
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise ConfigurationError(f"{origin}: {name}: {value!r} is not YYYY-MM-DD") from None


def _flag(row: Mapping[str, Any], name: str, origin: str) -> bool:
    value = row.get(name, False)
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).strip().lower() not in known:
        raise ConfigurationError(f"{origin}: {name}: {value!r} is neither true nor false")
    return known[str(value).strip().lower()]
