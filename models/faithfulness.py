"""Whether explanations are true: what they call important must matter when it is deleted.

The deletion curve (Samek et al., 2017; "comprehensiveness" of DeYoung et al., ERASER, 2020):
the words that spoke most for the class called are deleted, the classifier is asked again, and
the probability of that class must fall further than when as many random words are deleted.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.bootstrap import SEED
from models.data import LABELS, lowered
from models.evaluation import rounded
from models.explain import Explanation
from models.metrics import softmax
from models.naming import spans_of
from models.questions import Query, Scorer
from models.words import Span, without

# Parts of a text's words that are deleted, at least one word.
SHARES = (0.1, 0.2, 0.3, 0.5)
RANDOM_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Deletion:
    """How far the probability of the class called falls on average when `share` of the words
    is deleted: the top-attributed ones, and random ones; `further` is the share of texts where
    the first fell further than the mean of the second."""

    share: float
    top: float
    random: float
    further: float


def deletion_curve(
    scorer: Scorer, explanations: Sequence[Explanation], seed: int = SEED
) -> tuple[Deletion, ...]:
    """The curve over explanations of one task. The name asked about is never deleted; texts of
    fewer than two other words are left out, and an empty curve comes back for none."""
    able = [one for one in explanations if len(_deletable(one)) > 1]
    if not able:
        return ()
    draw = random.Random(seed)  # noqa: S311  no secret
    # asked as they are asked later, not as they were explained: in other windows, other numbers
    before = _probabilities(scorer, able, [(_read(one), one.about) for one in able])[:, 0]
    found = []
    for share in SHARES:
        queries: list[Query] = []
        for one in able:
            spans = _deletable(one)
            count = max(1, round(share * len(spans)))
            top = [(word.start, word.end) for word in _by_worth(one)[:count]]
            for deleted in (top, *(draw.sample(spans, count) for _ in range(RANDOM_ROUNDS))):
                queries.append((without(_read(one), deleted), one.about))
        left = _probabilities(scorer, able, queries)
        top_fall, random_fall = before - left[:, 0], before - left[:, 1:].mean(axis=1)
        found.append(
            Deletion(
                share,
                float(top_fall.mean()),
                float(random_fall.mean()),
                float((top_fall > random_fall).mean()),
            )
        )
    return tuple(found)


def as_json(curve: Sequence[Deletion]) -> list[Any]:
    """The curve as a list of objects."""
    return [rounded(asdict(one)) for one in curve]


def _deletable(one: Explanation) -> list[Span]:
    return [(word.start, word.end) for word in _by_worth(one)]


def _by_worth(one: Explanation) -> list[Any]:
    """The words that may go, the strongest first."""
    until = len(_read(one))
    about = [] if one.about is None else spans_of(lowered(one.text), lowered(one.about))
    kept = [
        word
        for word in one.words
        if word.end <= until
        and all(word.end <= first or word.start >= last for first, last in about)
    ]
    return sorted(kept, key=lambda word: -word.attribution)


def _read(one: Explanation) -> str:
    """The text as far as it was explained: to the last word, or to the last one in the window,
    since what a network did not read has no gradient."""
    words = one.words
    if one.method == "integrated gradients":
        words = tuple(word for word in words if word.attribution)
    return one.text[: max([word.end for word in words], default=None)]


def _probabilities(scorer: Scorer, able: Sequence[Explanation], queries: Sequence[Query]) -> Any:
    """(texts, queries of each) probabilities of the class each explanation is of."""
    task = able[0].task
    logits = np.asarray(scorer.logits(task, queries), np.float64)
    # a text nobody can read any more says nothing of any class
    chances = softmax(np.where(np.isfinite(logits), logits, 0.0), scorer.scale(task))
    each = chances.reshape(len(able), len(queries) // len(able), -1)
    called = [LABELS[task].index(one.label) for one in able]
    return each[np.arange(len(able)), :, called]
