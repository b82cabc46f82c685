"""The verdict: is this many negative documents a surprise for this series, now?

For each window of the rule, the novel negative documents in it are compared with what the
series' own past makes likely (`alerts/usual.py`):

    expected  = usual documents an hour * hours of the window
    statistic = -log10 min(1, tries * P(N >= observed)),  N negative binomial

`tries` being what looking at several windows costs: a window's part of the chances grows with the
square root of its length, so that ten minutes do not cry as often as a day. That opens an alert
where it is above what this series exceeds as often as it is allowed to by the operator's false
alarms a day (`alerts/returns.py`), and where the negative share is above the usual one, the more
clearly the more documents show it: a day that is loud and no worse than others opens nothing. A
share that is surprising enough by itself, against the share's own peaks, opens as well, however
many documents there are, though few must be ten times as surprising:

    share statistic = -log10 min(1, tries * P(X >= observed)), X beta-binomial among the
                      documents of the window

Of the two, each window is tested by the one that stands out more.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from math import inf, log10

from alerts.held import Held, fewest_voices, held_in, tries, voices_heard, windows_of
from alerts.kinds import KINDS, nominal
from alerts.minutes import minute_number, minute_start
from alerts.pulse import KNOWN, Pulse
from alerts.pulse_test import tested
from alerts.returns import Returns
from alerts.rules import Detector, Rule
from alerts.series import Series
from alerts.surprise import share_surprise
from alerts.usual import Usual, usual_of
from alerts.verdict import ALLOWED, SHARE, VOLUME, Verdict, WindowTest
from alerts.voices import VOICES_KEPT
from alerts.weekly import FLAT

YOUNG_HOURS = 7 * 24.0
COLD_HOURS = 4 * 24.0
COLD_BUSY = 0.3
"""Negative documents an hour above which the volume says nothing in the first days: what the hours
of a day are to such a series is not known yet, and the prior of a sparse one is no help."""
MOST_SHARE_ASKED = 2.0
DOCUMENTS_A_UNIT = 100.0
"""So many documents ask for one power of ten more of the share in a surge, and for one less of a
share that opens by itself: what few documents say of it foretells little."""
PLAINLY_WORSE = 3.0
"""A share so surprising says by itself that a surge is bad news, whatever the day was like."""


def judge(
    rule: Rule,
    series: Series,
    now: datetime,
    after: datetime | None = None,
    allowed: float = ALLOWED,
    fleet: tuple[float, ...] = FLAT,
) -> Verdict:
    """The verdict for the minute `now` lies in, from what `series` holds up to its end, where
    the series is allowed so many false alarms a day and the `fleet` has such a week.

    `after` is when the last alert that fired was resolved: what came before was told already
    and is not counted again.
    """
    minute = minute_number(now)
    detector = rule.detector
    at = minute_start(minute)
    if voices_heard(detector, series, minute) < fewest_voices(detector):
        return Verdict(at=at)
    known_hours = minute / 60.0 - series.since
    if known_hours * 3600.0 < detector.learning.total_seconds():
        return Verdict(at=at, learning=True)
    earliest = 0 if after is None else minute_number(after) + 1
    windows = windows_of(detector, series, minute, earliest)
    held = held_in(detector, series, minute, windows)
    if not held:
        return Verdict(at=at)
    bar = _bar(rule, series, max(0.0, 1.0 - known_hours / YOUNG_HOURS), allowed)
    pulse = _pulse(rule, series)
    # once for all windows: those of the longest end with those of the others
    busy = series.upcoming(min(one.first for one in held) // 60, minute // 60, fleet)
    usuals = [
        usual_of(detector, series, minute // 60, one.first // 60, one.hours(minute), busy)
        for one in held
    ]
    cold = known_hours < COLD_HOURS and usuals[-1].flat_per_hour > COLD_BUSY
    if pulse or (cold and KINDS[detector.kind].reads_pulse):
        # of busy series the hours tell too little
        bar = replace(bar, threshold=inf)
    shares = [
        share_surprise(one.negatives, one.documents, usual.share, usual.share_weight)
        for one, usual in zip(held, usuals, strict=True)
    ]
    bar = replace(bar, day_documents=held[-1].documents, day_share=shares[-1])
    tests = [
        _tested(detector, *each, minute, bar)
        for each in zip(held, usuals, shares, strict=True)
        if min(bar.threshold, bar.share_threshold) < inf
    ]
    if pulse:
        threshold = max(detector.open_above, nominal(allowed)) + pulse.penalty
        tests += tested(detector, series, minute, earliest, (threshold, allowed), fleet)
    return Verdict(
        at=at,
        tests=tuple(tests),
        breaches=tuple(test for test in tests if bar.is_reached(test)),
    )


def _pulse(rule: Rule, series: Series) -> Pulse | None:
    """What the volume of a busy series is read by."""
    pulse, kind = series.pulse, rule.detector.kind
    if pulse is None or pulse.age < KNOWN or rule.signal == SHARE or not KINDS[kind].reads_pulse:
        return None
    return pulse


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
        if test.margin < 0.0:
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


def _bar(rule: Rule, series: Series, youth: float, allowed: float) -> Bar:
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


def _tested(
    detector: Detector,
    held: Held,
    usual: Usual,
    share_statistic: float,
    minute: int,
    bar: Bar,
) -> WindowTest:
    first, documents, negatives, voices = held.first, held.documents, held.negatives, held.voices
    observed = negatives
    if detector.per_voice and voices < VOICES_KEPT:  # else there may be more than are kept
        observed = min(negatives, detector.per_voice * voices)
    window_hours = held.hours(minute)
    expected = usual.per_hour * window_hours
    kind, looks = KINDS[detector.kind], tries(detector.windows, held.scale)
    statistic = kind.statistic(observed, window_hours, usual, looks)
    volume = WindowTest(
        scale_minutes=held.scale,
        window_minutes=minute + 1 - first,
        observed=observed,
        expected=expected,
        dispersion=usual.dispersion,
        statistic=statistic,
        threshold=bar.threshold,
        allowed=bar.allowed,
        returns=bar.returns,
        documents=documents,
        share=negatives / documents,
        usual_share=usual.share,
        share_weight=usual.share_weight,
        share_statistic=share_statistic,
        stories=held.stories,
        voices=voices,
        tries=looks,
    )
    # what one voice said too often is left out here too
    heard, surprise = documents, share_statistic
    if observed < negatives:
        heard = documents - negatives + observed
        surprise = share_surprise(observed, heard, usual.share, usual.share_weight)
    by_share = replace(
        volume,
        signal=SHARE,
        documents=heard,
        expected=heard * usual.share,
        share=observed / heard,
        share_statistic=surprise,
        statistic=max(0.0, surprise - log10(looks)),
        threshold=bar.share_threshold + max(0.0, 1.0 - heard / DOCUMENTS_A_UNIT),
        returns=bar.share_returns,
    )
    opening = [test for test in (volume, by_share) if bar.is_reached(test)]
    if opening:
        return max(opening, key=lambda test: test.margin)
    # how calm it is tells the larger of those the rule asks for
    asked = [test for test in (volume, by_share) if test.threshold < inf]
    return max(asked, key=lambda test: test.statistic)


def outlook(
    detector: Detector, series: Series, hours: int, fleet: tuple[float, ...] = FLAT
) -> tuple[float, float]:
    """(expected, dispersion) of the novel negative documents of the next `hours`, by what
    `series` holds: for pictures, by the arithmetic of the tests."""
    hour = series.minute // 60
    busy = series.upcoming(hour, hour + hours, fleet)
    usual = usual_of(detector, series, hour + hours, hour, float(hours), busy)
    return usual.per_hour * hours, usual.dispersion
