"""What the statistics of a window must reach to open an alert."""

from dataclasses import dataclass
from math import inf

from alerts.kinds import KINDS
from alerts.returns import Returns
from alerts.rules import Rule
from alerts.series import Series
from alerts.verdict import SHARE, VOLUME, WindowTest

MOST_SHARE_ASKED = 2.0
DOCUMENTS_A_UNIT = 100.0
"""So many documents ask for one power of ten more of the share in a surge, and for one less of a
share that opens by itself: what few documents say of it foretells little."""
PLAINLY_WORSE = 3.0
"""A share so surprising says by itself that a surge is bad news, whatever the day was like."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What the statistics must reach, and why: `share` is asked of a surge in volume, and more
    where many documents show it, `share_threshold` of a share that opens by itself."""

    threshold: float
    share: float
    allowed: float
    returns: Returns
    share_threshold: float
    share_returns: Returns
    day_documents: int = 0
    day_share: float = inf
    """The documents of the longest window, and how surprising their share is."""

    def is_reached(self, test: WindowTest) -> bool:
        """Whether `test` opens an alert; volume that is no worse than usual opens nothing."""
        if test.margin < 0.0 or test.held_back:
            return False
        if test.signal == SHARE or test.share_statistic >= max(self.share, PLAINLY_WORSE):
            return True
        if test.share_statistic < self.share_asked(test.documents):
            return False
        # many looks at a loud day find an hour that seems worse; of a busy series the day is so
        # many documents that half an hour changes nothing in it
        return test.rarity is not None or self.day_share >= self.share_asked(self.day_documents)

    def share_asked(self, documents: int) -> float:
        """The surprise of the share that a surge must have, shown by so many documents."""
        most = max(self.share, MOST_SHARE_ASKED)
        return min(most, self.share + documents / DOCUMENTS_A_UNIT)


def bar_of(rule: Rule, series: Series, youth: float, allowed: float) -> Bar:
    """What opens an alert by `rule` where the series is allowed so many false alarms a day; `youth`
    is 1 at first and 0 after the first week."""
    detector, kind = rule.detector, KINDS[rule.detector.kind]
    returns, share_returns = series.returns()
    penalty = detector.young_penalty * youth
    threshold = kind.threshold(detector, returns, allowed) + penalty
    share_threshold = kind.share_threshold(detector, share_returns, allowed) + penalty
    return Bar(
        threshold if rule.signal != SHARE else inf,
        detector.share_above,
        allowed,
        returns,
        share_threshold if rule.signal != VOLUME else inf,
        share_returns,
    )
