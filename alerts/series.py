"""What the detector remembers about one series: a few hundred bytes, whatever its history.

::

    learned (decayed sums)      | hours, one number each  | minutes, one number each
    ............................|-------------------------|------------------------> now
    clipped, half-life 7 days     up to 26 hours            the last 2 hours

A minute's counts may be replaced by a later state of the same bucket until they are folded
into their hour; an hour is learned once it is older than every window. At most 121 minute
counters (and the revisions of corrected ones), 27 hour counters, 31 of the week and 17 further
numbers, beside the latest negative document of each of the last 20 voices.

Results never depend on when the time passes: `roll` in one jump or in many small steps leaves
the same state to the last bit, because sums are only touched by hours that hold something.
"""

from collections.abc import Callable, Hashable
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from alerts.corrections import is_later
from alerts.learning import DECAY, ceiling
from alerts.minutes import HALF, LOWER, leaning, minute_number, packed, unpacked
from alerts.peaks import Peaks
from alerts.pulse import BIN_MINUTES, Pulse, begun_or_ended
from alerts.returns import Returns, chance_of_enough, highest, highest_share
from alerts.surprise import PRIOR_SHARE, usual_share
from alerts.voices import Voice, hear
from alerts.weekly import FLAT, Learned, cell_factors, day_cell, exposure, factors, hour_cell
from pipeline.trends import Bucket

MINUTES_KEPT = 120
HOURS_KEPT = 26
T = TypeVar("T")
STATE_VERSION = 3


class Series(msgspec.Struct, array_like=True, dict=True):
    """The mutable state of one series; `since` is the hour its history begins with."""

    since: int
    minute: int
    now: float
    minutes: dict[int, int]
    hours: dict[int, int]
    last_learned: int
    negatives: float
    share_negatives: float
    share_documents: float
    square_expected: float
    square_excess: float
    voices: dict[str, Voice]
    week: dict[int, float]
    peaks: Peaks = msgspec.field(default_factory=Peaks)
    share_peaks: Peaks = msgspec.field(default_factory=Peaks)
    counted: bool = False
    v: int = STATE_VERSION
    revisions: dict[int, int] = msgspec.field(default_factory=dict)
    """Of the minutes' buckets that were corrected: more changes than documents."""
    counts_for: float = 0.0
    counted_on: int = 0
    """What it counts for in the fleet, once `counted`, as of that day."""
    pulse: Pulse | None = None
    """Where it is busy: its counts in steps of five minutes."""
    rebuilt: str = ""
    """The rebuild that made it or what it comes from, if any did."""

    @classmethod
    def begun(cls, since: datetime, now: datetime) -> "Series":
        """A series nothing is known about, watched in vain from `since` on."""
        hour = minute_number(since) // 60
        at = now.timestamp()
        return cls(hour, int(at // 60), at, {}, {}, hour, 0.0, 0.0, 0.0, 0.0, 0.0, {}, {})

    @property
    def learned_until(self) -> int:
        """The first hour that is not yet part of the learned sums."""
        return max(self.since, self.minute // 60 - HOURS_KEPT)

    def roll(self, minute: int) -> None:
        """Let event time pass to `minute`; going back does nothing."""
        if minute <= self.minute:
            return
        if minute // 60 != self.minute // 60:
            self._worked_out.clear()
        self.minute = minute
        minutes, hours = self.minutes, self.hours
        if minutes:
            oldest = minute - MINUTES_KEPT
            for number in sorted(number for number in minutes if number < oldest):
                hour = number // 60
                self.revisions.pop(number, None)
                # a minute all of whose documents were taken out held nothing
                if counts := minutes.pop(number):
                    hours[hour] = hours.get(hour, 0) + counts
                    if self.pulse and not self.pulse.take(number, counts & LOWER):
                        self.pulse = None
        if hours:
            until = self.learned_until
            for hour in sorted(hour for hour in hours if hour < until):
                self._learn(hour)
                del hours[hour]
        if self.pulse and not self.pulse.pass_to((minute - MINUTES_KEPT) // BIN_MINUTES):
            self.pulse = None

    def observe(self, bucket: Bucket, now: datetime, lateness_minutes: int) -> int | None:
        """Take in the state of one bucket and pass the time to `now`.

        Returns the minute whose counts changed, or None: nothing new, an older state of the
        bucket, or one later than allowed.
        """
        at = now.timestamp()
        self.now = max(self.now, at)
        self.roll(int(at // 60))
        totals = bucket.totals
        number = minute_number(bucket.start)
        if number < self.minute - lateness_minutes:
            return None
        if not totals.novel and number not in self.minutes:
            return None
        negatives = leaning(bucket)
        counts = packed(totals.novel, negatives)
        held = self.minutes.get(number, 0)
        later = is_later(bucket, self.revisions, totals.novel < held >> HALF)
        if not later or counts == held:
            return None
        self.minutes[number] = counts
        if negatives:
            for piece in bucket.evidence:
                if piece.novel:
                    hear(self.voices, piece)
        return number

    def negative(self, minute: int) -> bool:
        """Whether this minute of those kept holds negative documents."""
        return bool(self.minutes.get(minute, 0) & LOWER)

    @cached_property
    def _worked_out(self) -> dict[Hashable, Any]:
        # beside the state, not in it: never encoded
        return {}

    def once_an_hour(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` gives for `key`, once an hour. It may rest on nothing but `since`, what is
        learned, and hours that ended two hours ago: no late document reaches those."""
        known = (self.since, key)
        found: T | None = self._worked_out.get(known)
        if found is None:
            found = self._worked_out[known] = work()
        return found

    def counts(self, first: int, last: int) -> int:
        """The packed counts of these minutes; a `first` before those kept must begin an hour."""
        minutes = self.minutes
        total = sum([minutes[number] for number in minutes if first <= number <= last])
        return total + self.hours_before_minutes(first)

    def hours_before_minutes(self, first: int) -> int:
        """The part of these counts that is kept by the hour alone."""
        hour, hours = first // 60, self.hours
        if first >= self.minute - MINUTES_KEPT:
            return 0
        return sum([hours[number] for number in hours if number >= hour])

    def faded(self, hour: int) -> float:
        """What is left, at the beginning of `hour`, of the learned sums."""
        return float(DECAY ** (hour - self.last_learned))

    def learned_hours(self) -> float:
        """The decayed number of hours behind the learned sums."""
        return float((1.0 - DECAY ** (self.learned_until - self.since)) / (1.0 - DECAY))

    def _learn(self, hour: int) -> None:
        documents, negatives = unpacked(self.hours[hour])
        faded = self.faded(hour)
        behind = (1.0 - DECAY ** (hour - self.since)) / (1.0 - DECAY)
        mean = self.negatives * faded / behind if behind >= 24.0 else 0.0
        following = [0] * 24
        for other, held in self.hours.items():
            if 0 < other - hour <= 24:
                following[other - hour - 1] = held
        clipped = min(float(negatives), ceiling([one & LOWER for one in following], mean))
        if mean > 0.0:
            # the hours since the last one that held anything were zeros: they count too
            zeros = max(0, hour - self.last_learned - 1)
            (busy,) = self.week_factors(hour, hour, hour)
            here, square = mean * busy, mean * mean
            self.square_expected = self.square_expected * faded + zeros * square + here * here
            self.square_excess = (
                self.square_excess * faded + zeros * square + (clipped - here) ** 2 - clipped
            )
        else:
            self.square_expected *= faded
            self.square_excess *= faded
        if negatives:
            self._learn_peaks(hour, [self.hours[hour], *following], mean, behind, faded)
            begins = hour + HOURS_KEPT + 1
            self.pulse = begun_or_ended(self.pulse, begins, self.negatives * faded, behind)
        self.week = {cell: count * faded for cell, count in self.week.items()}
        for cell in (hour_cell(hour), day_cell(hour)):
            self.week[cell] = self.week.get(cell, 0.0) + clipped
        self.negatives = self.negatives * faded + clipped
        # a loud hour tells its share with no more weight than a usual one
        usual = self.share_documents * faded / behind if behind >= 24.0 else 0.0
        most = ceiling([one >> HALF for one in following], usual)
        weight = min(1.0, most / documents)
        self.share_negatives = self.share_negatives * faded + weight * negatives
        self.share_documents = self.share_documents * faded + weight * documents
        self.last_learned = hour

    def _learn_peaks(
        self, hour: int, held: list[int], mean: float, behind: float, faded: float
    ) -> None:
        """The windows that begin with `hour` and hold `held`, against what was learned before."""
        over = (5.0 + self.square_excess) / (10.0 + self.square_expected)
        known = 1.0 / (1.0 + mean * behind)
        counts = [unpacked(one) for one in held]
        self.peaks.learn(hour, highest([one for _, one in counts], mean, known, over))
        usual, weight = usual_share(
            self.share_negatives * faded, self.share_documents * faded, PRIOR_SHARE
        )
        self.share_peaks.learn(hour, highest_share(counts, usual, weight))

    def returns(self) -> tuple[Returns, Returns]:
        """How often this series has peaked, and how high, in volume and in share."""
        return self.once_an_hour("returns", self._returns)

    def _returns(self) -> tuple[Returns, Returns]:
        until, mean = self.learned_until, self.mean()
        return (
            self.peaks.returns(self.since, until, mean),
            self.share_peaks.returns(self.since, until, mean),
        )

    def mean(self) -> float:
        """Negative documents an hour, known to some degree from the first on."""
        faded = self.faded(self.learned_until)
        return (0.5 + self.negatives * faded) / (25.0 + self.learned_hours())

    def chance_of_enough(self) -> float:
        """The chance that a day of this series holds what an alert needs."""
        return chance_of_enough(self.mean())

    def week_factors(
        self, first: int, last: int, until: int, fleet: tuple[float, ...] = FLAT
    ) -> list[float]:
        """How much busier than the mean each of these hours usually is, by what was learned
        before `until` and what is believed of the `fleet`."""
        return factors(range(first, last + 1), self._week_learned(until), fleet)

    def week_cells(self) -> tuple[float, ...]:
        """The factor of each cell of the week by all that was learned."""
        cells = range(len(FLAT))
        return tuple(cell_factors(cells, self._week_learned(self.learned_until)).values())

    def _week_learned(self, until: int) -> Learned:
        hours = (1.0 - DECAY ** (until - self.since)) / (1.0 - DECAY)
        faded = self.faded(until)
        mean = self.negatives * faded / hours if hours else 0.0
        behind = exposure(self.since, until, DECAY)
        return Learned(self.week, faded, behind, mean)

    def upcoming(self, first: int, last: int, fleet: tuple[float, ...] = FLAT) -> list[float]:
        """The `week_factors` by all that was learned."""
        return self.once_an_hour(
            ("week", first, last, fleet),
            lambda: self.week_factors(first, last, self.learned_until, fleet),
        )

    def encode(self) -> bytes:
        """The state as bytes; `decode` gives it back exactly."""
        return _encoder.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "Series | None":
        """The state in `data`; None if another version of this code wrote it, or it is damaged."""
        try:
            series = _decoder.decode(data)
        except msgspec.DecodeError:
            return None
        if series.pulse and not series.pulse.whole:
            series.pulse = None
        return series if series.v == STATE_VERSION else None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Series)
