"""One alert after another held against its series, minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.detection import judge
from alerts.fleet_week import FleetWeek
from alerts.lifecycle import advance
from alerts.limits import judge_condition
from alerts.minutes import MINUTES_A_DAY, minute_start
from alerts.mood import Mood
from alerts.rules import Rule
from alerts.series import Series
from alerts.tracking import Tracked

# With no minute counters left only hours can change the verdict of a quiet series.
QUIET_STEP_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """A series as its rules see it: what it holds, its sentiment where a rule asks for it,
    how many false alarms a day it is allowed, and the fleet's week."""

    series: Series
    mood: Mood | None
    allowed: float
    week: FleetWeek


def about_mood(rule: Rule) -> bool:
    """Whether the rule watches for a drop of the sentiment, which is kept beside the counts."""
    return rule.condition is not None and rule.condition.about_mood


def catch_up(seen: Judged, tracked: Sequence[Tracked], until: int) -> None:
    """Judges every minute that closed since the series was last looked at, one by one: an
    alert resolves at the same event time whoever tells the series that time has passed."""
    series = seen.series
    minute = series.minute
    while minute < until and any(one.open for one in tracked):
        series.roll(minute)
        if series.minutes or minute % QUIET_STEP_MINUTES == 0:
            for one in tracked:
                if one.open:
                    step(one, seen, minute, until)
        minute += 1


def step(one: Tracked, seen: Judged, minute: int, now_minute: int) -> bool:
    """Moves one alert by the verdict on `minute`; whether there was enough to test at all."""
    alert = one.now
    # what an episode told is not told again; one that never fired told nothing
    told = alert is not None and alert.state == "resolved" and alert.firing_at is not None
    resolved_at = alert.resolved_at if alert is not None and told else None
    at = minute_start(minute)
    # of the minute's own day, not of the day that told of it
    fleet = seen.week.on(minute // MINUTES_A_DAY)
    if (condition := one.rule.condition) is not None:
        verdict = judge_condition(
            one.rule, condition, seen.series, seen.mood, at, resolved_at, fleet
        )
    else:
        verdict = judge(one.rule, seen.series, at, resolved_at, seen.allowed, fleet)
    if verdict.tests or alert is not None:
        one.move(advance(alert, verdict, one.rule, minute_start(now_minute), one.series))
    return bool(verdict.tests)
