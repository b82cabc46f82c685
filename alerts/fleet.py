"""How many series are watched, and what part of the fleet's false alarms each may give.

One setting says how many false alarms a day the whole fleet may be expected to give. Each
series gets the same part. Those count that ever held the evidence an alert needs, each as the
chance that its day holds so much again (`Series.chance_of_enough`): a company with a post a week
can hardly give an alarm, true or false. Their sum is what was known when the day began, rounded
up to a power of two: a threshold does not move with every new company, and does not depend on
where batches end.

The series are counted apart by the partition their points come from. A partition has one
reader at a time, so no process writes over what another has counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerts.series import Series

LEAST_PARTITIONS = 64
"""Partitions that are looked for at least: a topic may have more than are configured."""
LEAST_SERIES = 16
"""A smaller fleet is watched as quietly as one of so many: nobody minds an alarm less."""


@dataclass(slots=True)
class Part:
    """The series of one partition. `day` counts from 1970; `before` is what they counted for when
    it began."""

    day: int = 0
    before: float = 0.0
    series: float = 0.0

    def on(self, day: int) -> float:
        """How many there were when `day` began, as far as is known."""
        return self.series if day > self.day else self.before

    def encode(self) -> bytes:
        """As bytes; `decode` gives it back."""
        return f"{self.day} {self.before} {self.series}".encode()

    @classmethod
    def decode(cls, data: bytes | None) -> "Part":
        """What `data` says; no series where it says nothing."""
        try:
            day, before, series = (data or b"").split()
            return cls(int(day), float(before), float(series))
        except ValueError:
            return cls()


@dataclass(slots=True)
class Fleet:
    """The parts by partition."""

    parts: list[Part] = field(default_factory=lambda: [Part()])

    def count(self, partition: int, series: Series, day: int) -> None:
        """Let a series that had the evidence an alert needs count as what it now is, once a day."""
        if day > series.counted_on:
            now = series.chance_of_enough()
            self.parts[partition].series += now - series.counts_for
            series.counted, series.counts_for, series.counted_on = True, now, day

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
        # what sums of fractions lose by rounding is no series
        while size < known - 1e-6:
            size *= 2
        return false_alarms_per_day / size

    @classmethod
    def decode(cls, parts: Sequence[bytes | None]) -> "Fleet":
        """The fleet of these parts, one or more."""
        return cls([Part.decode(data) for data in parts])
