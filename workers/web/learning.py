"""Until when the rules are still learning what is usual of a series, and open nothing on it."""

from collections.abc import Callable
from datetime import datetime

from alerts.beginning import Beginning
from alerts.minutes import minute_start
from alerts.rules import RuleBook
from alerts.state_names import BEGINNING
from pipeline.errors import Unavailable
from pipeline.ports import SeriesStates
from pipeline.trends import SeriesKey

LearningUntil = Callable[[SeriesKey, datetime], datetime | None]
"""When the rules of a series will have learned enough, told at an event time; None: they have, or
no rule that learns watches it, or it is not known."""


def nothing_learns(series: SeriesKey, now: datetime) -> datetime | None:
    """None."""
    return None


def learning_by(rules: RuleBook, states: SeriesStates) -> LearningUntil:
    """By the rules, and by when the stream began as `watch` remembers it: a series never heard of
    has been silent since then."""

    def until(series: SeriesKey, now: datetime) -> datetime | None:
        spans = [rule.detector.learning for rule in rules.matching(series) if not rule.condition]
        if not spans:
            return None
        try:
            (data,) = states.load([BEGINNING])
        except Unavailable:
            return None
        begun = Beginning.decode(data)
        if begun is None:
            return None
        learned = minute_start(begun.since * 60) + max(spans)
        return learned if now < learned else None

    return until
