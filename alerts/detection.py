"""The verdict: is this many negative documents a surprise for this series, now?

For each window of the rule, the novel negative documents in it are compared with what the
series' own past makes likely (`alerts/usual.py`):

    expected  = usual documents an hour * hours of the window
    statistic = -log10 min(1, windows * P(N >= observed)),  N negative binomial

That opens an alert where it is above what this series exceeds as often as it is allowed to by
the operator's false alarms a day (`alerts/returns.py`), and where the negative share is
surprising too (beta-binomial against the usual share). A share that is surprising enough by
itself opens as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import exp2, log2, log10

from alerts.kinds import KINDS
from alerts.minutes import minute_number, minute_start, unpacked
from alerts.returns import Returns
from alerts.rules import Detector, Rule
from alerts.series import MINUTES_KEPT, VOICES_KEPT, Series
from alerts.surprise import count_interval, share_surprise
from alerts.usual import usual_of

# A series' part where nobody says otherwise: one false alarm in a hundred days.
ALLOWED = 0.01
YOUNG_HOURS = 7 * 24.0


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
    allowed: float = ALLOWED
    returns: Returns = field(default_factory=Returns)
    limit: bool = False
    """Whether the threshold is a plain limit a rule states, and no surprise."""
    chance: bool = True
    """Whether the statistic is -log10 of a chance."""
    usual_interval: tuple[float, float] | None = None
    """What is usual where `observed` is no count."""

    @property
    def p_value(self) -> float:
        """The chance behind the statistic; 1 where none is computed."""
        return 10.0**-self.statistic if self.chance else 1.0

    @property
    def severity(self) -> int:
        """0 to 100: 100 * (1 - exp2(-(statistic/7 + log2(1 + excess)/5))), excess being the
        documents above the expected ones. How sure and how much, both with falling returns.
        Of a plain limit 100 * (1 - exp2(-statistic/threshold)): 50 where it is just reached."""
        if self.limit:
            return round(100.0 * (1.0 - exp2(-self.statistic / self.threshold)))
        excess = max(0.0, self.observed - self.expected)
        strength = self.statistic / 7.0 + log2(1.0 + excess) / 5.0
        return round(100.0 * (1.0 - exp2(-strength)))

    @property
    def interval(self) -> tuple[float, float]:
        """The central 95 % of the counts to expect."""
        if self.usual_interval is not None:
            return self.usual_interval
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


def judge(
    rule: Rule,
    series: Series,
    now: datetime,
    after: datetime | None = None,
    allowed: float = ALLOWED,
) -> Verdict:
    """The verdict for the minute `now` lies in, from what `series` holds up to its end, where
    the series is allowed so many false alarms a day.

    `after` is when the last alert that fired was resolved: what came before was told already
    and is not counted again.
    """
    minute = minute_number(now)
    detector = rule.detector
    at = minute_start(minute)
    if _voices_heard(detector, series, minute) < _fewest_voices(detector):
        return Verdict(at=at)
    known_hours = minute / 60.0 - series.since
    if known_hours * 3600.0 < detector.learning.total_seconds():
        return Verdict(at=at, learning=True)
    earliest = 0 if after is None else minute_number(after) + 1
    held = _held(detector, series, minute, earliest)
    if not held:
        return Verdict(at=at)
    bar = _bar(detector, series, max(0.0, 1.0 - known_hours / YOUNG_HOURS), allowed)
    # once for all windows: those of the longest end with those of the others
    busy = series.upcoming(min(one.first for one in held) // 60, minute // 60)
    tests = [_tested(detector, series, one, minute, bar, busy) for one in held]
    return Verdict(
        at=at,
        tests=tuple(tests),
        breaches=tuple(
            test
            for test in tests
            if test.statistic >= bar.threshold and test.share_statistic >= bar.share
        ),
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """What a statistic must reach, and why."""

    threshold: float
    share: float
    allowed: float
    returns: Returns


def _bar(detector: Detector, series: Series, youth: float, allowed: float) -> Bar:
    returns = series.returns()
    threshold = KINDS[detector.kind].threshold(detector, returns, allowed)
    return Bar(
        threshold + detector.young_penalty * youth,
        detector.share_above * share_part(allowed),
        allowed,
        returns,
    )


def share_part(allowed: float) -> float:
    """The part of `share_above` that the share must reach: all of it where one false alarm in
    a hundred days is allowed, a tenth where one in ten days is, and up to one and a half."""
    return min(1.5, max(0.1, -log10(allowed) - 1.0))


def _voices_heard(detector: Detector, series: Series, minute: int) -> int:
    """Voices in the longest window, at most: most of the time there are too few to go on."""
    first = (minute + 1) * 60.0 - detector.windows[-1].total_seconds()
    return sum([voice.at >= first for voice in series.voices.values()])


def _fewest_voices(detector: Detector) -> int:
    return min(detector.minimum, detector.minimum_under_hour) if detector.independent else 1


@dataclass(frozen=True, slots=True)
class Held:
    """What a window holds, where that is enough to be tested."""

    scale: int
    first: int
    documents: int
    negatives: int
    voices: int
    stories: int


def _held(detector: Detector, series: Series, minute: int, earliest: int) -> list[Held]:
    """The windows that hold enough, the shortest first."""
    windows = []
    for window in detector.windows:
        scale = int(window.total_seconds()) // 60
        first = minute - scale + 1 if scale <= 60 else (minute // 60 - scale // 60 + 1) * 60
        # the past of a window is what lies before it: a day's window learns a day longer
        if (first // 60 - series.since) * 3600.0 < detector.learning.total_seconds():
            continue
        if first < earliest:
            # further back than single minutes are kept, only full hours can be left out
            kept = series.minute - MINUTES_KEPT
            first = earliest if earliest >= kept else -(-earliest // 60) * 60
        if first <= minute:
            windows.append((first, scale))
    found = []
    recent = [one for one in series.minutes.items() if one[0] <= minute]
    heard = [(one.minute, one.story) for one in series.voices.values() if one.minute <= minute]
    for first, scale in sorted(windows):
        # the earliest first: what one leaves out is out for those that begin later
        recent = [one for one in recent if one[0] >= first]
        heard = [one for one in heard if one[0] >= first]
        documents, negatives = unpacked(
            sum([counts for _, counts in recent]) + series.hours_before_minutes(first)
        )
        least = detector.minimum_under_hour if scale < 60 else detector.minimum
        if negatives < least:
            continue
        voices, stories = len(heard), len({story for _, story in heard})
        if not detector.independent or min(voices, stories) >= least:
            found.append(Held(scale, first, documents, negatives, voices, stories))
    return sorted(found, key=lambda one: one.scale)


def _tested(
    detector: Detector,
    series: Series,
    held: Held,
    minute: int,
    bar: Bar,
    busy: Sequence[float],
) -> WindowTest:
    first, documents, negatives, voices = held.first, held.documents, held.negatives, held.voices
    observed = negatives
    if detector.per_voice and voices < VOICES_KEPT:  # else there may be more than are kept
        observed = min(negatives, detector.per_voice * voices)
    window_hours = (minute + 1 - first) / 60.0
    usual = usual_of(detector, series, minute // 60, first // 60, window_hours, busy)
    expected = usual.per_hour * window_hours
    kind, windows = KINDS[detector.kind], len(detector.windows)
    statistic = kind.statistic(observed, window_hours, usual, windows)
    if statistic < detector.close_below:
        share_statistic = 0.0
    else:
        share_statistic = share_surprise(negatives, documents, usual.share, usual.share_weight)
    return WindowTest(
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
        share_statistic=share_statistic,
        stories=held.stories,
        voices=voices,
    )


def outlook(detector: Detector, series: Series, hours: int) -> tuple[float, float]:
    """(expected, dispersion) of the novel negative documents of the next `hours`, by what
    `series` holds: for pictures, by the arithmetic of the tests."""
    hour = series.minute // 60
    busy = series.upcoming(hour, hour + hours)
    usual = usual_of(detector, series, hour + hours, hour, float(hours), busy)
    return usual.per_hour * hours, usual.dispersion
