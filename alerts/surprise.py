"""How surprising a count is: tails of the negative binomial and the beta-binomial.

All answers are -log10 of a probability, so that 1e-300 and 1e-3 can both be compared and
printed; 0 means "no surprise at all". Pure arithmetic on plain floats.
"""

from math import exp, inf, lgamma, log, log1p, sqrt

LOG10 = log(10.0)
# Nothing beyond this is told apart: the models are wrong long before 1e-300.
MOST = 300.0
_TINY = 1e-300
# The negative share to expect at first, worth twenty documents; habits drift, so that no share
# is known better than this many documents would tell it.
PRIOR_SHARE = 0.15
PRIOR_SHARE_WEIGHT = 20.0
MOST_SHARE_WEIGHT = 200.0
NOISE_PER_HOUR = 1.0 / 24.0
"""Negative documents that mean nothing and may come to any series, beside its usual ones: a slip of
the classifier, one person's mood. One a day."""
# A sum whose terms still fall by less than a tenth after so many is worked out as an integral.
_FEW = 32
_SLOW = 0.9
# Places and weights of Gauss and Legendre's rule on (-1, 1).
_GAUSS = (
    (-0.9061798459386640, 0.2369268850561891),
    (-0.5384693101056831, 0.4786286704993665),
    (0.0, 0.5688888888888889),
    (0.5384693101056831, 0.4786286704993665),
    (0.9061798459386640, 0.2369268850561891),
)


def count_surprise(observed: int, expected: float, dispersion: float) -> float:
    """-log10 P(N >= observed) for N with mean `expected` and variance
    `expected + dispersion * expected**2` (negative binomial; Poisson as dispersion goes to 0).
    """
    if observed <= 0:
        return 0.0
    if expected <= 0.0:
        return MOST
    size = 1.0 / max(dispersion, 1e-9)
    # P(N >= k) = I_q(k, size), the regularised incomplete beta function
    return _bounded(-_log_beta_tail(expected / (expected + size), observed, size) / LOG10)


def usual_share(negatives: float, documents: float, prior: float) -> tuple[float, float]:
    """The share to expect after so many documents, and how many documents' worth it is known."""
    known = PRIOR_SHARE_WEIGHT + documents
    return (prior * PRIOR_SHARE_WEIGHT + negatives) / known, min(MOST_SHARE_WEIGHT, known)


def share_surprise(negative: int, documents: int, usual: float, weight: float) -> float:
    """-log10 P(X >= negative) among `documents`, X beta-binomial with mean share `usual` known
    as well as `weight` documents would tell it."""
    if negative <= 0 or documents <= 0 or negative <= documents * usual:
        return 0.0
    alpha, beta = usual * weight, (1.0 - usual) * weight
    if alpha <= 0.0:
        return MOST
    if beta <= 0.0:
        return 0.0
    log_first = _log_share(negative, documents, alpha, beta) + (
        lgamma(documents + 1) - lgamma(documents + weight)
        + lgamma(weight) - lgamma(alpha) - lgamma(beta)
    )  # fmt: skip
    total = term = 1.0
    for count in range(negative, documents):
        left = documents - count
        ratio = left / (count + 1) * (count + alpha) / (left - 1 + beta)
        term *= ratio
        # terms only fall from here on, so what is left cannot matter
        if term < total * 1e-12:
            break
        if count - negative >= _FEW and _SLOW < ratio < 1.0 and beta >= 3.0:
            total += _share_tail(count + 1, documents, alpha, beta, term, 1.0 - ratio)
            break
        total += term
    return _bounded(-(log_first + log(total)) / LOG10)


def _log_share(x: float, documents: int, alpha: float, beta: float) -> float:
    """log of the beta-binomial chance of `x` among `documents`, but for what is the same for
    every `x`; smooth between the counts."""
    rest = documents - x
    return lgamma(x + alpha) + lgamma(rest + beta) - lgamma(x + 1.0) - lgamma(rest + 1.0)


def _share_tail(
    count: int, documents: int, alpha: float, beta: float, term: float, fall: float
) -> float:
    """The sum of the terms from `count` on, the first being `term`, each about `fall` smaller
    than the one before: by the integral over them, as there may be thousands.

    Euler and Maclaurin's formula about the midpoints, whose first correction is kept; the
    integral by Gauss and Legendre's rule of five points on stretches of two e-foldings, or
    one standard deviation. Wrong by less than 1e-5 of the sum where `fall` is under a tenth and
    `beta` at least 3: below that the last terms bend too much.
    """
    first = _log_share(count, documents, alpha, beta)

    def at(x: float) -> float:
        return term * exp(_log_share(x, documents, alpha, beta) - first)

    start, end = count - 0.5, documents + 0.5
    found = -fall * at(start) / 24.0
    weight = alpha + beta
    usual = alpha / weight
    # near the usual share the terms fall as a normal density does: slowly, then fast
    spread = sqrt(documents * usual * (1.0 - usual) * (documents + weight) / (weight + 1.0))
    half = min(1.0 / fall, 0.5 * spread)
    while start < end:
        half = min(half, 0.5 * (end - start))
        middle = start + half
        part = half * sum([share * at(middle + half * place) for place, share in _GAUSS])
        found += part
        if part < found * 1e-12:
            break
        start = middle + half
    return found


def count_interval(expected: float, dispersion: float, mass: float = 0.95) -> tuple[float, float]:
    """The central interval of the counts to expect: both ends are counts."""
    side = (1.0 - mass) / 2.0
    return (
        float(_quantile(expected, dispersion, side)),
        float(_quantile(expected, dispersion, 1.0 - side)),
    )


def share_interval(
    documents: int, usual: float, weight: float, mass: float = 0.95
) -> tuple[float, float]:
    """The central interval of the negative ones to expect among `documents`, beta-binomial as
    for `share_surprise`: both ends are counts."""
    alpha, beta = usual * weight, (1.0 - usual) * weight
    if documents <= 0 or alpha <= 0.0:
        return 0.0, 0.0
    if beta <= 0.0:
        return float(documents), float(documents)
    logs = [_log_share(count, documents, alpha, beta) for count in range(documents + 1)]
    most = max(logs)
    chances = [exp(one - most) for one in logs]
    side = (1.0 - mass) / 2.0 * sum(chances)
    low, below = 0, chances[0]
    while below < side:
        low += 1
        below += chances[low]
    high, above = documents, chances[documents]
    while above < side:
        high -= 1
        above += chances[high]
    return float(low), float(high)


def _quantile(expected: float, dispersion: float, level: float) -> int:
    """The smallest count k with P(N <= k) >= level."""
    surprise = -log(1.0 - level) / LOG10

    def reached(count: int) -> bool:
        return count_surprise(count + 1, expected, dispersion) >= surprise

    high = 1
    while not reached(high):
        high *= 2
    low = -1
    while high - low > 1:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle
    return high


def _log_beta_tail(x: float, a: float, b: float) -> float:
    """log of the regularised incomplete beta function I_x(a, b)."""
    if x >= 1.0:
        return 0.0
    log_front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    if x < (a + 1.0) / (a + b + 2.0):
        return log_front - log(a) + log(_continued_fraction(x, a, b))
    other = exp(log_front) * _continued_fraction(1.0 - x, b, a) / b
    return log1p(-other) if other < 1.0 else -inf


def _continued_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method.

    Converges in about sqrt(max(a, b)) steps where x < (a + 1) / (a + b + 2).
    """
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, 10_000):
        twice = 2 * m
        for numerator in (
            m * (b - m) * x / ((a + twice - 1.0) * (a + twice)),
            -(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1.0)),
        ):
            d = 1.0 + numerator * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + numerator / c
            c = c if abs(c) > _TINY else _TINY
            change = d * c
            value *= change
        if abs(change - 1.0) < 1e-13:
            break
    return value


def _bounded(surprise: float) -> float:
    return min(MOST, max(0.0, surprise))
