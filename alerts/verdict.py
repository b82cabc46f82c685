"""What a verdict is: the arithmetic of each window, and which of them open an alert."""

from dataclasses import dataclass, field
from datetime import datetime
from math import exp2, log2

from alerts.returns import Returns
from alerts.surprise import count_interval, share_interval

# A series' part where nobody says otherwise: one false alarm in a hundred days.
ALLOWED = 0.01
VOLUME, SHARE = "negative_volume", "negative_share"


@dataclass(frozen=True, slots=True, kw_only=True)
class RarityNumbers:
    """What the rarity of a busy series' count is made of (`alerts/rarity.py`), each statistic with
    how many peaks of it come a day and how far they reach on average:

        scales_rarity   = -log10(scales_per_day) + scales / scales_excess / ln 10
        multiple_rarity = -log10(multiple_per_day) + (multiple - 3) / multiple_excess / ln 10
        rarity          = 0.3 scales_rarity + 0.7 multiple_rarity; of what is beyond 1, 0.6

    where a negative distance above the least counts without `…_excess`. The rarity is -log10 of
    times a day.
    """

    scales: float
    """How far all windows from five minutes to a day stand out together."""
    scales_per_day: float
    scales_excess: float
    multiple: float
    """The log likelihood ratio of a rate three times the usual one."""
    multiple_per_day: float
    multiple_excess: float


def strength(statistic: float, rarity: RarityNumbers | None) -> float:
    """A statistic on one scale for all tests: a rarity is no chance and grows half as fast."""
    return statistic if rarity is None else 2.0 * statistic


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowTest:
    """One window's arithmetic. `scale_minutes` is the window as the rule names it; windows
    over an hour begin with a full hour, so `window_minutes` may be up to an hour shorter."""

    scale_minutes: int
    window_minutes: int
    observed: float
    expected: float
    dispersion: float
    statistic: float
    threshold: float
    documents: int
    share: float
    usual_share: float
    share_statistic: float
    stories: int
    voices: int
    tries: float = 1.0
    """What the chance is multiplied with for the windows that are looked at."""
    share_weight: float | None = None
    allowed: float = ALLOWED
    returns: Returns = field(default_factory=Returns)
    signal: str = VOLUME
    """Which of the two signals `statistic`, `expected` and `threshold` are of."""
    limit: bool = False
    """Whether the threshold is a plain limit a rule states, and no surprise."""
    chance: bool = True
    """Whether the statistic is -log10 of a chance."""
    usual_interval: tuple[float, float] | None = None
    """What is usual where `observed` is no count."""
    close: float | None = None
    """Below which it is calm again, where that is not what the rule says."""
    rarity: RarityNumbers | None = None
    """Of a busy series: `statistic` is of all windows up to a day, this one the loudest."""
    held_back: bool = False
    """Whether it opens nothing, however surprising: it is the talk of too few."""

    @property
    def strength(self) -> float:
        """The statistic on one scale for all tests."""
        return strength(self.statistic, self.rarity)

    @property
    def margin(self) -> float:
        """How far the statistic lies above what it must reach."""
        return self.statistic - self.threshold

    @property
    def p_value(self) -> float:
        """The chance behind the statistic; 1 where none is computed."""
        return 10.0**-self.statistic if self.chance else 1.0

    @property
    def severity(self) -> int:
        """0 to 100: 100 * (1 - exp2(-(statistic/7 + log2(1 + excess)/5))), excess being the
        documents above the expected ones. How sure and how much, both with falling returns. The
        statistic of a rarity counts twice.
        Of a plain limit 100 * (1 - exp2(-statistic/threshold)): 50 where it is just reached."""
        if self.limit:
            return round(100.0 * (1.0 - exp2(-self.statistic / self.threshold)))
        excess = max(0.0, self.observed - self.expected)
        sure_and_much = self.strength / 7.0 + log2(1.0 + excess) / 5.0
        return round(100.0 * (1.0 - exp2(-sure_and_much)))

    @property
    def interval(self) -> tuple[float, float]:
        """The central 95 % of the counts to expect."""
        if self.usual_interval is not None:
            return self.usual_interval
        if self.signal == SHARE and self.share_weight is not None:
            return share_interval(self.documents, self.usual_share, self.share_weight)
        return count_interval(self.expected, self.dispersion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said about one series under one rule for the minute that begins `at`.

    `tests` holds the windows with enough evidence to be tested, `breaches` those of them
    that would open an alert; a series that is `learning` has none.
    """

    at: datetime
    learning: bool = False
    tests: tuple[WindowTest, ...] = ()
    breaches: tuple[WindowTest, ...] = ()

    @property
    def breach(self) -> WindowTest | None:
        """The most surprising window that opens an alert."""
        return max(self.breaches, key=lambda test: test.strength, default=None)

    def loudest(self, scale_minutes: int, close_below: float) -> WindowTest | None:
        """The most surprising window no longer than `scale_minutes`, or of all of them, that is
        not calm again; None where all are."""
        within = (
            test
            for test in self.tests
            if (test.scale_minutes <= scale_minutes or test.rarity is not None)
            and test.statistic >= (close_below if test.close is None else test.close)
        )
        return max(within, key=lambda test: test.strength, default=None)
