"""Whether a name that was found stands in its text as a name: whole, in its capitals, in prose.

All functions are pure; `lower` is the readable text in lower case, position by position.
"""

import re

from pipeline.names import Case, Form, is_cjk

_ALL_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
# A web address is looked for so many characters back.
_LONGEST_ADDRESS = 2_000
# A name this long with an s behind it is no other word; a shorter one only in capitals.
_BARE_NAME = 5


def stands_alone(lower: str, start: int, end: int) -> bool:
    """Whether [start, end) is no part of a longer word. A cashtag's symbol is not alone."""
    if start:
        before = lower[start - 1]
        if before in "_$£€¥" or (before.isalnum() and not is_cjk(before)):
            return False
        # "9.3M smartphones" are not from 3M
        if (
            before in ".,"
            and start > 1
            and lower[start].isdecimal()
            and lower[start - 2].isdecimal()
        ):
            return False
    if end < len(lower):
        after = lower[end]
        return after != "_" and (not after.isalnum() or is_cjk(after))
    return True


def is_possessive(text: str, lower: str, start: int, end: int) -> bool:
    """Whether [start, end) only lacks an apostrophe: "Googles revenue", "IBMs", not "HEADS"."""
    return (
        text.startswith("s", end)
        and text[start].isupper()
        and (end - start >= _BARE_NAME or text[start:end].isupper())
        and stands_alone(lower, start, end + 1)
    )


def case_fits(form: Form, text: str, start: int, end: int) -> bool:
    """Whether [start, end) of `text` has the capitals that the form asks for."""
    if form.case is Case.FREE:
        return True
    found = text[start:end]
    if form.case is Case.EXACT:
        return found == form.written
    if start and text[start - 1] in "#@":
        return True
    return _capitals(found, form.written) or (
        # "Take Solutions" is TAKE Solutions too, and Inox INOX
        _capitals(found, _ALL_CAPITALS.sub(_capitalized, form.written))
    )


def _capitals(found: str, written: str) -> bool:
    return all(
        one.isupper() or not wanted.isupper() for one, wanted in zip(found, written, strict=True)
    )


def _capitalized(match: re.Match[str]) -> str:
    return match[0].capitalize()


def in_address(lower: str, position: int) -> bool:
    """Whether the position lies in a web address."""
    earliest = max(0, position - _LONGEST_ADDRESS)
    begin = max(earliest, lower.rfind(" ", earliest, position) + 1)
    return lower.startswith(("http", "www."), begin) or "://" in lower[begin:position]
