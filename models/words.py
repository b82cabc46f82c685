"""A text as words people see, and values of word pieces gathered on them."""

import re
from collections.abc import Sequence

# Chinese is written without spaces: a character is a word. A ticker, a hashtag, a signed
# number with its percent sign are one; a mark stands alone, for it may carry the feeling.
_LETTER = r"[^\W\d_\u3400-\u9fff]"
_WORD = re.compile(
    rf"[\u3400-\u9fff]|(?:\b{_LETTER}\.){{2,}}"
    rf"|[+\-\u2212]?\$?\d+(?:[.,]\d+)*{_LETTER}{{0,3}}%?"
    rf"|[$#@]?[^\W\u3400-\u9fff]+(?:['’.&-][^\W\u3400-\u9fff]+)*"
    rf"|[^\w\s]"
)

Span = tuple[int, int]


def word_spans(text: str) -> list[Span]:
    """Where each word begins and ends, in order, without overlap; only spaces are in none."""
    return [match.span() for match in _WORD.finditer(text)]


def gathered(pieces: Sequence[Span], values: Sequence[float], words: Sequence[Span]) -> list[float]:
    """The sum of the values of each word's pieces.

    A piece that reaches over several words is shared out by how many characters each has of
    it; an empty piece (a special token) belongs to none.
    """
    sums = [0.0] * len(words)
    first = 0
    for (start, end), value in zip(pieces, values, strict=True):
        while first < len(words) and words[first][1] <= start:
            first += 1
        touched = []
        place = first
        while place < len(words) and words[place][0] < end:
            held = min(end, words[place][1]) - max(start, words[place][0])
            if held > 0:
                touched.append((place, held))
            place += 1
        total = sum(held for _, held in touched)
        for place, held in touched:
            sums[place] += value * held / total
    return sums


def without(text: str, spans: Sequence[Span]) -> str:
    """The text with these parts deleted and the spaces closed up."""
    kept, at = [], 0
    for start, end in sorted(spans):
        kept.append(text[at:start])
        at = max(at, end)
    kept.append(text[at:])
    return " ".join(" ".join(kept).split())
