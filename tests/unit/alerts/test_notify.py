"""What is decided is said once, and nobody waits for anybody else."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

import pytest

from alerts.memory import MemoryNotificationLog, MemorySilences
from alerts.notify import Dispatcher, Notify, Patience, PermanentFailure
from alerts.routing import Notification, Silence, Subscription
from pipeline import metrics
from pipeline.errors import Unavailable
from tests.unit.alerts.examples import OPENED, alert, record

DESK = Subscription(name="desk")
RISK = Subscription(name="risk", severity=90)
HOUR = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.now = OPENED

    def __call__(self) -> datetime:
        return self.now


class Receiver:
    """A channel that answers with the given errors first, then takes everything."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.got: list[Notification] = []

    def send(self, item: Notification) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.got.append(item)


def notify(*subscriptions: Subscription) -> tuple[Notify, MemoryNotificationLog]:
    log = MemoryNotificationLog()
    return Notify(subscriptions or (DESK,), log, MemorySilences()), log


def dispatcher(log: MemoryNotificationLog, channel: Receiver, clock: Clock) -> Dispatcher:
    return Dispatcher(DESK, channel, log, clock, seed=1, patience=Patience(attempts=3))


def results() -> dict[str, float]:
    """What the metric of this subscription says."""
    return {
        result: metrics.NOTIFICATIONS.labels(DESK.name, result)._value.get()
        for result in ("sent", "retried", "lost")
    }


def test_the_same_record_twice_is_said_once():
    stage, log = notify()
    stage([record(alert())])
    stage([record(alert()), record(alert())])
    assert [item.key for item in log.rows.values()] == ["FIRST"]


def test_an_episode_is_told_first_then_worse_then_resolved():
    stage, log = notify()
    stage(
        [
            record(alert(state="pending", revision=1)),
            record(alert(revision=2)),
            record(alert(revision=3, severity=75)),
            record(alert(revision=4, severity=85)),
            record(alert(revision=5, severity=85, state="resolved")),
        ]
    )
    assert [item.key for item in log.rows.values()] == ["FIRST", "WORSE 85", "RESOLVED"]


def test_an_older_record_that_comes_again_after_the_end_says_nothing():
    stage, log = notify()
    stage([record(alert()), record(alert(revision=5, state="resolved"))])
    stage([record(alert()), record(alert(revision=4, severity=99))])
    assert [item.key for item in log.rows.values()] == ["FIRST", "RESOLVED"]


def test_a_new_episode_is_told_again():
    stage, log = notify()
    stage([record(alert()), record(alert(opened_at=OPENED + HOUR))])
    assert [item.key for item in log.rows.values()] == ["FIRST", "FIRST"]


def test_each_subscription_is_decided_by_itself():
    stage, log = notify(DESK, RISK)
    stage([record(alert()), record(alert(revision=3, severity=95))])
    said = [(item.subscription, item.key) for item in log.rows.values()]
    assert said == [("desk", "FIRST"), ("desk", "WORSE 95"), ("risk", "FIRST")]


def test_a_record_that_is_no_alert_is_rejected_and_its_neighbours_are_told():
    stage, log = notify()
    bad = replace(record(alert()), value=b"[]")
    assert [one for one, _ in stage([bad, record(alert())]).rejected] == [bad]
    assert len(log.rows) == 1


def test_a_dispatcher_sends_each_notification_once_in_order():
    stage, log = notify()
    stage([record(alert(), OPENED), record(alert(revision=3, severity=95), OPENED + HOUR)])
    channel, clock = Receiver(), Clock()
    clock.now += 2 * HOUR
    sender = dispatcher(log, channel, clock)
    assert [sender.step() for _ in range(3)] == [True, True, False]
    assert [item.key for item in channel.got] == ["FIRST", "WORSE 95"]
    clock.now += 24 * HOUR
    assert sender.step() is False


def test_a_failed_send_is_tried_again_later_and_given_up_at_last(caplog):
    stage, log = notify()
    stage([record(alert())])
    channel, clock = Receiver(*[Unavailable("refused")] * 9), Clock()
    sender = dispatcher(log, channel, clock)
    before = results()
    assert sender.step() is True
    assert sender.step() is False, "the wait is not over"
    for _ in range(2):
        clock.now += HOUR
        assert sender.step() is True
    clock.now += HOUR
    assert sender.step() is False
    assert [item.status for item in log.rows.values()] == ["failed"]
    assert "given up after 3 attempts: refused" in caplog.text
    counted = {result: count - before[result] for result, count in results().items()}
    assert counted == {"sent": 0, "retried": 2, "lost": 1}


def test_a_receiver_that_names_its_wait_gets_it():
    stage, log = notify()
    stage([record(alert())])
    channel, clock = Receiver(Unavailable("busy", timedelta(minutes=9))), Clock()
    sender = dispatcher(log, channel, clock)
    sender.step()
    clock.now += timedelta(minutes=8)
    assert sender.step() is False
    clock.now += timedelta(minutes=1)
    assert sender.step() is True
    assert len(channel.got) == 1


@pytest.mark.parametrize("error", [PermanentFailure("answered 410"), ValueError("our bug")])
def test_an_error_that_is_not_the_networks_ends_no_thread(error, caplog):
    stage, log = notify()
    stage([record(alert()), record(alert(opened_at=OPENED + HOUR))])
    channel, clock = Receiver(error), Clock()
    sender = dispatcher(log, channel, clock)
    assert [sender.step(), sender.step()] == [True, True]
    assert len(channel.got) == 1
    assert caplog.records


def test_a_log_that_breaks_in_an_unknown_way_ends_no_thread(caplog):
    stop = Event()

    class Broken(MemoryNotificationLog):
        asked = 0

        def claim(self, subscription, now, lease):
            self.asked += 1
            if self.asked == 1:
                raise RuntimeError("permission denied")
            stop.set()
            return super().claim(subscription, now, lease)

    log = Broken()
    patience = Patience(lease=timedelta(0), idle=timedelta(0))
    Dispatcher(DESK, Receiver(), log, Clock(), patience=patience).run(stop)
    assert log.asked == 2
    assert "permission denied" in caplog.text


def test_a_silence_that_is_over_silences_what_came_while_it_held():
    quiet = Silence(
        id="s", match={}, starts_at=OPENED, ends_at=OPENED + HOUR, author="a", comment=""
    )
    log = MemoryNotificationLog()
    stage = Notify((DESK,), log, MemorySilences([quiet]))
    # one batch after an outage of notify itself
    late = alert(opened_at=OPENED + 2 * HOUR, fingerprint="1" * 24)
    during, after = OPENED + HOUR / 2, OPENED + 2 * HOUR
    stage([record(alert(), received_at=during), record(late, received_at=after)])
    assert [item.alert.fingerprint for item in log.rows.values()] == ["1" * 24]


def test_what_is_decided_at_one_moment_is_told_in_its_order():
    stage, log = notify()
    resolved = alert(state="resolved", revision=5, resolved_at=OPENED + HOUR)
    stage([record(alert()), record(resolved)])
    channel, clock = Receiver(), Clock()
    clock.now += HOUR
    sender = dispatcher(log, channel, clock)
    while sender.step():
        pass
    assert [item.key for item in channel.got] == ["FIRST", "RESOLVED"]
    first, second = channel.got
    assert first.created_at < second.created_at


def test_a_notification_held_by_a_sender_that_died_is_sent_by_another():
    stage, log = notify()
    stage([record(alert())])
    channel, clock = Receiver(), Clock()
    assert log.claim("desk", clock.now, timedelta(seconds=60)) is not None
    sender = dispatcher(log, channel, clock)
    assert sender.step() is False
    clock.now += timedelta(seconds=61)
    assert sender.step() is True


class Stuck(Receiver):
    """A webhook that never answers, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.let_go = Event(), Event()

    def send(self, item: Notification) -> None:
        self.reached.set()
        assert self.let_go.wait(30)
        super().send(item)


def test_a_receiver_that_hangs_delays_neither_the_consumer_nor_other_receivers():
    other = Subscription(name="other")
    stage, log = notify(DESK, other)
    stuck, swift, clock, stop = Stuck(), Receiver(), Clock(), Event()
    stage([record(alert())])
    hanging = Dispatcher(DESK, stuck, log, clock).start(stop)
    assert stuck.reached.wait(10)
    # the consumer goes on, and the other receiver gets everything meanwhile
    stage([record(alert(revision=3, state="resolved"))])
    clock.now += timedelta(seconds=1)
    sender = Dispatcher(other, swift, log, clock)
    assert [sender.step(), sender.step(), sender.step()] == [True, True, False]
    assert [item.key for item in swift.got] == ["FIRST", "RESOLVED"]
    assert stuck.got == []
    stop.set()
    stuck.let_go.set()
    hanging.join(10)
    assert not hanging.is_alive()
    assert [item.key for item in stuck.got] == ["FIRST"]


def test_waits_grow_to_a_limit_and_are_spread():
    patience, chance = Patience(), random.Random(3)
    waits = [patience.wait(attempt, chance) for attempt in range(1, 40)]
    assert timedelta(seconds=1) <= waits[0] <= timedelta(seconds=2)
    assert all(wait <= timedelta(minutes=10) for wait in waits)
    assert waits[-1] >= timedelta(minutes=5)
    assert len(set(waits)) > 30
