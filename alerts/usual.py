"""What is usual for a series before a window: its rate, its restlessness, its week, its share.

The rate is Gamma-Poisson: a wide prior, and the series' own hours with a half-life of seven
days, all from before the window, so that a burst is never part of its own baseline; hours that
stand out teach no more than a ceiling. With shape `a` and hours `b`:

    per_hour   = noise + (a / b) * the mean factor of the window's hours    (alerts/weekly.py)
    dispersion = 1/a + over-dispersion of the hours    (not knowing the rate, and bursts)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.learning import ceiling
from alerts.minutes import unpacked
from alerts.rules import Detector
from alerts.series import Series
from alerts.surprise import NOISE_PER_HOUR, usual_share

# μ² of hours it takes for the estimated over-dispersion to outweigh the assumed one.
DISPERSION_WEIGHT = 10.0
LEAST_DISPERSION = 0.02
# Correlation assumed between the rates of two hours of one window.
HOURS_TOGETHER = 0.25


@dataclass(frozen=True, slots=True)
class Usual:
    """What to expect of each hour of a window, and of the negative share."""

    per_hour: float
    flat_per_hour: float
    """The same without the week."""
    dispersion: float
    share: float
    share_weight: float


def usual_of(
    detector: Detector,
    series: Series,
    hour: int,
    first_hour: int,
    window_hours: float,
    busy: Sequence[float],
) -> Usual:
    """The baseline from all hours that ended before the window began and two hours ago; `busy`
    are the series' `upcoming` factors of the hours up to `hour`, at least from `first_hour`."""
    until = max(series.learned_until, min(first_hour, hour - 2))
    prior = (detector.prior_weight, detector.prior_per_hour, detector.prior_share)
    past = series.once_an_hour(
        (*prior, detector.dispersion, until), lambda: _past(detector, series, until)
    )
    # hours of a long window go together only in part, so they even out in part
    length = max(1.0, window_hours)
    together = (1.0 + HOURS_TOGETHER * (length - 1.0)) / length
    here = busy[first_hour - hour - 1 :]
    return Usual(
        per_hour=NOISE_PER_HOUR + past.per_hour * sum(here) / len(here),
        flat_per_hour=NOISE_PER_HOUR + past.per_hour,
        dispersion=1.0 / past.shape + together * past.overdispersion,
        share=past.share,
        share_weight=past.share_weight,
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """What full hours say, whatever the window that follows them."""

    shape: float
    per_hour: float
    overdispersion: float
    share: float
    share_weight: float


def _past(detector: Detector, series: Series, until: int) -> _Past:
    learned_until = series.learned_until
    faded = series.faded(learned_until)
    learned_hours = series.learned_hours()
    learned = series.negatives * faded
    documents = series.share_documents * faded
    counts = [unpacked(series.hours.get(number, 0)) for number in range(learned_until, until)]
    long_known = learned_hours >= 24.0
    mean = learned / learned_hours if long_known else 0.0
    most = ceiling([count for _, count in counts], mean)
    clipped = [min(float(count), most) for _, count in counts]
    shape = detector.prior_weight + learned + sum(clipped)
    hours = detector.prior_weight / detector.prior_per_hour + learned_hours + len(counts)
    rate = shape / hours
    weights = _weights(counts, documents / learned_hours if long_known else 0.0)
    known_documents = documents + sum(
        weight * count for weight, (count, _) in zip(weights, counts, strict=True)
    )
    known_negatives = series.share_negatives * faded + sum(
        weight * count for weight, (_, count) in zip(weights, counts, strict=True)
    )
    share, share_weight = usual_share(known_negatives, known_documents, detector.prior_share)
    return _Past(
        shape=shape,
        per_hour=rate,
        overdispersion=_overdispersion(detector, series, rate, clipped, faded),
        share=share,
        share_weight=share_weight,
    )


def _weights(counts: list[tuple[int, int]], learned: float) -> list[float]:
    """How much each hour may say about the usual share: a loud one no more than others."""
    most = ceiling([documents for documents, _ in counts], learned)
    return [min(1.0, most / documents) if documents else 0.0 for documents, _ in counts]


def _overdispersion(
    detector: Detector, series: Series, rate: float, hours: list[float], faded: float
) -> float:
    """How much more than Poisson the hourly counts vary, relative to the squared mean: the
    moment estimate, drawn towards the assumed value while little is known."""
    expected = series.square_expected * faded + len(hours) * rate * rate
    excess = series.square_excess * faded + sum((count - rate) ** 2 - count for count in hours)
    estimate = (detector.dispersion * DISPERSION_WEIGHT + excess) / (DISPERSION_WEIGHT + expected)
    return max(LEAST_DISPERSION, estimate)
