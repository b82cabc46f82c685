"""Ampersands and names of characters that make a feed broken XML, put right before parsing.

Publishers write `R&D` and `&nbsp;` in feeds as in HTML. A strict parser refuses the feed for it,
and a forgiving one reads `R&D;`.
"""

import re
from html.entities import html5

_XML_OWN = frozenset({"amp", "lt", "gt", "quot", "apos"})
_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#[xX][0-9a-fA-F]{1,6};)(?:([a-zA-Z][a-zA-Z0-9]{0,31});)?")
# where an ampersand is one; to the end where it is never closed, so that nothing is read twice
_LITERAL = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)


def mended(text: str) -> str:
    """`text` with each ampersand that begins nothing XML knows as `&amp;`, and each character
    that only HTML has a name for by its number. A document that declares entities of its own is
    left as it is."""
    if "&" not in text or "<!ENTITY" in text:
        return text
    pieces: list[str] = []
    at = 0
    for literal in _LITERAL.finditer(text):
        pieces += (_AMPERSAND.sub(_named, text[at : literal.start()]), literal[0])
        at = literal.end()
    pieces.append(_AMPERSAND.sub(_named, text[at:]))
    return "".join(pieces)


def _named(match: re.Match[str]) -> str:
    name = match[1]
    if name in _XML_OWN:
        return match[0]
    characters = html5.get(f"{name};") if name else None
    if characters is None:
        return f"&amp;{match[0][1:]}"
    return "".join(f"&#{ord(character)};" for character in characters)
