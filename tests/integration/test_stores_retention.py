"""Retention: what was written long ago goes, and nothing else."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, Table, func, insert, select

from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import reading, writing
from pipeline.stores.retention import forget
from pipeline.stores.tables import (
    alert_events,
    alerts,
    classifications,
    documents,
    notifications,
    silences,
    trend_buckets,
)
from tests.contracts.streams import T0, document
from workers.web.overview import archived_and_classified

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)


def count(engine: Engine, table: Table) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def alert_row(name: str, state: str, recorded_at: datetime) -> dict[str, object]:
    return {
        "fingerprint": name,
        "opened_at": T0,
        "rule": "surge",
        "rule_version": "1",
        "series": "*",
        "tickers": [],
        "state": state,
        "severity": 1,
        "updated_at": T0,
        "revision": 1,
        "record": {},
        "recorded_at": recorded_at,
    }


def test_retention_deletes_what_was_written_long_ago_and_nothing_else(engine):
    archive = SqlArchive(engine)
    last_decade = datetime(2014, 1, 1, tzinfo=UTC)
    archive.store([document(f"old{n}") for n in range(2_500)], NOW - timedelta(days=401))
    archive.store([document("replayed", last_decade)], NOW)
    long_ago = NOW - timedelta(days=401)
    rest = dict.fromkeys(
        (
            *("negative", "neutral", "positive", "negative_micro", "neutral_micro"),
            *("positive_micro", "novel", "novel_negative"),
        ),
        0,
    )
    bucket = {"series": "*", "width_seconds": 60, "documents": 1, **rest}
    with writing(engine) as connection:
        connection.execute(
            insert(alerts),
            [
                alert_row("gone", "resolved", long_ago),
                alert_row("open", "firing", long_ago),
                alert_row("new", "resolved", NOW),
            ],
        )
        for name in ("gone", "new"):
            key: dict[str, object] = {
                "fingerprint": name,
                "opened_at": T0,
                "severity": 1,
                "record": {},
            }
            connection.execute(
                insert(alert_events), [key | {"revision": 1, "state": "resolved", "at": T0}]
            )
            connection.execute(
                insert(notifications),
                [
                    key
                    | {
                        "id": name,
                        "reason": "FIRST",
                        "subscription": "s",
                        "status": "sent",
                        "created_at": T0,
                    }
                ],
            )
        connection.execute(
            insert(silences),
            [
                {
                    "id": name,
                    "matchers": [],
                    "starts_at": long_ago,
                    "ends_at": ends,
                    "author": "a",
                    "comment": "c",
                }
                for name, ends in (("over", long_ago), ("on", NOW))
            ],
        )
        connection.execute(
            insert(trend_buckets),
            [bucket | {"start": last_decade + timedelta(hours=n)} for n in range(-5, 5)]
            # the time since then is not kept by a document of one day
            + [bucket | {"start": last_decade + timedelta(days=n)} for n in range(30, 33)]
            + [bucket | {"start": NOW - timedelta(days=399)}],
        )
    done = forget(engine, NOW, timedelta(days=400))
    assert (done.documents, done.alerts, done.silences, done.trend_buckets) == (2_500, 1, 1, 8)
    assert count(engine, documents) == count(engine, classifications) == 1
    assert (count(engine, alerts), count(engine, alert_events)) == (2, 1)
    assert (count(engine, notifications), count(engine, silences)) == (1, 1)
    assert count(engine, trend_buckets) == 6
    again = forget(engine, NOW, timedelta(days=400))
    assert (again.documents, again.alerts, again.trend_buckets) == (0, 0, 0)


def test_beyond_so_many_documents_their_number_is_estimated(engine):
    SqlArchive(engine).store([document(f"d{number}") for number in range(40)], NOW)
    with engine.connect() as connection:
        assert archived_and_classified(connection) == (40, 40)
        archived, classified = archived_and_classified(connection, most=10)
    # PostgreSQL's own estimate may not know of the last rows
    assert 10 <= archived <= 40
    assert classified == archived


def test_a_new_alert_row_knows_when_it_was_written(engine):
    row = alert_row("a", "firing", NOW)
    del row["recorded_at"]
    with writing(engine) as connection:
        connection.execute(insert(alerts), [row])
        written = connection.scalar(select(alerts.c.recorded_at))
    assert written is not None
    assert abs(datetime.now(UTC) - written) < timedelta(minutes=1)
