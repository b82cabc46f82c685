"""How right a classifier is: the confusion matrix and everything that follows from it.

`confusion[i, j]` counts the texts of class i that were called class j. What cannot be divided
(the precision of a class never called, the recall of one that does not occur) is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: `n` texts are of it, `predicted` were called it."""

    label: str
    precision: float
    recall: float
    f1: float
    n: int
    predicted: int


@dataclass(frozen=True, slots=True)
class Scale:
    """How raw scores become probabilities: a score that lies m below the highest of its row
    becomes -(m / temperature) ** power before the softmax.

    With power 1 that is temperature scaling. Training with smoothed labels teaches a network
    never to be quite sure; a power above 1 undoes that: what is nearly sure becomes surer,
    what is in doubt less so. Neither changes which class is called.
    """

    temperature: float = 1.0
    power: float = 1.0

    def applied(self, logits: Any) -> Any:
        """The scaled scores, 0 for the highest of each row: numpy arrays and torch tensors."""
        behind = (_highest(logits) - logits) / self.temperature
        return -(behind if self.power == 1.0 else behind**self.power)


PLAIN = Scale()


def _highest(logits: Any) -> Any:
    return (
        logits.max(axis=-1, keepdims=True)
        if isinstance(logits, np.ndarray)
        else logits.amax(-1, keepdim=True)
    )


def softmax(logits: Floats, scale: Scale = PLAIN) -> Floats:
    """Probabilities by row, of the scaled logits."""
    raised = np.exp(scale.applied(logits))
    shares: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def confusion(truth: Integers, said: Integers, classes: int) -> Floats:
    """The matrix of counts, truth by row."""
    return confusion_of_cells(truth * classes + said, classes)


def confusion_of_cells(cells: Integers, classes: int, weights: Floats | None = None) -> Floats:
    """The matrix from `truth * classes + said` of each text, each counted `weights` times."""
    counts = np.bincount(cells, weights=weights, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)


def accuracy(matrix: Floats) -> float:
    """The share called what they are; 0 for no texts."""
    return _share(float(np.trace(matrix)), float(matrix.sum()))


def macro_f1(matrix: Floats) -> float:
    """The mean F1 over the classes that occur or were called, as scikit-learn takes it."""
    called, real = matrix.sum(axis=0), matrix.sum(axis=1)
    seen = (called + real) > 0
    if not seen.any():
        return 0.0
    return float((2 * np.diag(matrix)[seen] / (called + real)[seen]).mean())


def recall(matrix: Floats, place: int) -> float:
    """The share of the texts of class `place` that were called it."""
    return _share(float(matrix[place, place]), float(matrix[place].sum()))


def class_scores(matrix: Floats, labels: Sequence[str]) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 by class, in the order of `labels`."""
    found = []
    for place, label in enumerate(labels):
        hits = float(matrix[place, place])
        real, called = float(matrix[place].sum()), float(matrix[:, place].sum())
        found.append(
            ClassScore(
                label=label,
                precision=_share(hits, called),
                recall=_share(hits, real),
                f1=_share(2 * hits, real + called),
                n=round(real),
                predicted=round(called),
            )
        )
    return tuple(found)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
