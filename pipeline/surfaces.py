"""The very characters by which a text names its subjects.

Names are looked for in a text made readable (`pipeline.names`), whose positions may differ
from those of the text itself: a ligature becomes two letters, `&amp;` becomes one. Whoever
reads the text itself, as a classifier does, needs the name as it stands there.
"""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from pipeline.documents import SubjectId
from pipeline.listings import Mention
from pipeline.names import readable

# More spellings than this of one subject in one text tell a reader nothing new.
_MOST = 20


def surfaces(
    original: str, text: str, mentions: Iterable[Mention], title_end: int = 0
) -> dict[SubjectId, tuple[str, ...]]:
    """What each subject is called in `original`, each spelling once, in order of appearance.

    `mentions` are places in `text`, which is `original` made readable; `title_end` is where
    its title ends: what runs over that end stands in neither part and is left out.
    """
    found: dict[SubjectId, dict[str, None]] = {}
    offsets: tuple[list[int], list[int]] | None = None
    shifted = len(original) != len(text)
    for subject, start, end in sorted(mentions, key=_place):
        if start < title_end < end:
            continue
        spellings = found.setdefault(subject, {})
        if len(spellings) >= _MOST:
            continue
        first, last = start, end
        if shifted or (original is not text and readable(original[start:end]) != text[start:end]):
            if offsets is None:
                offsets = _offsets(original)
            first, last = _within(offsets, start, end)
        spelling = original[first:last].strip()
        if spelling:
            spellings[spelling] = None
    return {subject: tuple(spellings) for subject, spellings in found.items() if spellings}


def _place(mention: Mention) -> tuple[int, int]:
    return mention[1:]


def _within(offsets: tuple[list[int], list[int]], start: int, end: int) -> tuple[int, int]:
    """The place in the original of [start, end) of the readable text."""
    starts, places = offsets
    last = bisect_left(starts, end)
    return places[bisect_right(starts, start) - 1], places[min(last, len(places) - 1)]


def _offsets(original: str) -> tuple[list[int], list[int]]:
    """Where each piece of `original` begins in the readable text, and in `original`.

    A piece is one character with the marks that combine with it, or an `&amp;`.
    """
    starts, places = [], []
    position = place = 0
    while place < len(original):
        starts.append(position)
        places.append(place)
        after = place + 1
        if original.startswith("&amp;", place):
            after = place + 5
        else:
            while after < len(original) and unicodedata.combining(original[after]):
                after += 1
        position += len(readable(original[place:after]))
        place = after
    starts.append(position)
    places.append(place)
    return starts, places
