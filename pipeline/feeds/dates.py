"""Publication dates as publishers write them, to aware UTC times.

Feeds break every date format there is: missing zones, zones by name, seconds with nine
digits, Chinese, American and epoch forms. A date that names no zone is in its source's.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# By their first letters without accents: English, then what German, French, Spanish, Portuguese,
# Italian and Dutch feeds write in English forms.
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan ene gen", "feb fev", "mar mrt maa", "apr abr avr", "may mai mag mei", "jun juin giu",
         "jul juil lug", "aug ago aou", "sep set", "oct okt out ott", "nov", "dec dez dic"), 1
    )
    for name in names.split()
}  # fmt: skip
_WORD = r"[^\W\d_]"
_MONTH = (
    r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|f[eé]v|m[aä]r|mrt|maa|a[bv]r|ma[ig]"
    r"|mei|ene|gen|juin|juil|giu|lug|ago|ao[uû]|set|okt|out|ott|d[eé]c|dez|dic)"
    rf"{_WORD}*\.?"
)
_WEEKDAY = rf"(?:{_WORD}{{2,12}}(?:\.?,\s*|\.?\s+))?"
_CLOCK = (
    r"(?P<half_word>上午|下午|오전|오후)?\s*(?P<hour>\d{1,2})[:时點点](?P<minute>\d{1,2})"
    r"(?:[:分](?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?秒?)?分?\s*(?P<half>[ap]\.?m\.?(?![a-z]))?"
    r"\s*(?P<zone>[+-]\d{2}:?\d{2}|[+-]\d{1,2}(?!\d)|(?:GMT|UTC)[+-]\d{1,2}(?::?\d{2})?"
    r"|[A-Z]{2,10}/[A-Z_]{2,20}(?:/[A-Z_]{2,20})?|[A-Z]{3}\d[A-Z]{3}|[A-Z]{1,5}(?![a-z]))?"
    r"(?:\[[^\]]*\])?"
)
_TIME = rf"(?:(?:\s+[-–—|·]\s+|[\s,T|·]*)(?:at\s+|à\s+|um\s+)?{_CLOCK})?"
_WORDED = (
    # Sun, 08 Mar 2026 23:58:37 GMT; 8 March 2026; 8th of March 2026
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|º|\.)?[\s-]+(?:of\s+|de\s+)?"
    rf"{_MONTH}[\s,-]+(?:de\s+)?(?P<year>\d{{4}}|\d{{2}}){_TIME}",
    # March 8, 2026 5:58 PM EST; Sun Mar 8 2026; Sunday, March 8, 2026 - 17:58
    rf"{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_TIME}",
    # 2026-03-08 23:58; 2026/3/8 9:05; 2026.03.08; 2026年3月8日; 2026년 3월 8일; 2026. 3. 8.
    r"(?P<year>\d{4})[-/.年년]\s?(?P<month_number>\d{1,2})[-/.月월]\s?(?P<day>\d{1,2})"
    r"(?:[日일]|\.(?=\s|$))?" + _TIME,
    # 5:58 PM EST, Sun March 8, 2026
    rf"{_CLOCK}[\s,]+(?:on\s+)?{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})",
    # Sun Mar 8 23:58:37 UTC 2026
    rf"{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}})\s+{_CLOCK}\s+(?P<year>\d{{4}})",
    # 08.03.2026 23:58; 03/08/2026 11:58 PM
    r"(?P<first>\d{1,2})(?P<mark>[./-])(?P<other>\d{1,2})(?P=mark)(?P<year>\d{4})"
    r"(?![.\d/-])" + _TIME,
)
_FORMS = tuple(
    re.compile(r"^\s*" + form + r"(?:\s*\([^)]*\))?\s*$", re.IGNORECASE) for form in _WORDED
)
_MENTIONS = tuple(re.compile(r"(?<![\w/-])" + form, re.IGNORECASE) for form in _WORDED)
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
# Which of the two offsets holds is the date's to say.
_PLACES = {
    "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}  # fmt: skip
_ZONE_NAME = re.compile(r"[a-z]+/[a-z_/]+|[a-z]{3}\d[a-z]{3}")
_HALVES = {"上午": "a", "下午": "p", "오전": "a", "오후": "p"}
_EPOCH = re.compile(r"^\s*(\d{10})(\d{3})?(?:\.\d+)?\s*$")


@dataclass(frozen=True, slots=True)
class Written:
    """A date as it is written: `at` is aware, in the zone it names or the source's."""

    at: datetime
    has_time: bool
    has_zone: bool


def parsed(text: str | None, zone: tzinfo = UTC) -> datetime | None:
    """The time `text` names, in UTC; None when it names none between 1970 and 2200.

    `zone` is where the source lives: for dates without a zone, and for `CST`, which is
    China's or Chicago's.
    """
    written = read(text, zone)
    return None if written is None else written.at.astimezone(UTC)


def read(text: str | None, zone: tzinfo = UTC) -> Written | None:
    """The date that is all of `text`, and how exact it is; None as in `parsed`."""
    if not text or len(text) > 100:
        return None
    return _bounded(_epoch(text) or _iso(text, zone) or _written(text, zone, _FORMS))


def mentioned(text: str, zone: tzinfo = UTC) -> Written | None:
    """The first date within `text`, which says other things too; None without one."""
    return _bounded(_written(text[:1_000], zone, _MENTIONS))


def _bounded(written: Written | None) -> Written | None:
    if written is None:
        return None
    try:
        year = written.at.astimezone(UTC).year
    except (OverflowError, ValueError):
        return None
    return written if 1970 <= year < 2200 else None


def _epoch(text: str) -> Written | None:
    match = _EPOCH.match(text)
    if match is None:
        return None
    at = datetime.fromtimestamp(int(match[1]), UTC) + timedelta(milliseconds=int(match[2] or 0))
    return Written(at, has_time=True, has_zone=True)


def _iso(text: str, zone: tzinfo) -> Written | None:
    # Java adds the zone's name: 2026-03-08T10:00+01:00[Europe/Paris]
    text = text.partition("[")[0]
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    has_zone = at.tzinfo is not None
    try:
        at = at if has_zone else at.replace(tzinfo=zone)
    except (OverflowError, ValueError):
        return None
    return Written(at, has_time=len(text.strip()) > 10, has_zone=has_zone)


def _written(text: str, zone: tzinfo, forms: tuple[re.Pattern[str], ...]) -> Written | None:
    found = [match for form in forms if (match := form.search(text))]
    # the first one in the text, whatever its form
    for match in sorted(found, key=lambda match: match.start()):
        part = match.groupdict()
        at = _built(part, zone)
        if at is not None:
            return Written(at, has_time=bool(part["hour"]), has_zone=_known(part["zone"]))
    return None


def _known(zone: str | None) -> bool:
    name = (zone or "").lower()
    return name in _ZONES or name in _PLACES or "/" in name or any(map(str.isdigit, name))


def _built(part: dict[str, str | None], zone: tzinfo) -> datetime | None:
    year = int(part["year"] or 0)
    if year < 100:
        # RFC 822 had two digits; nobody publishes news of the 1950s
        year += 2000 if year < 70 else 1900
    month, day = _month_and_day(part, zone)
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
            day,
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


def _month_and_day(part: dict[str, str | None], home: tzinfo) -> tuple[int, int]:
    """Both as numbers; zeros where 3/8 may be either."""
    if name := part.get("month"):
        plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
        # letters that fold to none are no month: 0 names no date
        return _MONTHS.get(plain, 0), int(part["day"] or 0)
    if part.get("mark") is None:
        return int(part.get("month_number") or 0), int(part["day"] or 0)
    first, other = int(part["first"] or 0), int(part["other"] or 0)
    place = getattr(home, "key", "UTC")
    american = place.startswith("US/") or place in _PLACES.values() or bool(part["half"])
    if part["mark"] == "." or first > 12:
        return other, first
    if other > 12 or american or first == other:
        return first, other
    return (0, 0) if place in ("UTC", "Etc/UTC") else (other, first)


def _zone(text: str | None, home: tzinfo, month: datetime) -> tzinfo:
    """The zone `text` names; `home` for none and for a name nobody knows."""
    if not text:
        return home
    name = text.lower()
    if name == "cst" and home.utcoffset(month) == timedelta(hours=8):
        return home
    if name in _PLACES:
        return ZoneInfo(_PLACES[name])
    if _ZONE_NAME.fullmatch(name):
        try:
            return ZoneInfo(text)
        except (OSError, ValueError, ZoneInfoNotFoundError):
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
