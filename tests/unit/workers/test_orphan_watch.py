"""Alerts whose rule is gone are ended; those that a rule still watches are left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.lifecycle import ALERTS, Alert, AlertSeries
from alerts.memory import MemoryAlertStore
from alerts.ports import Conflict
from alerts.rules import load_rules
from alerts.tracking import Change
from pipeline.wire import Outgoing
from tests.unit.alerts.examples import OPENED, alert
from workers.orphan_watch import OrphanWatch

RULES = load_rules("")
NOW = OPENED + timedelta(hours=3)


class Looked:
    def __init__(self, *alerts: Alert, rules=RULES) -> None:
        self.store = MemoryAlertStore()
        self.store.save([Change(alerts=(one,), expected=0) for one in alerts])
        self.sent: list[Alert] = []
        self.seconds = 0.0
        self.watch = OrphanWatch(self.store, rules, self.send, lambda: self.seconds)

    def look(self) -> int:
        """Ten minutes and a little after the last time."""
        self.watch.look(NOW)
        self.seconds += 601
        return self.watch.look(NOW)

    def send(self, records: list[Outgoing]) -> None:
        self.sent += [ALERTS.decode(one.value) for one in records]


def test_an_alert_of_a_rule_that_was_renamed_is_resolved_and_sent() -> None:
    lone = alert(rule="banks")
    looked = Looked(lone, alert(fingerprint="0" * 24))
    assert looked.look() == 1
    (after,) = looked.sent
    assert (after.rule, after.state, after.resolved_at) == ("banks", "resolved", NOW)
    assert after.revision == lone.revision + 1
    assert [one.rule for one in looked.store.open_alerts()] == ["company-negative-surge"]
    assert looked.watch.look(NOW) == 0


def test_an_alert_whose_rule_no_longer_matches_its_series_is_resolved() -> None:
    (company,) = [one for one in RULES.rules if one.id == "company-negative-surge"]
    looked = Looked(alert(series=AlertSeries(topic="Earnings")))
    assert not company.matches(looked.store.open_series()[0][0])
    assert looked.look() == 1


def test_silent_sources_have_no_rule_in_the_book_and_stay() -> None:
    looked = Looked(alert(rule="source-silent"))
    assert looked.look() == 0
    assert not looked.sent


def test_time_never_goes_back() -> None:
    late = alert(rule="banks", updated_at=NOW + timedelta(hours=1))
    looked = Looked(late)
    looked.look()
    assert looked.sent[0].resolved_at == late.updated_at


def test_what_somebody_else_changed_meanwhile_is_looked_at_again() -> None:
    class Busy(MemoryAlertStore):
        first = True

        def save(self, changes) -> None:
            if self.first and changes[0].expected:
                self.first = False
                held = next(iter(self.rows.values()))
                own = replace(held, acknowledged_by="desk", revision=held.revision + 1)
                super().save([Change(alerts=(own,), expected=held.revision)])
                raise Conflict([held.fingerprint])
            super().save(changes)

    looked = Looked()
    looked.store = Busy()
    looked.store.save([Change(alerts=(alert(rule="banks"),), expected=0)])
    looked.watch = OrphanWatch(looked.store, RULES, looked.send, lambda: looked.seconds)
    assert looked.look() == 0
    assert looked.look() == 1
    assert [one.acknowledged_by for one in looked.sent] == [None, "desk"]


def test_what_could_not_be_sent_is_not_ended() -> None:
    looked = Looked(alert(rule="banks"))

    def refuse(records: list[Outgoing]) -> None:
        raise ConnectionError

    watch = OrphanWatch(looked.store, RULES, refuse, lambda: looked.seconds)
    watch.look(NOW)
    looked.seconds += 601
    with pytest.raises(ConnectionError):
        watch.look(NOW)
    assert len(looked.store.open_alerts()) == 1


def test_what_a_watch_with_other_rules_still_moves_is_left_to_it() -> None:
    held = alert(rule="banks")
    looked = Looked(held)
    for _ in range(30):
        assert looked.watch.look(NOW) == 0
        looked.seconds += 300
        moved = replace(held, revision=held.revision + 1)
        looked.store.save([Change(alerts=(moved,), expected=held.revision)])
        held = moved
    assert not looked.sent
