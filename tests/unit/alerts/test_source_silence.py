from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp, log10

import pytest

from alerts.lifecycle import Alert
from alerts.source_silence import RULE, advance, fingerprint_of, severity_of, waits
from pipeline.feeds.health import SourceHealth

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = SourceHealth(
    source="rss:fed",
    known_since=NOW - 9 * HOUR,
    last_attempt_at=NOW,
    last_success_at=NOW,
    last_error_at=None,
    last_error=None,
    last_item_at=NOW,
    last_published_at=NOW,
    next_poll_at=NOW,
    items=100,
    errors=0,
    failures_in_a_row=0,
    lag_seconds=30.0,
    pace_seconds=600.0,
    usual_gap_seconds=1800.0,
    gaps=50,
    silent_after_seconds=6 * 3600.0,
    retired_at=None,
)


def fired(source: SourceHealth = SOURCE, at: datetime = NOW + 6 * HOUR) -> Alert:
    alert = advance(None, source, at)
    assert alert is not None
    return alert


def test_a_source_that_answers_and_gives_news_has_no_alert() -> None:
    assert advance(None, SOURCE, NOW + 5 * HOUR) is None


def test_a_source_that_does_not_answer_fires_when_its_time_is_over() -> None:
    broken = replace(SOURCE, last_error="https://fed.example/: HTTP 500", failures_in_a_row=9)
    assert advance(None, broken, NOW + 6 * HOUR - timedelta(seconds=1)) is None
    alert = fired(broken)
    assert (alert.rule, alert.state, alert.series.source) == (RULE, "firing", "rss:fed")
    assert alert.opened_at == alert.firing_at == NOW + 6 * HOUR
    assert alert.severity == 50
    assert alert.labels == {
        "kind": "no-answer",
        "level": "low",
        "reason": "https://fed.example/: HTTP 500",
    }


def test_its_arithmetic_can_be_recomputed() -> None:
    sums = fired().arithmetic
    assert (sums.signal, sums.observed, sums.expected) == ("source_silence", 21_600.0, 600.0)
    assert sums.p_value == pytest.approx(exp(-sums.observed / sums.expected))
    assert sums.statistic == pytest.approx(-log10(sums.p_value))
    # it fires exactly when so long a wait is over
    assert sums.threshold == pytest.approx(sums.statistic)
    low, high = sums.interval
    assert 1 - exp(-low / sums.expected) == pytest.approx(0.025, abs=1e-4)
    assert exp(-high / sums.expected) == pytest.approx(0.025, abs=1e-4)


def test_a_source_that_never_answered_is_waited_for_since_it_is_known() -> None:
    never = replace(SOURCE, last_success_at=None, last_item_at=None)
    (wait,) = waits(never, NOW)
    assert (wait.kind, wait.silent, wait.observed) == ("no-answer", True, 9 * 3600.0)


def test_a_source_that_answers_without_news_fires_after_twenty_usual_gaps_and_a_day() -> None:
    def quiet(hours: float, gap: float = 1800.0, gaps: int = 50) -> Alert | None:
        at = NOW + hours * HOUR
        source = replace(SOURCE, last_success_at=at, usual_gap_seconds=gap, gaps=gaps)
        return advance(None, source, at)

    assert quiet(23.9) is None
    alert = quiet(24)
    assert alert is not None
    assert alert.labels["kind"] == "no-news"
    assert (alert.arithmetic.observed, alert.arithmetic.expected) == (86_400.0, 1800.0)
    # a slow source is given its time, and one hardly known is not judged
    assert quiet(39.9, gap=7200) is None
    assert quiet(40, gap=7200) is not None
    assert quiet(1000, gaps=19) is None


def test_the_alert_is_the_same_object_while_nothing_changes_and_grows_by_steps() -> None:
    alert = fired()
    assert advance(alert, SOURCE, NOW + 6.1 * HOUR) is alert
    worse = advance(alert, SOURCE, NOW + 9 * HOUR)
    assert worse is not None
    assert (worse.severity, worse.revision, worse.state) == (65, 2, "firing")
    assert worse.opened_at == alert.opened_at
    assert worse.peak.observed == 9 * 3600.0


def test_a_silence_that_lasts_is_said_again_every_hour() -> None:
    """Who was silenced when it began, or asked to be reminded, is told by a record alone."""
    alert = fired()
    told = 0
    for minute in range(1, 24 * 60):
        after = advance(alert, SOURCE, NOW + 10 * 24 * HOUR + minute * timedelta(minutes=1))
        assert after is not None
        told += after is not alert
        assert after.revision >= alert.revision
        alert = after
    assert 23 <= told <= 26


def test_it_resolves_with_the_next_answer_and_a_later_silence_is_a_new_episode() -> None:
    alert = fired()
    back = replace(SOURCE, last_success_at=NOW + 7 * HOUR, last_item_at=NOW + 7 * HOUR)
    resolved = advance(alert, back, NOW + 7 * HOUR)
    assert resolved is not None
    assert (resolved.state, resolved.resolved_at) == ("resolved", NOW + 7 * HOUR)
    assert resolved.arithmetic.observed == 0.0
    assert resolved.peak == alert.peak
    assert advance(resolved, back, NOW + 8 * HOUR) is resolved
    again = advance(resolved, back, NOW + 13 * HOUR)
    assert again is not None
    assert (again.fingerprint, again.revision) == (alert.fingerprint, 1)
    assert again.opened_at > alert.opened_at


def test_a_source_no_feed_file_names_any_more_is_not_waited_for() -> None:
    retired = replace(SOURCE, retired_at=NOW)
    assert waits(retired, NOW + 99 * HOUR) == ()
    resolved = advance(fired(), retired, NOW + 99 * HOUR)
    assert resolved is not None
    assert resolved.state == "resolved"


def test_each_source_has_an_alert_of_its_own() -> None:
    assert fingerprint_of("rss:a") != fingerprint_of("rss:b")


def test_severity_grows_with_the_wait_and_stays_under_a_hundred() -> None:
    (wait, _) = waits(SOURCE, NOW + 6 * HOUR)
    assert severity_of(wait) == 50
    assert severity_of(replace(wait, observed=wait.allowed * 2)) == 75
    assert severity_of(replace(wait, observed=wait.allowed * 1000)) == 100
