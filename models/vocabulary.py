"""The word lists as one table for reading: each word's entry, and the phrases it begins."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from models import lexicon, lexicon_topics

MARKS = ".,;:?!"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one word or phrase means to the baseline.

    `strength` below zero is negative; `halves` scales what follows (3: half as much again,
    1: half); `turns` turns it round, and neither reaches across a mark that `ends` a clause.
    `phrases` begin with this word: by their second word their further words, the longest
    phrase first, and what they mean instead of it.
    """

    strength: int = 0
    plain: int = 0
    turns: bool = False
    ends: bool = False
    halves: int = 2
    topics: tuple[tuple[int, int], ...] = ()
    phrases: Mapping[str, tuple[tuple[list[str], "Entry"], ...]] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    strength: int | None = None
    plain: int = 0
    turns: bool = False
    halves: int = 2
    topics: dict[int, int] = field(default_factory=dict)


def english() -> dict[str, Entry]:
    """Every first word of the English lists with its entry."""
    drafts: dict[tuple[str, ...], _Draft] = {}

    def draft(words: tuple[str, ...]) -> _Draft:
        return drafts.setdefault(words, _Draft())

    for sign, table in ((-1, lexicon.NEGATIVE), (1, lexicon.POSITIVE)):
        # the strongest list comes first and keeps a word that is listed twice
        for strength, listed in table.items():
            for words in _listed(listed):
                one = draft(words)
                if one.strength is None:
                    one.strength = sign * strength
    for plain, listed in lexicon.PLAIN.items():
        for words in _listed(listed):
            draft(words).plain = plain
    for words in _listed(lexicon.NEGATORS):
        draft(words).turns = True
    for halves, listed in ((3, lexicon.INTENSIFIERS), (1, lexicon.DIMINISHERS)):
        for words in _listed(listed):
            draft(words).halves = halves
    for index, topic in enumerate(lexicon_topics.TOPICS):
        for weight, listed in lexicon_topics.KEYWORDS[topic].items():
            for words in _listed(listed):
                held = draft(words).topics
                held[index] = max(held.get(index, 0), weight)
    for mark in MARKS:
        draft((mark,))
    _inherit(drafts)
    return _table(drafts)


def _inherit(drafts: dict[tuple[str, ...], _Draft]) -> None:
    """A phrase listed for its topic alone keeps the feeling of its words, and the reverse."""
    for words, one in drafts.items():
        if len(words) == 1:
            continue
        parts = [drafts[(word,)] for word in words if (word,) in drafts]
        if one.strength is None and not one.plain and words not in _PLAIN_ZERO:
            one.strength = sum(part.strength or 0 for part in parts)
        for part in parts:
            for index, weight in part.topics.items():
                one.topics[index] = max(one.topics.get(index, 0), weight)


def _table(drafts: dict[tuple[str, ...], _Draft]) -> dict[str, Entry]:
    singles: dict[str, Entry] = {}
    phrases: dict[str, dict[str, list[tuple[list[str], Entry]]]] = {}
    for words, one in drafts.items():
        entry = Entry(
            strength=one.strength or 0,
            plain=one.plain,
            turns=one.turns,
            ends=words[0] in MARKS,
            halves=one.halves,
            topics=tuple(sorted(one.topics.items())),
        )
        if len(words) == 1:
            singles[words[0]] = entry
        else:
            seconds = phrases.setdefault(words[0], {})
            seconds.setdefault(words[1], []).append((list(words[2:]), entry))
    for first, seconds in phrases.items():
        ordered = {
            second: tuple(sorted(found, key=lambda phrase: (-len(phrase[0]), phrase[0])))
            for second, found in seconds.items()
        }
        singles[first] = replace(singles.get(first, Entry()), phrases=ordered)
    return singles


def _listed(text: str) -> Iterator[tuple[str, ...]]:
    """Each entry of a list as its words; `verb*` gives every form of a regular verb."""
    for item in text.split():
        words = item.split("_")
        if words[-1].endswith("*"):
            for form in _forms(words[-1][:-1]):
                yield (*words[:-1], form)
        else:
            yield tuple(words)


def _forms(verb: str) -> Iterable[str]:
    """`plunge` gives plunge, plunges, plunged, plunging."""
    if verb.endswith("e"):
        return (verb, verb + "s", verb + "d", verb[:-1] + "ing")
    if re.search("[^aeiou]y$", verb):
        return (verb, verb[:-1] + "ies", verb[:-1] + "ied", verb + "ing")
    ending = "es" if verb.endswith(("s", "sh", "ch", "x", "z")) else "s"
    return (verb, verb + ending, verb + "ed", verb + "ing")


_PLAIN_ZERO = frozenset(_listed(lexicon.PLAIN[0]))
