"""Whether one classifier is better than another: the paired bootstrap on the same texts.

Both answer the same questions; each draw takes the same texts for both, so that what is hard
for both cancels out (Berg-Kirkpatrick, Burkett and Klein, EMNLP 2012). The interval is that of the
draws. Their p says nothing of how few texts the two differ in: where one of three texts is answered
better and none worse, no draw shows the contrary. So p is never less than what the texts that the
two differ in can tell: for a share, their sign test; for macro-F1, which is no sum over texts, the
least that any test can give that exchanges the answers of n texts (Yeh, COLING 2000), 2 / 2^n.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.bootstrap import (
    FEWEST_TO_TELL,
    ROUNDS,
    SEED,
    draws,
    interval,
    sign_p,
    two_sided_p,
)
from models.data import LABELS, SENTIMENTS, TASKS, Example
from models.evaluation import WATCHED, rounded
from models.metrics import Floats, Integers, accuracy, confusion_of_cells, macro_f1, recall
from models.questions import Questions, Scorer, questions_of
from pipeline.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of both, and by how much B exceeds A: the interval holds 95 % of the draws. `p` is
    `models.bootstrap.two_sided_p` of them or what the `discordant` texts tell, the larger: those
    that one of the two answers better (macro-F1: otherwise)."""

    figure: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    discordant: int

    @property
    def too_few(self) -> bool:
        """Whether the two differ in so few texts that not even all of them one way would tell."""
        return self.discordant < FEWEST_TO_TELL


@dataclass(frozen=True, slots=True)
class Comparison:
    """One task. `n` questions both answered, of which `only_a` and `only_b` were right for one
    of the two."""

    task: str
    a: str
    b: str
    n: int
    only_a: int
    only_b: int
    differences: tuple[Difference, ...]


def compare(
    a: Scorer, b: Scorer, examples: Sequence[Example], rounds: int = ROUNDS, seed: int = SEED
) -> dict[str, Comparison]:
    """A against B on every task both answer and the examples have labels for. Raises
    `ConfigurationError` where that is none."""
    found = {}
    for task in TASKS:
        if task not in a.tasks() or task not in b.tasks():
            continue
        questions = questions_of(task, examples)
        if len(questions):
            found[task] = _compared(a, b, questions, rounds, seed)
    if not found:
        raise ConfigurationError("the file has no label of a task that both classifiers answer")
    return found


def as_json(comparisons: dict[str, Comparison]) -> dict[str, Any]:
    """`{task: {"a", "b", "n", "only_a", "only_b", "differences": {figure: {…}}}}`."""
    plain = {task: asdict(one) for task, one in comparisons.items()}
    for one in plain.values():
        del one["task"]
        one["differences"] = {each.pop("figure"): each for each in one["differences"]}
    return {task: rounded(one) for task, one in plain.items()}


def _compared(a: Scorer, b: Scorer, questions: Questions, rounds: int, seed: int) -> Comparison:
    task, labels = questions.task, LABELS[questions.task]
    scores = [np.asarray(one.logits(task, questions.queries), np.float64) for one in (a, b)]
    both = np.isfinite(scores[0]).all(axis=1) & np.isfinite(scores[1]).all(axis=1)
    truth = questions.truth[both]
    said = [np.asarray(one[both].argmax(axis=1), np.int64) for one in scores]
    right = [np.equal(one, truth) for one in said]
    cells = [truth * len(labels) + one for one in said]
    _, groups = np.unique(questions.groups[both], return_inverse=True)
    return Comparison(
        task=task,
        a=a.version,
        b=b.version,
        n=len(truth),
        only_a=int((right[0] & ~right[1]).sum()),
        only_b=int((right[1] & ~right[0]).sum()),
        differences=_differences(cells, labels, groups.astype(np.int64), rounds, seed),
    )


def _differences(
    cells: Sequence[Integers], labels: Sequence[str], groups: Integers, rounds: int, seed: int
) -> tuple[Difference, ...]:
    figures: dict[str, Callable[[Floats], float]] = {"accuracy": accuracy, "macro_f1": macro_f1}
    if WATCHED in labels:
        watched = labels.index(WATCHED)
        figures = {"negative_recall": lambda matrix: recall(matrix, watched), **figures}
    drawn: dict[str, list[float]] = {name: [] for name in figures}
    for weights in draws(groups, rounds, seed):
        a, b = (confusion_of_cells(one, len(labels), weights) for one in cells)
        for name, figure in figures.items():
            # a draw without a negative text says nothing of its recall
            if name != "negative_recall" or a[labels.index(WATCHED)].sum():
                drawn[name].append(figure(b) - figure(a))
    whole_a, whole_b = (confusion_of_cells(one, len(labels)) for one in cells)
    found = []
    for name, figure in figures.items():
        if not drawn[name]:
            continue
        span = interval(drawn[name])
        of_a, of_b = figure(whole_a), figure(whole_b)
        discordant, least = _told_by_texts(name, cells, len(labels), groups)
        p = max(two_sided_p(drawn[name]), least)
        found.append(Difference(name, of_a, of_b, of_b - of_a, span.low, span.high, p, discordant))
    return tuple(found)


def _told_by_texts(
    figure: str, cells: Sequence[Integers], size: int, groups: Integers
) -> tuple[int, float]:
    """(texts in which the two differ, the least p they allow)."""
    truth = cells[0] // size
    if figure == "macro_f1":
        number = len(np.unique(groups[cells[0] != cells[1]]))
        return number, sign_p(number, 0)
    a, b = (np.equal(one % size, truth).astype(np.int64) for one in cells)
    gain = b - a
    if figure == "negative_recall":
        gain = gain * (truth == SENTIMENTS.index(WATCHED))
    # questions of one text are one observation, for whom most of them speak
    of_text = np.bincount(groups, weights=gain)
    better, worse = int((of_text > 0).sum()), int((of_text < 0).sum())
    return better + worse, sign_p(better, worse)
