"""Reading Chinese without spaces: the longest listed word at each position."""

from collections.abc import Iterable, Mapping

from models import lexicon_topics, lexicon_zh


class ChineseWords:
    """The Chinese lists, ready for counting."""

    def __init__(self) -> None:
        self._strength: dict[str, int] = {}
        for sign, table in ((-1, lexicon_zh.NEGATIVE), (1, lexicon_zh.POSITIVE)):
            for strength, listed in table.items():
                for word in listed.split():
                    self._strength.setdefault(word, sign * strength)
        self._strength |= dict.fromkeys(lexicon_zh.PLAIN.split(), 0)
        self._topics: dict[str, list[int]] = {}
        for index, topic in enumerate(lexicon_topics.TOPICS):
            for word in lexicon_topics.CHINESE.get(topic, "").split():
                self._topics.setdefault(word, []).append(index)
        self._negators = tuple(lexicon_zh.NEGATORS.split())
        self._starts = _by_start((*self._strength, *self._topics))

    def read(self, text: str) -> tuple[int, int, dict[int, int]]:
        """Strength against, strength in favour, and points by topic."""
        against = favour = 0
        topics: dict[int, int] = {}
        at = 0
        end = len(text)
        while at < end:
            word = next((w for w in self._starts.get(text[at], ()) if text.startswith(w, at)), "")
            if not word:
                at += 1
                continue
            strength = self._strength.get(word, 0)
            if strength and text.endswith(self._negators, 0, at):
                strength = -strength // 2
            if strength < 0:
                against -= strength
            else:
                favour += strength
            for index in self._topics.get(word, ()):
                topics[index] = topics.get(index, 0) + 4
            at += len(word)
        return against, favour, topics


def _by_start(words: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    starts: dict[str, set[str]] = {}
    for word in words:
        starts.setdefault(word[0], set()).add(word)
    return {
        first: tuple(sorted(found, key=lambda word: (-len(word), word)))
        for first, found in starts.items()
    }
