"""The forms in which a company's name appears in a text.

A catalogue says "Target Corporation"; a headline says "Target". Each form says how strictly
its letters count and whether it needs support from the rest of the text.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from pipeline.matching import matching_form

# Forms of incorporation say nothing about who is meant.
_LEGAL = re.compile(
    r"[\s,]+(?:inc|corp|corporation|co|plc|ltd|limited|llc|lp|l\.p|ag|se|nv|n\.v|sa|s\.a|s\.p\.a"
    r"|spa|ab|asa|oyj|abp|kgaa|& co|gmbh|a/s|s\.a\.b|pte|pvt|bhd|tbk|incorporated)\.?$",
    re.IGNORECASE,
)
# These can be part of how people call a company, so they go only if much is left.
_GROUP = re.compile(r"[\s,]+(?:the|group|holdings?|company|companies|& co\.?)$", re.IGNORECASE)
# What exchanges add to the name of the company in their lists of securities.
_SECURITY = re.compile(
    r"(?:\s+-\s.*|\s+\(.*\)|,?\s+(?:class|series) [a-z]\b.*|\s+(?:common|ordinary|capital|preferred"
    r"|american depositary|depositary|subordinate|new|units?|warrants?|rights?)\b.*"
    r"(?:stock|shares?|units?|warrants?|rights?|interests?)\b.*)$",
    re.IGNORECASE,
)
# Nobody writes a longer hashtag.
_HASHTAG = 30
# A word this short is a word of some language: "hella", "cree", "neste".
_SHORT = 5
# What must stand last, or somewhere, for the patterns above to be worth the search.
_LAST = frozenset(
    "inc corp corporation co plc ltd limited llc lp l.p ag se nv n.v sa s.a s.p.a spa ab asa oyj"
    " abp kgaa gmbh a/s s.a.b pte pvt bhd tbk incorporated the group holding holdings company"
    " companies".split()
)
_SECURITY_WORD = re.compile(
    r" - |\(| class | series |stock|shares?\b|units?\b|warrants?\b|rights?\b|interests?\b",
    re.IGNORECASE,
)
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W_]+")

# The apostrophes and dashes of typesetters: one character for one, so that positions hold.
_FOLD = str.maketrans("’‘ʼ–—‐‑\u00a0\n\t\rİ", "'''---- " + "   I", "\u200b")
_LETTERS = str.maketrans({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i",
                          "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ß": "ss"})  # fmt: skip
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue",
                          "ø": "oe", "Ø": "Oe", "å": "aa", "Å": "Aa"})  # fmt: skip


class Case(IntEnum):
    """How the capitals of a form count."""

    FREE = 0
    CAPITAL = 1  # each word begins with a capital
    EXACT = 2  # as written


class Form(NamedTuple):
    """One spelling, in lower case as `lowered` makes it; `written` keeps its capitals.

    A `word` may be an ordinary word, though a catalogue states it to be a name: with its
    capital, and without an article before it, it is one. A tuple: a catalogue makes 100,000
    at once.
    """

    text: str
    written: str
    case: Case = Case.FREE
    needs_support: bool = False
    derived: bool = True
    word: bool = False


def readable(text: str) -> str:
    """`text` with full-width, typographic and traditional characters made plain.

    For matching only: capitals stay, `lowered` of the result has the same length.
    """
    if "&amp;" in text:
        text = text.replace("&amp;", "&")
    if text.isascii():
        return text.replace("\n", " ") if "\n" in text else text
    return matching_form(unicodedata.normalize("NFC", text)).translate(_FOLD)


def lowered(text: str) -> str:
    """A readable text in lower case, position by position."""
    return text.lower()


def is_cjk(text: str) -> bool:
    """Whether `text` is written in a script without spaces between words."""
    return not text.isascii() and _CJK.search(text) is not None


def forms(name: str, words: frozenset[str], ambiguous: bool = False) -> Iterator[Form]:
    """Every form of `name`; `words` are ordinary words, which a name may also be.

    >>> [form.text for form in forms("Target Corporation", frozenset({"target"}))]
    ['target corporation', 'target']
    """
    written = " ".join(readable(name).split())
    yield from _spelled(written, words, ambiguous)
    if not written.isascii() and not is_cjk(written):
        for plain in dict.fromkeys((_plain_letters(written), _plain_letters(_umlauts(written)))):
            if plain != written:
                for form in _spelled(plain, words, ambiguous):
                    yield form._replace(derived=True)


def _plain_letters(text: str) -> str:
    """`text` as wires without accents write it: Telefonica, Orsted."""
    parted = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(one for one in parted if not unicodedata.combining(one))


def _umlauts(text: str) -> str:
    """`text` as Germans write it without umlauts: Deutsche Boerse."""
    return text.translate(_UMLAUTS)


def _spelled(written: str, words: frozenset[str], ambiguous: bool) -> Iterator[Form]:
    yield from _form(written, words, ambiguous, derived=False)
    # what has no capital ("mining companies") is a phrase, not a company with a legal form
    if is_cjk(written) or written.islower():
        return
    seen = {written.lower()}
    for shorter, grouped in _shorter(written):
        if shorter.lower() in seen:
            continue
        seen.add(shorter.lower())
        for form in _form(shorter, words, ambiguous, derived=True):
            # "Match Group" is not called Match, nor "General Holdings" General
            if (grouped and form.needs_support) or len(form.text) < 4:
                continue
            yield form


def _shorter(written: str) -> Iterator[tuple[str, bool]]:
    """Each shorter way to say `written`, and whether more than its legal form was cut."""
    name = written
    if _SECURITY_WORD.search(written):
        name = _SECURITY.sub("", written)
        if name != written:
            yield name, False
    grouped = False
    for _ in range(4):
        if _last_word(name) not in _LAST and name[-1] not in ".,&":
            break
        cut = _LEGAL.sub("", name).rstrip(" ,.&")
        if cut == name:
            cut = _GROUP.sub("", name).rstrip(" ,.&")
            # "Belgian companies" is not a name with something cut from it
            if cut == name or name[len(cut) :].islower():
                break
            grouped = True
        if not cut:
            break
        name = cut
        yield name, grouped
        if name.lower().startswith("the ") and " " in name[4:]:
            yield name[4:], grouped


def _form(written: str, words: frozenset[str], ambiguous: bool, derived: bool) -> Iterator[Form]:
    text = lowered(written)
    if is_cjk(text):
        if len(text) > 1:
            yield Form(text, written, Case.FREE, ambiguous, derived)
        return
    parts = _WORD.findall(text)
    together = "".join(parts)
    letters = len(together)
    if letters < 2 or text.isdecimal():
        return
    core = parts[1:] if parts[0] == "the" and len(parts) > 1 else parts
    ordinary = words.issuperset(core)
    if ambiguous or (ordinary and len(core) == 1 and derived):
        yield Form(text, written, Case.CAPITAL, True, derived)
    elif ordinary and len(core) == 1:
        case = Case.EXACT if written.isupper() else Case.CAPITAL
        yield Form(text, written, case, False, False, word=True)
    elif letters <= 3:
        yield Form(text, written, Case.EXACT, False, derived)
    elif ordinary and len(parts) > 1 and written[1:].islower():
        # "Media stocks" began a sentence: a phrase
        yield Form(text, written, Case.FREE, False, derived)
    elif ordinary or (len(parts) == 1 and letters <= _SHORT):
        yield Form(text, written, Case.CAPITAL, False, derived)
    else:
        yield Form(text, written, Case.FREE, False, derived)
    if "&" in text or " and " in text:
        for one, other in ((" & ", " and "), (" and ", " & ")):
            if one in text:
                swapped = written.replace(one, other)
                yield Form(lowered(swapped), swapped, Case.FREE, ambiguous, True)
    # a hashtag or handle has no spaces: #BankOfAmerica
    if (
        len(parts) > 1
        and 8 <= letters <= _HASHTAG
        and not ambiguous
        and _last_word(text) not in _LAST
    ):
        yield Form(together, together, Case.FREE, False, True)


def _last_word(name: str) -> str:
    """The last word in lower case, without a dot at its end."""
    return name[max(name.rfind(" "), name.rfind(",")) + 1 :].rstrip(".").lower()
