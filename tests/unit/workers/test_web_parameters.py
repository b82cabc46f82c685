"""Query parameters: what is read, what is refused, and that a cursor finds its way back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.web.parameters import (
    BadRequest,
    Cursor,
    choice,
    cursor,
    instant,
    limit,
    parsed,
    text,
    whole,
)

AT = instant("at", "a time")
KNOWN = (AT, whole("n", "a number", 1, 9, 5), text("t", "a text"), choice("c", "", ("a", "b")))

times = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001
    datetime(2199, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@settings(deadline=None)
@given(times, st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=500))
def test_a_cursor_finds_its_way_back(at: datetime, key: str) -> None:
    sent = str(Cursor(at, (key,)))
    assert parsed((cursor(1),), [("cursor", sent)]) == {"cursor": Cursor(at, (key,))}


@settings(deadline=None)
@given(times, st.integers(-14 * 60, 14 * 60))
def test_a_time_means_the_same_in_every_zone(at: datetime, offset: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(minutes=offset)))
    assert parsed((AT,), [("at", elsewhere.isoformat())]) == {"at": at}


def test_an_unescaped_plus_of_a_time_zone_is_understood() -> None:
    found = parsed((AT,), [("at", "2026-01-01T10:00:00 01:00")])
    assert found == {"at": datetime(2026, 1, 1, 9, tzinfo=UTC)}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["at", "n", "t", "c", "x"]), st.text()), max_size=3))
def test_anything_is_read_or_refused_in_one_line(given: list[tuple[str, str]]) -> None:
    try:
        found = parsed(KNOWN, given)
    except BadRequest as error:
        assert "\n" not in error.message
        assert len(error.message) <= 500
    else:
        assert set(found) == {"at", "n", "t", "c"}


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_a_cursor_crash(sent: str) -> None:
    try:
        parsed((cursor(2),), [("cursor", sent)])
    except BadRequest as error:
        assert "cursor" in error.message


def test_defaults_fill_in_what_was_not_given() -> None:
    assert parsed(KNOWN, []) == {"at": None, "n": 5, "t": None, "c": None}


def test_a_limit_is_bounded_on_both_sides() -> None:
    for wrong in ("0", "201", "-1", "1.5", "", "٣", "1_0"):
        with pytest.raises(BadRequest, match="whole number from 1 to 200"):
            parsed((limit(50, 200),), [("limit", wrong)])


def test_a_required_parameter_is_asked_for() -> None:
    with pytest.raises(BadRequest, match="t: missing"):
        parsed((text("t", "a text", required=True),), [])
