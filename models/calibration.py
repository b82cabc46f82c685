"""Whether confidence can be believed: reliability, temperature scaling, abstention.

Confidence is the probability of the class that was called. The expected calibration error is
that of Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017): confidences in
(0, 1] fall in 15 bins of equal width, and the error is the mean gap between accuracy and mean
confidence over the bins, weighted by how many texts fall in them. The temperature is theirs
too: the one number all logits of a task are divided by that makes held-out labels likeliest.
Ours comes with a power (`models.metrics.Scale`), because a temperature alone cannot undo the
bend that smoothed labels leave: sure answers too timid, doubtful ones too bold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.metrics import PLAIN, Floats, Integers, Scale

BINS = 15
COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
# Where a temperature is looked for: beyond these a model is broken, not uncalibrated.
_COLDEST, _HOTTEST = 0.05, 20.0
_STEPS = 60
POWERS = tuple(1.0 + 0.1 * step for step in range(31))


@dataclass(frozen=True, slots=True)
class Bin:
    """Texts whose confidence lies in (low, high], with the mean of what was promised and of
    what was kept; both 0 where there is none."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Selection:
    """The surest texts: their share `coverage`, the least confidence among them, and how many
    of them are right."""

    coverage: float
    threshold: float
    accuracy: float


def bin_of(confidence: Floats) -> Integers:
    """The bin of each confidence, 0 to 14; an edge belongs to the bin below it."""
    places = np.ceil(confidence * BINS).astype(np.int64) - 1
    return np.clip(places, 0, BINS - 1)


def reliability(confidence: Floats, right: Floats) -> tuple[Bin, ...]:
    """What each bin promised and kept; `right` is 1 for a hit and 0 for a miss."""
    places = bin_of(confidence)
    n = np.bincount(places, minlength=BINS)
    least = np.maximum(n, 1)
    promised = np.bincount(places, weights=confidence, minlength=BINS) / least
    kept = np.bincount(places, weights=right, minlength=BINS) / least
    return tuple(
        Bin(k / BINS, (k + 1) / BINS, int(n[k]), float(promised[k]), float(kept[k]))
        for k in range(BINS)
    )


def calibration_error(confidence: Floats, right: Floats, weights: Floats | None = None) -> float:
    """The expected calibration error, each text counted `weights` times; 0 for no texts."""
    given = np.ones(len(confidence)) if weights is None else weights
    gaps = np.bincount(bin_of(confidence), weights=given * (right - confidence), minlength=BINS)
    total = float(given.sum())
    return float(np.abs(gaps).sum()) / total if total else 0.0


def fit_scale(logits: Floats, truth: Integers, powers: Sequence[float] = POWERS) -> Scale:
    """The scale under which `truth` is likeliest, of the `powers` tried; `PLAIN` for no texts.
    With the power 1 alone that is temperature scaling."""
    if not len(truth):
        return PLAIN
    behind = logits.max(axis=1, keepdims=True) - logits
    best, least = PLAIN, np.inf
    for power in powers:
        scores = -(behind**power)
        sharpness = _sharpness(scores, truth)
        weights = np.log(np.exp(scores * sharpness).sum(axis=1))
        loss = float((weights - scores[np.arange(len(truth)), truth] * sharpness).sum())
        if loss < least - 1e-6:
            best, least = Scale(sharpness ** (-1.0 / power), power), loss
    return best


def _sharpness(scores: Floats, truth: Integers) -> float:
    """What to multiply `scores` (0 for the highest of a row) by to make `truth` likeliest.

    The likelihood has one maximum in it, so halving an interval finds it.
    """
    chosen = scores[np.arange(len(truth)), truth]
    low, high = 1 / _HOTTEST, 1 / _COLDEST
    for _ in range(_STEPS):
        sharpness = (low * high) ** 0.5
        weights = np.exp(scores * sharpness)
        expected = (weights * scores).sum(axis=1) / weights.sum(axis=1)
        # the slope of the log likelihood: what the labels got less what was expected
        if float((chosen - expected).sum()) > 0:
            low = sharpness
        else:
            high = sharpness
    return float((low * high) ** 0.5)


def selective(
    confidence: Floats, right: Floats, coverages: Sequence[float] = COVERAGES
) -> tuple[Selection, ...]:
    """How right the classifier is when it may keep silent about the texts it is least sure of."""
    if not len(confidence):
        return ()
    order = np.argsort(-confidence, kind="stable")
    sure, hits = confidence[order], np.concatenate([[0.0], np.cumsum(right[order])])
    found = []
    for coverage in coverages:
        kept = max(1, round(coverage * len(order)))
        # of those that are as sure as the last kept, which are kept is chance: their mean counts
        first = int(np.searchsorted(-sure, -sure[kept - 1], "left"))
        end = int(np.searchsorted(-sure, -sure[kept - 1], "right"))
        alike = (hits[end] - hits[first]) / (end - first)
        right_of_kept = hits[first] + (kept - first) * alike
        found.append(Selection(coverage, float(sure[kept - 1]), float(right_of_kept) / kept))
    return tuple(found)
