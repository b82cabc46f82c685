"""The views of docs/bi.md: their columns are the documented ones, their numbers the counted."""

import re
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, RowMapping, delete, insert, text

from pipeline.documents import Sentiment, minute_of
from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import connect, reading, writing
from pipeline.stores.feed_tables import feed_state
from pipeline.stores.recount import recount
from pipeline.stores.tables import alerts, documents
from pipeline.trends import SeriesKey, Totals
from tests.contracts.streams import T0, distinct, document, streams

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
BI = (Path(__file__).parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")
SENTIMENT = ("bi_sentiment_by_minute", "bi_sentiment_by_hour", "bi_sentiment_by_day")


def documented() -> dict[str, list[str]]:
    """The columns of each view, as docs/bi.md lists them, in order."""
    found: dict[str, list[str]] = {}
    for part in BI.split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        table = body[body.index("| column |") :]
        names = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
        found.update({view.strip(): names for view in heading.split(",")})
    return found


def rows(engine: Engine, query: str) -> list[RowMapping]:
    with reading(engine) as connection:
        return list(connection.execute(text(query)).mappings())


def as_time(value: datetime | str) -> datetime:
    """A view's time, as each database gives it, without our column types."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value.astimezone(UTC)


def test_every_view_has_exactly_the_documented_columns_in_their_order(engine):
    assert len(documented()) == 6
    for view, names in documented().items():
        with reading(engine) as connection:
            assert list(connection.execute(text(f"SELECT * FROM {view}")).keys()) == names, view


@settings(max_examples=15, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(streams)
def test_sentiment_views_give_what_the_trends_count(engine, stream):
    with writing(engine) as connection:
        connection.execute(delete(documents))
    SqlArchive(engine).store(distinct(stream), NOW)
    counted = {name: bucket.totals for name, bucket in recount(engine, NOW).items()}
    for view in SENTIMENT:
        expected: dict[tuple[SeriesKey, datetime], Totals] = defaultdict(Totals)
        for (series, start), totals in counted.items():
            if view.endswith("hour"):
                start = start.replace(minute=0)
            if view.endswith("day"):
                start = start.replace(hour=0, minute=0)
            expected[series, start] += totals
        found = {}
        for row in rows(engine, f"SELECT * FROM {view}"):
            series = SeriesKey(row["subject"], row["topic"], row["source"])
            found[series, as_time(row["bucket_start"])] = row
        assert found.keys() == expected.keys()
        for name, totals in expected.items():
            row = found[name]
            told = totals.negative + totals.neutral + totals.positive
            assert (row["documents"], row["novel"]) == (totals.documents, totals.novel)
            assert (row["negative"], row["neutral"], row["positive"]) == (
                totals.negative,
                totals.neutral,
                totals.positive,
            )
            assert row["novel_negative"] == totals.novel_negative
            if told == 0:
                assert row["negative_share"] is None
                assert row["mean_negative"] is None
            else:
                assert row["negative_share"] == pytest.approx(totals.negative / told)
                assert row["mean_negative"] == pytest.approx(
                    totals.negative_micro / told / 1e6, abs=1e-6
                )


def test_hours_and_days_are_those_of_utc_whatever_zone_the_reader_is_in(postgres_url):
    engine = connect(postgres_url)
    at = datetime(2026, 1, 5, 20, 40, tzinfo=UTC)  # 02:10 of the next day in Kolkata
    SqlArchive(engine).store([document("a", at)], NOW)
    with reading(engine) as connection:
        connection.execute(text("SET timezone = 'Asia/Kolkata'"))
        for view, start in (
            ("bi_sentiment_by_minute", minute_of(at)),
            ("bi_sentiment_by_hour", at.replace(minute=0)),
            ("bi_sentiment_by_day", at.replace(hour=0, minute=0)),
        ):
            query = text(f"SELECT bucket_start FROM {view} WHERE cut = 'everything'")
            assert connection.scalar(query) == start
    engine.dispose()


def test_times_read_as_timestamps_with_the_databases_own_functions(engine):
    SqlArchive(engine).store([document("a", T0 + timedelta(seconds=1))], NOW)
    if engine.dialect.name == "sqlite":
        times = ", ".join(f"strftime('%s', {one})" for one in ("published_at", "archived_at"))
        minute = "strftime('%s', bucket_start)"
    else:
        times = "extract(epoch FROM published_at), extract(epoch FROM archived_at)"
        minute = "extract(epoch FROM bucket_start)"
    (row,) = rows(engine, f"SELECT {times} FROM bi_documents")
    assert [int(value) for value in row.values()] == [T0.timestamp() + 1, NOW.timestamp()]
    (row,) = rows(engine, f"SELECT {minute} FROM bi_sentiment_by_minute WHERE cut = 'topic'")
    assert int(next(iter(row.values()))) == T0.timestamp()


def test_a_document_shows_its_subjects_and_only_its_first_classification(engine):
    archive = SqlArchive(engine)
    archive.store([document("a", subjects=("MSFT", "AAPL"))], NOW)
    archive.store([document("a", model="new@2", sentiment=Sentiment(0.1, 0.1, 0.8))], NOW)
    (row,) = rows(engine, "SELECT * FROM bi_documents")
    assert sorted(row["subjects"].split(",")) == ["AAPL", "MSFT"]
    assert (row["label"], row["model_version"]) == ("negative", "test@1")


def test_an_alert_shows_its_arithmetic(engine):
    arithmetic = {
        **{"detector": "rarity", "signal": "negative_volume"},
        **{"window_seconds": 900, "observed": 12.0, "expected": 1.5, "statistic": 7.25},
        **{"p_value": 5.6e-8, "threshold": 5.0, "documents": 40, "share": 0.3},
        **{"usual_share": 0.1, "stories": 9, "voices": 7},
    }
    row = {
        **{"fingerprint": "f", "opened_at": T0, "rule": "surge", "rule_version": "1"},
        **{"series": "subject=AAPL", "subject": "AAPL", "tickers": ["AAPL"], "state": "firing"},
        **{"severity": 2, "updated_at": T0, "revision": 1},
        "record": {
            "arithmetic": arithmetic,
            "peak": arithmetic | {"observed": 15.0, "p_value": 1e-9},
        },
    }
    with writing(engine) as connection:
        connection.execute(insert(alerts), [row])
    (found,) = rows(engine, "SELECT * FROM bi_alerts")
    assert found["observed"] == 12.0
    assert found["p_value"] == 5.6e-8
    assert (found["window_documents"], found["negative_share"]) == (40, 0.3)
    assert (found["peak_observed"], found["peak_statistic"]) == (15.0, 7.25)
    assert (found["detector"], found["signal"]) == ("rarity", "negative_volume")
    assert (found["peak_window_seconds"], found["peak_expected"]) == (900, 1.5)
    assert found["peak_p_value"] == 1e-9
    assert msgspec.json.decode(found["tickers"]) == ["AAPL"]


def test_sources_show_what_they_gave_and_how_their_feed_does(engine):
    SqlArchive(engine).store(
        [document("a"), document("b", T0 + timedelta(hours=1), sentiment=None)], NOW
    )
    feed = {"last_success_at": NOW, "items": 3, "errors": 1, "seen": []}
    with writing(engine) as connection:
        connection.execute(
            insert(feed_state), [{"source": name, **feed} for name in ("rss:cnbc", "rss:silent")]
        )
    cnbc, silent = rows(engine, "SELECT * FROM bi_sources ORDER BY source")
    assert (cnbc["documents"], cnbc["negative"], cnbc["negative_share"]) == (2, 1, 1.0)
    assert as_time(cnbc["last_published_at"]) == T0 + timedelta(hours=1)
    assert (silent["documents"], silent["feed_items"]) == (0, 3)
    assert silent["negative_share"] is None


def test_suspected_spam_is_said_and_is_not_novel(engine):
    spam = document("spam", T0)
    told = replace(spam, story=replace(spam.story, suspected_spam=True))
    SqlArchive(engine).store([told, document("news", T0)], NOW)
    found = {row["id"]: row for row in rows(engine, "SELECT * FROM bi_documents")}
    assert {name: bool(row["suspected_spam"]) for name, row in found.items()} == {
        "spam": True,
        "news": False,
    }
    for view in SENTIMENT:
        (row,) = rows(engine, f"SELECT * FROM {view} WHERE cut = 'everything'")
        assert (row["documents"], row["novel"], row["novel_negative"]) == (2, 1, 1)
