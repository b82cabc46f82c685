"""Alerts in words."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.arithmetic import Arithmetic
from alerts.lifecycle import (
    Alert,
    AlertEvidence,
    AlertSeries,
    Fingerprint,
    State,
)
from pipeline.documents import DocumentId, Sentiment, SubjectId
from workers.alert_text import evidence_line, full_text, headline, series_name, span

AT = datetime(2026, 1, 6, 14, 0, tzinfo=UTC)
NUMBERS = Arithmetic(
    detector="negative-binomial", signal="negative_volume", at=AT, window_seconds=600,
    observed=6, expected=0.52, interval=(0, 2), dispersion=0.65, statistic=9.7, p_value=1.9e-10,
    threshold=5.3, close_threshold=2.0, documents=7, share=0.86, usual_share=0.14, stories=6,
    voices=5,
)  # fmt: skip
PIECE = AlertEvidence(
    id=DocumentId("a:1"),
    at=AT,
    title="Plant  halted\nafter fire",
    publisher="The Wire",
    sentiment=Sentiment(0.9, 0.05, 0.05),
    story_size=3,
)
ALERT = Alert(
    fingerprint=Fingerprint("f" * 16),
    rule="company",
    rule_version="1",
    series=AlertSeries(subject=SubjectId("ACME"), topic="Earnings"),
    state="firing",
    severity=74,
    opened_at=AT,
    updated_at=AT,
    arithmetic=NUMBERS,
    peak=NUMBERS,
    evidence=(PIECE,) * 7,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(600, "10 min"), (3600, "1 h"), (5400, "90 min"), (86400, "1 d"), (90, "90 s"), (0, "0 s")],
)
def test_spans_use_the_largest_unit_that_divides_them(seconds, text):
    assert span(seconds) == text


def test_a_series_is_named_by_its_parts_and_the_whole_stream_as_everything():
    assert series_name(ALERT.series) == "ACME, topic Earnings"
    assert series_name(AlertSeries(source="rss:wire", lang="zh")) == "source rss:wire, lang zh"
    assert series_name(AlertSeries()) == "everything"


def test_the_headline_is_one_line_with_state_series_and_numbers():
    line = headline(ALERT)
    for part in ("FIRING", "74", "ACME", "6 negative in 10 min", "0.52 expected", "2026-01-06"):
        assert part in line
    assert "\n" not in line


def test_the_text_holds_every_number_one_needs_to_check_the_verdict():
    text = "\n".join(full_text(ALERT))
    for part in ("1.9e-10", "9.7", "5.3 to open", "2.0 to close", "0 to 2", "0.65", "86%", "14%",
                 "7 documents", "6 stories", "5 voices"):  # fmt: skip
        assert part in text


def test_a_share_is_told_among_how_many_and_from_how_many_it_is_known():
    numbers = replace(NUMBERS, signal="negative_share", documents=31, share_weight=80.0)
    alert = replace(ALERT, arithmetic=numbers)
    assert f"{numbers.observed:g} of 31 negative in" in headline(alert)
    assert any("of 31, a share known from 80" in line for line in full_text(alert))


def test_evidence_is_one_line_and_says_how_far_its_story_spread():
    line = evidence_line(PIECE)
    assert (
        line == "2026-01-06 14:00  90% negative  Plant halted after fire (The Wire), told 3 times"
    )


def test_an_alert_that_calms_down_says_what_opened_it():
    calm = replace(ALERT, state="firing", arithmetic=replace(NUMBERS, statistic=1.0))
    told = [line for line in full_text(calm) if "at its strongest" in line]
    assert len(told) == (NUMBERS.statistic >= NUMBERS.threshold) == 1
    assert f"statistic {NUMBERS.statistic:.1f} against {NUMBERS.threshold:.1f}" in told[0]
    assert not any("at its strongest" in line for line in full_text(ALERT))


def test_the_words_that_made_it_negative_are_shown():
    line = evidence_line(replace(PIECE, words=("fire", "halted")))
    assert line.endswith("told 3 times [fire, halted]")
    assert evidence_line(replace(PIECE, words=())) == evidence_line(PIECE)


def test_evidence_that_is_not_archived_yet_is_named_by_its_id():
    bare = replace(PIECE, title=None, publisher=None, sentiment=None, story_size=1)
    assert evidence_line(bare) == "2026-01-06 14:00  document a:1"


def test_more_evidence_than_asked_for_is_counted():
    lines = list(full_text(ALERT, most_evidence=5))
    assert sum("Plant halted" in line for line in lines) == 5
    assert lines[-1].strip() == "and 2 more"


def silent(state: State, seconds: float) -> Alert:
    """An alert on a source that was waited for `seconds`, two hours at most."""
    wait = replace(NUMBERS, signal="source_silence", expected=300.0)
    return replace(
        ALERT,
        rule="source-silent",
        series=AlertSeries(source="rss:fed"),
        state=state,
        arithmetic=replace(wait, observed=seconds),
        peak=replace(wait, observed=7500.0),
        labels={"kind": "no-answer", "reason": "https://fed.example/: HTTP 500"},
        evidence=(),
    )


def test_a_silent_source_is_told_by_how_long_it_was_waited_for():
    lines = list(full_text(silent("firing", 7320.0)))
    assert lines[0] == (
        "FIRING  74  source rss:fed: no answer for 2 h 2 min, usually every 5 min, "
        "since 2026-01-06 14:00"
    )
    assert "waited 7320 s where 300 s are usual" in lines[1]
    assert lines[2] == "  https://fed.example/: HTTP 500"
    # what is over is told by its longest wait
    assert "no answer for 2 h 5 min" in headline(silent("resolved", 3.0))
