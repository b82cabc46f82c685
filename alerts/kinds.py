"""Kinds of detector: how surprising a count is, and what that must reach.

A kind is one small class and a name in `alerts.rules.KINDS`; a rule chooses it by
`detector: {kind: rolling-z}`. Windows, evidence, share and episodes are the same for all.
"""

from collections.abc import Mapping
from math import inf, log10, sqrt
from typing import Protocol

from alerts.returns import Returns
from alerts.rules import Detector
from alerts.surprise import count_surprise
from alerts.usual import Usual

LOOKS_A_DAY = 3.0
"""Independent looks a day that the windows of a sparse series come to, all together."""


class Kind(Protocol):
    """Both answers are on one scale of the kind's own, 0 being no surprise at all."""

    reads_pulse: bool
    """Whether the volume of a busy series is read by `alerts.pulse` instead."""

    chance: bool
    """Whether the statistic is -log10 of a chance."""

    def statistic(self, observed: int, hours: float, usual: Usual, tries: float) -> float:
        """How surprising `observed` documents are in a window of `hours`; `tries` is what the
        chance is multiplied with, as other windows are looked at too."""

    def threshold(self, detector: Detector, returns: Returns, allowed: float) -> float:
        """What opens an alert where `allowed` false alarms a day are."""

    def share_threshold(self, detector: Detector, returns: Returns, allowed: float) -> float:
        """What the surprise of the negative share must reach to open one by itself."""


class NegativeBinomial:
    """-log10 of a chance, against the series' own return level: what ships."""

    reads_pulse = True
    chance = True

    def statistic(self, observed: int, hours: float, usual: Usual, tries: float) -> float:
        """-log10 min(1, tries * P(N >= observed)), N negative binomial."""
        surprise = count_surprise(observed, usual.per_hour * hours, usual.dispersion)
        return max(0.0, surprise - log10(tries))

    def threshold(self, detector: Detector, returns: Returns, allowed: float) -> float:
        """The statistic this series exceeds `allowed` times a day, by its own past peaks and by
        the model's own chances, whichever is the higher: neither alone is to be trusted."""
        return max(detector.open_above, returns.level(allowed), nominal(allowed))

    def share_threshold(self, detector: Detector, returns: Returns, allowed: float) -> float:
        """The same of the share's statistic and peaks."""
        return self.threshold(detector, returns, allowed)


def nominal(allowed: float) -> float:
    """The statistic that is exceeded `allowed` times a day if the chances it states are right."""
    return log10(LOOKS_A_DAY / allowed)


class RollingZ:
    """Standard deviations above the mean of the last days: the baseline to beat."""

    reads_pulse = False
    chance = False

    def statistic(self, observed: int, hours: float, usual: Usual, tries: float) -> float:
        """(observed - mean) / deviation; neither the week nor the windows tried count."""
        expected = usual.flat_per_hour * hours
        deviation = sqrt(max(1.0, expected + usual.dispersion * expected * expected))
        return max(0.0, (observed - expected) / deviation)

    def threshold(self, detector: Detector, returns: Returns, allowed: float) -> float:
        """`open_above`: a plain z knows nothing of false alarms."""
        return detector.open_above

    def share_threshold(self, detector: Detector, returns: Returns, allowed: float) -> float:
        """Never: the baseline is the count alone."""
        return inf


KINDS: Mapping[str, Kind] = {"negative-binomial": NegativeBinomial(), "rolling-z": RollingZ()}
