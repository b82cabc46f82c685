"""How sure a share is: the 95 % credible interval of a proportion, from counts alone.

Three negatives of four is not the same news as three hundred of four hundred; the interval
says so. It is the equal-tailed interval of Beta(k + ½, n − k + ½), the posterior under
Jeffreys' prior, drawn out to 0 when nothing was seen and to 1 when everything was, as is
usual: otherwise it would exclude the very share that was observed.
"""

import math
from functools import lru_cache

TAIL = 0.025
# The continued fraction needs about sqrt(n) steps; this is enough for 10^8 documents.
_MOST_STEPS = 20_000
_TINY = 1e-300
_CLOSE = 1e-13


@lru_cache(maxsize=65_536)
def share_interval(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of the share behind `count` in `of`; (0, 1) when `of` is 0.

    Raises ValueError unless 0 ≤ count ≤ of.
    """
    if not 0 <= count <= of:
        raise ValueError(f"{count} of {of} is no share")
    if of == 0:
        return (0.0, 1.0)
    a, b = count + 0.5, of - count + 0.5
    low = 0.0 if count == 0 else beta_quantile(TAIL, a, b)
    high = 1.0 if count == of else beta_quantile(1 - TAIL, a, b)
    return (low, high)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The x with Beta(a, b).cdf(x) = probability: Newton's steps, kept inside a bracket."""
    low, high = 0.0, 1.0
    x = a / (a + b)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    for _ in range(100):
        error = beta_cdf(x, a, b) - probability
        if error > 0:
            high = x
        else:
            low = x
        density = math.exp(scale + (a - 1) * math.log(x) + (b - 1) * math.log1p(-x))
        step = x - error / density if density > _TINY else low
        # a step out of the bracket is replaced by its middle, so the search always ends
        step = step if low < step < high else (low + high) / 2
        if abs(step - x) <= _CLOSE * x:
            return step
        x = step
    return x


def beta_cdf(x: float, a: float, b: float) -> float:
    """The chance that a Beta(a, b) variable is at most x."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    # the fraction converges quickly on one side of the mean only; the other is its mirror
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, evaluated front to back.

    `c` and `d` are the ratios of successive numerators and denominators (Lentz's method);
    neither may become zero, hence the guard.
    """
    c = 1.0
    d = 1.0 / _apart(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _CLOSE:
            return value
    return value


def _apart(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
