"""The feed formats: RSS, RDF and Atom by feedparser, JSON Feed here.

feedparser is given what was fetched, bounded and decoded already, as a stream: plain bytes
it would try as a file name first. What would cost it hours is refused before.
"""

import io
import json
import re
from collections.abc import Mapping
from typing import Any

import feedparser

from pipeline.errors import Unavailable
from pipeline.feeds.decoding import decoded
from pipeline.feeds.fetch import Page
from pipeline.feeds.items import Item, Items
from pipeline.feeds.xml_limits import check_xml
from pipeline.feeds.xml_mending import mended


def read_items(page: Page) -> Items:
    """The items of the feed in `page`. Raises `Unavailable` when it is no feed."""
    text = decoded(page.content, page.content_type)
    return _json_items(text) if text.lstrip()[:1] == "{" else _xml_items(text)


def _xml_items(text: str) -> Items:
    content = mended(text).encode("utf-8", errors="replace")
    check_xml(content)
    found = feedparser.parse(
        io.BytesIO(content),
        # no address: it would make relative guids absolute, and identity must not move with
        # the feed
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not found.entries and not found.get("version"):
        what = "an HTML page" if re.search(r"<html\b", text[:2_000], re.I) else "something else"
        raise Unavailable(f"not RSS, Atom, RDF or JSON Feed but {what}")
    feed = _plain(found.feed)
    return Items(
        items=tuple(_xml_item(_plain(entry)) for entry in found.entries),
        lang=_string(feed, "language"),
        home=_string(feed, "link"),
    )


def _xml_item(entry: Mapping[str, Any]) -> Item:
    contents = [
        str(content["value"]) for content in _list(entry, "content") if content.get("value")
    ]
    if summary := _string(entry, "summary"):
        contents.append(summary)
    origin = entry.get("source")
    return Item(
        guid=_string(entry, "id"),
        link=_string(entry, "link"),
        title=_string(entry, "title"),
        # the fullest one: many feeds carry a teaser beside the article
        text=max(contents, key=len, default=None),
        author=_string(entry, "author"),
        # an aggregator names whose article it is
        publisher=_string(origin, "title") if isinstance(origin, Mapping) else None,
        dates=tuple((key, _string(entry, key)) for key in ("published", "updated", "created")),
    )


def _json_items(text: str) -> Items:
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unavailable("not RSS, Atom, RDF or JSON Feed but broken JSON") from error
    if not isinstance(feed, dict) or "jsonfeed.org/version" not in str(feed.get("version")):
        raise Unavailable("not RSS, Atom, RDF or JSON Feed but other JSON")
    items = []
    for entry in _list(feed, "items"):
        authors = [
            *_list(entry, "authors"),
            entry.get("author"),
            *_list(feed, "authors"),
            feed.get("author"),
        ]
        named = (_string(author, "name") for author in authors if isinstance(author, Mapping))
        guid = entry.get("id")
        items.append(
            Item(
                guid=str(guid) if isinstance(guid, str | int | float) else None,
                link=_string(entry, "url") or _string(entry, "external_url"),
                title=_string(entry, "title"),
                text=_string(entry, "content_html")
                or _string(entry, "content_text")
                or _string(entry, "summary"),
                author=next(filter(None, named), None),
                lang=_string(entry, "language"),
                dates=(
                    ("published", _string(entry, "date_published")),
                    ("updated", _string(entry, "date_modified")),
                ),
            )
        )
    return Items(
        items=tuple(items), lang=_string(feed, "language"), home=_string(feed, "home_page_url")
    )


def _string(mapping: Mapping[str, Any], key: str) -> str | None:
    value = mapping.get(key)
    return value if isinstance(value, str) and value.strip() else None


def _list(mapping: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = mapping.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """As an ordinary dict: feedparser's own answers for a missing `updated` with `published`."""
    return dict(dict.items(found))  # type: ignore[arg-type]
