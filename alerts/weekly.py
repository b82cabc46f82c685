"""The usual week of a sparse series: how its hours differ, told by decayed counts alone.

An hour's factor is that of its hour of the day times that of its day of the week (UTC). Both
compare what was counted with what the mean rate would have given, drawn towards the fleet's week
by `PRIOR` documents, so that a company with two posts a day keeps that and a busy one gets its own:

    factor = fleet * (PRIOR + known * counted) / (PRIOR + known * mean * hours * fleet)
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

HOURS = 24
DAYS = 7
WEEK = HOURS * DAYS
PRIOR = 5.0
"""Documents of the fleet's week believed at first, for each hour of the day and day of the week."""
FLAT = (1.0,) * (HOURS + DAYS)
"""A week without hours: a factor for each cell, the hours of the day and the days of the week."""
LEAST, MOST = 0.1, 5.0
DAYS_KNOWN = 7.0
"""Decayed days, about twelve, after which the week is believed."""


def hour_cell(hour: int) -> int:
    """The cell of the hour of the day; `hour` counts from 1970."""
    return hour % HOURS


def day_cell(hour: int) -> int:
    """The cell of the day of the week; 1 January 1970 was a Thursday."""
    return HOURS + (hour // HOURS + 3) % DAYS


@lru_cache(maxsize=4096)
def exposure(since: int, until: int, decay: float) -> tuple[float, ...]:
    """The decayed hours behind each cell, of the hours `since` to before `until`."""
    found = [0.0] * (HOURS + DAYS)
    a_week = decay**WEEK
    for back in range(1, min(WEEK, until - since) + 1):
        hour = until - back
        weeks = (hour - since) // WEEK + 1
        weight = decay ** (back - 1) * (1.0 - a_week**weeks) / (1.0 - a_week)
        found[hour_cell(hour)] += weight
        found[day_cell(hour)] += weight
    return tuple(found)


class Learned(NamedTuple):
    """What a series has counted: `cells`, of which `faded` is left; `behind` them, their
    `exposure`; and the `mean` counts of an hour."""

    cells: Mapping[int, float]
    faded: float
    behind: tuple[float, ...]
    mean: float


def factors(hours: range, learned: Learned, fleet: tuple[float, ...] = FLAT) -> list[float]:
    """How much busier than the mean each of `hours` usually is, where `fleet` is what is believed
    of each cell before."""
    wanted = {cell for hour in hours for cell in (hour_cell(hour), day_cell(hour))}
    of_cell = cell_factors(wanted, learned, fleet)
    return [
        min(MOST, max(LEAST, of_cell[hour_cell(hour)] * of_cell[day_cell(hour)])) for hour in hours
    ]


def cell_factors(
    wanted: Iterable[int], learned: Learned, fleet: tuple[float, ...] = FLAT
) -> dict[int, float]:
    """The factors of single cells, as `factors` multiplies them."""
    cells, faded, behind, mean = learned
    # a week is not known from its first days
    known = min(1.0, sum(behind[HOURS:]) / HOURS / DAYS_KNOWN)
    counted, expected = known * faded, known * mean
    return {
        cell: fleet[cell]
        * (PRIOR + counted * cells.get(cell, 0.0))
        / (PRIOR + expected * behind[cell] * fleet[cell])
        for cell in wanted
    }
