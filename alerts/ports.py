"""What the watch needs from the world: where alerts are kept, and what the archive knows of
their evidence. The memory twins are in `alerts/memory.py`, the SQL side in `alerts/store.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from alerts.lifecycle import Alert, AlertEvidence, Fingerprint
from alerts.tracking import Change
from pipeline.documents import DocumentId, SubjectId
from pipeline.trends import SeriesKey


class Conflict(Exception):
    """Somebody else changed one of these alerts first; nothing was saved."""

    def __init__(self, fingerprints: Iterable[Fingerprint]) -> None:
        super().__init__("changed by another writer")
        self.fingerprints = tuple(fingerprints)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDocument:
    """What the archive knows about a piece of evidence."""

    evidence: AlertEvidence
    model_version: str = ""


class AlertStore(Protocol):
    """Alerts with their history, each row guarded by its revision."""

    def load(self, fingerprints: Sequence[Fingerprint]) -> Mapping[Fingerprint, Alert]:
        """The latest episode of each, open or resolved; absent where there is none."""

    def save(self, changes: Sequence[Change]) -> None:
        """Write all rows and their events in one step, or nothing: raises `Conflict` where a
        row's revision is not the expected one (the row was changed by somebody else)."""

    def open_alerts(self) -> Sequence[Alert]:
        """Every pending or firing alert."""

    def open_series(self) -> Sequence[tuple[SeriesKey, tuple[str, ...]]]:
        """Every series with a pending or firing alert, with its tickers: for the sweep."""


Wanted = tuple[DocumentId, SubjectId | None]
"""A document, and the company it is evidence about; None where it is not about one."""


class EvidenceLookup(Protocol):
    """Documents in the archive, for people to read."""

    def find(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, FoundDocument]:
        """What is archived of these, with the sentiment towards the company, which is the
        document's where it has none of its own; the others may come later."""


class NoEvidence:
    """An archive that knows nothing: alerts carry what the points say."""

    def find(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, FoundDocument]:
        return {}
