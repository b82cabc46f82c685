"""Return levels, the week and the fleet's budget: small arithmetic that thresholds rest on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.detection import judge
from alerts.fleet import LEAST_SERIES, Fleet
from alerts.held import tries
from alerts.kinds import KINDS, nominal
from alerts.learning import DECAY
from alerts.peaks import KEPT_AN_HOUR, Peaks
from alerts.returns import LEAST, PRIOR_EXCESS, PRIOR_RATE, Returns, returns_of
from alerts.rules import KINDS as NAMES
from alerts.rules import Detector, Rule, parse_rules
from alerts.series import Series
from alerts.usual import usual_of
from alerts.verdict import SHARE, VOLUME
from alerts.weekly import DAYS, HOURS, Learned, day_cell, exposure, factors, hour_cell
from tests.unit.alerts.test_scenarios import HIT, shock
from tests.unit.alerts.test_series import bucket
from tests.unit.alerts.timeline import DAY, START, Watched, at


@given(st.floats(0.001, 1.0), st.floats(0.05, 3.0), st.floats(1e-6, 0.9))
def test_the_level_of_a_rate_is_exceeded_at_that_rate(rate, excess, share):
    returns = Returns(rate, excess)
    allowed = rate * share
    assert returns.per_day(returns.level(allowed)) == pytest.approx(allowed)


def test_what_is_allowed_more_often_than_it_peaks_needs_less_than_a_peak():
    assert Returns().level(PRIOR_RATE) == LEAST
    assert Returns().level(10 * PRIOR_RATE) == pytest.approx(LEAST - 1.0, abs=0.01)
    assert Returns().level(10_000.0) == 0.0


@given(st.floats(1e-6, 0.9), st.floats(0.001, 1.0), st.floats(0.05, 3.0))
def test_neither_its_own_past_nor_the_model_alone_lowers_the_bar(allowed, rate, excess):
    detector, own = Detector(open_above=0.5), Returns(rate, excess)
    kind = KINDS["negative-binomial"]
    for bar in (
        kind.threshold(detector, own, allowed),
        kind.share_threshold(detector, own, allowed),
    ):
        assert bar >= own.level(allowed)
        # three looks a day at that chance are no more than allowed
        assert 3.0 * 10.0**-bar <= allowed * 1.000001
        assert bar in (0.5, own.level(allowed), nominal(allowed))


def test_without_peaks_it_is_the_model_and_days_without_any_make_it_rarer():
    fresh = returns_of(0.0, 0.0, 0.0, mean=10.0)
    assert fresh.rate == PRIOR_RATE
    assert fresh.excess == pytest.approx(PRIOR_EXCESS)
    assert returns_of(0.0, 0.0, 100.0, mean=10.0).rate < PRIOR_RATE / 5


def test_a_series_with_hardly_any_documents_peaks_hardly_ever():
    assert returns_of(0.0, 0.0, 0.0, mean=0.01).rate < PRIOR_RATE / 5


def test_peaks_raise_what_is_needed():
    quiet, restless = returns_of(0.0, 0.0, 60.0, 1.0), returns_of(12.0, 18.0, 60.0, 1.0)
    assert restless.level(0.01) > quiet.level(0.01) + 1.0


@pytest.mark.parametrize("apart", [2 * 24, 7 * 24, 30 * 24])
def test_peaks_are_forgotten_as_time_passes_whether_anything_harmless_lies_between(apart):
    alone, beside = Peaks(), Peaks()
    for number in range(1, 41):
        alone.learn(number * apart, 5.0)
        beside.learn(number * apart, 5.0)
        beside.learn(number * apart + 25, 0.0)
    alone.learn(41 * apart, 0.0)
    beside.learn(41 * apart, 0.0)
    kept = 2.0 ** (-apart / (60 * 24))
    for peaks in (alone, beside):
        decayed = peaks.number * KEPT_AN_HOUR ** (41 * apart - peaks.hour)
        assert decayed == pytest.approx(kept * (1 - kept**40) / (1 - kept))


def test_a_series_with_a_burst_a_week_needs_more_for_the_next_one():
    def levels(bursts: bool) -> list[float]:
        series = Series.begun(START, START)
        for hour in range(60 * 24):
            loud = bursts and hour % 168 == 100
            series.observe(bucket(hour * 60, 10, 6 if loud else 0), at(hour * 60), 60)
            if hour % 12 == 0:
                series.observe(bucket(hour * 60 + 1, 2, 1), at(hour * 60 + 1), 60)
        return [returns.level(0.01) for returns in series.returns()]

    (volume, share), (usual_volume, usual_share) = levels(bursts=True), levels(bursts=False)
    assert volume > usual_volume + 0.5
    assert share > usual_share + 0.5


@given(st.integers(0, 400), st.integers(400, 900))
def test_exposure_is_the_decayed_number_of_hours_of_each_cell(since, until):
    expected = [0.0] * (HOURS + DAYS)
    for hour in range(since, until):
        for cell in (hour_cell(hour), day_cell(hour)):
            expected[cell] += DECAY ** (until - 1 - hour)
    assert exposure(since, until, DECAY) == pytest.approx(expected)


def test_a_sparse_series_keeps_a_flat_week_and_a_busy_one_gets_its_own():
    behind = exposure(0, 28 * 24, DECAY)
    nights = dict.fromkeys(range(HOURS), 0.0)
    assert factors(range(1), Learned(nights, 1.0, behind, mean=0.01))[0] > 0.9
    assert factors(range(1), Learned(nights, 1.0, behind, mean=20.0))[0] < 0.3


def test_a_busy_mornings_hours_are_expected_to_be_busy():
    series = Series.begun(START, START)
    for hour in range(28 * 24):
        count = 20 if hour % 24 == 9 else 2
        series.observe(bucket(hour * 60, 2 * count, count), at(hour * 60), 60)
    until = series.learned_until
    nine = until // 24 * 24 + 9
    (morning,), (evening,) = (
        series.week_factors(nine, nine, until),
        series.week_factors(nine + 9, nine + 9, until),
    )
    assert morning > 3 * evening


def test_a_window_expects_what_its_own_hours_usually_bring():
    """The busy hours are worked out for the longest window; a shorter one takes its end."""
    series = Series.begun(START, START)
    for hour in range(28 * 24):
        series.observe(bucket(hour * 60, 40, 20 if hour % 24 == 9 else 2), at(hour * 60), 60)
    hour = series.learned_until // 24 * 24 + 9
    own = usual_of(Detector(), series, hour, hour, 1.0, series.upcoming(hour, hour))
    longer = usual_of(Detector(), series, hour, hour, 1.0, series.upcoming(hour - 20, hour))
    assert longer == own
    assert own.per_hour > 3 * own.flat_per_hour


def test_each_series_gets_its_part_and_it_changes_at_midnight_only():
    fleet = Fleet()
    fleet.pass_to(1, 0)
    for _ in range(300):
        fleet.count(0, watched_for_weeks(an_hour=5), 1)
    assert fleet.allowed(0, 1.0) == 1.0 / LEAST_SERIES
    fleet.pass_to(2, 0)
    assert fleet.allowed(0, 1.0) == 1.0 / 512
    assert Fleet.decode([part.encode() for part in fleet.parts]) == fleet
    assert Fleet.decode([b"nonsense"]) == Fleet.decode([None]) == Fleet()


def test_the_series_of_all_partitions_share_what_the_fleet_is_allowed():
    fleet = Fleet.decode([None] * 8)
    for partition in range(8):
        fleet.pass_to(1, partition)
        for _ in range(15):
            fleet.count(partition, watched_for_weeks(an_hour=5), 1)
    assert {fleet.allowed(partition, 1.0) for partition in range(8)} == {1.0 / LEAST_SERIES}
    # one partition reaches the next day before the others do
    fleet.pass_to(2, 3)
    assert fleet.allowed(3, 1.0) == 1.0 / 128
    assert fleet.allowed(4, 1.0) == 1.0 / LEAST_SERIES


def watched_for_weeks(an_hour: int, every: int = 1) -> Series:
    """A series of three weeks with so many negative documents in each hour that is told."""
    key = (an_hour, every)
    if key not in _WATCHED:
        made = Series.begun(START, START)
        for hour in range(0, 21 * 24, every):
            made.observe(bucket(hour * 60, 4 * an_hour, an_hour), at(hour * 60), 60)
        _WATCHED[key] = made.encode()
    series = Series.decode(_WATCHED[key])
    assert series is not None
    return series


_WATCHED: dict[tuple[int, int], bytes] = {}


def test_a_series_counts_in_the_fleet_as_far_as_it_can_give_an_alarm():
    fleet = Fleet()
    fleet.pass_to(1, 0)
    sparse = watched_for_weeks(an_hour=1, every=60)
    for _ in range(200):
        fleet.count(0, watched_for_weeks(an_hour=1, every=60), 1)
    assert 1.0 < fleet.parts[0].series < 12.0
    # once a day, and then as what it is by then
    fleet.count(0, sparse, 1)
    before = fleet.parts[0].series
    fleet.count(0, sparse, 1)
    assert fleet.parts[0].series == before
    sparse.counts_for, known = 0.5, sparse.counts_for
    fleet.count(0, sparse, 2)
    assert fleet.parts[0].series == pytest.approx(before + known - 0.5)


def test_a_series_that_an_older_version_counted_is_counted_anew():
    """That version kept its sum elsewhere, and counted each for one."""
    fleet, series = Fleet(), watched_for_weeks(an_hour=1, every=60)
    series.counted = True
    fleet.count(0, series, 6)
    assert fleet.parts[0].series == series.counts_for == series.chance_of_enough()


def test_fractions_that_add_up_to_a_power_of_two_are_no_more_than_that():
    fleet = Fleet.decode([b"1 0 0"])
    fleet.parts[0].series = 16.0 + 1e-9
    fleet.pass_to(2, 0)
    assert fleet.allowed(0, 1.0) == 1.0 / 16


@given(st.sets(st.integers(1, 1440), min_size=1, max_size=8))
def test_the_parts_of_all_windows_make_one_chance(minutes):
    windows = tuple(timedelta(minutes=one) for one in sorted(minutes))
    parts = [1.0 / tries(windows, one) for one in sorted(minutes)]
    assert sum(parts) == pytest.approx(1.0)
    assert parts == sorted(parts)


def breached(series: Series, documents: int, negatives: int) -> set[str]:
    minute = 21 * DAY + 90
    series.observe(bucket(minute, documents, negatives), at(minute), 60)
    rule = Rule(id="company", match={}, detector=Detector(independent=False, per_voice=0))
    return {one.signal for one in judge(rule, series, at(minute), None, 0.01).breaches}


def test_the_more_documents_show_a_surge_the_clearer_must_their_share_be():
    """A quarter of them is negative as ever: a day ten times as loud, and no worse."""
    assert breached(watched_for_weeks(an_hour=2), 800, 200) == set()
    assert VOLUME in breached(watched_for_weeks(an_hour=2), 800, 500)
    # a third of a handful says little, but nothing against it
    assert breached(watched_for_weeks(an_hour=1, every=60), 18, 6) == {VOLUME}
    assert breached(watched_for_weeks(an_hour=1, every=60), 180, 50) == set()


def test_an_hour_that_seems_worse_on_a_loud_day_opens_nothing():
    """Many looks at a day ten times as loud find six negative ones among seventeen."""
    series = watched_for_weeks(an_hour=1, every=60)
    for number in range(6):
        minute = 21 * DAY - 600 + number * 90
        series.observe(bucket(minute, 40, 9), at(minute), 60)
    assert breached(series, 17, 7) == set()
    assert breached(watched_for_weeks(an_hour=1, every=60), 17, 7) == {VOLUME}


def test_a_share_alone_must_be_rarer_the_fewer_documents_show_it():
    rule = Rule(id="company", match={}, signal=SHARE)
    rule = replace(rule, detector=Detector(independent=False, per_voice=0))
    above = {}
    for documents in (12, 60, 300):
        series, minute = watched_for_weeks(an_hour=2), 21 * DAY + 90
        series.observe(bucket(minute, documents, documents), at(minute), 60)
        (test, *_) = judge(rule, series, at(minute), None, 0.01).tests
        level = max(2.0, series.returns()[1].level(0.01), nominal(0.01))
        above[test.documents] = test.threshold - level
    assert above == {12: pytest.approx(0.88), 60: pytest.approx(0.4), 300: pytest.approx(0.0)}


def test_every_kind_a_rule_may_name_is_there():
    assert set(KINDS) == set(NAMES)


def test_a_rolling_z_finds_a_shock_too_and_names_itself():
    book = parse_rules(
        "version: 1\n"
        "rules:\n"
        "  - id: plain\n"
        "    match: {subject: '*'}\n"
        "    detector: {kind: rolling-z, open_above: 4}\n"
    )
    (alert,) = Watched(rules=book).play(shock(), until=10.5 * 24 * 60).fired()
    assert alert.arithmetic.detector == "rolling-z"
    # a z is no chance
    assert (alert.peak.p_value, alert.peak.per_day, alert.peak.peaks_per_day) == (1.0, None, None)
    assert at(HIT) <= alert.opened_at <= at(HIT) + timedelta(minutes=10)


def test_a_z_does_not_ask_how_many_false_alarms_are_allowed():
    detector = Detector(kind="rolling-z", open_above=4.0)
    thresholds = {KINDS["rolling-z"].threshold(detector, Returns(), a) for a in (1.0, 1e-6)}
    assert thresholds == {4.0}
