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

    def told(self, hour: int) -> "Beginning":
        """The same after a watermark in `hour`."""
        if hour > self.latest:
            stray = self.latest - self.since < DAY_HOURS and hour - self.latest > GAP_HOURS
            return Beginning(hour if stray else self.since, hour)
        if self.latest - DAY_HOURS <= hour < self.since:
            return Beginning(hour, self.latest)
        return self

    def encode(self) -> bytes:
        """As bytes; `decode` gives it back."""
        return f"{self.since * 60} {self.latest}".encode()

    @classmethod
    def decode(cls, data: bytes | None) -> "Beginning | None":
        """What `data` says: the minute it began, and the latest hour; None where it says
        nothing. Without the latest hour it is old enough to be no stray."""
        try:
            minute, *latest = (int(part) for part in (data or b"").split())
        except ValueError:
            return None
        since = minute // 60
        return cls(since, latest[0] if latest else since + DAY_HOURS)


def begun_with(beginning: Beginning | None, hour: int) -> Beginning:
    """`beginning` after a watermark in `hour`, which is the first where there is none."""
    return Beginning(hour, hour) if beginning is None else beginning.told(hour)
