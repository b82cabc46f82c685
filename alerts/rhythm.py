"""What is usual for a series of counts: its level, its week, and its last day, in one flat list.

A series is told its counts bin by bin (five minutes in practice). All it remembers is a list of
`STATE` floats, so that a state is a few hundred bytes, a step costs the same however long the
history, and the very functions that run here can be compiled for a million steps a second.

::

    blocks of an hour, 24                      bins of five minutes, 36
    |----|----|----|-- … --|----|----|----|----|.............|........> now
    long windows                               short windows

The usual count of a bin is `level * profile[hour of the day, working day or weekend]`. Both
learn from counts cut off at `CUT` standard deviations above the usual one, so that a burst
never becomes its own baseline, while a new level that lasts is learned within days.
"""

from collections.abc import MutableSequence
from math import sqrt

State = MutableSequence[float]

BINS = 36
BLOCK = 12
BLOCKS = 24
CELLS = 48

# --- where things lie in a state
AGE = 0
"""Bins told so far."""
LEVEL = 1
"""Usual count of a bin in an hour of profile 1."""
EXCESS, SQUARE = 2, 3
"""Decayed sums behind the over-dispersion of single bins: (count - usual)² - usual, usual²."""
RING = 4
BLOCK_RING = RING + BINS
PROFILE = BLOCK_RING + BLOCKS
RHYTHM = PROFILE + CELLS
"""Floats used here; what `alerts.rarity` remembers follows."""

# --- how it learns
LEVEL_DAYS = 7.0
"""Half-life of the level."""
PROFILE_DAYS = 10.0
"""Half-life of the profile."""
PROFILE_PRIOR_HOURS = 1.0
"""Hours of a flat profile believed at first, for each hour of the day."""
SPREAD_DAYS = 14.0
"""Half-life of everything that says how much is usual variation."""
CUT = 3.0
LEAST_USUAL = 1e-4
LEAST_PROFILE = 0.05


def cell(hour_of_week: int) -> int:
    """The profile's cell of an hour, 0 being the first of Monday, UTC."""
    return hour_of_week % 24 + (24 if hour_of_week >= 120 else 0)


def usual(s: State, bin_of_week: int, bins_an_hour: float) -> float:
    """The count to expect in this bin, before it is known."""
    at = cell(int(bin_of_week / bins_an_hour))
    return max(LEAST_USUAL, s[LEVEL] * s[PROFILE + at])


def usual_of_last(s: State, bins: int, bin_of_week: int, bins_an_hour: float) -> float:
    """The count to expect in the last `bins` bins up to and with `bin_of_week`."""
    week = 168.0 * bins_an_hour
    left, end, total = float(bins), bin_of_week + 1.0, 0.0
    while left > 0.0:
        hour = int((end - 0.5) / bins_an_hour)
        # the part of this hour that lies in the window
        part = min(left, end - hour * bins_an_hour)
        if part <= 0.0:
            part = min(left, 1.0)
        total += part * s[PROFILE + cell(hour)]
        left -= part
        end -= part
        if end <= 0.0:
            end += week
    return max(LEAST_USUAL * bins, s[LEVEL] * total)


def learn_usual(s: State, count: float, bin_of_week: int, bins_a_day: float) -> None:
    """Take one more bin into level and profile."""
    age = s[AGE]
    at = PROFILE + cell(int(bin_of_week / (bins_a_day / 24.0)))
    if age == 0.0:
        s[LEVEL] = max(LEAST_USUAL, count)
        for other in range(CELLS):
            s[PROFILE + other] = 1.0
    profile = max(LEAST_PROFILE, s[at])
    expected = max(LEAST_USUAL, s[LEVEL] * s[at])
    dispersion = max(0.01, (1.5 + s[EXCESS]) / (5.0 + s[SQUARE]))
    most = expected + CUT * sqrt(expected + dispersion * expected * expected) + 1.0
    cut = min(count, most)
    kept = 1.0 - fading(SPREAD_DAYS * bins_a_day)
    s[EXCESS] = s[EXCESS] * kept + (cut - expected) * (cut - expected) - expected
    s[SQUARE] = s[SQUARE] * kept + expected * expected
    gain = max(fading(LEVEL_DAYS * bins_a_day), 1.0 / (age + 2.0))
    s[LEVEL] = max(1e-6, s[LEVEL] + gain * (cut / profile - s[LEVEL]))
    share = 2.0 / 7.0 if at >= PROFILE + 24 else 5.0 / 7.0
    hourly = bins_a_day / 24.0
    told = min(age / bins_a_day, PROFILE_DAYS / 0.693) * hourly * share
    weight = 1.0 / (told + 1.0 + PROFILE_PRIOR_HOURS * hourly)
    s[at] += weight * (cut / s[LEVEL] - s[at])


def remember(s: State, count: float) -> None:
    """Put the bin into the windows' memory and count it as told."""
    age = int(s[AGE])
    s[RING + age % BINS] = count
    block = BLOCK_RING + age // BLOCK % BLOCKS
    s[block] = count if age % BLOCK == 0 else s[block] + count
    s[AGE] = age + 1.0


def bins_of(s: State, bins: int) -> int:
    """How many bins a window of `bins` really holds: long ones begin with a whole block."""
    age = int(s[AGE])
    held = bins
    if bins > BINS:
        held = bins - BLOCK + age % BLOCK + 1
    return min(held, age + 1)


def count_of_last(s: State, bins: int, now: float) -> float:
    """The count of the last `bins_of(s, bins)` bins, the one being counted with `now` so far."""
    age = int(s[AGE])
    total = now
    if bins <= BINS:
        for back in range(1, min(bins, age + 1)):
            total += s[RING + (age - back) % BINS]
        return total
    current = age // BLOCK
    if age % BLOCK:
        total += s[BLOCK_RING + current % BLOCKS]
    for back in range(1, min(bins // BLOCK, current + 1)):
        total += s[BLOCK_RING + (current - back) % BLOCKS]
    return total


def fading(half_life_bins: float) -> float:
    """The share a decayed mean forgets with each bin."""
    return float(1.0 - 2.0 ** (-1.0 / half_life_bins))
