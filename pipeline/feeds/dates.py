"""Publication dates as publishers write them, to aware UTC times.

Feeds break every date format there is: missing zones, zones by name, seconds with nine
digits, Chinese, American and epoch forms. A date that names no zone is in its source's.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_WEEKDAY = r"(?:[a-z]{3,9}(?:\.?,\s*|\.?\s+))?"
_TIME = (
    r"(?:[\s,T]*(?:at\s+)?(?P<half_word>上午|下午|오전|오후)?\s*(?P<hour>\d{1,2})[:时點点](?P<minute>\d{1,2})"
    r"(?:[:分](?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?秒?)?分?\s*(?P<half>[ap]\.?m\.?)?"
    r"\s*(?P<zone>[+-]\d{2}:?\d{2}|[+-]\d{1,2}(?!\d)|(?:GMT|UTC)[+-]\d{1,2}(?::?\d{2})?|[A-Z]{1,5}"
    r"(?![a-z]))?)?"
)
_FORMS = tuple(
    re.compile(r"^\s*" + form + _TIME + r"(?:\s*\([^)]*\))?\s*$", re.IGNORECASE)
    for form in (
        # Sun, 08 Mar 2026 23:58:37 GMT; 8 March 2026
        r"(?:[a-z]{3,9}(?:\.?,\s*|\.?\s+))?(?P<day>\d{1,2})[\s-]+"
        + _MONTH
        + r"[\s,-]+(?P<year>\d{4}|\d{2})",
        # March 8, 2026 5:58 PM EST; Sun Mar 8 2026
        _WEEKDAY + _MONTH + r"\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+"
        r"(?P<year>\d{4})",
        # 2026-03-08 23:58; 2026/3/8 9:05; 2026.03.08; 2026年3月8日; 2026년 3월 8일
        r"(?P<year>\d{4})[-/.年년]\s?(?P<month_number>\d{1,2})[-/.月월]\s?(?P<day>\d{1,2})[日일]?",
    )
)
# Hours east. The American ones as RFC 822 has them; others where one meaning prevails.
_ZONES = {
    "z": 0.0, "ut": 0.0, "utc": 0.0, "gmt": 0.0, "wet": 0.0,
    "est": -5.0, "edt": -4.0, "cst": -6.0, "cdt": -5.0, "mst": -7.0, "mdt": -6.0,
    "pst": -8.0, "pdt": -7.0, "akst": -9.0, "akdt": -8.0, "hst": -10.0,
    "bst": 1.0, "west": 1.0, "cet": 1.0, "cest": 2.0, "eet": 2.0, "eest": 3.0, "msk": 3.0,
    "gst": 4.0, "pkt": 5.0, "ist": 5.5, "ict": 7.0, "wib": 7.0, "hkt": 8.0, "sgt": 8.0,
    "myt": 8.0, "pht": 8.0, "awst": 8.0, "kst": 9.0, "jst": 9.0, "aest": 10.0, "aedt": 11.0,
    "nzst": 12.0, "nzdt": 13.0,
}  # fmt: skip
_HALVES = {"上午": "a", "下午": "p", "오전": "a", "오후": "p"}
_EPOCH = re.compile(r"^\s*(\d{10})(\d{3})?(?:\.\d+)?\s*$")


def parsed(text: str | None, zone: tzinfo = UTC) -> datetime | None:
    """The time `text` names, in UTC; None when it names none between 1970 and 2200.

    `zone` is where the source lives: for dates without a zone, and for `CST`, which is
    China's or Chicago's.
    """
    if not text or len(text) > 100:
        return None
    at = _epoch(text) or _iso(text) or _written(text, zone)
    if at is None:
        return None
    try:
        at = (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return at if 1970 <= at.year < 2200 else None


def _epoch(text: str) -> datetime | None:
    match = _EPOCH.match(text)
    if match is None:
        return None
    return datetime.fromtimestamp(int(match[1]), UTC) + timedelta(milliseconds=int(match[2] or 0))


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def _written(text: str, zone: tzinfo) -> datetime | None:
    for form in _FORMS:
        match = form.match(text)
        if match is not None:
            return _built(match.groupdict(), zone)
    return None


def _built(part: dict[str, str | None], zone: tzinfo) -> datetime | None:
    year = int(part["year"] or 0)
    if year < 100:
        # RFC 822 had two digits; nobody publishes news of the 1950s
        year += 2000 if year < 70 else 1900
    name = part.get("month")
    month = _MONTHS[name.lower()] if name else int(part.get("month_number") or 0)
    hour = int(part["hour"] or 0)
    half = (part["half"] or "").lower()[:1] or _HALVES.get(part["half_word"] or "")
    if half == "p" and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    fraction = (part["fraction"] or "")[:6].ljust(6, "0")
    try:
        at = datetime(
            year,
            month,
            int(part["day"] or 0),
            tzinfo=_zone(part["zone"], zone, datetime(year, month, 1, tzinfo=UTC)),
        )
        # 24:00 and a leap second both exist in the wild
        return at + timedelta(
            hours=min(hour, 24),
            minutes=int(part["minute"] or 0),
            seconds=int(part["second"] or 0),
            microseconds=int(fraction),
        )
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None, home: tzinfo, month: datetime) -> tzinfo:
    """The zone `text` names; `home` for none and for a name nobody knows."""
    if not text:
        return home
    name = text.lower()
    if name == "cst" and home.utcoffset(month) == timedelta(hours=8):
        return home
    if name in _ZONES:
        return timezone(timedelta(hours=_ZONES[name]))
    digits = re.fullmatch(r"(?:gmt|utc)?([+-])(\d{1,2}):?(\d{2})?", name)
    if digits is None:
        return home
    offset = timedelta(hours=int(digits[2]), minutes=int(digits[3] or 0))
    if offset >= timedelta(hours=24):
        return home
    return timezone(-offset if digits[1] == "-" else offset)
