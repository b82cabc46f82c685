"""Why a classifier called a text what it did: how much each word spoke for the class called.

Two ways to know, with one result:

- integrated gradients (`models.gradients`) where the network is ours and can be derived;
- occlusion, here, for anything that can be measured: the word is deleted, and the log odds of
  the class fall by what the word was worth (Zeiler and Fergus, 2014; for text Li, Monroe and
  Jurafsky, 2016).

The log odds, log(p / (1 - p)), because a probability near one no longer moves with its reasons.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from models.data import LABELS, lowered, readable
from models.metrics import Floats, softmax
from models.naming import spans_of
from models.questions import Query, Scorer
from models.words import Span, without, word_spans

Method = Literal["integrated gradients", "occlusion"]
# Words beyond these are not taken apart: nobody reads a picture of more.
MOST_WORDS = 256
# Closer to 0 and 1 than this a float no longer tells probabilities apart.
_LEAST = 1e-9
_DIGITS = 6
# In log odds, of all steps of a gradient's integral together: less than any word that matters.
TOLERANCE = 0.1
# A text alone can wait for as many steps, a file of them cannot.
MOST_STEPS = 128


@dataclass(frozen=True, slots=True)
class Word:
    """A word at [start, end) of the explained text. `attribution` is in log odds of the class
    called, above zero where the word speaks for it; `attention` is its share of the task's
    pooling weights, None where the classifier has none."""

    text: str
    start: int
    end: int
    attribution: float
    attention: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One answer and what made it. `about` is the name asked about, for `entity_sentiment`.

    `rest` is what the words do not account for, how probable the class is without them; `missed`
    is what the sum over the steps of integrated gradients falls short of (None: no steps are
    taken). Words, `rest` and `missed` add up to the log odds. `read` is how many characters of the
    text the answer is of: what is served of one beyond the window weighs its other windows too.
    """

    task: str
    about: str | None
    text: str
    label: str
    probability: float
    probabilities: dict[str, float]
    words: tuple[Word, ...]
    method: Method
    rest: float = 0.0
    missed: float | None = None
    read: int | None = None

    @property
    def whole(self) -> bool:
        """Whether the answer is of the whole text."""
        return self.read is None or self.read >= len(self.text)

    @property
    def named(self) -> bool:
        """Whether the text names what was asked about; where it does not, the answer is that of
        the whole text."""
        return self.about is None or bool(
            spans_of(lowered(self.text), lowered(readable(self.about)))
        )

    def strongest(self, most: int) -> list[Word]:
        """The words that speak most for the class called, strongest first."""
        spoken = [word for word in self.words if word.attribution > 0]
        return sorted(spoken, key=lambda word: -word.attribution)[:most]


class Explainer(Protocol):
    """Anything that can say why."""

    @property
    def version(self) -> str:
        """Of the classifier that is explained."""

    @property
    def scorer(self) -> Scorer:
        """The same classifier, to be asked again without the words that were found."""

    def explain(self, text: str, names: Sequence[str] = ()) -> list[Explanation]:
        """Sentiment, topic, and the sentiment towards each of `names`, as far as it answers
        them; empty for a text it has no answer to."""


class Occlusion:
    """Explains any `Scorer` by leaving words out, one at a time."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    @property
    def version(self) -> str:
        """The scorer's."""
        return self._scorer.version

    @property
    def scorer(self) -> Scorer:
        """What is explained."""
        return self._scorer

    def explain(self, text: str, names: Sequence[str] = ()) -> list[Explanation]:
        """As `Explainer` says; a pass over as many texts as there are words."""
        text = readable(text)
        asked: list[tuple[str, str | None]] = [("sentiment", None), ("topic", None)]
        asked += [("entity_sentiment", name) for name in names]
        found = []
        for task, about in asked:
            if task in self._scorer.tasks() and (one := self._explained(task, text, about)):
                found.append(one)
        return found

    def _explained(self, task: str, text: str, about: str | None) -> Explanation | None:
        words = word_spans(text)[:MOST_WORDS]
        shorter = [without(text, [span]) for span in words]
        queries: list[Query] = [(one, about) for one in (text, *shorter)]
        logits = np.asarray(self._scorer.logits(task, queries), np.float64)
        if not np.isfinite(logits[0]).all():
            return None
        # a text that is gone without its only word says nothing
        logits = np.where(np.isfinite(logits), logits, 0.0)
        chances = softmax(logits, self._scorer.scale(task))
        called = int(chances[0].argmax())
        odds = _log_odds(chances[:, called])
        worth = [float(odds[0] - one) for one in odds[1:]]
        return explanation_of(task, about, text, chances[0], words, worth, None, "occlusion")


def explanation_of(
    task: str,
    about: str | None,
    text: str,
    chances: Sequence[float],
    words: Sequence[Span],
    worth: Sequence[float],
    attention: Sequence[float] | None,
    method: Method,
    read: int | None = None,
    missed: float | None = None,
    odds: float | None = None,
) -> Explanation:
    """The parts put together; `worth` and `attention` by word, `read` in characters, `missed` in
    log odds; `odds` are those of the class, where they are known better than by its chance."""
    labels = LABELS[task]
    probabilities = {name: float(one) for name, one in zip(labels, chances, strict=True)}
    label = max(probabilities, key=lambda name: probabilities[name])
    if odds is None:
        odds = float(_log_odds(np.array([probabilities[label]]))[0])
    shares = [None] * len(words) if attention is None else list(attention)
    return Explanation(
        task=task,
        about=about,
        text=text,
        label=label,
        probability=probabilities[label],
        probabilities=probabilities,
        words=tuple(
            Word(text[start:end], start, end, value, share)
            for (start, end), value, share in zip(words, worth, shares, strict=True)
        ),
        method=method,
        rest=odds - sum(worth) - (missed or 0.0),
        missed=missed,
        read=read,
    )


def _log_odds(probabilities: Floats) -> Floats:
    held = np.clip(probabilities, _LEAST, 1 - _LEAST)
    odds: Floats = np.log(held / (1 - held))
    return odds


@dataclass(frozen=True, slots=True)
class Driver:
    """A word over many texts: in how many called `label` it stands, and what it was worth in
    them on average."""

    word: str
    texts: int
    attribution: float


def drivers(
    explanations: Iterable[Explanation], most: int = 20, least_texts: int = 3
) -> dict[str, dict[str, list[Driver]]]:
    """By task and class called, the words that were worth most in all texts together (mean
    worth times texts), of those that stand in at least `least_texts`; marks are left out."""
    sums: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in explanations:
        by_word: dict[str, float] = defaultdict(float)
        for word in one.words:
            if any(letter.isalnum() for letter in word.text):
                by_word[word.text.lower()] += word.attribution
        for name, value in by_word.items():
            sums[one.task, one.label][name].append(value)
    found: dict[str, dict[str, list[Driver]]] = {}
    for (task, label), words in sums.items():
        ranked = sorted(
            (
                Driver(name, len(values), sum(values) / len(values))
                for name, values in words.items()
                if len(values) >= least_texts and sum(values) > 0
            ),
            key=lambda driver: (-driver.attribution * driver.texts, driver.word),
        )
        found.setdefault(task, {})[label] = ranked[:most]
    return {
        task: {label: found[task].get(label, []) for label in LABELS[task] if label in found[task]}
        for task in LABELS
        if task in found
    }


def as_json(version: str, text: str, explanations: Sequence[Explanation]) -> dict[str, Any]:
    """`{"model", "text", "tasks": {"sentiment": {…}, "topic": {…}, "entity_sentiment": {name:
    {…}}}}`; positions of words are in `text`, the text as the classifier reads it."""
    tasks: dict[str, Any] = {}
    for one in explanations:
        told = {
            "label": one.label,
            "probability": round(one.probability, _DIGITS),
            "probabilities": {
                name: round(value, _DIGITS) for name, value in one.probabilities.items()
            },
            "method": one.method,
            "read": len(one.text) if one.read is None else one.read,
            "rest": round(one.rest, _DIGITS),
            "missed": None if one.missed is None else round(one.missed, _DIGITS),
            "words": [
                {
                    "word": word.text,
                    "start": word.start,
                    "end": word.end,
                    "attribution": round(word.attribution, _DIGITS),
                    "attention": None if word.attention is None else round(word.attention, _DIGITS),
                }
                for word in one.words
            ],
        }
        if one.about is None:
            tasks[one.task] = told
        else:
            told["named"] = one.named
            tasks.setdefault(one.task, {})[one.about] = told
    return {"model": version, "text": readable(text), "tasks": tasks}
