"""Which kind of source an answer is, where nobody said: by what it holds, not what it is called."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.feeds.decoding import decoded
from pipeline.feeds.fetch import Page
from pipeline.feeds.presets import recognised

_START = 4_000
_FEED = re.compile(r"<(?:rss|feed|rdf:RDF|channel)\b", re.IGNORECASE)
_SITEMAP = re.compile(r"<(?:\w+:)?(?:urlset|sitemapindex)\b")
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|title|meta|div|p|h1)\b", re.IGNORECASE)


def guess_kind(page: Page) -> tuple[str, Mapping[str, Any]]:
    """The kind whose reader fits `page`, and its options; `rss`, which says what is wrong,
    where none does."""
    text = decoded(page.content, page.content_type).strip()
    if text[:1] in ("{", "["):
        return _json(text)
    start = text[:_START]
    if _SITEMAP.search(start):
        return "sitemap", {}
    feed, html = _FEED.search(start), _HTML.search(start)
    if html is not None and (feed is None or html.start() < feed.start()):
        return "page", {}
    return "rss", {}


def _json(text: str) -> tuple[str, Mapping[str, Any]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        first, _, rest = text.partition("\n")
        if not rest.strip():
            return "rss", {}
        try:
            json.loads(first)
        except (ValueError, RecursionError):
            return "rss", {}
        return "jsonl", {}
    if isinstance(value, dict) and "jsonfeed.org/version" in str(value.get("version")):
        return "rss", {}
    preset = recognised(value)
    return "json", {"preset": preset} if preset else {}
