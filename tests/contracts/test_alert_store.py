"""One suite for alerts, notifications and silences: in memory, SQLite and PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from alerts.lifecycle import Alert, AlertSeries, Fingerprint
from alerts.memory import MemoryAlertStore, MemoryNotificationLog
from alerts.notification_store import SqlNotificationLog, SqlSilences, silence, unsilence
from alerts.notify import NotificationLog
from alerts.ports import AlertStore, Conflict
from alerts.routing import Notification, Reason
from alerts.store import SqlAlertStore, acknowledge, episodes, list_alerts
from alerts.tracking import Change
from pipeline.stores.database import connect
from pipeline.stores.tables import alert_events
from pipeline.trends import SeriesKey
from tests.unit.alerts.examples import OPENED, alert

HOUR = timedelta(hours=1)
LEASE = timedelta(seconds=60)
F = Fingerprint("f" * 24)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Engine | None]:
    if request.param == "memory":
        yield None
        return
    engine = connect(request.getfixturevalue(f"{request.param}_url"))
    yield engine
    engine.dispose()


@pytest.fixture
def store(database: Engine | None) -> AlertStore:
    return MemoryAlertStore() if database is None else SqlAlertStore(database)


@pytest.fixture
def log(database: Engine | None) -> NotificationLog:
    return MemoryNotificationLog() if database is None else SqlNotificationLog(database)


def new(*alerts: Alert) -> Change:
    return Change(alerts=alerts, expected=0)


def test_an_alert_comes_back_as_it_was_saved(store):
    store.save([new(alert())])
    assert store.load([F, Fingerprint("unknown")]) == {F: alert()}


def test_the_latest_episode_is_loaded(store):
    older = alert(opened_at=OPENED - HOUR, state="resolved", resolved_at=OPENED, revision=9)
    store.save([new(alert()), new(older)])
    assert store.load([F])[F].opened_at == OPENED


def test_many_fingerprints_are_loaded_at_once(store):
    names = [Fingerprint(f"{number:024d}") for number in range(1_000)]
    store.save([new(alert(fingerprint=name)) for name in names[:700]])
    assert set(store.load(names)) == set(names[:700])


def test_a_row_is_replaced_only_at_the_revision_it_was_read_at(store):
    store.save([new(alert(revision=2))])
    store.save([Change(alerts=(alert(revision=3, severity=90),), expected=2)])
    for late in (Change(alerts=(alert(revision=4),), expected=2), new(alert(revision=5))):
        with pytest.raises(Conflict) as caught:
            store.save([late])
        assert F in caught.value.fingerprints
    assert store.load([F])[F].severity == 90


def test_a_conflict_saves_nothing_of_the_batch(store):
    store.save([new(alert())])
    other = Fingerprint("0" * 24)
    with pytest.raises(Conflict):
        store.save([new(alert(fingerprint=other)), new(alert())])
    assert store.load([other]) == {}


def test_series_with_open_alerts_are_found_for_the_sweep(store):
    quiet = AlertSeries(topic="Earnings")
    store.save(
        [
            new(alert()),
            new(alert(fingerprint=Fingerprint("1"), series=quiet, state="resolved")),
            new(alert(fingerprint=Fingerprint("2"), series=quiet, state="pending")),
            new(alert(fingerprint=Fingerprint("3"), series=AlertSeries(), state="resolved")),
        ]
    )
    assert {one.fingerprint for one in store.open_alerts()} == {alert().fingerprint, "2"}
    assert dict(store.open_series()) == {
        SeriesKey(subject=alert().series.subject): ("AAPL", "AAPL.O"),
        SeriesKey(topic="Earnings"): (),
    }


def told(reason: Reason = Reason.FIRST, name: str = "desk", **changes: object) -> Notification:
    created = changes.pop("created_at", OPENED)
    assert isinstance(created, datetime)
    return Notification(
        subscription=name, reason=reason, alert=alert(**changes), created_at=created
    )


EPISODE = (F, OPENED)


def test_the_last_notification_of_each_subscription_is_known(log):
    log.add([told(), told(name="risk"), told(Reason.RESOLVED, revision=5)])
    log.add([told(opened_at=OPENED - HOUR)])
    last = log.last([EPISODE])
    assert {place: item.key for place, item in last.items()} == {
        (EPISODE, "desk"): "RESOLVED",
        (EPISODE, "risk"): "FIRST",
    }
    assert last[EPISODE, "desk"].alert == alert(revision=5)
    assert log.last([(F, OPENED + HOUR)]) == {}


def test_what_is_decided_twice_is_kept_once_as_it_was(log):
    log.add([told()])
    item = log.claim("desk", OPENED, LEASE)
    log.sent(item, OPENED)
    log.add([told(revision=7)])
    assert log.claim("desk", OPENED + HOUR, LEASE) is None


def test_a_sequence_makes_another_notification(log):
    worse = replace(told(Reason.WORSE, revision=3), sequence=80)
    log.add([told(), worse, replace(worse, sequence=90)])
    keys = []
    while (item := log.claim("desk", OPENED, LEASE)) is not None:
        keys.append(item.key)
        log.sent(item, OPENED)
    assert sorted(keys) == ["FIRST", "WORSE 80", "WORSE 90"]


def test_a_claimed_notification_is_nobody_elses_until_the_lease_ends(log):
    log.add([told()])
    first = log.claim("desk", OPENED, LEASE)
    assert first is not None
    assert first.key == "FIRST"
    assert log.claim("desk", OPENED + LEASE / 2, LEASE) is None
    again = log.claim("desk", OPENED + LEASE, LEASE)
    assert again is not None
    assert again.episode == EPISODE


def test_only_the_own_subscription_is_claimed_and_only_when_due(log):
    log.add([told(name="risk"), told(created_at=OPENED + HOUR)])
    assert log.claim("desk", OPENED, LEASE) is None
    assert log.claim("desk", OPENED + HOUR, LEASE) is not None


def test_what_was_put_off_is_not_overtaken_by_what_came_after(log):
    log.add([told()])
    log.failed(log.claim("desk", OPENED, LEASE), "away", OPENED + HOUR)
    resolved = told(Reason.RESOLVED, revision=5, created_at=OPENED + LEASE)
    log.add([resolved, told(created_at=OPENED + LEASE, opened_at=OPENED - HOUR)])
    # another episode does not wait for it
    other = log.claim("desk", OPENED + 2 * LEASE, LEASE)
    assert other.alert.opened_at == OPENED - HOUR
    log.sent(other, OPENED + 2 * LEASE)
    assert log.claim("desk", OPENED + 2 * LEASE, LEASE) is None
    first = log.claim("desk", OPENED + HOUR, LEASE)
    assert first.key == "FIRST"
    log.failed(first, "refused", None)
    assert log.claim("desk", OPENED + HOUR, LEASE).key == "RESOLVED"


def test_a_failed_one_comes_back_when_its_time_has_come_with_its_attempts(log):
    log.add([told()])
    log.failed(log.claim("desk", OPENED, LEASE), "refused", OPENED + HOUR)
    assert log.claim("desk", OPENED + HOUR / 2, LEASE) is None
    item = log.claim("desk", OPENED + HOUR, LEASE)
    assert item.attempts == 1
    log.failed(item, "refused", None)
    assert log.claim("desk", OPENED + 9 * HOUR, LEASE) is None
    assert log.last([EPISODE])[EPISODE, "desk"].status == "failed"


def test_every_state_is_kept_in_the_history(engine):
    steps = (alert(state="pending", revision=1), alert(revision=2))
    SqlAlertStore(engine).save([Change(alerts=steps, expected=0)])
    with engine.connect() as connection:
        found = connection.execute(
            select(alert_events.c.revision, alert_events.c.state).order_by(alert_events.c.id)
        ).all()
    assert [tuple(row) for row in found] == [(1, "pending"), (2, "firing")]


def test_alerts_are_listed_by_state_and_time_latest_first(engine):
    store = SqlAlertStore(engine)
    resolved = alert(
        opened_at=OPENED - HOUR, updated_at=OPENED - HOUR, state="resolved", revision=3
    )
    store.save([new(alert()), new(resolved)])
    assert list_alerts(engine) == [alert(), resolved]
    assert list_alerts(engine, state="resolved") == [resolved]
    assert list_alerts(engine, since=OPENED) == [alert()]
    assert list_alerts(engine, limit=1) == [alert()]
    assert episodes(engine, "ffff") == [alert(), resolved]
    assert episodes(engine, "%") == []


def test_an_acknowledgement_is_a_new_revision_of_the_open_alert(engine):
    store = SqlAlertStore(engine)
    assert acknowledge(engine, F, "ann") is None
    store.save([new(alert(revision=2))])
    assert acknowledge(engine, F, "ann") == alert(revision=3, acknowledged_by="ann")
    assert store.load([F])[F].acknowledged_by == "ann"
    with pytest.raises(Conflict):
        store.save([Change(alerts=(alert(revision=3),), expected=2)])


def test_a_silence_holds_from_its_start_to_its_end(engine):
    made = silence(engine, {"subject": ["AAPL"]}, OPENED, OPENED + HOUR, "ann", "maintenance")
    silences = SqlSilences(engine)
    assert silences.active(OPENED, OPENED) == [made]
    assert silences.active(OPENED + HOUR, OPENED + HOUR) == []
    assert silences.active(OPENED - LEASE, OPENED - LEASE) == []
    # of a backlog that spans it
    assert silences.active(OPENED - LEASE, OPENED + 2 * HOUR) == [made]
    assert unsilence(engine, made.id) is True
    assert unsilence(engine, made.id) is False
    assert silences.active(OPENED, OPENED) == []
