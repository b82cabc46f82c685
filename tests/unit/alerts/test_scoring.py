"""Scores of plain series: causal, bounded, one crossing an episode, whatever the cadence."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from alerts.rarity import (
    LIKELIHOOD,
    MOST_REMEMBERED,
    READING,
    STATE,
    TAIL,
    TOTAL,
    absorb,
    believed,
    rarity_of,
    read,
)
from alerts.scoring import Episodes, scored, timestamp_of

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 288


def steady(rows: int, mean: float = 20.0, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [float(sum(chance.random() < mean / 100 for _ in range(100))) for _ in range(rows)]


def at_cadence(values: list[float], minutes: float = 5.0) -> list[tuple[datetime, float]]:
    return [(START + timedelta(minutes=minutes * row), value) for row, value in enumerate(values)]


def surging(day: int = 9, rows: int = 12 * DAY) -> list[float]:
    values = steady(rows)
    for row in range(day * DAY, day * DAY + 12):
        values[row] *= 5
    return values


def crossings(scores: list[float]) -> list[int]:
    return [row for row, score in enumerate(scores) if score >= 0.5]


def test_a_surge_crosses_at_once_and_again_only_as_it_grows():
    scores = list(scored(at_cadence(surging())))
    found = crossings(scores)
    assert 9 * DAY <= found[0] <= 9 * DAY + 2
    assert found[-1] < 9 * DAY + 12
    told = [scores[row] for row in found]
    assert told == sorted(set(told))
    assert len(told) <= 4


def test_a_ripple_does_not_hide_the_flood_that_follows_it():
    calm, flooded = steady(12 * DAY), steady(12 * DAY)
    for row in range(9 * DAY, 9 * DAY + 3):
        calm[row] = flooded[row] = 3 * calm[row]
    for row in range(9 * DAY + 60, 9 * DAY + 84):
        flooded[row] *= 8
    ripple = max(scored(at_cadence(calm)))
    assert ripple >= 0.5
    assert max(list(scored(at_cadence(flooded)))[9 * DAY + 60 :]) > ripple


def test_a_second_surge_two_days_later_crosses_again():
    values = surging()
    for row in range(11 * DAY, 11 * DAY + 12):
        values[row] *= 5
    found = crossings(list(scored(at_cadence(values))))
    assert any(row < 11 * DAY for row in found)
    assert any(11 * DAY <= row <= 11 * DAY + 2 for row in found)


def test_scores_lie_between_nought_and_one():
    values = surging()
    values[5 * DAY] = 1e9
    values[6 * DAY : 7 * DAY] = [0.0] * DAY
    assert all(0.0 <= score <= 1.0 for score in scored(at_cadence(values)))


def test_a_score_does_not_know_what_comes_after():
    values = surging()
    whole = list(scored(at_cadence(values)))
    cut = 9 * DAY + 5
    assert list(scored(at_cadence(values[:cut]))) == whole[:cut]


def test_each_score_is_given_before_the_next_row_is_read():
    read = 0

    def rows() -> Iterator[tuple[datetime, float]]:
        nonlocal read
        for row in at_cadence(steady(50)):
            read += 1
            yield row

    for number, _ in enumerate(scored(rows()), 1):
        assert read == number


@pytest.mark.parametrize("minutes", [1, 5, 15, 60])
def test_a_surge_is_found_at_any_cadence(minutes):
    # three weeks, the surge of an hour (or a row) in the third
    rows = 21 * 24 * 60 // minutes
    values = steady(rows)
    first = 17 * 24 * 60 // minutes
    for row in range(first, first + max(1, 60 // minutes)):
        values[row] = 200.0
    scores = list(scored(at_cadence(values, minutes)))
    found = crossings(scores)
    assert any(first <= row <= first + 10 / minutes for row in found)
    # told again as it grows, by the minute more often
    surge = [scores[row] for row in found if first <= row]
    assert surge == sorted(set(surge))
    assert len(found) <= 5


def test_steady_noise_hardly_ever_crosses():
    found = [
        row
        for seed in range(5)
        for row in crossings(list(scored(at_cadence(steady(14 * DAY, seed=seed)))))
    ]
    # 70 series-days
    assert len(found) <= 7


@pytest.mark.parametrize("values", [[], [3.0], [0.0] * 500, [7.0] * 500])
def test_series_without_any_variation_never_cross(values):
    assert crossings(list(scored(at_cadence(values)))) == []


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(hours=1)])
def test_a_row_of_before_is_no_surge_and_one_that_comes_too_much_is(back):
    rows = list(at_cadence(steady(20 * DAY)))
    latest, usual = rows[4000]
    for value, is_told in ((usual, False), (20.0 * usual + 20.0, True)):
        late = [*rows[:4001], (latest - back, value), *rows[4001:]]
        assert any(score >= 0.5 for score in list(scored(late))[4001:4010]) == is_told


@pytest.mark.parametrize(("rows_a_bin", "least"), [(1, 0.5), (4, 0.6)])
def test_an_hour_that_is_told_twice_is_no_surge(rows_a_bin, least):
    # the first five minutes of rows by the second may be rows that come late: they count together
    chance, rows = random.Random(3), []
    for row in range(10 * DAY):
        at = START + timedelta(minutes=5 * row)
        # as clocks on the wall tell it after the eighth day
        wall = at - timedelta(hours=1) if row >= 8 * DAY + 36 else at
        for part in range(rows_a_bin):
            count = sum(chance.random() < 20.0 / rows_a_bin / 100 for _ in range(100))
            rows.append((wall + part * timedelta(minutes=5) / rows_a_bin, float(count)))
    scores = list(scored(rows))
    assert max(scores[7 * DAY * rows_a_bin :]) < least


def test_an_hour_that_is_told_twice_by_the_hour_is_no_surge():
    chance, rows = random.Random(5), []
    for hour in range(40 * 24):
        wall = START + timedelta(hours=hour - (hour > 30 * 24))
        rows.append((wall, float(sum(chance.random() < 0.1 for _ in range(1000)))))
    assert rows[30 * 24][0] == rows[30 * 24 + 1][0]
    assert max(list(scored(rows))[28 * 24 :]) < 0.5


def test_the_first_monday_after_a_weekend_is_no_surge():
    def begun_on(day: int) -> list[int]:
        chance = random.Random(4)
        rows = []
        for row in range(9 * DAY):
            at = START + timedelta(days=day, minutes=5 * row)
            working = at.weekday() < 5 and 8 <= at.hour < 20
            mean = 20.0 if working else 2.0
            rows.append((at, float(sum(chance.random() < mean / 100 for _ in range(100)))))
        return crossings(list(scored(rows)))

    monday = 2 * DAY
    assert not any(monday <= row < monday + DAY for row in begun_on(5))
    # but in the weekend itself a surge is one
    rows = list(at_cadence(steady(2 * DAY, 2.0)))
    rows = [(at + timedelta(days=5), count) for at, count in rows]
    rows[DAY + 100] = (rows[DAY + 100][0], 60.0)
    assert DAY + 100 in crossings(list(scored(rows)))


def test_a_time_without_zone_is_utc_and_another_zone_is_converted():
    assert timestamp_of("2026-03-02 10:00:00") == START.replace(hour=10)
    assert timestamp_of("2026-03-02T12:00:00+02:00") == START.replace(hour=10)


def test_the_state_of_a_series_is_at_most_two_hundred_numbers():
    assert STATE <= 200


def test_rows_that_are_not_told_keep_their_order_below_those_that_are():
    def untold(rarity: float) -> float:
        return Episodes().score(0.0, believed(rarity), START, timedelta(days=8))

    scores = [untold(rarity) for rarity in (-2.0, 0.0, 1.0, 1.9)]
    assert scores == sorted(set(scores))
    assert scores[-1] < 0.5 <= Episodes().score(0.8, -2.0, START, timedelta(days=8))


def told(
    rows: list[tuple[float, float]], every: timedelta = timedelta(minutes=5), days: int = 30
) -> list[int]:
    """The numbers of the rows that are told, of a series so many days old: (opening, rarity as
    the exponential tails state it)."""
    episodes = Episodes()
    return [
        number
        for number, (opening, tails) in enumerate(rows)
        if episodes.score(opening, believed(tails), START + number * every, timedelta(days=days))
        >= 0.5
    ]


def test_what_is_rare_by_the_likelihood_alone_is_told():
    assert told([(0.0, 1.9), (0.0, 2.1), (0.0, 2.2)]) == [1]


def test_what_is_rare_in_a_young_series_must_be_rarer():
    assert told([(0.0, 3.0)]) == [0]
    assert told([(0.0, 3.0)], days=1) == []
    assert told([(0.0, 4.0)], days=1) == [0]


def test_a_flood_is_forgotten_down_to_what_is_very_rare():
    state, reading = [0.0] * STATE, [0.0] * READING
    for row, count in enumerate([*steady(14 * DAY), *[500.0] * 24]):
        read(state, count, row, float(DAY), reading)
        absorb(state, count, row, float(DAY), reading)
    kept = rarity_of(state, 2, state[TOTAL], float(DAY))
    assert reading[LIKELIHOOD] > 2.0 * state[TOTAL]
    assert kept == pytest.approx(MOST_REMEMBERED, abs=0.5)


def test_an_episode_lasts_until_it_is_calm_a_day_later():
    loud, calm = (0.0, 3.0), (0.0, 0.0)
    hour = timedelta(hours=1)
    assert told([loud] * 60, hour) == [0]
    assert told([loud, *[calm] * 23, loud], hour) == [0]
    assert told([loud, *[calm] * 24, loud], hour) == [0, 25]


def test_the_first_rare_row_of_an_episode_that_opened_as_a_ripple_is_told():
    ripple = (0.8, 0.9)
    assert told([ripple, (0.8, 1.9), (0.8, 2.2), (0.8, 9.0)]) == [0, 2]
    # and so is a row that stands out twice as far
    assert told([ripple, (1.6, 1.0)]) == [0, 1]


@pytest.mark.parametrize(("level", "then"), [(1e6, 0.0), (1e9, 0.0), (0.0, 1e12), (3.0, 1e15)])
def test_a_fall_to_nothing_and_a_flood_have_scores(level: float, then: float) -> None:
    chance = random.Random(1)
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    values = [max(0.0, chance.gauss(level, 0.001 * level)) for _ in range(600)]
    values += [then] * 40 + [level] * 40
    rows = [(begin + timedelta(minutes=5 * n), value) for n, value in enumerate(values)]
    found = list(scored(rows))
    assert len(found) == len(rows)
    assert all(0.0 <= one <= 1.0 for one in found)


def test_what_is_rarer_stays_rarer_and_only_what_is_hardly_seen_is_doubted():
    stated = [number / 100 for number in range(-300, 900)]
    found = [believed(one) for one in stated]
    assert found == sorted(found)
    assert found[: stated.index(1.0) + 1] == stated[: stated.index(1.0) + 1]
    assert believed(2.0) == pytest.approx(1.0 + TAIL)


@pytest.mark.parametrize("hours", [2, 24])
def test_one_odd_gap_at_the_beginning_is_not_believed(hours: int) -> None:
    rows = at_cadence(surging())
    odd = [(START - timedelta(hours=hours), 20.0), *rows]
    first = crossings(list(scored(odd)))[0] - 1
    assert first == crossings(list(scored(rows)))[0]


def test_the_first_rows_tell_how_far_apart_they_are_as_they_come() -> None:
    hourly = at_cadence(steady(24 * 30), 60.0)
    # ten minutes between two of hourly rows
    odd = [(START - timedelta(minutes=10), 20.0), *hourly]
    told, plain = list(scored(odd))[1:], list(scored(hourly))
    assert max(abs(one - other) for one, other in zip(told[240:], plain[240:], strict=True)) < 0.05
    # what was said of a row does not depend on those that follow
    for rows in (1, 2, 5, 30):
        assert list(scored(odd[:rows])) == list(scored(odd))[:rows]


def test_many_rows_of_one_moment_are_one_distance() -> None:
    rows = [
        (at, value / 20)
        for at, value in at_cadence(surging(day=3, rows=5 * DAY))
        for _ in range(20)
    ]
    odd = [(START - timedelta(days=1), 20.0), *rows]
    first = crossings(list(scored(odd)))[0]
    assert rows[first - 1][0] >= START + timedelta(days=3)
