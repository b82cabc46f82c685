"""Whether the demo's planted surges were found and its decoys stayed quiet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.lifecycle import Alert


class Plant(Protocol):
    """One planted story of the sample, a surge or a decoy."""

    @property
    def kind(self) -> str: ...

    @property
    def subject(self) -> str: ...

    def window(self, ends_at: datetime) -> tuple[datetime, datetime]:
        """When it happens in a sample that ends at `ends_at`."""


@dataclass(frozen=True, slots=True)
class PlantVerdict:
    """What became of one planted story; `fired_at` in event time, None where nothing did."""

    kind: str
    subject: str
    surge: bool
    starts: datetime
    ends: datetime
    fired_at: datetime | None

    @property
    def as_expected(self) -> bool:
        """A surge fired within its window; a decoy never did."""
        if not self.surge:
            return self.fired_at is None
        return self.fired_at is not None and self.starts <= self.fired_at <= self.ends


def plant_verdicts(
    alerts: Iterable[Alert],
    surges: Sequence[Plant],
    decoys: Sequence[Plant],
    ends_at: datetime,
) -> tuple[PlantVerdict, ...]:
    """One verdict per planted story, surges first.

    An alert counts once it has fired, on its subject as a whole or within a topic. For a
    surge that fired several times the first time within its window is what counts.
    """
    fired: dict[str, set[datetime]] = {}
    for alert in alerts:
        if alert.firing_at is not None and alert.series.subject is not None:
            fired.setdefault(alert.series.subject, set()).add(alert.firing_at)
    found = []
    for surge, plants in ((True, surges), (False, decoys)):
        for plant in plants:
            starts, ends = plant.window(ends_at)
            times = sorted(fired.get(plant.subject, ()))
            within = [at for at in times if starts <= at <= ends]
            first = next(iter(within or times), None)
            found.append(PlantVerdict(plant.kind, plant.subject, surge, starts, ends, first))
    return tuple(found)
