"""Scorers for tests: answers given beforehand, or read off the text."""

from collections.abc import Callable, Sequence

import numpy as np

from models.data import LABELS, TASKS
from models.metrics import Floats, Scale
from models.questions import Query


class WordScorer:
    """Calls the label that `call` reads off a query, with logit `sure`; others have 0."""

    def __init__(
        self,
        call: Callable[[str, Query], str | None],
        sure: float = 3.0,
        temperature: float = 1.0,
        tasks: tuple[str, ...] = TASKS,
        version: str = "words",
    ) -> None:
        self.version = version
        self._call, self._sure, self._temperature, self._tasks = call, sure, temperature, tasks

    def tasks(self) -> tuple[str, ...]:
        return self._tasks

    def scale(self, task: str) -> Scale:
        return Scale(self._temperature)

    def logits(self, task: str, queries: Sequence[Query]) -> Floats:
        rows = np.zeros((len(queries), len(LABELS[task])))
        for row, query in zip(rows, queries, strict=True):
            label = self._call(task, query)
            if label is None:
                row[:] = np.nan
            else:
                row[LABELS[task].index(label)] = self._sure
        return rows


def feeling(task: str, query: Query) -> str:
    """Negative for a text that says `bad`, positive for `good`, else neutral; of topics the
    first. Towards a name: what stands before it."""
    text, name = query
    if task == "topic":
        return LABELS["topic"][0]
    read = text.partition(name)[0].split()[-1:] if name else text.split()
    return "negative" if "bad" in read else "positive" if "good" in read else "neutral"
