"""An alert while a batch moves it."""

from dataclasses import replace
from datetime import timedelta

from alerts.lifecycle import series_key
from alerts.rules import load_rules
from alerts.tracking import Tracked
from tests.unit.alerts.examples import OPENED, alert


def test_each_of_two_episodes_in_one_batch_has_the_tickers() -> None:
    bare = alert()
    first = replace(bare, series=replace(bare.series, tickers=()), state="resolved", revision=1)
    second = replace(first, opened_at=OPENED + timedelta(hours=2), state="firing", revision=1)
    (rule,) = [rule for rule in load_rules("").rules if rule.id == first.rule]
    one = Tracked(rule, first.fingerprint, series_key(first.series), None, tickers=("AAPL",))
    one.move(first)
    one.move(second)
    one.complete((), "")
    changes = one.changes()
    assert [change.alerts[-1].opened_at for change in changes] == [OPENED, second.opened_at]
    assert [change.alerts[-1].series.tickers for change in changes] == [("AAPL",), ("AAPL",)]
