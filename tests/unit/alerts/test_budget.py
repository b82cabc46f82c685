"""False alarms as stated against alerts as they came."""

from dataclasses import replace
from datetime import timedelta

from alerts.budget import budget_lines, budget_of
from tests.unit.alerts.examples import NUMBERS, OPENED, alert

END = OPENED + timedelta(days=10)
BEGIN = OPENED - timedelta(days=10)


def test_a_budget_counts_what_fired_in_its_time_by_rule() -> None:
    peak = replace(NUMBERS, allowed_per_day=0.5 / 128)
    alerts = [
        alert(fingerprint=f"{number}", firing_at=OPENED + timedelta(hours=number), peak=peak)
        for number in range(4)
    ]
    alerts += [
        alert(rule="other", firing_at=OPENED, acknowledged_by="night desk"),
        alert(rule="other", firing_at=None),
        alert(rule="other", firing_at=END),
    ]
    found = budget_of(alerts, 0.5, BEGIN, END)
    assert (found.fired, found.acknowledged, found.per_day) == (5, 1, 0.25)
    assert [(one.rule, one.fired, one.series) for one in found.rules] == [
        ("company-negative-surge", 4, 4),
        ("other", 1, 1),
    ]
    text = "\n".join(budget_lines(found))
    assert "stated    0.5 false alarms a day" in text
    assert "realised  0.25 alerts a day" in text
    assert "times what was stated" not in text


def test_what_no_budget_was_given_to_is_told_apart() -> None:
    budgeted = alert(peak=replace(NUMBERS, detector="rarity", allowed_per_day=0.02))
    later = OPENED + timedelta(hours=1)
    others = [
        alert(rule="silent", firing_at=later, opened_at=later, peak=replace(NUMBERS, detector=name))
        for name in ("source-silent", "threshold", "rolling-z")
    ]
    found = budget_of([replace(budgeted, firing_at=OPENED), *others], 0.1, BEGIN, END)
    assert (found.fired, found.per_day, found.part) == (1, 0.05, 0.02)
    assert [(one.rule, one.fired) for one in found.apart] == [("silent", 3)]
    assert list(budget_lines(found))[-2:] == [
        "no part of the budget:",
        "  silent: 0.15 a day, 3 on 1 series, 0 acknowledged",
    ]


def test_many_more_alerts_than_stated_are_pointed_out() -> None:
    alerts = [alert(firing_at=OPENED + timedelta(minutes=number)) for number in range(40)]
    text = "\n".join(budget_lines(budget_of(alerts, 0.1, BEGIN, END)))
    assert "20.0 times what was stated" in text


def test_a_time_without_alerts_has_a_budget_too() -> None:
    found = budget_of([], 1.0, BEGIN, END)
    assert (found.fired, found.part, found.fleet, found.rules) == (0, None, None, ())
    assert list(budget_lines(found))
