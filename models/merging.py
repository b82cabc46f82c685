"""The answers to windows put together: what a text that was read in several says as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.windows import Window


@dataclass(frozen=True, slots=True)
class Chunk:
    """What the forward passes over one chunk gave, a row per window."""

    windows: Sequence[Window]
    logits: Mapping[str, NDArray[np.float32]]
    story: NDArray[np.float32]


def sign_bits(vector: Sequence[float] | NDArray[Any]) -> bytes:
    """The signs of a story vector, eight a byte, the first in the highest bit: what
    `pipeline.stories.same_event` compares."""
    return np.packbits(np.asarray(vector) > 0.0).tobytes()


@dataclass(slots=True)
class Merged:
    """One text's logits, of all its windows; None for a company no window names."""

    logits: dict[str, NDArray[Any]]
    companies: list[NDArray[Any] | None]
    story: NDArray[Any]


def merged(chunk: Chunk, size: int) -> list[Merged | None]:
    """The answers of the chunk's `size` texts, their windows put together."""
    found: list[Merged | None] = [None] * size
    heard: dict[tuple[int, int], tuple[float, NDArray[Any]]] = {}
    number = 0
    for place, window in enumerate(chunk.windows):
        part = {task: chunk.logits[task][place] * window.weight for task in ("sentiment", "topic")}
        vector = chunk.story[place] * window.weight
        answer = found[window.row]
        if answer is None:
            answer = found[window.row] = Merged(part, [], vector)
        else:
            for task, values in part.items():
                answer.logits[task] = answer.logits[task] + values
            answer.story = answer.story + vector
        for company in window.companies:
            weight, total = heard.get((window.row, company), (0.0, 0.0))
            heard[window.row, company] = (
                weight + window.weight,
                total + chunk.logits["entity_sentiment"][number] * window.weight,
            )
            number += 1
    for (row, company), (weight, total) in heard.items():
        answer = found[row]
        assert answer is not None
        answer.companies.extend([None] * (company + 1 - len(answer.companies)))
        answer.companies[company] = total / weight
    return found
