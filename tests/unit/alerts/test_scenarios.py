"""Stories with a known end: what must fire, and what must stay quiet."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.rules import load_rules
from pipeline.documents import SubjectId
from pipeline.trends import SeriesKey
from tests.unit.alerts.timeline import (
    COMPANY,
    DAY,
    Said,
    Timeline,
    Watched,
    at,
    worse_but_not_louder,
)

HIT = 9 * DAY + 600


def ordinary(per_day: float = 20, days: float = 10, seed: int = 1) -> Timeline:
    timeline = Timeline()
    timeline.background(random.Random(seed), days, per_day)
    return timeline


def shock(per_day: float = 60) -> Timeline:
    timeline = ordinary(per_day)
    for number in range(40):
        timeline.say(HIT + number * 0.8)
    return timeline


def slow_build_up() -> Timeline:
    timeline = ordinary(20)
    for number in range(40):
        timeline.say(9 * DAY + 300 + 480 * (number / 40) ** 0.6)
    return timeline


def sparse_company() -> Timeline:
    timeline = ordinary(2)
    for number in range(6):
        timeline.say(HIT + number * 30)
    return timeline


def sparse_over_a_day() -> Timeline:
    timeline = ordinary(2)
    for number in range(9):
        timeline.say(9 * DAY + 60 + number * 140)
    return timeline


@pytest.mark.parametrize(
    ("story", "begins", "within"),
    [
        (shock, HIT, 10),
        (slow_build_up, 9 * DAY + 300, 240),
        (sparse_company, HIT, 151),
        (sparse_over_a_day, 9 * DAY + 60, 8 * 140 + 1),
    ],
)
def test_a_surge_fires_once_and_in_time(story, begins, within):
    watched = Watched().play(story(), until=11.5 * DAY)
    (alert,) = watched.fired()
    assert at(begins) <= alert.opened_at <= at(begins + within)
    assert alert.state == "resolved"
    assert alert.peak.observed > alert.peak.interval[1]
    assert alert.peak.share > 2 * alert.peak.usual_share


def test_a_shock_fires_within_ten_minutes_and_is_severe():
    (alert,) = Watched().play(shock(), until=10.5 * DAY).fired()
    assert alert.firing_at is not None
    assert alert.firing_at - at(HIT) <= timedelta(minutes=10)
    assert alert.severity >= 90
    assert alert.labels["level"] == "critical"


def test_a_company_never_heard_of_may_surge_too():
    timeline = ordinary(20)
    unknown = SeriesKey(subject=SubjectId("NEW"))
    for number in range(8):
        timeline.say(HIT + number * 10, series=unknown)
    (alert,) = Watched().play(timeline, until=10.5 * DAY).fired()
    assert alert.series.subject == "NEW"


def signals(story: Timeline, signal: str) -> list[str]:
    """What the alerts that fired on `story` were about, under a rule of this `signal`."""
    book = load_rules("")
    rules = (replace(book.rules[0], signal=signal), *book.rules[1:])
    fired = Watched(rules=replace(book, rules=rules)).play(story, until=10.5 * DAY).fired()
    return [alert.peak.signal for alert in fired]


@pytest.mark.parametrize("quiet", [False, True])
def test_a_share_that_rises_by_itself_fires(quiet):
    story = worse_but_not_louder(quiet)
    assert signals(story, "negative") == ["negative_share"]
    assert signals(story, "negative_share") == ["negative_share"]


def test_a_rule_may_ask_for_volume_alone():
    assert signals(worse_but_not_louder(quiet=True), "negative_volume") == []
    assert signals(shock(), "negative_share") == ["negative_share"]


def loud_but_positive() -> Timeline:
    timeline = ordinary(20)
    timeline.background(random.Random(2), 0.5, 600, negative=0.05, first_day=9)
    return timeline


def loud_but_no_worse_than_usual() -> Timeline:
    timeline = ordinary(20)
    timeline.background(random.Random(3), 0.5, 400, negative=0.10, first_day=9)
    return timeline


def one_voice() -> Timeline:
    timeline = ordinary(20)
    for number in range(60):
        timeline.say(HIT + number, voice="shouter")
    return timeline


def one_story_again_and_again() -> Timeline:
    timeline = ordinary(20)
    for number in range(200):
        timeline.say(HIT + number / 4, story="the story", novel=number == 0)
    return timeline


def busy(seed: int) -> Timeline:
    timeline = Timeline()
    timeline.background(random.Random(seed), 10.8, 160, negative=0.15)
    return timeline


def busy_loud_but_no_worse_than_usual() -> Timeline:
    timeline = busy(seed=12)
    timeline.background(random.Random(12), 1 / 8, 1440, negative=0.15, first_day=10 + 7 / 12)
    return timeline


def one_voice_among_many() -> Timeline:
    timeline = busy(seed=5)
    for number in range(100):
        timeline.say(10 * DAY + 960 + number * 0.3, voice="shouter")
    return timeline


def one_voice_in_one_minute() -> Timeline:
    timeline = ordinary(20)
    for number in range(100):
        timeline.say(HIT + number / 200, voice="shouter")
    timeline.say(HIT - 9)
    timeline.say(HIT - 30)
    return timeline


def two_bad_days_a_week() -> Timeline:
    timeline = ordinary(5, days=28)
    for week in range(4):
        for number in range(2):
            timeline.say(week * 7 * DAY + 2 * DAY + number * 60)
    return timeline


@pytest.mark.parametrize(
    "story",
    [
        loud_but_positive,
        loud_but_no_worse_than_usual,
        one_voice,
        one_story_again_and_again,
        busy_loud_but_no_worse_than_usual,
        one_voice_among_many,
        one_voice_in_one_minute,
        two_bad_days_a_week,
    ],
)
def test_what_only_looks_like_a_surge_stays_quiet(story):
    assert Watched().play(story(), until=28.5 * DAY).fired() == []


def test_one_shouter_beside_two_others_counts_little():
    timeline = ordinary(20)
    for number in range(60):
        timeline.say(HIT + number, voice="shouter")
    timeline.say(HIT + 5)
    timeline.say(HIT + 15)
    alerts = Watched().play(timeline, until=10.5 * DAY).fired()
    assert all(alert.peak.observed <= 2 * alert.peak.voices for alert in alerts)


def test_nothing_fires_while_a_stream_is_new():
    timeline = Timeline()
    timeline.background(random.Random(4), 0.45, 2_000, negative=0.4)
    assert Watched().play(timeline).fired() == []


def test_steady_noise_of_two_hundred_series_hardly_ever_fires():
    chance = random.Random(11)
    timeline = Timeline()
    for number in range(200):
        timeline.background(
            chance,
            days=14,
            per_day=chance.choice([1, 2, 5, 10, 30]),
            negative=chance.choice([0.05, 0.12, 0.3]),
            series=SeriesKey(subject=SubjectId(f"C{number}")),
            clumping=chance.choice([0.0, 0.5, 1.0]),
        )
    rules = replace(load_rules(""), false_alarms_per_day=0.2)
    fired = Watched(rules=rules).play(timeline, 500).fired()
    # what the setting allows in fourteen days
    assert len(fired) <= 3


@pytest.mark.parametrize("story", [shock, slow_build_up, sparse_company])
def test_ten_minutes_of_disorder_give_the_same_alerts(story):
    timeline = story()
    straight = Watched().play(timeline, until=10.5 * DAY)
    chance = random.Random(5)
    delayed = sorted(timeline.said, key=lambda said: said.minute + chance.uniform(0, 10))
    mixed = Watched().play_as(timeline, delayed, until=10.5 * DAY)
    (expected,), (found,) = straight.fired(), mixed.fired()
    assert found.fingerprint == expected.fingerprint
    assert abs(found.opened_at - expected.opened_at) <= timedelta(minutes=10)
    assert abs(found.severity - expected.severity) <= 2


def test_a_surge_that_arrives_too_late_opens_nothing():
    timeline = ordinary(20)
    arriving = timeline.in_order()
    late = [Said(HIT + number, "negative", f"v{number}", f"s{number}") for number in range(30)]
    cut = next(index for index, said in enumerate(arriving) if said.minute > HIT + 120)
    arriving[cut + 1 : cut + 1] = late
    assert Watched().play_as(timeline, arriving, until=11 * DAY).fired() == []


def test_a_second_surge_is_a_new_episode_of_the_same_alert():
    timeline = shock()
    for number in range(40):
        timeline.say(HIT + 600 + number * 0.8)
    first, second = Watched().play(timeline, until=11 * DAY).fired()
    assert first.fingerprint == second.fingerprint
    assert first.resolved_at is not None
    assert first.resolved_at < second.opened_at


def test_what_was_told_in_one_episode_is_not_counted_in_the_next():
    timeline = shock()
    # an hour after the end, one more voice: the day's window still holds the whole shock
    for number in range(3):
        timeline.say(HIT + 400 + number * 200)
    assert len(Watched().play(timeline, until=11 * DAY).fired()) == 1


def test_each_company_is_judged_by_itself():
    timeline = shock()
    other = SeriesKey(subject=SubjectId("MSFT"))
    timeline.said.extend(replace(said, series=other) for said in ordinary(60, seed=9).said)
    assert {alert.series.subject for alert in Watched().play(timeline).fired()} == {COMPANY.subject}
