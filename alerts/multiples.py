"""How well the present counts fit a rate several times the usual one: a log likelihood ratio.

A surge is a multiple of what is usual just now, and lasts. For each bin the ratio of two negative
binomials of the same dispersion d, one of mean `MULTIPLE` times the other, n being 1 / d:

    step  = count ln(MULTIPLE) - (count + n) ln((n + MULTIPLE mean) / (n + mean))
    total = max(0, KEPT total before + step)

A CUSUM (Page, "Continuous inspection schemes", 1954), but that what is past fades. One odd bin
tells little: a count above `MOST_MULTIPLE` times the mean and `MOST_COUNT` says no more than that,
and in a series with next to nothing in it each count is worth ln(MULTIPLE), however small the
mean. Of the dispersion that the counts show half is taken: it found most bursts in simulations.
"""

from math import log

from alerts.rhythm import EXCESS, SQUARE, State

MULTIPLE = 3.0
MOST_MULTIPLE = 6.0
MOST_COUNT = 3.0
KEPT = 0.98
"""Of the total with each bin: half of it is gone after 34 bins."""
LEAST_MEAN = 1e-3
MOST_DISPERSION = 20.0
LEAST_DISPERSION = 0.01
DISPERSION_PART = 0.5


def likelihood(s: State, before: float, count: float, mean: float) -> float:
    """The total with the open bin, of which `count` has come and `mean` was to be expected."""
    dispersion = DISPERSION_PART * (1.5 + s[EXCESS]) / (5.0 + s[SQUARE])
    dispersion = min(MOST_DISPERSION, max(LEAST_DISPERSION, dispersion))
    size, mean = 1.0 / dispersion, max(LEAST_MEAN, mean)
    count = min(count, MOST_MULTIPLE * mean + MOST_COUNT)
    step = count * log(MULTIPLE) - (count + size) * log((size + MULTIPLE * mean) / (size + mean))
    return max(0.0, KEPT * before + step)
