"""How many series are watched, and what part of the fleet's false alarms each may give.

One setting says how many false alarms a day the whole fleet may be expected to give. Each
series gets the same part. Those count that ever held the evidence an alert needs: the thousands
that are named now and then can give none. Their number is what was known when the day began,
rounded up to a power of two: a threshold does not move with every new company, and does not
depend on where batches end.

The series are counted apart by the partition their points come from. A partition has one
reader at a time, so no process writes over what another has counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

LEAST_PARTITIONS = 64
"""Partitions that are looked for at least: a topic may have more than are configured."""
LEAST_SERIES = 128
"""A smaller fleet is watched as quietly as one of so many: nobody minds an alarm less."""


@dataclass(slots=True)
class Part:
    """The series of one partition. `day` counts from 1970; `before` is their number when it
    began."""

    day: int = 0
    before: int = 0
    series: int = 0

    def on(self, day: int) -> int:
        """How many there were when `day` began, as far as is known."""
        return self.series if day > self.day else self.before

    def encode(self) -> bytes:
        """As bytes; `decode` gives it back."""
        return f"{self.day} {self.before} {self.series}".encode()

    @classmethod
    def decode(cls, data: bytes | None) -> "Part":
        """What `data` says; no series where it says nothing."""
        try:
            day, before, series = (int(part) for part in (data or b"").split())
        except ValueError:
            return cls()
        return cls(day, before, series)


@dataclass(slots=True)
class Fleet:
    """The parts by partition."""

    parts: list[Part] = field(default_factory=lambda: [Part()])

    def meet(self, partition: int) -> None:
        """One more series that had the evidence an alert needs: it counts from now on."""
        self.parts[partition].series += 1

    def pass_to(self, day: int, partition: int) -> None:
        """Let the event time of `partition` pass to `day`; going back does nothing."""
        part = self.parts[partition]
        if day > part.day:
            part.day, part.before = day, part.series

    def allowed(self, partition: int, false_alarms_per_day: float) -> float:
        """False alarms a day that a series may give, on the day its `partition` has reached."""
        day = self.parts[partition].day
        known = sum([part.on(day) for part in self.parts])
        size = LEAST_SERIES
        while size < known:
            size *= 2
        return false_alarms_per_day / size

    @classmethod
    def decode(cls, parts: Sequence[bytes | None]) -> "Fleet":
        """The fleet of these parts, one or more."""
        return cls([Part.decode(data) for data in parts])
