"""What a labelled file asks of a classifier: one question per label, and how it answers.

A text with a `sentiment` asks one question of that task, one with three `entities` asks three
of `entity_sentiment`. Questions of one text stay together when texts are drawn (`group`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from models.data import LABELS, Example
from models.metrics import Floats, Integers, Scale, softmax

Query = tuple[str, str | None]
"""A text, and the name it is asked about (None: the text as a whole)."""

LENGTHS = ((50, "1-50"), (100, "51-100"), (200, "101-200"))
LONGEST = "over 200"


class Scorer(Protocol):
    """A classifier as it is measured: raw scores, and the scale that makes them probabilities."""

    @property
    def version(self) -> str:
        """As every classification carries it."""

    def tasks(self) -> tuple[str, ...]:
        """The tasks it has an answer for."""

    def logits(self, task: str, queries: Sequence[Query]) -> Floats:
        """One row per query, one column per label of `models.data.LABELS[task]`, before any
        scaling. A row of NaN where the classifier rightly keeps silent (no model for the
        language)."""

    def scale(self, task: str) -> Scale:
        """How its logits become probabilities."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of one task: `truth` holds the place of the label, `groups` numbers the
    texts, `slices` says which cuts each belongs to."""

    task: str
    queries: tuple[Query, ...]
    truth: Integers
    groups: Integers
    slices: tuple[Mapping[str, str], ...]

    def __len__(self) -> int:
        return len(self.queries)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a scorer said to the questions it did not leave open.

    `raw` and `scaled` are probabilities before and after its scale; scaling never
    changes which class is called.
    """

    version: str
    scale: Scale
    questions: Questions
    raw: Floats
    scaled: Floats
    unanswered: int

    @property
    def said(self) -> Integers:
        """The place of the class called, by question."""
        return np.asarray(self.scaled.argmax(axis=1), dtype=np.int64)

    @property
    def right(self) -> Floats:
        """1 for a hit, 0 for a miss, by question."""
        return np.equal(self.said, self.questions.truth).astype(np.float64)


def questions_of(task: str, examples: Sequence[Example]) -> Questions:
    """Every question of `task` in `examples`, in order; empty where none has its label."""
    labels = LABELS[task]
    queries: list[Query] = []
    truth: list[int] = []
    groups: list[int] = []
    slices: list[Mapping[str, str]] = []
    group = 0
    for example in examples:
        asked = _asked(task, example)
        cuts = _cuts(task, example)
        for name, label in asked:
            queries.append((example.text, name))
            truth.append(labels.index(label))
            groups.append(group)
            slices.append(cuts)
        group += bool(asked)
    return Questions(
        task,
        tuple(queries),
        np.asarray(truth, dtype=np.int64),
        np.asarray(groups, dtype=np.int64),
        tuple(slices),
    )


def answers_of(scorer: Scorer, questions: Questions) -> Answers:
    """What `scorer` says to all of them."""
    logits = np.asarray(scorer.logits(questions.task, questions.queries), dtype=np.float64)
    answered = np.isfinite(logits).all(axis=1)
    kept = np.flatnonzero(answered)
    scale = scorer.scale(questions.task)
    return Answers(
        version=scorer.version,
        scale=scale,
        questions=_only(questions, kept),
        raw=softmax(logits[kept]),
        scaled=softmax(logits[kept], scale),
        unanswered=len(questions) - len(kept),
    )


def _only(questions: Questions, kept: Integers) -> Questions:
    if len(kept) == len(questions):
        return questions
    # groups are numbered anew: a draw must not spend itself on texts without an answer
    _, groups = np.unique(questions.groups[kept], return_inverse=True)
    return Questions(
        questions.task,
        tuple(questions.queries[place] for place in kept),
        questions.truth[kept],
        groups.astype(np.int64),
        tuple(questions.slices[place] for place in kept),
    )


def _asked(task: str, example: Example) -> tuple[tuple[str | None, str], ...]:
    if task == "entity_sentiment":
        return example.entities
    label = example.sentiment if task == "sentiment" else example.topic
    return () if label is None else ((None, label),)


def _cuts(task: str, example: Example) -> Mapping[str, str]:
    """By what the line says beside its labels, by file where it names no source, by length."""
    file = Path(example.where.rpartition(":")[0]).name
    cuts = {"source": file, **example.slices, "length": _length(example.text)}
    if task == "entity_sentiment":
        feelings = {label for _, label in example.entities}
        cuts["entities"] = (
            "one"
            if len(example.entities) == 1
            else "several, alike"
            if len(feelings) == 1
            else "several, unlike"
        )
    return cuts


def _length(text: str) -> str:
    return next((name for most, name in LENGTHS if len(text) <= most), LONGEST)
