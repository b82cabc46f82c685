"""Which words made a text negative: for the alerts, by whatever classifier serves.

Each word is left out in turn, and the log odds of the negative class fall by what it was worth
(occlusion, as in `models.explain`), towards the alert's company where it has one. The company's
own name stays: without it nothing would be asked.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from math import log
from threading import Thread
from typing import NamedTuple

from models.data import lowered, readable
from models.naming import spans_of
from models.words import Span, without, word_spans
from pipeline.documents import Classification, Document, SubjectId
from pipeline.errors import ConfigurationError
from pipeline.languages import language_of
from pipeline.ports import (
    SHOWN_CHARACTERS,
    Classifier,
    ClassifierInput,
    Shown,
    SubjectLinker,
)

log_lines = logging.getLogger(__name__)

# What is shown of a text has hardly more words.
MOST_WORDS = 64
SHOWN = 3
LEAST_WORTH = 0.2
"""Log odds below which a word says nothing."""
_LEAST = 1e-9
_REMEMBERED = 2_000


Tell = Callable[[Sequence[Shown]], Sequence[tuple[str, ...]]]
"""`pipeline.ports.Words` of a model that is there."""


class _Asked(NamedTuple):
    """A text taken apart: it and the same without each word."""

    words: Sequence[Span]
    inputs: Sequence[ClassifierInput]
    subject: SubjectId | None


class NegativeWords:
    """Asks `classifier` which words of texts speak for their being negative, the companies found
    by `linker` as they are in the pipeline."""

    def __init__(self, classifier: Classifier, linker: SubjectLinker) -> None:
        self._classifier = classifier
        self._linker = linker

    def __call__(self, asked: Sequence[Shown]) -> list[tuple[str, ...]]:
        """For each up to three words, the strongest first; none where no
        word does, or where the text has no sentiment."""
        parts = [self._taken_apart(*one) for one in asked]
        answers = iter(self._classifier.classify([row for one in parts for row in one.inputs]))
        found = []
        for (text, *_), one in zip(asked, parts, strict=True):
            odds = [_odds(next(answers), one.subject) for _ in one.inputs]
            found.append(_strongest(_shown(text), one.words, odds))
        return found

    def _taken_apart(self, text: str, subject: SubjectId | None, at: datetime) -> _Asked:
        text = _shown(text)
        document = Document(source="", published_at=at, text=text)
        names: tuple[str, ...] = ()
        if subject is not None:
            names = tuple(self._linker.read(document).mentions.get(subject, ()))
        lower = lowered(text)
        kept = [span for name in names for span in spans_of(lower, lowered(name))]
        words = [
            (start, end)
            for start, end in word_spans(text)[:MOST_WORDS]
            if any(letter.isalnum() for letter in text[start:end])
            and all(end <= first or start >= last for first, last in kept)
        ]
        lang = language_of(document)
        mentions = {subject: names} if subject is not None and names else {}
        shorter = [without(text, [span]) for span in words]
        inputs = [
            ClassifierInput(title="", text=one, lang=lang, mentions=mentions)
            for one in (text, *shorter)
        ]
        return _Asked(words, inputs, subject)


def _shown(text: str) -> str:
    return readable(text[:SHOWN_CHARACTERS])


def _odds(answer: Classification, subject: SubjectId | None) -> float | None:
    feeling = answer.sentiment
    if subject is not None:
        feeling = answer.subject_sentiments.get(subject, feeling)
    if feeling is None:
        return None
    negative = min(max(feeling.negative, _LEAST), 1.0 - _LEAST)
    return log(negative / (1.0 - negative))


def _strongest(text: str, words: Sequence[Span], odds: Sequence[float | None]) -> tuple[str, ...]:
    whole, *shorter = odds
    if whole is None:
        return ()
    worth = [
        (whole - one, text[start:end])
        for one, (start, end) in zip(shorter, words, strict=True)
        # a text that is gone without its only word says nothing
        if one is not None and whole - one >= LEAST_WORTH
    ]
    ranked = sorted(worth, key=lambda pair: -pair[0])
    first: dict[str, str] = {}
    for _, word in ranked:
        first.setdefault(word.lower(), word)
    return tuple(first.values())[:SHOWN]


class WordsWhenReady:
    """The words of a model that takes its time to load, in a thread of its own: until it is there
    nothing is known yet (None), and where it cannot be had there are none."""

    def __init__(self, load: Callable[[], Tell]) -> None:
        self._load = load
        self._words: Tell | None = None
        self._known: dict[Shown, tuple[str, ...]] = {}
        Thread(target=self._loaded, name="alert-words", daemon=True).start()

    def _loaded(self) -> None:
        try:
            self._words = self._load()
        except ConfigurationError as error:
            log_lines.warning("alerts carry no words: %s", error)
            self._words = _none
        except Exception:
            log_lines.exception("alerts carry no words: the model cannot be loaded")
            self._words = _none

    def __call__(self, asked: Sequence[Shown]) -> Sequence[tuple[str, ...]] | None:
        """As `NegativeWords`; None while it is loading. What cannot be read holds no alert up."""
        if self._words is None:
            return None
        # a batch that is judged again asks again
        new = [one for one in dict.fromkeys(asked) if one not in self._known]
        if new:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
                new = list(dict.fromkeys(asked))
            try:
                told = self._words(new)
            except Exception:
                log_lines.exception("the words of %d texts cannot be told", len(new))
                told = _none(new)
            self._known.update(zip(new, told, strict=True))
        return [self._known[one] for one in asked]


def _none(asked: Sequence[Shown]) -> list[tuple[str, ...]]:
    return [()] * len(asked)
