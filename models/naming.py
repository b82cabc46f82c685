"""Where a text names a company that is asked about, also where it writes the name otherwise.

First as it is given, in whole words. Where that stands nowhere, without regard to accents, marks
and spaces (`Moody's` and `Moody’s`, `Nestle` and `Nestlé`, `T Mobile` and `T-Mobile`), then
without what only says its legal form (`Microsoft Corp` for `Microsoft`), then without the last
word of three or more (`Bharti Airtel Africa`). A short ticker is no part of other words: `T` does
not stand in `outfit`.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

Span = tuple[int, int]

_MOST = 50
# So many letters that begin a word name its company: `Reliance` in `RelianceJio`.
_LEAST_PREFIX = 6
_LEAST_FOLDED = 3
# What a name may have where it is not found as it is given: a source can call a company anything.
_MOST_LETTERS, _MOST_WORDS_OF_NAME, _MOST_DROPPED = 60, 8, 3
_WORD = re.compile(r"[^\W_]+")
# Chinese and Japanese have no words to be whole.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_FORMS = frozenset(
    "ab adr ag as asa bhd bv co company companies corp corporation cos gmbh group holding holdings "
    "inc incorporated kgaa limited llc lp ltd nv oyj plc pvt sa sab se spa the trust".split()
)

_JOINING = frozenset("and de du für for in of on the und von".split())


def spans_of(lower: str, name: str) -> list[Span]:
    """Where the text `lower` names `name`, both in lower case, in order; the first fifty places.
    Empty where it does not."""
    if not name:
        return []
    return _as_given(lower, name) or _otherwise(lower, name)


def _as_given(lower: str, name: str) -> list[Span]:
    whole: list[Span] = []
    begun: list[Span] = []
    free = bool(_UNSPACED.search(name))
    start = lower.find(name)
    while start >= 0 and len(whole) + len(begun) < _MOST:
        end = start + len(name)
        before, after = lower[start - 1 : start], lower[end : end + 1]
        begins = not (before.isalnum() and name[0].isalnum())
        if begins and not (after.isalnum() and name[-1].isalnum()):
            whole.append((start, end))
        elif free or (begins and len(name) >= _LEAST_PREFIX):
            begun.append((start, end))
        start = lower.find(name, end)
    return whole or begun


def _otherwise(lower: str, name: str) -> list[Span]:
    if len(name) > _MOST_LETTERS:
        return []
    words = [word for word, _ in _words(name)][:_MOST_WORDS_OF_NAME]
    spoken = _words(lower)
    for count in _counts(words):
        wanted = "".join(words[:count])
        if len(wanted) >= _LEAST_FOLDED and (found := _in_words(spoken, wanted)):
            return found
    return []


def _counts(words: Sequence[str]) -> list[int]:
    """How many of the name's first words may stand for it, the most first."""
    if not words:
        return []
    least = len(words)
    # `S.A.` is two words here
    while least > max(1, len(words) - _MOST_DROPPED) and (
        words[least - 1] in _FORMS or len(words[least - 1]) == 1
    ):
        least -= 1
    counts = list(range(len(words), least - 1, -1))
    # `Bank of` is no `Bank of America`
    if least > 2 and words[least - 2] not in _JOINING:
        counts.append(least - 1)
    return counts


def _in_words(spoken: Sequence[tuple[str, Span]], wanted: str) -> list[Span]:
    """Where words of the text, put together, are `wanted`."""
    found: list[Span] = []
    for first, (word, (start, _)) in enumerate(spoken):
        place, joined = first, word
        while len(joined) < len(wanted) and wanted.startswith(joined) and place + 1 < len(spoken):
            place += 1
            joined += spoken[place][0]
        if joined == wanted and len(found) < _MOST:
            found.append((start, spoken[place][1][1]))
    return found


@lru_cache(maxsize=16)
def _words(text: str) -> tuple[tuple[str, Span], ...]:
    """The words without accents, and where they stand."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        for part in letter if letter.isascii() else unicodedata.normalize("NFKD", letter):
            if not unicodedata.combining(part):
                letters.append(part)
                places.append(place)
    return tuple(
        (match[0], (places[match.start()], places[match.end() - 1] + 1))
        for match in _WORD.finditer("".join(letters))
    )
