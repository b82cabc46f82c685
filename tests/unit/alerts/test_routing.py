"""Every reason to tell somebody, and every reason not to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.routing import (
    Notification,
    Reason,
    Silence,
    Subscription,
    decide,
    notification,
    parse_subscriptions,
)
from pipeline.errors import ConfigurationError
from tests.unit.alerts.examples import OPENED, alert, told

DESK = Subscription(name="desk", match={"subject": ("AAP*",)}, severity=50)
NOW = OPENED + timedelta(minutes=5)
LATER = NOW + timedelta(hours=5)
QUIET = Silence(id="1", match={"subject": ("AAPL",)}, starts_at=OPENED, ends_at=LATER, author="ann")


@pytest.mark.parametrize(
    ("now_alert", "last", "silences", "now", "reason"),
    [
        (alert(), None, (), NOW, Reason.FIRST),
        (alert(state="pending"), None, (), NOW, Reason.NOT_MATCHED),
        (alert(severity=49), None, (), NOW, Reason.NOT_MATCHED),
        (alert(state="resolved", revision=9), None, (), NOW, Reason.NOT_MATCHED),
        (alert(), None, (QUIET,), NOW, Reason.SILENCED),
        (alert(), None, (QUIET,), LATER, Reason.FIRST),
        (alert(), told(), (), NOW, Reason.DUPLICATE),
        (alert(revision=3), told(), (), NOW, Reason.DUPLICATE),
        (alert(revision=3, severity=79), told(), (), NOW, Reason.DUPLICATE),
        (alert(revision=3, severity=80), told(), (), NOW, Reason.WORSE),
        (alert(revision=3, severity=80), told(), (QUIET,), NOW, Reason.SILENCED),
        (alert(revision=3), told(), (), LATER, Reason.REPEAT),
        (alert(revision=3, acknowledged_by="ann"), told(), (), LATER, Reason.DUPLICATE),
        (alert(revision=3, state="resolved"), told(), (), NOW, Reason.RESOLVED),
        (alert(revision=3, state="resolved"), told(), (QUIET,), NOW, Reason.RESOLVED),
        (alert(revision=9), told(Reason.RESOLVED, revision=8), (), LATER, Reason.DUPLICATE),
        (alert(revision=2, severity=99), told(revision=3), (), LATER, Reason.DUPLICATE),
    ],
)
def test_a_decision_is_a_named_reason(now_alert, last, silences, now, reason):
    assert decide(now_alert, DESK, last, silences, now) is reason


def test_who_wants_no_all_clear_gets_none():
    quiet = replace(DESK, send_resolved=False)
    resolved = alert(revision=3, state="resolved")
    assert decide(resolved, quiet, told(), (), NOW) is Reason.NOT_MATCHED


def test_a_pattern_needs_a_value_and_tickers_are_values_of_the_subject():
    for match, fits in (
        ({}, True),
        ({"subject": ("*.O",)}, True),
        ({"subject": ("MSFT", "AAPL")}, True),
        ({"subject": ("aapl",)}, False),
        ({"topic": ("*",)}, False),
        ({"rule": ("company-*",), "subject": ("MSFT",)}, False),
    ):
        assert replace(DESK, match=match).matches(alert()) is fits, match


def test_deciding_again_gives_the_same_key_and_a_new_reason_another():
    def key(reason: Reason, **changes: object) -> str:
        return notification(alert(**changes), DESK, reason, LATER).key

    assert key(Reason.FIRST) == "FIRST"
    assert key(Reason.WORSE, severity=80) == key(Reason.WORSE, severity=80) == "WORSE 80"
    assert key(Reason.WORSE, severity=91) == "WORSE 91"
    again = notification(alert(), DESK, Reason.REPEAT, LATER)
    much_later = notification(alert(), DESK, Reason.REPEAT, LATER + DESK.repeat_interval)
    assert again.key != much_later.key
    assert isinstance(again, Notification)


GOOD = """\
version: 1
subscriptions:
  - name: desk
    channel: webhook
    match: {subject: [AAPL, "BARC*"], rule: "company-*"}
    severity: 60
    repeat_interval: 2h
    send_resolved: false
  - {name: everything, channel: log}
"""


def test_a_subscription_file_says_what_it_means():
    desk, everything = parse_subscriptions(GOOD, ("webhook", "log"))
    assert desk == Subscription(
        name="desk",
        channel="webhook",
        match={"subject": ("AAPL", "BARC*"), "rule": ("company-*",)},
        severity=60,
        repeat_interval=timedelta(hours=2),
        send_resolved=False,
    )
    assert everything == Subscription(name="everything", channel="log")


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("channel: webhook", "channel: pager"), 4, "'pager' is not one of webhook, log"),
        (("send_resolved: false", "send_resolved: no"), 8, "is not one of true, false"),
        (("severity: 60", "severity: 101"), 6, "from 0 to 100"),
        (("subject:", "ticker:"), 5, "unknown key"),
        (("everything", "desk"), 9, "a second subscription named desk"),
    ],
)
def test_a_mistake_in_subscriptions_is_named_with_its_line(change, line, words):
    with pytest.raises(ConfigurationError) as caught:
        parse_subscriptions(GOOD.replace(*change), ("webhook", "log"), "s.yaml")
    assert str(caught.value).startswith(f"s.yaml:{line}: ")
    assert words in str(caught.value)
