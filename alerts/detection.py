"""The verdict: is this many negative documents a surprise for this series, now?

For each window of the rule, the novel negative documents in it are compared with what the
series' own past makes likely. The past is a Gamma-Poisson rate (a wide prior, seven days
half-life) over event time *before* the window, so a burst is never part of its own baseline;
hours that stand out teach no more than a ceiling. With rate shape `a` and hours `b`:

    expected   = (a / b) * hours of the window
    dispersion = 1/a + over-dispersion of the hours      (not knowing the rate, and bursts)
    statistic  = -log10 min(1, windows * P(N >= observed)),  N negative binomial

and the negative share must be surprising too (beta-binomial against the usual share).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp2, log2, log10

from alerts.rules import Detector, Rule
from alerts.series import (
    MINUTES_KEPT,
    VOICES_KEPT,
    Series,
    minute_number,
    minute_start,
    unpacked,
)
from alerts.surprise import count_interval, count_surprise, share_surprise

DETECTOR = "negative-binomial"
# A share is never known better than this many documents would tell: habits drift.
MOST_SHARE_WEIGHT = 200.0
PRIOR_SHARE_WEIGHT = 20.0
# μ² of hours it takes for the estimated over-dispersion to outweigh the assumed one.
DISPERSION_WEIGHT = 10.0
LEAST_DISPERSION = 0.02
# Correlation assumed between the rates of two hours of one window.
HOURS_TOGETHER = 0.25
YOUNG_HOURS = 7 * 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowTest:
    """One window's arithmetic. `scale_minutes` is the window as the rule names it; windows
    over an hour begin with a full hour, so `window_minutes` may be up to an hour shorter."""

    scale_minutes: int
    window_minutes: int
    observed: int
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

    @property
    def severity(self) -> int:
        """0 to 100: 100 * (1 - exp2(-(statistic/7 + log2(1 + excess)/5))), excess being the
        documents above the expected ones. How sure and how much, both with falling returns."""
        excess = max(0.0, self.observed - self.expected)
        strength = self.statistic / 7.0 + log2(1.0 + excess) / 5.0
        return round(100.0 * (1.0 - exp2(-strength)))

    @property
    def interval(self) -> tuple[float, float]:
        """The central 95 % of the counts to expect."""
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
        return max(self.breaches, key=lambda test: test.statistic, default=None)

    def loudest(self, scale_minutes: int) -> WindowTest | None:
        """The most surprising window no longer than `scale_minutes`."""
        within = (test for test in self.tests if test.scale_minutes <= scale_minutes)
        return max(within, key=lambda test: test.statistic, default=None)


def judge(rule: Rule, series: Series, now: datetime, after: datetime | None = None) -> Verdict:
    """The verdict for the minute `now` lies in, from what `series` holds up to its end.

    `after` is when the last alert that fired was resolved: what came before was told already
    and is not counted again.
    """
    minute = minute_number(now)
    detector = rule.detector
    at = minute_start(minute)
    if len(series.voices) < _fewest_voices(detector):
        return Verdict(at=at)
    known_hours = minute / 60.0 - series.since
    if known_hours * 3600.0 < detector.learning.total_seconds():
        return Verdict(at=at, learning=True)
    youth = max(0.0, 1.0 - known_hours / YOUNG_HOURS)
    threshold = detector.open_above + detector.young_penalty * youth
    earliest = 0 if after is None else minute_number(after) + 1
    tests = []
    for window in detector.windows:
        test = _tested(detector, series, window, minute, earliest, threshold)
        if test is not None:
            tests.append(test)
    return Verdict(
        at=at,
        tests=tuple(tests),
        breaches=tuple(
            test
            for test in tests
            if test.statistic >= threshold and test.share_statistic >= detector.share_above
        ),
    )


def _fewest_voices(detector: Detector) -> int:
    return min(detector.minimum, detector.minimum_under_hour) if detector.independent else 1


def _tested(
    detector: Detector,
    series: Series,
    window: timedelta,
    minute: int,
    earliest: int,
    threshold: float,
) -> WindowTest | None:
    scale = int(window.total_seconds()) // 60
    first = minute - scale + 1 if scale <= 60 else (minute // 60 - scale // 60 + 1) * 60
    # the past of a window is what lies before it: a day's window learns a day longer
    if (first // 60 - series.since) * 3600.0 < detector.learning.total_seconds():
        return None
    if first < earliest:
        # further back than single minutes are kept, only full hours can be left out
        kept = series.minute - MINUTES_KEPT
        first = earliest if earliest >= kept else -(-earliest // 60) * 60
    if first > minute:
        return None
    documents, negatives = unpacked(series.counts(first, minute))
    least = detector.minimum_under_hour if scale < 60 else detector.minimum
    if negatives < least:
        return None
    heard = [voice for voice in series.voices.values() if first <= voice.minute <= minute]
    voices, stories = len(heard), len({voice.story for voice in heard})
    if detector.independent and min(voices, stories) < least:
        return None
    observed = negatives
    if detector.per_voice and voices < VOICES_KEPT:  # else there may be more than are kept
        observed = min(negatives, detector.per_voice * voices)
    window_hours = (minute + 1 - first) / 60.0
    usual = _usual(detector, series, minute // 60, first // 60, window_hours)
    expected = usual.per_hour * window_hours
    surprise = count_surprise(observed, expected, usual.dispersion)
    statistic = max(0.0, surprise - log10(len(detector.windows)))
    if statistic < detector.close_below:
        share_statistic = 0.0
    else:
        share_statistic = share_surprise(negatives, documents, usual.share, usual.share_weight)
    return WindowTest(
        scale_minutes=scale,
        window_minutes=minute + 1 - first,
        observed=observed,
        expected=expected,
        dispersion=usual.dispersion,
        statistic=statistic,
        threshold=threshold,
        documents=documents,
        share=negatives / documents,
        usual_share=usual.share,
        share_statistic=share_statistic,
        stories=stories,
        voices=voices,
    )


def outlook(detector: Detector, series: Series, hours: int) -> tuple[float, float]:
    """(expected, dispersion) of the novel negative documents of the next `hours`, by what
    `series` holds: for pictures, by the arithmetic of the tests."""
    hour = series.minute // 60
    usual = _usual(detector, series, hour + hours, hour, float(hours))
    return usual.per_hour * hours, usual.dispersion


@dataclass(frozen=True, slots=True)
class _Usual:
    per_hour: float
    dispersion: float
    share: float
    share_weight: float


def _usual(
    detector: Detector, series: Series, hour: int, first_hour: int, window_hours: float
) -> _Usual:
    """The baseline from all hours that ended before the window began and two hours ago."""
    learned_until = series.learned_until
    faded = series.faded(learned_until)
    learned_hours = series.learned_hours()
    learned = series.negatives * faded
    documents = series.share_documents * faded
    recent = range(learned_until, max(learned_until, min(first_hour, hour - 2)))
    counts = [unpacked(series.hours.get(number, 0)) for number in recent]
    long_known = learned_hours >= 24.0
    mean = learned / learned_hours if long_known else 0.0
    most = series.ceiling([count for _, count in counts], mean)
    clipped = [min(float(count), most) for _, count in counts]
    shape = detector.prior_weight + learned + sum(clipped)
    hours = detector.prior_weight / detector.prior_per_hour + learned_hours + len(recent)
    rate = shape / hours
    # hours of a long window go together only in part, so they even out in part
    length = max(1.0, window_hours)
    together = (1.0 + HOURS_TOGETHER * (length - 1.0)) / length
    weights = _weights(counts, series.ceiling, documents / learned_hours if long_known else 0.0)
    known_documents = documents + sum(
        weight * count for weight, (count, _) in zip(weights, counts, strict=True)
    )
    known_negatives = series.share_negatives * faded + sum(
        weight * count for weight, (_, count) in zip(weights, counts, strict=True)
    )
    return _Usual(
        per_hour=rate,
        dispersion=1.0 / shape + together * _overdispersion(detector, series, rate, clipped, faded),
        share=(detector.prior_share * PRIOR_SHARE_WEIGHT + known_negatives)
        / (PRIOR_SHARE_WEIGHT + known_documents),
        share_weight=min(MOST_SHARE_WEIGHT, PRIOR_SHARE_WEIGHT + known_documents),
    )


def _weights(
    counts: list[tuple[int, int]], ceiling: Callable[[list[int], float], float], learned: float
) -> list[float]:
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
