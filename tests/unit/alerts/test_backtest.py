"""History through the rules: what is told of it as a whole."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from alerts.backtest import Backtest
from alerts.rules import load_rules
from pipeline.documents import ClassifiedDocument, Sentiment
from pipeline.trends import SeriesKey
from tests.contracts.streams import T0, document
from workers.backtest_text import doubts

DAY = timedelta(days=1)


def test_an_article_of_years_ago_is_no_history() -> None:
    test = Backtest(load_rules(""))
    stray = document("stray", T0 - 2000 * DAY)
    days = [document(f"{hour}", T0 + hour * DAY / 24, story=f"{hour}") for hour in range(24 * 9)]
    test.feed([stray])
    test.feed(days[:40])
    # and one read later
    test.feed([document("another", T0 - 1000 * DAY)])
    test.feed(days[40:])
    found = test.finish()
    assert (found.began, found.ended) == (T0, days[-1].document.published_at)
    assert 8.9 < found.days < 9.0
    assert found.documents == len(days) + 2
    assert test.buckets(SeriesKey())[0].start == T0


def test_a_history_that_comes_in_weeks_begins_with_the_first() -> None:
    test = Backtest(load_rules(""))
    for week in range(6):
        at = T0 + 7 * week * DAY
        test.feed([document(f"{week}-{n}", at + n * DAY / 240, story=f"{n}") for n in range(12)])
    assert test.finish().began == T0


def test_without_documents_there_is_no_history() -> None:
    found = Backtest(load_rules("")).finish()
    assert (found.began, found.ended, found.alerts) == (None, None, ())


def talk(seed: int, disorder: float) -> list[ClassifiedDocument]:
    """Two weeks of a company, with a surge on the last day, each document up to `disorder` minutes
    late and one in twenty once more."""
    chance = random.Random(seed)
    last = 14 * 24 * 60.0
    minutes = [(chance.uniform(0, last), chance.random() < 0.15) for _ in range(300)]
    surge = last - 300
    minutes += [(surge + chance.expovariate(0.5), True) for _ in range(chance.randint(6, 14))]
    minutes += [(surge + chance.expovariate(0.5), False) for _ in range(chance.randint(0, 40))]
    found = []
    for number, (minute, bad) in enumerate(minutes):
        one = document(
            f"{number}",
            T0 + timedelta(minutes=minute),
            story=f"{number}",
            author=f"{chance.randrange(400)}",
            sentiment=Sentiment(0.8, 0.1, 0.1) if bad else Sentiment(0.05, 0.9, 0.05),
        )
        found += [(minute + chance.uniform(0, disorder), one)] * (1 + (chance.random() < 0.05))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def alerts_of(documents: Sequence[ClassifiedDocument], batch: int) -> list[tuple[object, ...]]:
    test = Backtest(load_rules(""))
    for start in range(0, len(documents), batch):
        test.feed(documents[start : start + batch])
    return [
        (one.rule, one.series, one.opened_at, one.firing_at, one.resolved_at, one.severity)
        for one in test.finish().alerts
    ]


@given(st.integers(0, 10**6), st.sampled_from([0.0, 2.0, 10.0]), st.integers(2, 400))
@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@example(7, 10.0, 500)
@example(19916, 2.0, 85)
def test_alerts_do_not_depend_on_where_batches_end(seed: int, disorder: float, batch: int) -> None:
    documents = talk(seed, disorder)
    alerts = alerts_of(documents, 1)
    assert alerts_of(documents, batch) == alerts


def flood(seed: int) -> list[ClassifiedDocument]:
    """The same, and on the last day more in one minute than a bucket keeps evidence of."""
    chance = random.Random(seed)
    at = T0 + timedelta(minutes=14 * 24 * 60.0 - 300)
    bad = [number % 5 < 2 for number in range(160)]
    chance.shuffle(bad)
    more = [
        document(
            f"flood-{number}",
            at + timedelta(seconds=60 * number / len(bad)),
            story=f"flood-{number}",
            author=f"{chance.randrange(400)}",
            sentiment=Sentiment(0.8, 0.1, 0.1) if one else Sentiment(0.05, 0.9, 0.05),
        )
        for number, one in enumerate(bad)
    ]
    return sorted([*talk(seed, 0.0), *more], key=lambda one: one.document.published_at)


@pytest.mark.parametrize("seed", [1, 3, 6, 8])
def test_nor_do_those_of_more_negative_documents_than_a_bucket_remembers(seed: int) -> None:
    documents = flood(seed)
    alerts = alerts_of(documents, 1)
    assert alerts
    assert alerts_of(documents, 1000) == alerts
    assert alerts_of(documents, 37) == alerts


def test_of_such_a_talk_there_are_alerts() -> None:
    assert alerts_of(talk(7, 10.0), 500)


def test_a_surge_at_the_end_of_a_history_fires_as_it_would_have() -> None:
    documents = talk(3, 0.0)
    fired = next(one for one in alerts_of(documents, 50) if one[0] == "company-negative-surge")
    assert isinstance(fired[2], datetime)
    assert isinstance(fired[3], datetime)
    opened = fired[2]
    cut = [one for one in documents if one.document.published_at < opened + timedelta(minutes=1)]
    (again,) = (one for one in alerts_of(cut, 50) if one[0] == "company-negative-surge")
    assert again[2] == opened
    assert again[3] is not None


def test_what_kept_alerts_from_opening_is_told() -> None:
    rules = load_rules("")
    test = Backtest(rules)
    documents = [replace(one, document=replace(one.document, author=None)) for one in talk(3, 0.0)]
    test.feed(list(reversed(documents)))
    found = test.finish()
    assert found.late > len(documents) - 20
    assert found.unsigned == len(documents)
    notes = list(doubts(found))
    assert len(notes) == 2
    assert notes[0].startswith(f"note: {found.late:,} of {len(documents):,} documents came further")
    # one day in a week is never long enough to learn from
    weekly = Backtest(rules)
    for week in range(6):
        at = T0 + 7 * week * DAY
        weekly.feed([document(f"{week}-{n}", at + n * DAY / 240) for n in range(12)])
    seen = weekly.finish()
    assert seen.since is not None
    assert seen.since > T0 + 34 * DAY
    assert any(line.startswith("note: watched since 2026-02-09") for line in doubts(seen))


def test_of_a_history_with_nothing_odd_nothing_is_noted() -> None:
    test = Backtest(load_rules(""))
    test.feed(talk(3, 10.0))
    found = test.finish()
    assert (found.late, found.unsigned, found.since) == (0, 0, None)
    assert list(doubts(found)) == []
