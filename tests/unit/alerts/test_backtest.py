"""History through the rules: what is told of it as a whole."""

from datetime import timedelta

from alerts.backtest import Backtest
from alerts.rules import load_rules
from pipeline.trends import SeriesKey
from tests.contracts.streams import T0, document

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
