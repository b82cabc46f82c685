"""How often a source is asked: sooner while news comes, later while none does.

::

    news       pace × 0.7 ─▶ not below `fastest`     (half the interval, if not said)
    nothing    pace × 1.25 ─▶ not above `slowest`    (four times the interval, if not said)
    failure    pace × 2, 4, 8 … up to an hour; the pace itself stays for when it answers again

Every pause is spread by a tenth, so that sources and processes do not fall into step.
"""

from datetime import timedelta

from pipeline.feeds.feed import SourceConfig

SOONER = 0.7
LATER = 1.25
SPREAD = 0.1
LONGEST_PAUSE = timedelta(hours=1)
# A source that says nothing of it may be silent for so many of its longest pauses.
_PAUSES_ALLOWED = 12
_SILENCE_ALLOWED = timedelta(hours=6)
# The usual time between two pieces of news follows the last twenty or so.
_GAPS_WEIGHED = 20


def bounds(source: SourceConfig) -> tuple[timedelta, timedelta]:
    """The shortest and the longest pause between two polls that work."""
    fastest = source.fastest or source.interval / 2
    return fastest, max(fastest, source.slowest or source.interval * 4)


def paced(source: SourceConfig, pace: timedelta | None, news: bool | None = None) -> timedelta:
    """The pace after a poll that gave `news` or not, None for what is known before one.

    `pace` is the one before; a feed file that was changed since bounds it anew.
    """
    fastest, slowest = bounds(source)
    before = source.interval if pace is None else pace
    factor = {None: 1.0, True: SOONER, False: LATER}[news]
    return min(max(before * factor, fastest), slowest)


def pause_after_failures(pace: timedelta, failures_in_a_row: int) -> timedelta:
    """How long a source that fails is left alone: the pace, doubled with each failure after
    the first up to an hour, and never less than the pace."""
    doubled = pace * 2.0 ** min(max(failures_in_a_row - 1, 0), 12)
    return min(doubled, max(pace, LONGEST_PAUSE))


def spread(pause: timedelta, chance: float) -> timedelta:
    """The pause, up to a tenth shorter or longer; `chance` is from 0 to 1."""
    return pause * (1 + SPREAD * (2 * chance - 1))


def silence_allowed(source: SourceConfig) -> timedelta:
    """How long a source may not answer before that is worth an alert."""
    return source.silent_after or max(_SILENCE_ALLOWED, bounds(source)[1] * _PAUSES_ALLOWED)


def usual_gap(usual: timedelta | None, gaps: int, gap: timedelta) -> timedelta:
    """The mean time between two polls with news, once one more `gap` after `gaps` is known."""
    if usual is None or gaps == 0:
        return gap
    return usual + (gap - usual) / min(gaps + 1, _GAPS_WEIGHED)
