"""Busy series are read in steps of five minutes, by the arithmetic of `rules score`."""

import random
from dataclasses import replace
from math import log, log10

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from alerts.arithmetic import arithmetic_of
from alerts.detection import judge
from alerts.minutes import minute_number, minute_start
from alerts.pulse import BIN_MINUTES, BINS_A_DAY, KNOWN
from alerts.rarity import READING, STATE, absorb, read
from alerts.rules import MINUTE, load_rules
from alerts.series import MINUTES_KEPT, Series
from alerts.surprise import count_interval
from alerts.verdict import Verdict, WindowTest
from tests.unit.alerts.test_series import LATENESS, bucket
from tests.unit.alerts.timeline import COMPANY, DAY, START, Timeline, Watched, at

RULE = load_rules("").matching(COMPANY)[0]
FIRST = minute_number(START)


def counts_of(seed: int, days: float, per_hour: float = 6.0) -> dict[int, int]:
    """Negative documents of each minute that has any: a day's wave, and noise upon it."""
    chance = random.Random(seed)
    found: dict[int, int] = {}
    for five in range(int(days * BINS_A_DAY)):
        wave = 0.4 if five % BINS_A_DAY < BINS_A_DAY // 3 else 1.3
        rate = per_hour / 12 * wave * chance.gammavariate(4.0, 0.25)
        gap = chance.expovariate(1.0)
        while gap < rate:
            minute = five * BIN_MINUTES + chance.randrange(BIN_MINUTES)
            found[minute] = found.get(minute, 0) + 1
            gap += chance.expovariate(1.0)
    return found


def tell(series: Series, counts: dict[int, int]) -> None:
    """Half of what is said is negative."""
    for minute in sorted(counts):
        series.observe(bucket(minute, 2 * counts[minute], counts[minute]), at(minute), LATENESS)


def busy(seed: int = 1, days: float = 14.0) -> Series:
    series = Series.begun(START, START)
    tell(series, counts_of(seed, days))
    return series


def burst(series: Series, minute: int, minutes: int = 30, each: int = 2) -> int:
    """So many, all negative, in each of the `minutes` from `minute` on; the last of them."""
    for one in range(minute, minute + minutes):
        series.observe(bucket(one, each, each), at(one), LATENESS)
    return minute + minutes - 1


def volume_of(verdict: Verdict) -> WindowTest:
    (found,) = (test for test in verdict.tests if test.signal == "negative_volume")
    return found


def read_directly(counts: dict[int, int], begun: int, minute: int) -> tuple[list[float], float]:
    """The state and the rarity of `minute` where each five minutes since bin `begun` are told to
    `alerts.rarity` itself."""
    state, reading, rarity = [0.0] * STATE, [0.0] * READING, 0.0
    last = (FIRST + minute) // BIN_MINUTES
    bins = [0] * (last - begun + 1)
    for one, count in counts.items():
        place = (FIRST + one) // BIN_MINUTES - begun
        if place >= 0 and one <= minute:
            bins[place] += count
    for place, count in enumerate(bins):
        # START is a Monday
        of_week = (begun + place - FIRST // BIN_MINUTES) % (7 * BINS_A_DAY)
        rarity = read(state, count, of_week, BINS_A_DAY, reading)
        if place < len(bins) - 1:
            absorb(state, count, of_week, BINS_A_DAY, reading)
    return state, rarity


@given(st.integers(0, 10_000), st.integers(0, 2 * BIN_MINUTES))
@settings(deadline=None, max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_a_busy_series_is_read_by_the_arithmetic_of_the_scores(seed, further):
    counts = counts_of(seed, 4.0)
    minute = 4 * DAY + further
    series = Series.begun(START, START)
    tell(series, counts)
    series.roll(FIRST + minute)
    pulse = series.pulse
    assert pulse is not None
    begun = pulse.bin - pulse.age
    assert begun % 12 == 0 and begun < (FIRST + 2 * DAY) // BIN_MINUTES
    assert pulse.bin == (FIRST + minute - MINUTES_KEPT) // BIN_MINUTES
    told = {one: count for one, count in counts.items() if FIRST + one < pulse.bin * BIN_MINUTES}
    state, _ = read_directly(told, begun, pulse.bin * BIN_MINUTES - FIRST)
    assert pulse.state == state
    _, rarity = read_directly(counts, begun, minute)
    assert pulse.read(series.minutes, FIRST + minute).rarity == rarity
    # and again, from what is kept of the first time
    assert pulse.read(series.minutes, FIRST + minute).rarity == rarity


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_time_in_one_jump_or_in_many_steps_and_late_documents_leave_the_same(seed):
    chance = random.Random(seed)
    counts = counts_of(seed, 3.0)
    # after a silence of some weeks or hours it goes on
    silence = chance.choice([0, 600, 2 * DAY, 5 * DAY])
    counts |= {one + 3 * DAY + silence: count for one, count in counts_of(seed + 1, 2.0).items()}
    end = FIRST + max(counts) + chance.choice([1, 200, 3 * DAY, 20 * DAY])
    straight = Series.begun(START, START)
    tell(straight, counts)
    straight.roll(end)
    mixed = Series.begun(START, START)
    now = 0
    for minute in sorted(counts, key=lambda one: one + chance.random() * LATENESS):
        now = max(now, minute)
        mixed.observe(bucket(minute, 2 * counts[minute], counts[minute]), at(now), LATENESS)
        if chance.random() < 0.02:
            again = Series.decode(mixed.encode())
            assert again is not None
            mixed = again
        if mixed.pulse and chance.random() < 0.05:
            judge(RULE, mixed, at(now))
    while mixed.minute < end:
        mixed.roll(min(end, mixed.minute + chance.randrange(1, 3000)))
    assert mixed.pulse == straight.pulse
    assert mixed.negatives == straight.negatives
    if end - FIRST - max(counts) < DAY:
        assert straight.pulse is not None
        reading = straight.pulse.read(straight.minutes, end)
        assert mixed.pulse is not None and mixed.pulse.read(mixed.minutes, end) == reading


def test_a_state_of_another_length_is_begun_anew():
    series = busy(days=4.0)
    assert series.pulse is not None
    series.pulse.state.append(0.0)
    again = Series.decode(series.encode())
    assert again is not None and again.pulse is None and again.negatives == series.negatives


def test_three_days_of_silence_end_it_and_it_begins_anew():
    series = busy(days=4.0)
    assert series.pulse is not None
    begun = series.pulse.bin - series.pulse.age
    series.roll(FIRST + 7 * DAY - 60)
    assert series.pulse is not None
    series.roll(FIRST + 7 * DAY + 180)
    assert series.pulse is None
    tell(series, {8 * DAY + one: count for one, count in counts_of(2, 4.0).items()})
    assert series.pulse is not None and series.pulse.bin - series.pulse.age > begun


def test_a_quiet_series_has_none():
    series = Series.begun(START, START)
    tell(series, counts_of(1, 14.0, per_hour=0.25))
    assert series.pulse is None


def test_a_burst_of_half_an_hour_opens_by_its_rarity_and_ordinary_hours_do_not():
    series = busy()
    quiet = volume_of(judge(RULE, series, at(max(counts_of(1, 14.0)))))
    assert quiet.rarity is not None and quiet.margin < 0
    last = burst(series, 14 * DAY + 60)
    verdict = judge(RULE, series, at(last))
    (breach,) = (test for test in verdict.breaches if test.signal == "negative_volume")
    assert breach.rarity is not None and breach.statistic > breach.threshold
    assert breach.scale_minutes in (15, 30, 60) and breach.observed >= 30
    low, high = breach.interval
    assert low < breach.expected < high < breach.observed


def test_restless_five_minutes_that_even_out_by_the_hour_give_no_more_than_is_allowed():
    chance, counts = random.Random(5), {}
    for minute in range(0, 21 * DAY, BIN_MINUTES):
        if (count := round(10 * chance.gammavariate(1.0, 1.0))) > 0:
            counts[minute] = count
    series, opened, open_since = Series.begun(START, START), 0, -100
    rule = replace(RULE, signal="negative_volume")
    for minute, count in counts.items():
        series.observe(bucket(minute, 2 * count, count), at(minute), LATENESS)
        if judge(rule, series, at(minute), allowed=0.1).breach is not None:
            opened += minute - open_since > 60
            open_since = minute
    # two a series of three weeks are allowed; by the hours' own dispersion there are a dozen
    assert opened <= 4


def test_few_voices_open_nothing_that_their_number_does_not():
    def with_voices(some: int) -> WindowTest:
        series = busy()
        for number in range(60):
            minute = 14 * DAY + 61 + number // 2
            one = bucket(minute, 2, 2, voice=f"voice {number % some}")
            series.observe(one, at(minute), LATENESS)
        verdict = judge(RULE, series, at(14 * DAY + 90))
        test = volume_of(verdict)
        assert (test in verdict.breaches) is not test.held_back
        return test

    many, few = with_voices(60), with_voices(6)
    assert not many.held_back and few.held_back
    # it is as rare, and an alert that others opened stays open by it
    assert few.statistic == many.statistic > many.threshold


def test_what_an_alert_told_before_is_no_window_of_the_next():
    series = busy()
    last = burst(series, 14 * DAY + 60)
    for minutes in (5, 12, 20):
        test = volume_of(judge(RULE, series, at(last), after=at(last - minutes)))
        assert test.window_minutes <= minutes and test.observed <= 2 * minutes
    assert not judge(RULE, series, at(last), after=at(last - 1)).tests


def test_a_plain_rolling_z_and_a_rule_about_the_share_do_without():
    series = busy()
    last = burst(series, 14 * DAY + 60)
    plain = replace(RULE, detector=replace(RULE.detector, kind="rolling-z", open_above=3.0))
    assert judge(plain, series, at(last)).tests
    assert all(test.rarity is None for test in judge(plain, series, at(last)).tests)
    share = replace(RULE, signal="negative_share")
    assert all(test.rarity is None for test in judge(share, series, at(last)).tests)


def test_a_series_that_is_quiet_again_is_judged_by_its_hours():
    counts = counts_of(1, 4.0)
    # one in seven hours, for forty days
    counts |= {4 * DAY + one: 1 for one in range(0, 40 * DAY, 7 * 60)}
    series = Series.begun(START, START)
    tell(series, counts)
    last = burst(series, 44 * DAY, minutes=90, each=1)
    assert all(test.rarity is None for test in judge(RULE, series, at(last)).tests)
    assert judge(replace(RULE, signal="negative_volume"), series, at(last)).breach is not None
    assert series.pulse is not None
    # and one in twenty
    tell(series, {45 * DAY + one: 1 for one in range(0, 30 * DAY, 20 * 60)})
    assert series.pulse is None


def test_what_was_read_ahead_is_forgotten_with_the_count_it_rested_on():
    series, minute = busy(), 14 * DAY + 3
    burst(series, minute, minutes=1, each=4)
    assert series.pulse is not None
    series.pulse.read(series.minutes, FIRST + minute + 10)
    # half an hour late, and nobody asks until it is told for good
    series.observe(bucket(minute, 9, 9), at(minute + 30), LATENESS)
    series.roll(FIRST + minute + 2 * 60 + 6)
    fresh = Series.decode(series.encode())
    assert fresh is not None and fresh.pulse is not None
    for now in (FIRST + minute + 10, series.minute):
        assert series.pulse.read(series.minutes, now) == fresh.pulse.read(fresh.minutes, now)


def test_a_minute_is_asked_the_same_however_far_the_series_has_got():
    series, minute = busy(days=6.0), 6 * DAY + 3
    burst(series, minute, minutes=1, each=6)
    asked = set()
    for further in (0, 9, 40):
        series.roll(FIRST + minute + further)
        test = volume_of(judge(RULE, series, at(minute)))
        asked.add((test.threshold, test.statistic))
    assert len(asked) == 1


@pytest.mark.parametrize("rule", load_rules("").rules, ids=lambda rule: rule.id)
def test_every_rule_that_ships_opens_on_twenty_times_as_many_somewhat_worse(rule):
    series = Series.begun(START, START)
    tell(series, counts_of(1, 14.0, per_hour=20.0))
    for minute in range(14 * DAY + 60, 14 * DAY + 90):
        series.observe(bucket(minute, 10, 7), at(minute), LATENESS)
    breach = judge(rule, series, at(14 * DAY + 89)).breach
    assert breach is not None and breach.rarity is not None and breach.severity >= 60


@pytest.mark.parametrize("minutes", [(3,), (10,), (720,)])
def test_a_rule_of_other_windows_needs_its_evidence_in_one_of_them(minutes):
    windows = tuple(MINUTE * one for one in minutes)
    rule = replace(RULE, signal="negative_volume", detector=replace(RULE.detector, windows=windows))
    series = busy()
    last = burst(series, 14 * DAY + 63)
    test = judge(rule, series, at(last)).breach
    assert test is not None and test.rarity is not None
    assert test.window_minutes <= minutes[0]
    low, high = test.interval
    assert low <= test.expected <= high < test.observed


@pytest.mark.parametrize("days", [0.75, 1.5])
def test_the_volume_of_a_busy_series_says_nothing_before_its_days_are_known(days):
    series = busy(days=days)
    last = burst(series, int(days * DAY) + 1)
    tests = judge(replace(RULE, signal="negative_volume"), series, at(last)).tests
    assert series.pulse is None or series.pulse.age < KNOWN
    assert tests == ()


def test_a_company_that_was_quiet_is_tested_in_the_first_days():
    series = Series.begun(START, START)
    last = burst(series, DAY)
    assert judge(replace(RULE, signal="negative_volume"), series, at(last)).breach is not None


def test_the_numbers_of_an_alert_give_its_statistic_again():
    series = busy()
    last = burst(series, 14 * DAY + 60)
    verdict = judge(replace(RULE, signal="negative_volume"), series, at(last))
    assert verdict.breach is not None
    numbers = arithmetic_of(verdict.breach, RULE, verdict.at)
    assert numbers.detector == "rarity" and numbers.rarity is not None
    parts = numbers.rarity
    scales = -log10(parts.scales_per_day) + parts.scales / parts.scales_excess / log(10)
    multiple = -log10(parts.multiple_per_day)
    multiple += (parts.multiple - 3) / parts.multiple_excess / log(10)
    rarity = 0.3 * scales + 0.7 * multiple
    rarity = 1 + 0.6 * (rarity - 1)
    assert numbers.statistic == pytest.approx(rarity + log10(3))
    assert numbers.p_value == pytest.approx(10**-numbers.statistic)
    assert numbers.per_day == pytest.approx(10**-rarity)
    assert numbers.interval == count_interval(numbers.expected, numbers.dispersion)
    assert numbers.threshold == pytest.approx(log10(3 / (numbers.allowed_per_day or 0)), abs=1e-6)


def test_an_alert_of_a_busy_series_fires_and_resolves_and_is_the_same_however_it_comes():
    timeline = Timeline()
    for minute, count in counts_of(3, 11.0).items():
        for number in range(count):
            for mood in ("negative", "neutral"):
                timeline.say(minute + number / 100, mood)
    for number in range(60):
        timeline.say(11 * DAY + 30 + number / 2, "negative")
        if number % 2:
            timeline.say(11 * DAY + 30 + number / 2, "neutral")
    for minute in range(11 * DAY + 70, 11 * DAY + 300, 10):
        timeline.say(minute, "neutral")
    one, other = Watched().play(timeline, 500), Watched().play(timeline, 7_000)
    (alert,) = one.fired()
    assert alert.peak.detector == "rarity" and alert.state == "resolved"
    assert other.fired() == [alert]
    assert minute_start(FIRST + 11 * DAY + 30) <= alert.opened_at <= at(11 * DAY + 50)
    # an hour of calm, and what the windows of hours remember
    assert alert.resolved_at and alert.resolved_at < at(11 * DAY + 180)
    assert alert.peak.close_threshold == 1.0
