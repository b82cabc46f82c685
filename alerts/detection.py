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

Of the two, each window is tested by the one that stands out more. The volume of a busy series,
whose hours say too little of its minutes, is judged by the rarity of its five minutes instead
(`alerts/busy_volume.py`), beside the shares of the windows.
"""

from dataclasses import replace
from datetime import datetime
from math import inf

from alerts.bar import bar_of
from alerts.busy_volume import busy_volume_test
from alerts.held import fewest_voices, held_in, voices_heard, windows_of
from alerts.kinds import KINDS
from alerts.minutes import minute_number, minute_start
from alerts.pulse import BIN_MINUTES, BUSY, KNOWN, Pulse
from alerts.rules import Detector, Rule
from alerts.series import Series
from alerts.surprise import share_surprise
from alerts.usual import usual_of
from alerts.verdict import ALLOWED, SHARE, Verdict
from alerts.weekly import FLAT
from alerts.window_tests import tested

YOUNG_HOURS = 7 * 24.0
COLD_HOURS = 4 * 24.0
COLD_BUSY = 0.3
"""Negative documents an hour above which the volume says nothing in the first days: what the hours
of a day are to such a series is not known yet, and the prior of a sparse one is no help."""


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
    bar = bar_of(rule, series, max(0.0, 1.0 - known_hours / YOUNG_HOURS), allowed)
    pulse = _pulse(rule, series, minute)
    # once for all windows: those of the longest end with those of the others
    busy = series.upcoming(min(one.first for one in held) // 60, minute // 60, fleet)
    usuals = [
        usual_of(detector, series, minute // 60, one.first // 60, one.hours(minute), busy)
        for one in held
    ]
    shares = [
        share_surprise(one.negatives, one.documents, usual.share, usual.share_weight)
        for one, usual in zip(held, usuals, strict=True)
    ]
    bar = replace(bar, day_documents=held[-1].documents, day_share=shares[-1])
    by_hours = bar
    cold = known_hours < COLD_HOURS and usuals[-1].flat_per_hour > COLD_BUSY
    if pulse or (cold and KINDS[detector.kind].reads_pulse):
        # of busy series the hours tell too little
        bar = replace(bar, threshold=inf)
    tests = [
        tested(detector, *each, minute, bar)
        for each in zip(held, usuals, shares, strict=True)
        if min(bar.threshold, bar.share_threshold) < inf
    ]
    if pulse:
        own = held[0], usuals[0]
        tests.append(busy_volume_test(detector, series, minute, earliest, own, by_hours, fleet))
    return Verdict(
        at=at,
        tests=tuple(tests),
        breaches=tuple(test for test in tests if by_hours.is_reached(test)),
    )


def _pulse(rule: Rule, series: Series, minute: int) -> Pulse | None:
    """What the volume of a series is read by that is busy, or was until a week or two ago."""
    pulse = series.pulse
    if pulse is None or rule.signal == SHARE or not KINDS[rule.detector.kind].reads_pulse:
        return None
    return pulse if pulse.age_at(minute) >= KNOWN and series.mean() >= BUSY / 2 else None


def outlook(
    detector: Detector, series: Series, hours: int, fleet: tuple[float, ...] = FLAT
) -> tuple[float, float]:
    """(expected, dispersion) of the novel negative documents of the next `hours`, by what
    `series` holds, by the arithmetic of hours: for pictures."""
    hour = series.minute // 60
    busy = series.upcoming(hour, hour + hours, fleet)
    usual = usual_of(detector, series, hour + hours, hour, float(hours), busy)
    return usual.per_hour * hours, usual.dispersion


def in_hindsight(rule: Rule, series: Series, minute: int, hours: int) -> tuple[float, float] | None:
    """The same of the `hours` that end with `minute`, by the five minutes before and in them that
    a busy series' volume is judged by; None where it is judged by its hours."""
    pulse, bins = _pulse(rule, series, minute), hours * 60 // BIN_MINUTES
    if pulse is None or pulse.age_at(minute) < bins:
        return None
    channels = pulse.read(series.minutes, minute).channels
    found = next((one for one in channels if one.bins == bins), None)
    return None if found is None else (found.expected, found.dispersion)
