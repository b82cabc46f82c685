"""The numbers behind a verdict, as an alert carries them."""

from dataclasses import dataclass
from datetime import datetime

from alerts.rules import Rule
from alerts.verdict import RarityNumbers, WindowTest, strength
from pipeline.documents import Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """The numbers behind a verdict. Counts are of novel documents (first of their story).

    `observed` in the `window_seconds` up to `at` against `expected` with its 95 % interval;
    `statistic` is -log10 of `p_value`, the chance of so many or more by the model named in
    `detector`, times `tries`, what looking at several `windows` costs (absent: their number);
    the alert opens above `threshold` (of the statistic) and closes below `close_threshold`. The
    window ends with the minute that begins `at`; it is the rule's window `scale_seconds` or its
    part after the last alert.
    `share` is the negative share of the window, `usual_share` its history, known as well as
    `share_weight` documents would tell it, `share_p_value` the chance of so large a share
    (beta-binomial). The interval is of the count; `dispersion` d means a variance of
    expected + d * expected².
    Where `signal` is `negative_share`, the count is set against the documents of the window:
    expected = documents * usual_share, p_value = tries * share_p_value.
    By its own past the series exceeds this statistic `per_day` times a day, and it is allowed
    `allowed_per_day` false alarms: with the rate `peaks_per_day` of its peaks above 2 and their
    mean `peak_excess`, per_day = peaks_per_day * exp(-(statistic - 2) / peak_excess).
    Of a `sentiment_index` the `documents` are all of the window, retold stories too.
    Where `detector` is `rarity`, the series is busy and read in steps of five minutes: statistic =
    rarity + log10(3), of all windows up to a day together, `rarity` being its parts; the window
    named is the loudest, and its spread is that of its own past.
    """

    detector: str
    signal: str
    at: Time
    window_seconds: int
    observed: float
    expected: float
    interval: tuple[float, float]
    dispersion: float
    statistic: float
    p_value: float
    threshold: float
    close_threshold: float
    documents: int
    share: float
    usual_share: float
    stories: int
    voices: int
    share_p_value: float = 1.0
    share_weight: float | None = None
    windows: int = 1
    scale_seconds: int = 0
    per_day: float | None = None
    allowed_per_day: float | None = None
    peaks_per_day: float | None = None
    peak_excess: float | None = None
    tries: float | None = None
    rarity: RarityNumbers | None = None

    @property
    def strength(self) -> float:
        """The statistic on one scale for all tests."""
        return strength(self.statistic, self.rarity)


def arithmetic_of(test: WindowTest, rule: Rule, at: datetime) -> Arithmetic:
    """The test's numbers as an alert carries them."""
    # a plain limit, and what is no chance, have no return level
    budgeted = test.chance and not test.limit
    return Arithmetic(
        detector=_detector(test, rule),
        signal=test.signal if rule.condition is None else rule.signal,
        at=at,
        window_seconds=test.window_minutes * 60,
        observed=test.observed,
        expected=test.expected,
        interval=test.interval,
        dispersion=test.dispersion,
        statistic=test.statistic,
        p_value=test.p_value,
        threshold=test.threshold,
        close_threshold=rule.detector.close_below if test.close is None else test.close,
        documents=test.documents,
        share=test.share,
        usual_share=test.usual_share,
        stories=test.stories,
        voices=test.voices,
        share_p_value=10.0**-test.share_statistic,
        share_weight=test.share_weight,
        windows=len(rule.detector.windows),
        scale_seconds=test.scale_minutes * 60,
        per_day=test.returns.per_day(test.statistic) if budgeted else None,
        allowed_per_day=test.allowed if budgeted else None,
        peaks_per_day=test.returns.rate if budgeted else None,
        peak_excess=test.returns.excess if budgeted else None,
        tries=test.tries,
        rarity=test.rarity,
    )


def _detector(test: WindowTest, rule: Rule) -> str:
    if test.rarity is not None:
        return "rarity"
    return rule.detector.kind if rule.condition is None else rule.condition.kind
