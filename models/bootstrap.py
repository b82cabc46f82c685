"""How far a figure would move on other texts of the same kind: the bootstrap, seeded.

Texts are drawn with replacement as often as there are texts; the figure is taken anew on each
draw. Intervals are percentiles (Efron, 1979). What belongs to one text is drawn together: two
companies of one headline are not two independent observations.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.metrics import Floats, Integers

ROUNDS = 1_000
SEED = 20_260_101
LEVEL = 0.95
# Of five texts that all speak for one side, chance says as much once in sixteen times.
FEWEST_TO_TELL = 6


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the figure lies in 95 of 100 draws."""

    low: float
    high: float


def draws(groups: Integers, rounds: int = ROUNDS, seed: int = SEED) -> Iterator[Floats]:
    """How often each row counts in each draw; `groups` numbers the texts from 0."""
    random = np.random.default_rng(seed)
    size = int(groups.max()) + 1 if len(groups) else 0
    for _ in range(rounds if size else 0):
        counts = np.bincount(random.integers(0, size, size), minlength=size)
        yield counts[groups].astype(np.float64)


def interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The percentile interval of what the draws gave; (0, 0) without draws."""
    if not len(values):
        return Interval(0.0, 0.0)
    low, high = np.quantile(np.asarray(values), ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(low), float(high))


def centred_interval(values: Sequence[float], measured: float) -> Interval:
    """The same moved by what the draws exceed `measured` on average, not below 0.

    For a figure that grows with noise, as a calibration error does: every draw is noisier
    than the file it comes from, so that the plain interval may lie wholly above the figure.
    """
    if not len(values):
        return Interval(0.0, 0.0)
    plain, excess = interval(values), float(np.mean(values)) - measured
    return Interval(max(0.0, plain.low - excess), max(0.0, plain.high - excess))


def two_sided_p(differences: Sequence[float]) -> float:
    """Twice the share of draws on the rarer side of zero, at least 2 / (draws + 1), at most 1:
    how easily the sign of a difference would turn on other texts."""
    found = np.asarray(differences)
    rarer = min(int((found <= 0).sum()), int((found >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(found) + 1))


def sign_p(one: int, other: int) -> float:
    """The exact two-sided sign test of `one` texts against `other`: how likely so uneven a split
    is where each text falls to either side by a coin, 2 · Σ C(n, i) / 2^n for i up to the smaller.

    Where each text asks one question this is McNemar's test (1947) in its exact form. The
    bootstrap alone knows no doubt where all texts lie on one side: no draw has another.
    """
    total, fewer = one + other, min(one, other)
    ways, tail = 1, 0
    for number in range(fewer + 1):
        tail += ways
        ways = ways * (total - number) // (number + 1)
    # whole numbers up to here: 2^n of many texts is no float
    return min(1.0, 2 * tail / (1 << total))
