"""The week of the whole fleet: what is believed of a series until it has shown a week of its own.

It is the week of the series of everything, as that stood at a midnight, and it is believed from
the midnight after: by then every process that watches a part of the series has it, and the same
one, wherever batches end.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from alerts.minutes import MINUTES_A_DAY, minute_number
from alerts.series import Series
from alerts.weekly import FLAT
from pipeline.trends import Bucket, SeriesKey

EVERYTHING = SeriesKey()
# An alert of a quiet series is judged, minute by minute, when the series is next heard of.
DAYS_KEPT = 16


class FleetWeek:
    """`days`: what was learned by the midnight that begins a day (counted from 1970), a factor
    for each cell of `alerts.weekly`. The latest `kept` days are remembered."""

    def __init__(
        self, days: dict[int, tuple[float, ...]] | None = None, kept: int = DAYS_KEPT
    ) -> None:
        self.days = days or {}
        self._kept = kept

    def pass_to(self, day: int, everything: Series) -> None:
        """Remember what `everything`, before it hears of `day`, will have learned when that
        begins; nothing where that is known or past."""
        if self.days and day <= max(self.days):
            return
        there = Series.decode(everything.encode())
        assert there is not None
        # it tells nothing of the week, and would be told a day
        there.pulse = None
        there.roll(day * MINUTES_A_DAY)
        self.days[day] = there.week_cells()
        for old in [one for one in self.days if one <= day - self._kept]:
            del self.days[old]

    def on(self, day: int) -> tuple[float, ...]:
        """What is believed on `day`."""
        if not self.days:
            return FLAT
        known = [one for one in self.days if one < day]
        return self.days[max(known) if known else min(self.days)]

    def encode(self) -> bytes:
        """As bytes; `decode` gives it back."""
        return _encoder.encode(self.days)

    @classmethod
    def decode(cls, data: bytes | None) -> "FleetWeek":
        """What `data` says; a flat week where it says nothing that can be read."""
        try:
            days = _decoder.decode(data or b"\x80")
        except msgspec.DecodeError:
            return cls()
        return cls({day: cells for day, cells in days.items() if len(cells) == len(FLAT)})


def week_told(buckets: Sequence[Bucket], since: datetime, kept: int = DAYS_KEPT) -> FleetWeek:
    """What the buckets of the series of everything, oldest first, tell whoever reads them as they
    come."""
    week, series = FleetWeek(kept=kept), Series.begun(since, since)
    for bucket in buckets:
        week.pass_to(minute_number(bucket.start) // MINUTES_A_DAY, series)
        series.observe(bucket, bucket.start, 0)
    return week


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[int, tuple[float, ...]])
