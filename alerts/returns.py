"""How often a day a series exceeds a statistic, by its own past peaks: its return level.

A nominal probability says how rare a count is in a model; on real streams that is wrong by up
to 70 times. So each series remembers its own peaks above `LEAST`, a day apart, and an
exponential tail of them says what is exceeded how often:

    exceedances per day = rate * exp(-(statistic - LEAST) / excess)

`rate` is the number of peaks a day, `excess` how far they reach on average; both begin with
what the model itself says, worth `PRIOR_PEAKS` peaks, and no series peaks more often than it
has enough documents to. The peaks are those of windows of 1, 6
and 24 hours that begin with an hour that has just been learned: all of it is past by then, so
a burst never raises the bar that it is measured by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from alerts.surprise import NOISE_PER_HOUR, count_surprise, share_surprise

LEAST = 2.0
PRIOR_RATE = 0.1
"""Peaks above `LEAST` a day: about ten independent tests a day, one in a hundred each."""
PRIOR_EXCESS = 0.4343
"""1 / ln 10: the tail of a -log10 probability that is right."""
PRIOR_PEAKS = 2.0
APART_HOURS = 24
MOST_EXCESS = 3.0
"""No peak teaches more: one catastrophe must not make a series deaf."""
SPANS = (1, 6, 24)
LEAST_DOCUMENTS = 3
"""A peak of fewer documents than any rule would open on says nothing."""


@dataclass(frozen=True, slots=True)
class Returns:
    """The peaks of one series: how many a day, and their mean excess over `LEAST`."""

    rate: float = PRIOR_RATE
    excess: float = PRIOR_EXCESS

    def per_day(self, statistic: float) -> float:
        """How often a day `statistic` is exceeded."""
        return self.rate * exp(-(statistic - LEAST) / self.excess)

    def level(self, per_day: float) -> float:
        """The statistic that is exceeded so often a day. Below `LEAST` the tail is drawn on: a
        company with two posts a day peaks less often than a generous budget allows."""
        return max(0.0, LEAST + self.excess * log(self.rate / per_day))


def returns_of(peaks: float, excesses: float, days: float, mean: float) -> Returns:
    """From decayed sums: the number of peaks, their excesses, and the days they were seen in.

    `mean` is the usual number of documents an hour: it says how often a day there are enough
    to peak at all.
    """
    number = PRIOR_PEAKS + peaks
    prior_rate = max(1e-6, min(PRIOR_RATE, chance_of_enough(mean)))
    return Returns(
        rate=number / (PRIOR_PEAKS / prior_rate + days),
        excess=(PRIOR_PEAKS * PRIOR_EXCESS + excesses) / number,
    )


def chance_of_enough(mean: float) -> float:
    """The chance that a day holds as many documents as any alert needs, where an hour usually holds
    `mean`."""
    return float(10.0 ** -count_surprise(LEAST_DOCUMENTS, 24.0 * mean, 0.5))


def highest(counts: Sequence[int], mean: float, known: float, over: float) -> float:
    """The highest statistic of the windows that begin with the first of the hourly `counts`,
    where an hour usually holds `mean`: `known` is the dispersion of not knowing it well, `over`
    the over-dispersion of hours. 0 where nothing is known yet or no window holds enough."""
    found = 0.0
    for span in SPANS:
        count = sum(counts[:span])
        if mean > 0.0 and count >= LEAST_DOCUMENTS:
            together = (1.0 + 0.25 * (span - 1)) / span
            dispersion = known + together * max(0.02, over)
            expected = (NOISE_PER_HOUR + mean) * span
            found = max(found, count_surprise(count, expected, dispersion))
    return found


def highest_share(counts: Sequence[tuple[int, int]], usual: float, weight: float) -> float:
    """The same of the negative share: `counts` are (documents, negative ones) of hours, `usual`
    is the share known as well as `weight` documents would tell it."""
    found = 0.0
    for span in SPANS:
        documents = sum([one for one, _ in counts[:span]])
        negatives = sum([one for _, one in counts[:span]])
        if negatives >= LEAST_DOCUMENTS:
            found = max(found, share_surprise(negatives, documents, usual, weight))
    return found
