"""The five-minute counts of a busy series, read by the very arithmetic of `rules score`.

By the hour a series with some negative documents each hour is known too coarsely: ten minutes of
it vary far more than its hours tell. Such a series keeps a second state beside the sums of
`alerts.series`, that of `alerts.rarity`, which is told each five minutes once no late document
can change them any more.

::

      told, for good          kept as minutes, read ahead on a copy
    ...|.....|.....|.....|.....|.....|.....|.....|..
       bin of five minutes                        ^ the open bin, up to the minute judged
                         two hours ago

Begun at a full hour, forgotten where three days hold nothing. As there, what is told does not
depend on when the time passes.
"""

from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import msgspec

from alerts.minutes import LOWER
from alerts.rarity import (
    CHANNEL,
    CHANNEL_STATES,
    LIKELIHOOD,
    MEAN,
    MEAN_STATISTIC,
    READ_RESIDUAL,
    READ_Z,
    READING,
    SCALES,
    SEASONAL,
    STATE,
    absorb,
    mean_excess,
    peak_rate,
    read,
    spread_of,
    spread_weight,
)
from alerts.rhythm import AGE, BINS, BLOCK, count_of_last
from alerts.verdict import RarityNumbers

BIN_MINUTES = 5
BINS_A_DAY = 24 * 60 // BIN_MINUTES
BUSY = 0.5
"""Negative documents an hour from which a series is worth it."""
BEGINS_AFTER = 12.0
"""Hours that must tell that it is so busy."""
MOST_SILENT = 3 * BINS_A_DAY
KNOWN = BINS_A_DAY
"""Bins after which the reading is believed, though not at once as much as later."""
YOUNG_BINS = 10 * BINS_A_DAY
YOUNG_PENALTY = 1.2
READ_AHEAD = 4
"""Copies kept of the state with the bins that may still change: documents come out of order."""
WINDOWS = tuple(bins for bins in SEASONAL if bins <= BLOCK or bins > BINS)
"""Those that a series can tell apart: of up to an hour by its minutes, else beginning with a full
hour."""
# 1 January 1970 was a Thursday.
_THURSDAY = 3 * BINS_A_DAY


@dataclass(frozen=True, slots=True)
class Channel:
    """One window of the reading, in bins: what it held and what was to be expected of it."""

    bins: int
    expected: float
    dispersion: float
    z: float


@dataclass(frozen=True, slots=True)
class PulseReading:
    """How rare the count of a minute is, and what each window that begins with a minute that can
    be told apart says: of up to an hour, or of whole hours."""

    rarity: float
    channels: tuple[Channel, ...]
    numbers: RarityNumbers

    def loudest(self, bins: Collection[int]) -> Channel | None:
        """Of the windows of these lengths the one that stands out most."""
        there = (one for one in self.channels if one.bins in bins)
        return max(there, key=lambda one: one.z, default=None)


class Pulse(msgspec.Struct, array_like=True, dict=True):
    """`bin` is the first that is not told, counted from 1970 in five minutes, `count` what of it
    left the minutes that are kept, `heard` the last that held something."""

    bin: int
    heard: int
    count: int = 0
    state: list[float] = msgspec.field(default_factory=lambda: [0.0] * STATE)

    @classmethod
    def begun(cls, hour: int) -> "Pulse":
        """One that begins with `hour`."""
        return cls(hour * BLOCK, hour * BLOCK)

    @property
    def age(self) -> int:
        """Bins told."""
        return int(self.state[AGE])

    @property
    def whole(self) -> bool:
        """Whether its state is one that this version of the arithmetic can go on from."""
        return len(self.state) == STATE

    def age_at(self, minute: int) -> int:
        """Bins between its beginning and that of `minute`, told or read ahead."""
        return minute // BIN_MINUTES - (self.bin - self.age)

    def penalty(self, minute: int) -> float:
        """What is asked beyond what the reading states, while it is young."""
        return YOUNG_PENALTY * max(0.0, 1.0 - self.age_at(minute) / YOUNG_BINS)

    def take(self, minute: int, negatives: int) -> bool:
        """Take in a minute that cannot change any more; False: too long after the last."""
        number = minute // BIN_MINUTES
        # a minute from before it began
        if number < self.bin:
            return True
        if not self.pass_to(number):
            return False
        self.count += negatives
        if negatives:
            self.heard = number
        return True

    def pass_to(self, number: int) -> bool:
        """Learn the bins before `number`; False where it was silent for too long."""
        if number - self.heard > MOST_SILENT:
            return False
        while self.bin < number:
            _told(self.state, self.bin, self.count)
            ahead = dict(self._ahead)
            self._ahead.clear()
            for counts, state in ahead.items():
                if counts[0] == self.count and len(counts) > 1:
                    self._ahead[counts[1:]] = state
            self.bin, self.count = self.bin + 1, 0
        return True

    @cached_property
    def _ahead(self) -> dict[tuple[int, ...], "array[float]"]:
        # the state after bins with these counts; beside the state, never encoded
        return {}

    def read(self, minutes: Mapping[int, int], minute: int) -> PulseReading:
        """The reading of `minute`, where `minutes` holds the packed counts of those not told."""
        number = minute // BIN_MINUTES
        counts = [0] * (number - self.bin + 1)
        counts[0] = self.count
        for other, packed in minutes.items():
            place = other // BIN_MINUTES - self.bin
            if other <= minute and place >= 0:
                counts[place] += packed & LOWER
        state = self._after(tuple(counts[:-1]))
        reading = [0.0] * READING
        rarity = read(state, float(counts[-1]), _of_week(number), float(BINS_A_DAY), reading)
        return PulseReading(
            rarity,
            tuple(_channels(state, float(counts[-1]), reading)),
            RarityNumbers(
                scales=reading[MEAN_STATISTIC],
                scales_per_day=peak_rate(state, 0, float(BINS_A_DAY)),
                scales_excess=mean_excess(state, 0),
                multiple=reading[LIKELIHOOD],
                multiple_per_day=peak_rate(state, 2, float(BINS_A_DAY)),
                multiple_excess=mean_excess(state, 2),
            ),
        )

    def _after(self, counts: tuple[int, ...]) -> list[float]:
        """The state after the bins from `bin` on held these `counts`."""
        known = counts
        while known and known not in self._ahead:
            known = known[:-1]
        state = list(self._ahead[known]) if known else list(self.state)
        for place in range(len(known), len(counts)):
            _told(state, self.bin + place, counts[place])
        # the one used last is the last to go
        self._ahead.pop(counts, None)
        if counts:
            self._ahead[counts] = array("d", state)
        while len(self._ahead) > READ_AHEAD:
            del self._ahead[next(iter(self._ahead))]
        return state


def begun_or_ended(pulse: Pulse | None, hour: int, negatives: float, hours: float) -> Pulse | None:
    """The pulse of a series with so many `negatives` in so many decayed `hours`: one that begins
    with `hour` where it is busy now and has none, none where it has long been quiet."""
    if pulse is None:
        busy = hours >= BEGINS_AFTER and negatives >= BUSY * hours
        return Pulse.begun(hour) if busy else None
    return pulse if negatives >= BUSY / 4 * hours else None


def _of_week(number: int) -> int:
    return (number + _THURSDAY) % (7 * BINS_A_DAY)


def _told(state: list[float], number: int, count: int) -> None:
    reading, at = [0.0] * READING, _of_week(number)
    read(state, float(count), at, float(BINS_A_DAY), reading)
    absorb(state, float(count), at, float(BINS_A_DAY), reading)


def _channels(state: list[float], count: float, reading: list[float]) -> list[Channel]:
    found, weight = [], spread_weight(state[AGE], float(BINS_A_DAY))
    for channel, bins in enumerate(SCALES):
        if bins not in WINDOWS or bins > state[AGE]:
            continue
        mean = state[CHANNEL_STATES + CHANNEL * channel + MEAN]
        spread = spread_of(state, channel, weight)
        # back from the scale on which counts are equally spread at every level
        middle = sqrt(count_of_last(state, bins, count) + 0.375)
        middle -= 0.5 * (reading[READ_RESIDUAL + channel] - mean)
        expected = max(1e-4, middle * middle - 0.375) if middle > 0.0 else 1e-4
        dispersion = max(0.0, spread * spread - 1.0) / expected
        found.append(Channel(bins, expected, dispersion, reading[READ_Z + channel]))
    return found
