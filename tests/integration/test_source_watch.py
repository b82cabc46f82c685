"""Alerts on silent sources: from `feed_state` to SQL and the topic, on both databases."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert, update

from alerts.lifecycle import ALERTS, Alert
from alerts.source_silence import fingerprint_of
from alerts.store import SqlAlertStore, list_alerts
from pipeline.errors import Unavailable
from pipeline.stores.database import connect, writing
from pipeline.stores.feed_tables import feed_state
from pipeline.wire import Outgoing
from workers.source_watch import SourceWatch

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Sent:
    """What was sent; fails as long as `away`."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.away = False

    def __call__(self, outgoing: list[Outgoing]) -> None:
        if self.away:
            raise Unavailable("the broker is away")
        self.alerts += [ALERTS.decode(one.value) for one in outgoing]

    def states(self) -> list[tuple[str | None, str]]:
        return [(alert.series.source, alert.state) for alert in self.alerts]


def answered(engine: Engine, **sources: datetime) -> None:
    with writing(engine) as connection:
        for name, at in sources.items():
            done = connection.execute(
                update(feed_state)
                .where(feed_state.c.source == f"rss:{name}")
                .values(last_success_at=at)
            )
            if not done.rowcount:
                row = {"source": f"rss:{name}", "last_success_at": at, "seen": []}
                values = {"pace_seconds": 300.0, "silent_after_seconds": 6 * 3600.0}
                connection.execute(insert(feed_state), [row | values])


def watch(engine: Engine, sent: Sent) -> SourceWatch:
    return SourceWatch(engine, SqlAlertStore(engine), sent)


def test_a_silent_source_fires_once_and_resolves_when_it_comes_back(engine: Engine) -> None:
    sent = Sent()
    watching = watch(engine, sent)
    answered(engine, broken=NOW - 7 * HOUR, good=NOW)
    assert watching.look(NOW) == 1
    assert watching.look(NOW + timedelta(minutes=1)) == 0
    assert [(one.rule, one.state) for one in list_alerts(engine)] == [("source-silent", "firing")]
    answered(engine, broken=NOW + HOUR)
    assert watching.look(NOW + HOUR) == 1
    assert sent.states() == [("rss:broken", "firing"), ("rss:broken", "resolved")]
    assert watching.look(NOW + 2 * HOUR) == 0


def test_what_was_saved_and_not_sent_is_sent_when_the_broker_is_back(engine: Engine) -> None:
    sent = Sent()
    watching = watch(engine, sent)
    answered(engine, broken=NOW - 7 * HOUR)
    sent.away = True
    try:
        watching.look(NOW)
    except Unavailable:
        sent.away = False
    assert watching.look(NOW + timedelta(minutes=1)) == 1
    assert sent.states() == [("rss:broken", "firing")]


def test_a_process_that_begins_sends_again_what_is_open_and_what_lately_was(
    engine: Engine,
) -> None:
    sent = Sent()
    answered(engine, open=NOW - 7 * HOUR, back=NOW - 7 * HOUR)
    watch(engine, Sent()).look(NOW)
    answered(engine, back=NOW)
    assert watch(engine, Sent()).look(NOW) == 2
    assert watch(engine, sent).look(NOW + HOUR) == 2
    assert sorted(sent.states()) == [("rss:back", "resolved"), ("rss:open", "firing")]
    assert watch(engine, Sent()).look(NOW + 30 * HOUR) == 2  # both silent: one worse, one anew


def test_an_alert_that_a_person_changed_meanwhile_is_left_for_the_next_look(
    engine: Engine,
) -> None:
    class Late(SqlAlertStore):
        """An alert store behind whose back somebody else wrote."""

        def load(self, fingerprints):
            return {}

    answered(engine, broken=NOW - 7 * HOUR)
    watch(engine, Sent()).look(NOW)
    sent = Sent()
    assert SourceWatch(engine, Late(engine), sent).look(NOW) == 0
    assert sent.alerts == []
    held = SqlAlertStore(engine).load([fingerprint_of("rss:broken")])
    assert [alert.revision for alert in held.values()] == [1]


def status(url: str, *options: str) -> tuple[int, list[str], str]:
    """Exit status, lines of output and what was noted by `bellwether feeds status`."""
    done = subprocess.run(
        [sys.executable, "-m", "workers.cli", "feeds", "status", *options],
        env={**os.environ, "BELLWETHER_DATABASE": url},
        capture_output=True,
        text=True,
        timeout=50,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_feeds_status_tells_how_each_source_fares(sqlite_url: str) -> None:
    engine = connect(sqlite_url)
    answered(engine, good=datetime.now(UTC), broken=NOW)
    with writing(engine) as connection:
        connection.execute(
            update(feed_state)
            .where(feed_state.c.source == "rss:broken")
            .values(failures_in_a_row=3, errors=3, last_error="https://a.example/: HTTP 500")
        )
    engine.dispose()
    code, lines, said = status(sqlite_url)
    assert code == 1
    assert said == "bellwether: 1 of 2 sources are silent\n"
    assert lines[0].startswith("rss:broken: SILENT (no answer for ")
    assert lines[0].endswith(" 3 errors; https://a.example/: HTTP 500")
    assert lines[1].startswith("rss:good: ")
    code, lines, _ = status(sqlite_url, "--json")
    found = [json.loads(line) for line in lines]
    assert [(one["source"], one["silent"]) for one in found] == [
        ("rss:broken", "no-answer"),
        ("rss:good", None),
    ]
    assert {"lag_seconds", "next_poll_at", "items", "errors", "last_error"} <= found[0].keys()
