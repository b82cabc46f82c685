"""What in a catalogue contradicts itself or will not work as its author expects."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.catalogue import Catalogue, Entry, load_catalogue, shipped_catalogue
from pipeline.documents import SubjectId
from pipeline.names import is_cjk, lowered, readable
from pipeline.tickers import canonical


class Kind(StrEnum):
    """Why something is reported."""

    TICKER_TWICE = "ticker-twice"
    NAME_TWICE = "name-twice"
    OVERRIDES = "overrides"
    ORDINARY_WORD = "ordinary-word"
    TOO_SHORT = "too-short"
    NEVER_VALID = "never-valid"
    UNFINDABLE = "unfindable"
    ODD_ID = "odd-id"


# What the author may well have meant; everything else is a mistake.
REMARKS = frozenset({Kind.OVERRIDES, Kind.ORDINARY_WORD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One finding: where it is (file:line, as far as known), whom it concerns, in a sentence."""

    kind: Kind
    origin: str
    subjects: tuple[SubjectId, ...]
    explanation: str

    @property
    def is_error(self) -> bool:
        """Whether the file should be corrected before it is used."""
        return self.kind not in REMARKS


def check_catalogue(path: Path | None = None) -> list[Conflict]:
    """The conflicts of the file at `path` in itself and with what ships; without a path, of
    the shipped catalogue. Raises `ConfigurationError` where the file cannot be read."""
    if path is None:
        return conflicts(shipped_catalogue())
    catalogue = load_catalogue(path)
    return conflicts(catalogue, above=max((entry.layer for entry in catalogue.entries), default=0))


def conflicts(catalogue: Catalogue, above: int = 0) -> list[Conflict]:
    """Every conflict an entry of layer `above` or higher takes part in, in file order."""
    found = [
        conflict
        for entry in catalogue.entries
        if entry.layer >= above
        for conflict in _alone(entry, catalogue)
    ]
    found += _twice(
        Kind.TICKER_TWICE,
        ((ticker, ticker, entry) for entry in catalogue.entries for ticker in entry.tickers),
        above,
    )
    found += _twice(
        Kind.NAME_TWICE,
        (
            (lowered(readable(name)), name, entry)
            for entry in catalogue.entries
            for name in entry.names
        ),
        above,
    )
    return found


def _alone(entry: Entry, catalogue: Catalogue) -> Iterator[Conflict]:
    """What is wrong with an entry whatever the others say."""

    def conflict(kind: Kind, explanation: str) -> Conflict:
        return Conflict(
            kind=kind, origin=entry.origin, subjects=(entry.id,), explanation=explanation
        )

    if entry.valid_from > entry.valid_to:
        yield conflict(
            Kind.NEVER_VALID, f"valid_from {entry.valid_from} lies after valid_to {entry.valid_to}"
        )
    if not (entry.names or entry.tickers or entry.context or entry.unless):
        yield conflict(Kind.UNFINDABLE, "has neither a name nor a ticker")
    if not entry.id.startswith("name:") and canonical(entry.id) != entry.id:
        yield conflict(
            Kind.ODD_ID,
            f"the id is {entry.id}, its ticker's canonical form {canonical(entry.id)}: documents "
            "that give the ticker would be another subject",
        )
    for name in entry.names:
        text = lowered(readable(name))
        if len(text) < 2:
            yield conflict(Kind.TOO_SHORT, f"the name {name!r} is too short to be looked for")
        elif not entry.ambiguous and text in catalogue.words and not is_cjk(text):
            yield conflict(
                Kind.ORDINARY_WORD,
                f"the name {name!r} is also an ordinary word: it counts with its capital and "
                "without an article; if that is too much, say `ambiguous: true` and give "
                "`context` words",
            )


def _twice(kind: Kind, claims: Iterable[tuple[str, str, Entry]], above: int) -> Iterator[Conflict]:
    """Keys that two subjects have on the same day."""
    claimed: dict[str, list[tuple[str, Entry]]] = defaultdict(list)
    for key, written, entry in claims:
        claimed[key].append((written, entry))
    for owners in claimed.values():
        for position, (written, later) in enumerate(owners):
            for _, earlier in owners[:position]:
                if later.id == earlier.id or max(later.layer, earlier.layer) < above:
                    continue
                if later.valid_from > earlier.valid_to or earlier.valid_from > later.valid_to:
                    continue
                yield _rivalry(kind, written, earlier, later)


def _rivalry(kind: Kind, written: str, earlier: Entry, later: Entry) -> Conflict:
    subjects = (earlier.id, later.id)
    if earlier.layer != later.layer:
        explanation = (
            f"{written!r} is {later.id} from here on; in {earlier.origin} it is {earlier.id}"
        )
        kind = Kind.OVERRIDES
    elif kind is Kind.TICKER_TWICE:
        explanation = (
            f"the ticker {written} belongs to {earlier.id} ({earlier.origin}) and to {later.id} "
            f"on the same days; {earlier.id} gets it: limit one by valid_from or valid_to"
        )
    else:
        explanation = (
            f"the name {written!r} belongs to {earlier.id} ({earlier.origin}) and to {later.id} "
            "on the same days; it counts only where the text supports just one of them"
        )
    return Conflict(kind=kind, origin=later.origin, subjects=subjects, explanation=explanation)
