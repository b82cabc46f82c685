"""Since when the stream has been watched: a company never heard of has been silent since then.

Told one watermark after the other, in hours since 1970, so that it does not matter where batches
end. The first thing a process reads may be an article of last year: a stream that began with one
hour and went on days later began with what came later. Partitions are read side by side: a
watermark a little behind the others may be the earlier beginning, one far behind is a straggler.
"""

from dataclasses import dataclass

DAY_HOURS = 24
GAP_HOURS = 3 * DAY_HOURS
"""So long after its only day a stream begins anew."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The hour the stream began, and the latest it has reached."""

    since: int
    latest: int
    stray: int | None = None
    """An hour it was said to have begun with before that; one more of that day proves it."""

    def told(self, hour: int) -> "Beginning":
        """The same after a watermark in `hour`."""
        if hour > self.latest:
            if self.latest - self.since < DAY_HOURS and hour - self.latest > GAP_HOURS:
                return Beginning(hour, hour, self.since)
            return Beginning(self.since, hour, self.stray)
        if self.latest - DAY_HOURS <= hour < self.since:
            return Beginning(hour, self.latest, self.stray)
        if self.stray is not None and self.stray < hour <= self.stray + DAY_HOURS:
            return Beginning(self.stray, self.latest)
        return self

    def encode(self) -> bytes:
        """As bytes; `decode` gives it back."""
        stray = "" if self.stray is None else f" {self.stray}"
        return f"{self.since * 60} {self.latest}{stray}".encode()

    @classmethod
    def decode(cls, data: bytes | None) -> "Beginning | None":
        """What `data` says: the minute it began, and the latest hour; None where it says
        nothing. Without the latest hour it is old enough to be no stray."""
        try:
            minute, *rest = (int(part) for part in (data or b"").split())
        except ValueError:
            return None
        since = minute // 60
        return cls(since, rest[0] if rest else since + DAY_HOURS, *rest[1:2])


def begun_with(beginning: Beginning | None, hour: int) -> Beginning:
    """`beginning` after a watermark in `hour`, which is the first where there is none."""
    return Beginning(hour, hour) if beginning is None else beginning.told(hour)
