from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.dates import mentioned, parsed

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Sun, 08 Mar 2026 23:58:37 GMT", utc(2026, 3, 8, 23, 58, 37)),
        ("Sun, 08 Mar 2026 23:58:37 +0000", utc(2026, 3, 8, 23, 58, 37)),
        ("Sun, 8 Mar 2026 23:58 Z", utc(2026, 3, 8, 23, 58)),
        ("08 Mar 2026 18:58:37 EST", utc(2026, 3, 8, 23, 58, 37)),
        ("Sun,08 Mar 2026 19:58:37 EDT", utc(2026, 3, 8, 23, 58, 37)),
        ("Sun, 08 Mar 2026 15:58:37 PST", utc(2026, 3, 8, 23, 58, 37)),
        ("Mon, 09 Mar 2026 07:58:37 HKT", utc(2026, 3, 8, 23, 58, 37)),
        ("Mon, 09 Mar 2026 05:28:37 +05:30", utc(2026, 3, 8, 23, 58, 37)),
        ("Mon, 09 Mar 2026 05:28:37 IST", utc(2026, 3, 8, 23, 58, 37)),
        ("Mon, 09 Mar 2026 07:58:37 GMT+8", utc(2026, 3, 8, 23, 58, 37)),
        ("Mon, 09 Mar 2026 07:58:37 UTC+08:00", utc(2026, 3, 8, 23, 58, 37)),
        # the weekday is wrong, as it often is
        ("Mon, 08 Mar 2026 23:58:37 GMT", utc(2026, 3, 8, 23, 58, 37)),
        ("Sunday, March 8, 2026 6:58 PM EST", utc(2026, 3, 8, 23, 58)),
        ("March 8, 2026, 6:58 p.m. EST", utc(2026, 3, 8, 23, 58)),
        ("Mar. 8th, 2026 at 11:58 pm", utc(2026, 3, 8, 23, 58)),
        ("8 March 2026", utc(2026, 3, 8)),
        ("Sunday, March 8, 2026 - 18:58", utc(2026, 3, 8, 18, 58)),
        ("Sunday 8th of March 2026 18:58", utc(2026, 3, 8, 18, 58)),
        ("Sun, 08 Mar 2026 19:58:37 America/New_York", utc(2026, 3, 8, 23, 58, 37)),
        ("Sun, 08 Mar 2026 23:58:37 Nowhere/Atlantis", utc(2026, 3, 8, 23, 58, 37)),
        ("2026-03-09T00:58:37+01:00[Europe/Paris]", utc(2026, 3, 8, 23, 58, 37)),
        ("2026. 3. 8. 23:58", utc(2026, 3, 8, 23, 58)),
        ("8. März 2026 23:58", utc(2026, 3, 8, 23, 58)),
        ("dim., 08 août 2026 23:58:37 +0200", utc(2026, 8, 8, 21, 58, 37)),
        ("8 de dezembro de 2026", utc(2026, 12, 8)),
        ("08.03.2026, 23:58", utc(2026, 3, 8, 23, 58)),
        ("25/03/2026 23:58", utc(2026, 3, 25, 23, 58)),
        ("03/25/2026 11:58 PM", utc(2026, 3, 25, 23, 58)),
        ("8th March 2026 at 11:58 pm", utc(2026, 3, 8, 23, 58)),
        ("Sun Mar 8 23:58:37 UTC 2026", utc(2026, 3, 8, 23, 58, 37)),
        ("6:58 PM EST, Sun March 8, 2026", utc(2026, 3, 8, 23, 58)),
        ("February 8, 2026 6:58 pm ET", utc(2026, 2, 8, 23, 58)),
        ("June 8, 2026 7:58 pm ET", utc(2026, 6, 8, 23, 58)),
        ("08-Mar-2026 23:58:37", utc(2026, 3, 8, 23, 58, 37)),
        ("Sun, 08 Mar 26 23:58:37 GMT", utc(2026, 3, 8, 23, 58, 37)),
        ("Sun, 08 Mar 99 23:58:37 GMT", utc(1999, 3, 8, 23, 58, 37)),
        ("Sun, 08 Mar 2026 24:00:00 GMT", utc(2026, 3, 9)),
        ("Sun, 08 Mar 2026 23:59:60 GMT", utc(2026, 3, 9)),
        ("Sun, 08 Mar 2026 12:05 AM GMT", utc(2026, 3, 8, 0, 5)),
        ("Sun, 08 Mar 2026 12:05 PM GMT", utc(2026, 3, 8, 12, 5)),
        ("Sun, 08 Mar 2026 23:58:37 +0000 (UTC)", utc(2026, 3, 8, 23, 58, 37)),
        ("2026-03-08T23:58:37Z", utc(2026, 3, 8, 23, 58, 37)),
        ("2026-03-08T23:58:37.123456789Z", utc(2026, 3, 8, 23, 58, 37, 123456)),
        ("2026-03-09T07:58:37+08:00", utc(2026, 3, 8, 23, 58, 37)),
        ("2026-03-09T07:58:37+0800", utc(2026, 3, 8, 23, 58, 37)),
        ("2026-03-08 23:58:37", utc(2026, 3, 8, 23, 58, 37)),
        ("2026-03-09 07:58:37 +0800", utc(2026, 3, 8, 23, 58, 37)),
        ("2026/3/8 9:05", utc(2026, 3, 8, 9, 5)),
        ("2026.03.08", utc(2026, 3, 8)),
        ("2026-03-08", utc(2026, 3, 8)),
        ("20260308T235837Z", utc(2026, 3, 8, 23, 58, 37)),
        ("2026年3月8日 10:30", utc(2026, 3, 8, 10, 30)),
        ("2026年3月8日 下午3:30", utc(2026, 3, 8, 15, 30)),
        ("2026年03月08日10时30分", utc(2026, 3, 8, 10, 30)),
        ("2026년 3월 8일 오후 3:30", utc(2026, 3, 8, 15, 30)),
        ("1773014317", utc(2026, 3, 8, 23, 58, 37)),
        ("1773014317250", utc(2026, 3, 8, 23, 58, 37, 250000)),
    ],
)
def test_a_date_is_read_as_its_publisher_meant_it(text: str, at: datetime) -> None:
    assert parsed(text) == at


@pytest.mark.parametrize(
    "text",
    [
        None, "", "  ", "yesterday", "2026-13-45", "Sun, 32 Mar 2026 10:00:00 GMT", "0001-01-01",
        "9999-12-31T23:59:59Z", "Sun, 08 Foo 2026 10:00:00 GMT", "08/03/2026", "12", "x" * 5000,
        "1969-12-31T23:59:59Z", "Sun, 08 Mar 2026 10:99999 GMT",
    ],
)  # fmt: skip
def test_what_is_no_date_of_our_time_is_none(text: str | None) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize(
    ("text", "at", "has_time", "has_zone"),
    [
        ("Published Fri, Apr 28 2023 2:23 PM EDT", utc(2023, 4, 28, 18, 23), True, True),
        ("March 7, 2024 7:55 AM UTC · Updated ago", utc(2024, 3, 7, 7, 55), True, True),
        ("Updated: 10 June 2020, 02:32 PM IST", utc(2020, 6, 10, 9, 2), True, True),
        ("By Jane Doe | March 8, 2026 | 3 min read", utc(2026, 3, 8), False, False),
        ("来源：证券时报 2026-03-08 10:30 作者：王", utc(2026, 3, 8, 10, 30), True, False),
    ],
)
def test_the_first_date_within_a_text_is_found_with_how_exact_it_is(
    text: str, at: datetime, has_time: bool, has_zone: bool
) -> None:
    written = mentioned(text)
    assert written is not None
    assert (written.at, written.has_time, written.has_zone) == (at, has_time, has_zone)


@pytest.mark.parametrize("text", ["", "Read more", "Call 2024-1234567", "3 hours ago"])
def test_a_text_without_a_date_mentions_none(text: str) -> None:
    assert mentioned(text) is None


def test_a_date_without_a_zone_is_in_the_zone_of_its_source() -> None:
    assert parsed("2026-03-09 07:58:37", SHANGHAI) == utc(2026, 3, 8, 23, 58, 37)
    assert parsed("2026年3月9日 07:58", SHANGHAI) == utc(2026, 3, 8, 23, 58)
    # one hour of difference between the two sides of a change to summer time
    assert parsed("2026-03-07 10:00", NEW_YORK) == utc(2026, 3, 7, 15)
    assert parsed("2026-03-09 10:00", NEW_YORK) == utc(2026, 3, 9, 14)


def test_a_zone_that_is_named_is_stronger_than_the_source() -> None:
    assert parsed("Sun, 08 Mar 2026 23:58:37 GMT", SHANGHAI) == utc(2026, 3, 8, 23, 58, 37)


def test_three_eight_is_march_or_august_by_the_source_and_else_unknown() -> None:
    assert parsed("03/08/2026 12:00", NEW_YORK) == utc(2026, 3, 8, 16)
    assert parsed("03/08/2026 12:00", ZoneInfo("Europe/London")) == utc(2026, 8, 3, 11)
    assert parsed("03/08/2026 12:00 PM") == utc(2026, 3, 8, 12)
    assert parsed("03/08/2026 12:00") is None


def test_cst_is_chinas_for_a_chinese_source_and_chicagos_for_others() -> None:
    text = "Mon, 09 Mar 2026 07:58:37 CST"
    assert parsed(text, SHANGHAI) == utc(2026, 3, 8, 23, 58, 37)
    assert parsed(text) == utc(2026, 3, 9, 13, 58, 37)


def test_a_zone_nobody_knows_leaves_the_time_in_the_zone_of_the_source() -> None:
    assert parsed("Mon, 09 Mar 2026 07:58:37 XYZ", SHANGHAI) == utc(2026, 3, 8, 23, 58, 37)
    assert parsed("2026-03-09T07:58:37+99:00", SHANGHAI) == utc(2026, 3, 8, 23, 58, 37)


@given(
    st.integers(365 * 86_400, 229 * 365 * 86_400).map(lambda at: datetime.fromtimestamp(at, UTC)),
    st.integers(-14 * 4, 14 * 4),
)
def test_every_rfc_822_and_iso_date_is_read_back(at: datetime, quarters: int) -> None:
    there = at.astimezone(timezone(timedelta(minutes=15 * quarters)))
    assert parsed(there.strftime("%a, %d %b %Y %H:%M:%S %z")) == there
    assert parsed(there.isoformat()) == there
    assert parsed(there.strftime("%Y/%m/%d %H:%M:%S %z")) == there


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    at = parsed(text, SHANGHAI)
    assert at is None or (at.tzinfo is UTC and 1970 <= at.year < 2200)
