"""When one text is a copy of another: what of a text is told, and how much two texts share.

A copy differs in links, mentions and signs, in a comment before it, in where it is cut. Two
posts of one machine ("$AAPL up 3%", "$TSLA up 5%") differ in subjects and numbers only, and
are not copies. So words, numbers and subjects are compared apart.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from struct import Struct

from pipeline.documents import Document
from pipeline.matching import matching_form

# An article is copied whole, but its copies are cut at different lengths.
WORDS_READ = 64
CHARACTERS_READ = 4_000
# Below so many different words two texts are alike by chance: only equal ones are copies.
FEWEST_WORDS = 4
# Of so many the text is a sentence or more, and not a machine's row of figures.
LONG = 16
# MinHash: two texts that share a part J of their words agree in one of BANDS pairs of minima
# with probability 1 - (1 - J^2)^BANDS: 0.93 at the 0.6 that makes a copy, 0.998 at 0.8.
BANDS = 6
MOST_NUMBERS = 32
MOST_SUBJECTS = 32

# Scripts without spaces between words: their words are pairs of neighbouring characters.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOLD = re.compile(
    # noise: links, mentions, entities, cashtags (which are compared by themselves)
    r"(?:https?://|www\.)\S*|@\w+|&\w+;|\$[a-z][\w.]*"
    rf"|([{_UNSPACED}]+)"
    # with a digit it is a figure: 5, 5%, 1.5m, q4
    rf"|((?:(?![{_UNSPACED}_])\w)*\d(?:[.,]?(?![{_UNSPACED}_])\w)*)"
    rf"|((?:(?![{_UNSPACED}\d_])\w)+)"
)
# Between cashtags a whole number is no figure of a long text: "$A 123 $B is about to".
_BETWEEN_CASHTAGS = re.compile(r"\$[a-z][\w.]*\s+(\d+)(?=\s+\$[a-z])")
_CASHTAG = re.compile(r"\$([a-z][\w.]*)")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_TOLD_ASCII = re.compile(
    r"(?:https?://|www\.)\S*|@\w+|&\w+;|\$[a-z][\w.]*"
    r"|([a-z]*\d(?:[.,]?[a-z0-9])*)|([a-z]+)",
    re.ASCII,
)
# who is passed on: `RT @name:`, `"@name: ...`, `//@name:`
_CREDIT = re.compile(r"(?:(?:^|(?<=[\s\"“”(.]))[rm]t\s*@|[\"“”]\s*@|//@)([\w.-]+)\s*[:：]?\s*")
# a text that was cut ends within a word
_CUT = re.compile(r"\S*(?:…|\.\.\.)[\s\"”]*$")
_HASHES = Struct(f"<{2 * BANDS}I")
_BAND = Struct("<BI")
_SHORT = Struct("<H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a document tells, in the form in which copies are found.

    `exact` (16 bytes) is equal for equal words, numbers, tickers and subjects, `template` (8
    bytes) for equal words. `words`, `numbers`, `tickers` (those the source gives, else the
    cashtags) and `subjects` are sets of two-byte hashes, in order.
    Documents with one of the `bands` in common may be copies; there are none for a text of
    few words. `credited` is who the text itself says is passed on.
    """

    exact: bytes
    template: bytes
    words: bytes = b""
    numbers: bytes = b""
    tickers: bytes = b""
    subjects: bytes = b""
    bands: tuple[bytes, ...] = ()
    credited: str | None = None


def wording(document: Document, subjects: Iterable[str] = ()) -> Wording:
    """What `document`, which is about `subjects`, tells: its own text, or the longest part of
    it that it passes on. Without a word or number it is the links it gives; without those
    it is only a copy of itself."""
    text = document.body[:CHARACTERS_READ]
    if text.isascii():
        told, credited = _passed_on(text.lower())
        numbers, words = [], []
        for number, word in _TOLD_ASCII.findall(told):
            if word:
                words.append(word)
            elif number:
                numbers.append(number)
    else:
        text = matching_form(unicodedata.normalize("NFKC", text)).casefold()
        told, credited = _passed_on(text)
        numbers, words = [], []
        for run, number, word in _TOLD.findall(told):
            if word:
                words.append(word)
            elif run:
                words.extend(map("".join, pairwise(run)) if run[1:] else run)
            elif number:
                numbers.append(number)
    del words[WORDS_READ:], numbers[MOST_NUMBERS:]
    about = sorted(subjects)[:MOST_SUBJECTS]
    given = document.subjects or _CASHTAG.findall(told)
    tickers = sorted({one.strip("$.").lower() for one in given})[:MOST_SUBJECTS]
    if not words and not numbers:
        links = _LINK.findall(told)
        only = "\n".join((*links, *about)) if links else document.id
        alone = blake2b(f"\n{only}".encode(), digest_size=16).digest()
        return Wording(exact=alone, template=alone[:8], credited=credited)
    template = " ".join(words).encode()
    rest = "\n".join((" ".join(numbers), " ".join(tickers), " ".join(about))).encode()
    hashes = [_hashes(word) for word in words]
    kinds = {one[0] & 0xFFFF for one in hashes}
    bands: tuple[bytes, ...] = ()
    if len(kinds) >= LONG and numbers:
        idle = set(_BETWEEN_CASHTAGS.findall(told))
        numbers = [one for one in numbers if one not in idle]
    if len(kinds) >= FEWEST_WORDS:
        least = tuple(map(min, *hashes))
        bands = tuple(
            _BAND.pack(place // 2, (least[place] * 0x9E3779B1 + least[place + 1]) & 0xFFFFFFFF)
            for place in range(0, 2 * BANDS, 2)
        )
    return Wording(
        exact=blake2b(template + b"\n" + rest, digest_size=16).digest(),
        template=blake2b(template, digest_size=8).digest(),
        words=array("H", sorted(kinds)).tobytes(),
        numbers=_marks(numbers) if numbers else b"",
        tickers=_marks(tickers) if tickers else b"",
        subjects=_marks(about) if about else b"",
        bands=bands,
        credited=credited,
    )


def is_copy(one: Wording, other: Wording) -> bool:
    """Whether both tell the same: six in ten of all their words are shared, or one holds nine
    in ten words of the other and is not twice as long; and neither numbers nor tickers nor
    subjects are against it.

    Numbers are against it when under three quarters of the fewer are shared; tickers and
    subjects when under half, or none where all words are equal. Where only one text has a
    subject, the one must hold every word of the other.
    """
    fewer, more = sorted((len(one.words) // 2, len(other.words) // 2))
    if fewer < FEWEST_WORDS:
        return one.exact == other.exact
    shared = _shared(one.words, other.words)
    alike = 10 * shared >= 6 * (fewer + more - shared)
    if not alike and not (10 * shared >= 9 * fewer and 2 * fewer >= more):
        return False
    if one.numbers and other.numbers and not _agree(one.numbers, other.numbers, 3):
        return False
    least = 1 if shared == more else 2
    for mine, others in ((one.tickers, other.tickers), (one.subjects, other.subjects)):
        if mine and others and not _agree(mine, others, least):
            return False
    return bool(one.subjects) == bool(other.subjects) or shared == fewer


def figures_differ(one: Wording, other: Wording) -> bool:
    """Whether both give figures, and share under half of the fewer: two posts of one machine
    do."""
    return bool(one.numbers and other.numbers) and not _agree(one.numbers, other.numbers, 2)


def _agree(one: bytes, other: bytes, quarters: int) -> bool:
    """Whether so many quarters of the smaller set, and one at least, are in both."""
    both = _shared(one, other)
    return both > 0 and (quarters == 1 or 8 * both >= quarters * min(len(one), len(other)))


def _passed_on(text: str) -> tuple[str, str | None]:
    """The longest part of a text between its credits, and who that part is credited to."""
    if text.endswith(("…", "...", "…”", '…"', '..."')):
        text = _CUT.sub("", text)
    if "@" not in text:
        return text, None
    # [before the first credit, name, what follows it, name, what follows, ...]
    parts = _CREDIT.split(text)
    if len(parts) == 1:
        return text, None
    place = max(range(0, len(parts), 2), key=lambda at: (len(parts[at].strip()), at))
    return parts[place], parts[place - 1] if place else None


@lru_cache(maxsize=16_384)
def _hashes(word: str) -> tuple[int, ...]:
    digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=_HASHES.size).digest()
    return _HASHES.unpack(digest)


@lru_cache(maxsize=8_192)
def _mark(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_SHORT.size).digest()


def _marks(names: Iterable[str]) -> bytes:
    return b"".join(sorted({_mark(name) for name in names}))


def _shared(one: bytes, other: bytes) -> int:
    return len(set(_SHORT.iter_unpack(one)) & set(_SHORT.iter_unpack(other)))
