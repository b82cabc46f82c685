"""How many series are watched, and what part of the fleet's false alarms each may give.

One setting says how many false alarms a day the whole fleet may be expected to give. Each
series gets the same part. Those count that ever held the evidence an alert needs: the thousands
that are named now and then can give none. Their number is what was known when the day began,
rounded up to a power of two: a threshold does not move with every new company, and does not
depend on where batches end.
"""

from dataclasses import dataclass

LEAST_SERIES = 128
"""A smaller fleet is watched as quietly as one of so many: nobody minds an alarm less."""


@dataclass(slots=True)
class Fleet:
    """`day` counts from 1970; `before` is the number of series when it began."""

    day: int = 0
    before: int = 0
    series: int = 0

    def meet(self) -> None:
        """One more series that had the evidence an alert needs: it counts from now on."""
        self.series += 1

    def pass_to(self, day: int) -> None:
        """Let event time pass to `day`; going back does nothing."""
        if day > self.day:
            self.day, self.before = day, self.series

    def part(self, false_alarms_per_day: float) -> float:
        """False alarms a day that one series may give."""
        size = LEAST_SERIES
        while size < self.before:
            size *= 2
        return false_alarms_per_day / size

    def encode(self) -> bytes:
        """As bytes; `decode` gives it back."""
        return f"{self.day} {self.before} {self.series}".encode()

    @classmethod
    def decode(cls, data: bytes | None) -> "Fleet":
        """What `data` says; an empty fleet where it says nothing."""
        try:
            day, before, series = (int(part) for part in (data or b"").split())
        except ValueError:
            return cls()
        return cls(day, before, series)
