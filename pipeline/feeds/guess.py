"""Which kind of source an answer is, where nobody said: by what it holds, not what it is called."""

import re

from pipeline.feeds.decoding import decoded
from pipeline.feeds.fetch import Page

_START = 4_000
_FEED = re.compile(r"<(?:rss|feed|rdf:RDF|channel)\b", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|title|meta|div|p|h1)\b", re.IGNORECASE)


def guess_kind(page: Page) -> str:
    """The kind whose reader fits `page`; `rss`, which says what is wrong, where none does."""
    text = decoded(page.content[:_START], page.content_type).lstrip()
    if text[:1] in ("{", "["):
        return "rss"
    feed, html = _FEED.search(text), _HTML.search(text)
    if html is not None and (feed is None or html.start() < feed.start()):
        return "page"
    return "rss"
