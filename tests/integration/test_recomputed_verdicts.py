"""A verdict that was stored can be worked out again from what SQL holds, to the last digit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.arithmetic import Arithmetic, arithmetic_of
from alerts.detection import judge
from alerts.fleet_week import EVERYTHING, week_told
from alerts.lifecycle import Alert, series_key
from alerts.minutes import MINUTES_A_DAY, minute_number, minute_start
from alerts.rebuild import replayed
from alerts.rules import load_rules
from alerts.store import SqlAlertStore, list_alerts
from alerts.watch import Watch
from pipeline.stages import Aggregate
from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import connect
from pipeline.stores.memory import MemorySeriesStates, MemoryTrendStore
from pipeline.stores.migrate import upgrade
from pipeline.stores.recount import classified_between
from tests.unit.alerts.test_backtest import talk

LONG_AGO, LONG_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
RULES = load_rules("")


@pytest.mark.parametrize("database", ["sqlite_url", "postgres_url"])
def test_the_archive_tells_a_rule_the_tier_of_its_sources(
    request: pytest.FixtureRequest, database: str
) -> None:
    engine = connect(request.getfixturevalue(database))
    upgrade(engine)
    told = []
    # some come again
    once = {one.document.id: one for one in talk(3, 0.0)[:40]}
    for number, one in enumerate(once.values()):
        extra = {"tier": 1 + number % 3, "more": ["that", "is", "not", "needed"]} if number else {}
        told.append(replace(one, document=replace(one.document, extra=extra)))
    SqlArchive(engine).store(told, told[-1].document.published_at)
    found = [one for some in classified_between(engine, LONG_AGO, LONG_AHEAD) for one in some]
    tiers = {one.document.id: one.document.extra.get("tier") for one in told}
    assert {one.document.id: one.document.extra.get("tier") for one in found} == tiers
    assert not any("more" in one.document.extra for one in found)
    engine.dispose()


@pytest.mark.parametrize("database", ["sqlite_url", "postgres_url"])
@pytest.mark.parametrize("seed", [3, 7, 11])
def test_a_stored_verdict_is_the_same_again(
    request: pytest.FixtureRequest, database: str, seed: int
) -> None:
    engine = connect(request.getfixturevalue(database))
    upgrade(engine)
    aggregate = Aggregate(MemoryTrendStore())
    watch = Watch(RULES, MemorySeriesStates(), SqlAlertStore(engine))
    documents = talk(seed, 0.0)
    for start in range(0, len(documents), 50):
        batch = documents[start : start + 50]
        SqlArchive(engine).store(batch, batch[-1].document.published_at)
        watch.follow(aggregate.points(batch))

    # from here on SQL alone
    counted = MemoryTrendStore()
    for archived in classified_between(engine, LONG_AGO, LONG_AHEAD):
        Aggregate(counted).points(archived)

    def recomputed(alert: Alert) -> Arithmetic:
        peak, key = alert.peak, series_key(alert.series)
        minute = minute_number(peak.at)
        until = peak.at + timedelta(minutes=1)
        everything = counted.buckets(EVERYTHING, LONG_AGO, until)
        begun = minute_start(minute_number(everything[0].start) // 60 * 60)
        series = replayed(counted.buckets(key, LONG_AGO, until), begun)
        series.roll(minute)
        week = week_told(everything, begun).on(minute // MINUTES_A_DAY)
        (rule,) = [rule for rule in RULES.rules if rule.id == alert.rule]
        assert peak.allowed_per_day is not None
        verdict = judge(rule, series, peak.at, None, peak.allowed_per_day, week)
        strongest = max(verdict.breaches, key=lambda test: test.margin)
        return arithmetic_of(strongest, rule, peak.at)

    stored = [alert for alert in list_alerts(engine) if alert.firing_at is not None]
    assert stored
    for alert in stored:
        assert recomputed(alert) == alert.peak
    engine.dispose()
