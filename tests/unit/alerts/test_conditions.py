"""Rules that state a limit instead of a surprise: what they say, when they open and end."""

from dataclasses import replace
from math import log10

import pytest

from alerts.lifecycle import Alert
from alerts.minutes import minute_number
from alerts.mood import Mood
from alerts.rules import parse_rules
from alerts.surprise import share_surprise
from pipeline.errors import ConfigurationError
from pipeline.trends import Bucket, SeriesKey, Totals
from tests.unit.alerts.timeline import DAY, START, Timeline, Watched, at, record_of

SOURCE = SeriesKey(source="rss:cnbc")


def rules(condition: str, match: str = 'subject: "*"') -> str:
    return (
        "version: 1\nrules:\n"
        f"  - id: limit\n    match: {{{match}}}\n    condition: {{{condition}}}\n"
        "    hold: 0s\n    resolve_after: 10m\n"
    )


def watched(condition: str, timeline: Timeline, until: float, *sizes: int) -> list[Alert]:
    """Every episode as it was in the end."""
    watch = Watched(parse_rules(rules(condition))).play(timeline, *sizes, until=until)
    return sorted(watch.alerts.rows.values(), key=lambda alert: alert.opened_at)


def burst(minute: float, negatives: int, others: int = 0, mood: str = "neutral") -> Timeline:
    timeline = Timeline()
    for number in range(negatives):
        timeline.say(minute + number)
    for number in range(others):
        timeline.say(minute + number / 2, mood)
    return timeline


def test_a_count_above_the_limit_opens_and_ends_when_the_window_has_emptied():
    condition = "kind: threshold, above: 5, window: 30m"
    assert watched(condition, burst(100, 4), 300) == []
    (alert,) = watched(condition, burst(100, 6), 300)
    assert (alert.opened_at, alert.firing_at) == (at(104), at(104))
    assert alert.state == "resolved"
    # five leave the window of thirty minutes one by one: below 4 from 132 on, calm from there
    assert alert.resolved_at is not None
    assert at(132) <= alert.resolved_at <= at(150)
    numbers = alert.peak
    assert (numbers.detector, numbers.signal) == ("threshold", "negative_volume")
    assert (numbers.observed, numbers.statistic, numbers.threshold) == (6, 6, 5)
    assert (numbers.close_threshold, numbers.p_value) == (4, 1.0)
    assert alert.severity == round(100 * (1 - 2 ** -(6 / 5)))


def test_a_share_above_the_limit_needs_enough_documents_by_different_voices():
    condition = "kind: threshold, of: share, above: 50, window: 1h, minimum: 4"
    assert watched(condition, burst(100, 3), 200) == []
    (alert,) = watched(condition, burst(100, 5, others=4), 200)
    assert alert.peak.signal == "negative_share"
    assert alert.peak.statistic > 50
    assert watched(condition, burst(100, 5, others=20), 200) == []
    one_voice = Timeline()
    for number in range(6):
        one_voice.say(100 + number, voice="the same")
    assert watched(condition, one_voice, 200) == []
    assert watched(condition + ", independent: false", one_voice, 200)


def test_a_share_is_held_against_the_series_own_history():
    timeline = Timeline()
    for number in range(400):  # ten days: one in five is negative
        timeline.say(number * 36.0, "negative" if number % 5 == 0 else "neutral")
    quiet = list(timeline.said)
    for number in range(6):
        timeline.say(11 * DAY + number)
    condition = "kind: share_above_own_quantile, quantile: 0.999, window: 6h"
    (alert,) = watched(condition, timeline, 12 * DAY)
    numbers = alert.peak
    assert alert.opened_at >= at(11 * DAY)
    assert numbers.threshold == pytest.approx(3.0)
    assert numbers.statistic >= 3.0
    assert numbers.p_value == pytest.approx(10**-numbers.statistic)
    # a chance, but no part of a budget
    assert (numbers.per_day, numbers.allowed_per_day, numbers.peaks_per_day) == (None, None, None)
    assert numbers.usual_share == pytest.approx(0.2, abs=0.03)
    # anyone can recompute it
    assert numbers.expected == pytest.approx(numbers.documents * numbers.usual_share)
    weight = numbers.share_weight or 0.0
    count = int(numbers.observed)
    again = share_surprise(count, numbers.documents, numbers.usual_share, weight)
    assert again == pytest.approx(numbers.statistic)
    assert -log10(numbers.share_p_value) == pytest.approx(numbers.statistic)
    assert share_surprise(6, 6, numbers.usual_share, 200.0) >= numbers.statistic
    timeline.said = quiet
    assert watched(condition, timeline, 12 * DAY) == []


def test_sentiment_that_falls_below_the_usual_opens_and_ends_when_it_is_back():
    timeline = Timeline()
    for number in range(200):
        timeline.say(number * 30.0, "positive" if number % 2 else "neutral")
    for number in range(12):
        timeline.say(6100.0 + number, "negative" if number % 2 else "neutral")
    for number in range(200):
        timeline.say(6500.0 + number * 3, "positive" if number % 2 else "neutral")
    condition = "kind: sentiment_drop, by: 0.5, window: 1h, minimum: 10"
    for sizes in ((1,), (40,)):
        (alert,) = watched(condition, timeline, 8000, *sizes)
        numbers = alert.peak
        assert (numbers.detector, numbers.signal) == ("sentiment_drop", "sentiment_index")
        assert numbers.expected == pytest.approx(43, abs=3)
        assert numbers.observed < 0
        assert numbers.statistic == pytest.approx(numbers.expected - numbers.observed)
        assert at(6109) <= alert.opened_at <= at(6115)
        assert alert.state == "resolved"


def cheerful(days: float) -> Timeline:
    timeline = Timeline()
    for number in range(int(days * 24)):
        timeline.say(number * 60.0, "positive" if number % 2 else "neutral")
    return timeline


DROP = "kind: sentiment_drop, by: 0.5, window: 1h, minimum: 10"


def test_one_bad_story_told_everywhere_is_a_drop():
    timeline = cheerful(5)
    for number in range(30):
        timeline.say(5 * DAY + number, story="the story", novel=number == 0)
    (alert,) = watched(DROP, timeline, 5.2 * DAY)
    assert (alert.opened_at, alert.peak.documents) == (at(5 * DAY + 9), 10)


@pytest.mark.parametrize("first", [60, 2000])
def test_a_flood_is_not_what_is_usual_from_then_on(first):
    timeline = cheerful(14)
    for day, documents in ((8, first), (11, 60)):
        for number in range(documents):
            timeline.say(day * DAY + 30 + 120 * number / documents)
    found = watched(DROP, Timeline(timeline.in_order()), 14 * DAY, 20)
    assert [alert.opened_at.day for alert in found] == [at(8 * DAY).day, at(11 * DAY).day]


@pytest.mark.parametrize("hours", [(7,), (7, 12)])
def test_a_series_that_speaks_once_a_day_knows_what_is_usual(hours):
    timeline = Timeline()
    for day in range(6):
        for hour in hours:
            for number in range(25):
                mood = "positive" if day < 5 or number % 2 else "neutral"
                timeline.say(day * DAY + hour * 60 + number, mood)
    found = watched("kind: sentiment_drop, by: 0.3, window: 1h", timeline, 7 * DAY, 5)
    assert {alert.opened_at.day for alert in found} == {at(5 * DAY).day}


def test_what_is_remembered_of_the_sentiment_survives_a_restart():
    mood = Mood(minute=5, minutes={5: (2, -3)}, hours={1: (7, 8)}, documents=1.5, spoken=1.0)
    assert Mood.decode(mood.encode()) == mood
    assert Mood.decode(None) == Mood.decode(b"\xc1") == Mood()


def test_a_rule_for_a_tier_watches_sources_of_that_tier_alone():
    condition = "kind: threshold, above: 3, window: 30m"
    book = parse_rules(rules(condition, 'source: "*", tier: [1, 2]'))
    for tier, opened in ((1, 1), (2, 1), (3, 0), (None, 0)):
        timeline = Timeline()
        for number in range(4):
            timeline.say(100 + number, series=SOURCE)
        watch = Watched(book)
        for batch in timeline.points(timeline.in_order(), (1,) * 4):
            points = [replace(point, tier=tier) for point in map(decoded, batch)]
            watch.give([record_of(point) for point in points])
        assert len(watch.alerts.rows) == opened


def decoded(record):
    from pipeline.wire import TRENDS

    return TRENDS.decode(record.value)


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("window: 1h", "5: rules[0].condition: kind is missing"),
        ("kind: treshold, above: 3, window: 1h", "is not one of threshold"),
        ("kind: threshold, abve: 3, window: 1h", "abve: unknown key, did you mean above?"),
        ("kind: threshold, window: 1h", "above is missing"),
        ("kind: threshold, above: 3", "window is missing"),
        ("kind: threshold, above: 3, window: 90m", "whole minutes up to an hour"),
        ("kind: threshold, above: 3, close_below: 4, window: 1h", "close_below: 4 is above 3"),
        ("kind: threshold, of: share, above: 300, window: 1h", "a number from 1e-06 to 100"),
        ("kind: share_above_own_quantile, window: 1h", "quantile is missing"),
        ("kind: sentiment_drop, by: 3, window: 1h", "a number from 0.01 to 2"),
        ("kind: source_silent, window: 1h", "is built in"),
    ],
)
def test_what_is_wrong_with_a_condition_is_named_with_its_line(condition, what):
    with pytest.raises(ConfigurationError) as error:
        parse_rules(rules(condition))
    assert what in str(error.value)
    assert str(error.value).startswith("rules.yaml:5: ")


def test_a_rule_has_a_detector_or_a_condition_and_a_tier_belongs_to_a_source():
    both = rules("kind: threshold, above: 3, window: 1h") + "    detector: {minimum: 3}\n"
    with pytest.raises(ConfigurationError, match=r"rules\.yaml:8: .*not both"):
        parse_rules(both)
    with pytest.raises(ConfigurationError, match=r"rules\.yaml:4: .*belongs to a source"):
        parse_rules(rules("kind: threshold, above: 3, window: 1h", 'subject: "*", tier: 1'))


def test_the_start_of_a_history_is_no_drop():
    timeline = Timeline()
    for number in range(12):
        timeline.say(number, "negative")
    assert at(0) == START
    assert watched("kind: sentiment_drop, by: 0.3, window: 1h", timeline, 100) == []


def test_the_mood_of_a_minute_follows_corrections_and_no_older_state():
    def bucket(documents: int, positive: int, revision: int) -> Bucket:
        totals = Totals(documents=documents, positive=documents, positive_micro=positive)
        return Bucket(start=at(5), totals=totals, revision=revision)

    mood, minute = Mood(), minute_number(at(5))
    for state, held in (
        (bucket(3, 300, 3), (3, 300)),
        (bucket(2, 200, 2), (3, 300)),
        (bucket(1, 100, 5), (1, 100)),
        (bucket(3, 300, 3), (1, 100)),
        (bucket(2, 150, 6), (2, 150)),
    ):
        mood.observe(state, at(5), 60)
        assert mood.minutes[minute] == held
