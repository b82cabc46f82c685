"""When a page was published, by the page's own word: meta, JSON-LD, marked elements, text.

A page says it several times, and not always the same: without a zone, as a day only, or
with a local zone on a UTC clock. The first that names a minute and a zone is taken.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from pipeline.feeds.dates import Written, mentioned, read
from pipeline.feeds.html_tree import shown_text
from pipeline.feeds.json_ld import text

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Names in use for the time of publication, without punctuation and prefixes; earlier ones
# are more often right.
_META = (
    "articlepublishedtime", "ogarticlepublishedtime", "articlepublished", "datepublished",
    "publishedtime", "publicationdate", "publisheddate", "publishdate", "datepublish", "pubdate",
    "published", "iso8601publishdate", "parselypubdate", "dcdateissued", "dctermsissued",
    "dctermsdate", "dcdatecreated", "dctermscreated", "dcdate", "cxenseparserecspublishtime",
    "cxenseparsepublishtime", "articledateoriginal", "originalpublicationdate", "ogpubdate",
    "ogpublishedtime", "apubtime", "publishtime", "releasedate", "ogreleasedate", "ptime",
    "videoreleasedate", "sailthrudate", "articlecreatedtime", "bytedancepublishedtime",
    "weiboarticlecreateat", "rnewsdatepublished", "citationpublicationdate", "datecreated",
    "created", "date", "gsadate", "revisiondate",
)  # fmt: skip
_DATED_CLASS = re.compile(
    r"publish|posted|pub[-_]?date|date[-_]?line|timestamp|time[-_]?stamp|byline|article[-_]?date"
    r"|post[-_]?date|entry[-_]?date|meta[-_]?date|^date|date$|^time|time$|source",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"/((?:19|20)\d{2})[-/](\d{1,2})[-/](\d{1,2})(?=[-/_.]|$)")
_MOST_ELEMENTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTime:
    """A publication time in UTC; `day_only` says that the page names no time of day."""

    at: datetime
    day_only: bool = False


def published(
    tree: "HtmlElement",
    metas: Mapping[str, Sequence[str]],
    article: Mapping[str, Any],
    url: str,
    zone: tzinfo = UTC,
) -> PageTime | None:
    """The publication time of the page; None when it names none. Dates without a zone are in
    `zone`."""
    found = [
        written
        for name in _candidates(tree, metas, article, zone)
        if (written := read(name, zone)) is not None
    ]
    if not any(written.has_time for written in found):
        found.extend(_shown(tree, zone))
    if not found and (match := _IN_ADDRESS.search(url)):
        found.extend(filter(None, [read("-".join(match.groups()), zone)]))
    return _chosen(found)


def _chosen(found: Sequence[Written]) -> PageTime | None:
    """The first, or a later one that says the same more exactly."""
    if not found:
        return None
    best = found[0]
    if not best.has_time:
        near = (one for one in found if one.has_time and _apart(one, best) <= timedelta(hours=38))
        best = next(near, best)
    if best.has_time and not best.has_zone:
        near = (
            one
            for one in found
            if one.has_time and one.has_zone and _apart(one, best) <= timedelta(hours=14)
        )
        best = next(near, best)
    if best.has_time and best.has_zone:
        best = next((one for one in found if _mends(one, best)), best)
    return PageTime(at=best.at.astimezone(UTC), day_only=not best.has_time)


def _apart(one: Written, other: Written) -> timedelta:
    return abs(one.at - other.at)


def _mends(one: Written, other: Written) -> bool:
    """True when `other` is the UTC clock of `one` under a local zone: a common mistake."""
    if not (one.has_time and one.has_zone and one.at.utcoffset() == other.at.utcoffset()):
        return False
    utc_clock = one.at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return bool(one.at.utcoffset()) and other.at.replace(tzinfo=None, microsecond=0) == utc_clock


def _candidates(
    tree: "HtmlElement",
    metas: Mapping[str, Sequence[str]],
    article: Mapping[str, Any],
    zone: tzinfo,
) -> Iterator[str]:
    for name in _META:
        yield from metas.get(name, ())[:1]
    for written in (
        text(article, "datePublished"),
        text(article, "dateCreated"),
        text(article, "uploadDate"),
    ):
        if written:
            yield written
    for element in tree.xpath("//*[@itemprop='datePublished'] | //time[@pubdate]")[:1]:
        for key in ("datetime", "content", "value", "title"):
            if element.get(key):
                yield element.get(key)
        yield shown_text(element)
    for element in _times(tree):
        if element.get("datetime"):
            yield element.get("datetime")


def _times(tree: "HtmlElement") -> Sequence["HtmlElement"]:
    """The `time` elements that can be the article's own: beside its heading, or the first of
    the article; those of other articles on the page come after it."""
    for path in (
        "(//h1)[1]/ancestor::*[self::header or self::article or self::main][1]//time",
        "(//h1)[1]/following::time",
    ):
        apart = "[not(ancestor::aside or ancestor::nav or ancestor::footer)]"
        found: Sequence[HtmlElement] = tree.xpath(path + apart)[:1]
        if found:
            return found
    return []


def _shown(tree: "HtmlElement", zone: tzinfo) -> Iterator[Written]:
    """Dates that readers see, near where publishers put them."""
    body = tree.find("body")
    if body is None:
        return
    marked = [
        element
        for element in [*_times(tree), *body.iter("span", "div", "p", "time", "li", "em", "i")]
        if element.tag == "time"
        or _DATED_CLASS.search(element.get("class") or "")
        or _DATED_CLASS.search(element.get("id") or "")
    ]
    # else any short text that follows the heading
    after = tree.xpath("(//h1)[1]/following::*[self::span or self::div or self::p or self::li]")
    for elements, longest in ((marked, 300), (after, 80)):
        found = False
        for element in elements[:_MOST_ELEMENTS]:
            shown = shown_text(element)
            if len(shown) <= longest and (written := mentioned(shown, zone)) is not None:
                found = True
                yield written
        if found:
            return
