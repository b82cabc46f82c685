"""What the operator allows, and what really came: false alarms stated, alerts counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.kinds import KINDS
from alerts.lifecycle import Alert

_DAY = timedelta(days=1)
# Events that are no chance at all are among the alerts too, so the rate of alerts may exceed
# the rate stated; this many times as often is worth a look.
WORTH_A_LOOK = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLoad:
    """One rule's alerts over the period."""

    rule: str
    fired: int
    acknowledged: int
    series: int
    per_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`stated` false alarms a day for the whole fleet, against the alerts fired a day.

    `part` is what one series was allowed a day when the newest alert opened, `fleet` how many
    parts that makes; None where no alert tells. `apart` are rules that no budget was given to
    (plain limits, silent sources, the rolling z); all other figures are without them.
    """

    start: datetime
    end: datetime
    stated: float
    fired: int
    acknowledged: int
    per_day: float
    part: float | None
    fleet: int | None
    rules: tuple[RuleLoad, ...]
    apart: tuple[RuleLoad, ...] = ()


BUDGETED = {"rarity", *(name for name, kind in KINDS.items() if kind.chance)}
"""What an alert that the budget decided on names as its detector."""


def budget_of(alerts: Iterable[Alert], stated: float, start: datetime, end: datetime) -> Budget:
    """The budget of [start, end), from the alerts that fired in it.

    Every alert of a detector that keeps to it counts, for which of them were false is not known;
    one that somebody acknowledged was at least worth looking after.
    """
    within = [one for one in alerts if one.firing_at and start <= one.firing_at < end]
    fired = [one for one in within if one.peak.detector in BUDGETED]
    days = max((end - start) / _DAY, 1.0 / 24.0)
    latest = max(fired, key=lambda one: one.opened_at, default=None)
    part = None if latest is None else latest.peak.allowed_per_day
    return Budget(
        start=start,
        end=end,
        stated=stated,
        fired=len(fired),
        acknowledged=sum(one.acknowledged_by is not None for one in fired),
        per_day=len(fired) / days,
        part=part,
        fleet=round(stated / part) if part else None,
        rules=_loads(fired, days),
        apart=_loads([one for one in within if one.peak.detector not in BUDGETED], days),
    )


def _loads(alerts: Sequence[Alert], days: float) -> tuple[RuleLoad, ...]:
    by_rule: dict[str, list[Alert]] = {}
    for one in alerts:
        by_rule.setdefault(one.rule, []).append(one)
    return tuple(
        RuleLoad(
            rule=rule,
            fired=len(some),
            acknowledged=sum(one.acknowledged_by is not None for one in some),
            series=len({one.fingerprint for one in some}),
            per_day=len(some) / days,
        )
        for rule, some in sorted(by_rule.items())
    )


def budget_lines(budget: Budget) -> Iterable[str]:
    """The budget for people."""
    days = (budget.end - budget.start) / _DAY
    yield (
        f"{budget.start:%Y-%m-%d %H:%M} to {budget.end:%Y-%m-%d %H:%M} UTC ({days:.1f} days), "
        "all series together:"
    )
    yield f"  stated    {budget.stated:g} false alarms a day"
    yield (
        f"  realised  {budget.per_day:.3g} alerts a day, true or false: {budget.fired} fired, "
        f"{budget.acknowledged} of them acknowledged"
    )
    if budget.part and budget.fleet:
        yield (
            f"  a series may give {budget.part:.2g} a day, one in {1.0 / budget.part:,.0f} days: "
            f"{budget.fleet} that have enough to tell every day would give all"
        )
    yield from map(_load_line, budget.rules)
    if budget.fired >= 5 and budget.per_day > WORTH_A_LOOK * budget.stated:
        yield (
            f"  that is {budget.per_day / budget.stated:.1f} times what was stated: look at the "
            "rules above, or state what is meant by false_alarms_per_day"
        )
    if budget.apart:
        yield "no part of the budget:"
        yield from map(_load_line, budget.apart)


def _load_line(one: RuleLoad) -> str:
    return (
        f"  {one.rule}: {one.per_day:.3g} a day, {one.fired} on {one.series} series, "
        f"{one.acknowledged} acknowledged"
    )
