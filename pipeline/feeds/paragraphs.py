"""HTML to plain text that keeps its paragraphs."""

import re
from html import unescape
from html.parser import HTMLParser

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!--)", re.ASCII)
_BLOCKS = frozenset(
    [
        "address", "article", "aside", "blockquote", "caption", "center", "dd", "details", "div",
        "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
        "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "option", "p", "pre", "section",
        "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul",
    ]
)  # fmt: skip
_SILENT = frozenset(
    ["script", "style", "noscript", "template", "iframe", "object", "svg", "math", "head", "select"]
)
_BREAKS = frozenset({"br"})
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n\s*\n")
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--\s*!?>|\Z))", re.S)
_SCRIPT = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.S | re.I)
_OPEN = re.compile(r"<(?=[^<>]*(?:<|\Z))")
# as many a page of mathematics may have
_MOST_OPEN = 200
# longer than any article; what comes after is not read
_MOST = 400_000


def plain(text: str | None) -> str:
    """The paragraphs of `text`, HTML or not, joined by a newline; entities decoded."""
    if not text:
        return ""
    text = _safe(text[:_MOST])
    if _TAG.search(text):
        reader = _Reader()
        reader.feed(text)
        reader.close()
        blocks = "".join(reader.pieces).split("\n")
    else:
        # no markup: a blank line parts paragraphs, a single one is only a line's end
        blocks = _BLANK_LINES.split(unescape(text).replace("\r\n", "\n"))
    spaced = (" ".join(_SPACES.sub(" ", block).split()) for block in blocks)
    return "\n".join(block for block in spaced if block)


def _safe(text: str) -> str:
    """`text` without what the parser takes quadratic time for: comments that do not end, and
    many a `<` that opens nothing. Text in CDATA is text."""
    if "<!" in text:
        # a script may hold the beginning of a comment
        text = _COMMENT.sub("", _SCRIPT.sub("", text)).replace("<![CDATA[", "").replace("]]>", "")
    if text.count("<") > _MOST_OPEN and len(_OPEN.findall(text)) > _MOST_OPEN:
        text = _OPEN.sub("&lt;", text)
    return text


def one_line(text: str | None) -> str:
    """The same on one line, for titles and names."""
    return " ".join(plain(text).split())


class _Reader(HTMLParser):
    """Collects text; a newline in `pieces` ends a paragraph."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag in _BLOCKS or tag in _BREAKS:
            self.pieces.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # `<svg/>` opens nothing
        if tag in _BLOCKS or tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            # what was left open inside ends with it
            while self._silent.pop() != tag:
                pass
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data.replace("\n", " "))
