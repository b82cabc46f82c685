"""What the windows of a rule hold, where that is enough to be tested at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import sqrt

from alerts.minutes import unpacked
from alerts.rules import Detector
from alerts.series import MINUTES_KEPT, Series
from alerts.voices import VOICES_KEPT

MOST_VOICES_ASKED = VOICES_KEPT * 3 // 4


def voices_heard(detector: Detector, series: Series, minute: int) -> int:
    """Voices in the longest window, at most: most of the time there are too few to go on."""
    first = (minute + 1) * 60.0 - detector.windows[-1].total_seconds()
    return sum([voice.at >= first for voice in series.voices.values()])


def fewest_voices(detector: Detector) -> int:
    """Voices without which no window can hold enough."""
    least = min(detector.minimum, detector.minimum_under_hour)
    return voices_asked(least) if detector.independent else 1


def voices_asked(least: int) -> int:
    """Independent voices that a rule of so many documents asks for: only the latest are
    remembered, and some of those may have spoken after the minute that is judged."""
    return min(least, MOST_VOICES_ASKED)


@dataclass(frozen=True, slots=True)
class Held:
    """What a window holds, where that is enough to be tested."""

    scale: int
    first: int
    documents: int
    negatives: int
    voices: int
    stories: int
    counted: int
    """The negatives without what a voice said beyond what it may."""

    def hours(self, minute: int) -> float:
        """From the beginning of the window to the end of `minute`."""
        return (minute + 1 - self.first) / 60.0


@lru_cache(maxsize=1024)
def tries(windows: tuple[timedelta, ...], scale_minutes: int) -> float:
    """What a chance in the window of `scale_minutes` is multiplied with, being one of `windows`."""
    lengths = [sqrt(window.total_seconds() / 60.0) for window in windows]
    return sum(lengths) / sqrt(scale_minutes)


def windows_of(
    detector: Detector, series: Series, minute: int, earliest: int
) -> list[tuple[int, int]]:
    """The rule's windows that end with `minute` and hold nothing from before minute `earliest`:
    (first minute, minutes as the rule names them)."""
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
    return windows


def held_in(
    detector: Detector, series: Series, minute: int, windows: Iterable[tuple[int, int]]
) -> list[Held]:
    """Those of the `windows` up to `minute` that hold enough, the shortest first; one that begins
    before single minutes are kept must begin with a full hour."""
    found = []
    told: _Told | None = None
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
        if not detector.independent or min(voices, stories) >= voices_asked(least):
            counted = negatives
            if detector.per_voice and negatives > detector.per_voice * voices:
                told = told or _told(series, minute)
                counted = _counted(detector.per_voice, told, first, negatives, voices)
            found.append(Held(scale, first, documents, negatives, voices, stories, counted))
    return sorted(found, key=lambda one: one.scale)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said since all who spoke are remembered: where more have spoken than voices are
    kept, since the oldest of those kept. Of an hour that is kept as a whole, from the next on."""

    since: int
    negatives: int
    voices: int


def _told(series: Series, minute: int) -> _Told | None:
    """None where all voices of the series are kept."""
    if len(series.voices) < VOICES_KEPT:
        return None
    since = 1 + min([voice.minute for voice in series.voices.values()])
    if since < series.minute - MINUTES_KEPT:
        since = -(-since // 60) * 60
    _, negatives = unpacked(series.counts(since, minute))
    # of those who spoke after `minute` too it is not known whether they did before
    voices = sum([voice.minute >= since for voice in series.voices.values()])
    return _Told(since, negatives, voices)


def _counted(per_voice: int, told: _Told | None, first: int, negatives: int, voices: int) -> int:
    """So many of the `negatives` of a window from `first` on as its `voices` may say between
    them."""
    if told is None or first >= told.since:
        # one at least: who spoke again since is remembered for what was said last
        return min(negatives, per_voice * max(1, voices))
    return negatives - max(0, told.negatives - per_voice * max(1, told.voices))
