"""Simple detectors to stand beside ours, streaming over counts of shape (series, bins).

Each returns a statistic of the same shape. They are our adaptations for five-minute bins, not
the authors' programs: Farrington and EARS compare hourly counts with the same hours of the past
week or the hours before, the CUSUM works on square roots, the oracle knows the rate.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds import BINS_A_DAY, World

Array = NDArray[np.float64]
HOUR = 12


def sums(counts: Array, bins: int) -> Array:
    """The counts of the last `bins` bins; fewer at the beginning."""
    total = np.cumsum(counts, axis=1)
    total[:, bins:] -= total[:, :-bins].copy()
    return np.asarray(total)


def _before(values: Array, bins: int) -> Array:
    """`values` as they were `bins` bins ago; 0 before there were any."""
    shifted = np.zeros_like(values)
    shifted[:, bins:] = values[:, :-bins]
    return shifted


def rolling_z(world: World) -> Array:
    """Hourly counts against mean and deviation of the last seven days."""
    hourly, days = sums(world.counts, HOUR), 7 * BINS_A_DAY
    mean = sums(hourly, days) / days
    variance = sums(hourly**2, days) / days - mean**2
    return np.asarray((hourly - mean) / np.sqrt(np.maximum(variance, 1.0)))


def ears_c2(world: World) -> Array:
    """Hourly counts against the seven hours before, two of them left out."""
    hourly = sums(world.counts, HOUR)
    past = np.stack([_before(hourly, HOUR * (2 + back)) for back in range(1, 8)])
    return np.asarray((hourly - past.mean(0)) / np.maximum(past.std(0), 1.0))


def farrington(world: World) -> Array:
    """Hourly counts against the same hour, half an hour around, of the seven days before:
    two-thirds power residual with the over-dispersion of those."""
    hourly = sums(world.counts, HOUR)
    past = np.stack(
        [
            _before(hourly, day * BINS_A_DAY + shift)
            for day in range(1, 8)
            for shift in (-HOUR // 2, 0, HOUR // 2)
        ]
    )
    mean = np.maximum(past.mean(0), 0.05)
    spread = np.maximum(past.var(0) / mean, 1.0)
    return np.asarray(
        (hourly ** (2 / 3) - mean ** (2 / 3)) / (2 / 3 * mean ** (1 / 6) * np.sqrt(spread))
    )


def cusum(world: World, reference: float = 1.0) -> Array:
    """A one-sided CUSUM of root residuals against the same time of the seven days before."""
    roots = 2 * np.sqrt(world.counts + 0.375)
    past = np.stack([_before(sums(roots, HOUR), day * BINS_A_DAY) for day in range(1, 8)]) / HOUR
    spread = np.sqrt(
        np.maximum(sums((roots - past.mean(0)) ** 2, 2 * BINS_A_DAY) / (2 * BINS_A_DAY), 0.5)
    )
    steps = (roots - past.mean(0)) / spread - reference
    found = np.zeros_like(steps)
    for at in range(1, steps.shape[1]):
        found[:, at] = np.maximum(0.0, found[:, at - 1] + steps[:, at])
    return np.asarray(found)


def oracle(world: World) -> Array:
    """Signed deviance of windows of 5 minutes to 2 hours, the rate of each bin being known."""
    assert world.rates is not None and world.dispersion is not None
    best = np.full(world.counts.shape, -99.0)
    for bins in (1, 2, 3, 6, 12, 24):
        seen, known = sums(world.counts, bins), sums(world.rates, bins)
        over = sums(world.rates**2 * world.dispersion[:, None], bins) / known**2
        size = 1.0 / np.maximum(over, 1e-6)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.where(seen > 0, seen * np.log(seen / known), 0.0)
        deviance = 2 * (own - (seen + size) * np.log((seen + size) / (known + size)))
        root = np.sqrt(np.maximum(deviance, 0.0))
        best = np.maximum(best, np.where(seen > known, root, -root))
    return best


PEERS = {
    "rolling z 7 d / 1 h": rolling_z,
    "EARS C2": ears_c2,
    "Farrington-lite": farrington,
    "root CUSUM": cusum,
}
