"""An HTML page as a tree: in its own encoding, and no larger than an article's page is."""

import re
from typing import TYPE_CHECKING

from pipeline.errors import Unavailable
from pipeline.feeds.decoding import decoded
from pipeline.feeds.fetch import Page

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# The largest pages of newsrooms have some 10,000 tags, at most a few dozen inside each other;
# what walks a tree takes time and stack by both.
MAX_TAGS = 60_000
MAX_DEPTH = 200
MAX_CHARACTERS = 4_000_000
MAX_ATTRIBUTES = 300
_TAG = re.compile(r"<[a-zA-Z!]")
_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{2000,}")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")


def read_tree(page: Page) -> "HtmlElement":
    """The tree of the HTML in `page`. Raises `Unavailable` when it is none or too large."""
    from lxml import etree, html

    text = decoded(page.content, page.content_type)
    if not _TAG.search(text):
        raise Unavailable("not an HTML page" if text.strip() else "an empty answer")
    if len(text) > MAX_CHARACTERS:
        raise Unavailable(f"refused: more than {MAX_CHARACTERS:,} characters")
    if len(_TAG.findall(text)) > MAX_TAGS:
        raise Unavailable(f"refused: more than {MAX_TAGS:,} tags, which no article needs")
    # a parser's time grows with the square of them
    if any(len(_QUOTED.sub("", tag).split()) > MAX_ATTRIBUTES for tag in _LONG_TAG.findall(text)):
        raise Unavailable(f"refused: more than {MAX_ATTRIBUTES} attributes in one tag")
    parser = html.HTMLParser(encoding="utf-8", remove_pis=True, huge_tree=False)
    try:
        tree = html.document_fromstring(text.encode("utf-8", errors="replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise Unavailable(f"not an HTML page: {' '.join(str(error).split())[:200]}") from error
    if _deeper(tree, MAX_DEPTH):
        raise Unavailable(f"refused: more than {MAX_DEPTH} tags inside each other")
    return tree


def shown_text(element: "HtmlElement") -> str:
    """The words of an element on one line, a space between its parts."""
    return " ".join(" ".join(str(piece) for piece in element.itertext()).split())


def _deeper(tree: "HtmlElement", most: int) -> bool:
    from lxml import etree

    depth = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > most:
            return True
    return False
