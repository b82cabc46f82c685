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

from pipeline.trends import SeriesKey
from pipeline.wire import partition_of

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

    def partition_of(self, series: SeriesKey) -> int:
        """The partition its points come from."""
        return partition_of(str(series).encode(), len(self.parts))

    def meet(self, series: SeriesKey) -> None:
        """One more series that had the evidence an alert needs: it counts from now on."""
        self.parts[self.partition_of(series)].series += 1

    def pass_to(self, day: int, series: SeriesKey) -> None:
        """Let the event time of the partition of `series` pass to `day`; going back does
        nothing."""
        part = self.parts[self.partition_of(series)]
        if day > part.day:
            part.day, part.before = day, part.series

    def allowed(self, series: SeriesKey, false_alarms_per_day: float) -> float:
        """False alarms a day that `series` may give, on the day its partition has reached."""
        day = self.parts[self.partition_of(series)].day
        known = sum([part.on(day) for part in self.parts])
        size = LEAST_SERIES
        while size < known:
            size *= 2
        return false_alarms_per_day / size

    @classmethod
    def decode(cls, parts: Sequence[bytes | None]) -> "Fleet":
        """The fleet of these parts, one or more."""
        return cls([Part.decode(data) for data in parts])
