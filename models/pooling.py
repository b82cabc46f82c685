"""The heads of `models.network` in numpy: what follows the encoder where there is no torch.

A learned query meets each token's key, `q . (K x + k)`; over the tokens of one text the part
with `k` is the same and the softmax drops it, so the query can be carried through `K` once and
for all: a token costs one dot product a head, not a matrix. A company's query differs by
mention and is carried through per company.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from models.network_shape import HEADS, Shape

Floats = NDArray[np.float32]
_LEAST = np.finfo(np.float32).min


@dataclass(frozen=True, slots=True)
class Pooled:
    """Uncalibrated logits and pooling weights per task (rows of companies for
    `entity_sentiment`), and the story vectors; as `models.network.Outputs`, in numpy."""

    logits: Mapping[str, Floats]
    weights: Mapping[str, Floats]
    story: Floats


class NumpyHeads:
    """The task heads and the story vector, from the network's tensors by name."""

    def __init__(self, tensors: Mapping[str, Floats], shape: Shape) -> None:
        self._heads = {task: _Head(tensors, f"heads.{task}", shape) for task in HEADS}
        self._story = (tensors["story.weight"].T.copy(), tensors["story.bias"])
        self._threads = ThreadpoolController()

    def __call__(
        self, states: Floats, mask: NDArray[Any], rows: NDArray[Any], mentions: NDArray[Any]
    ) -> Pooled:
        """From (batch, tokens, width) states. Row i of `mentions` (companies, tokens) marks the
        name of one company in text `rows[i]`."""
        # numpy's own threads spin after each product and take the cores from the encoder
        with self._threads.limit(limits=1, user_api="blas"):
            return self._pooled(states, mask, rows, mentions)

    def _pooled(
        self, states: Floats, mask: NDArray[Any], rows: NDArray[Any], mentions: NDArray[Any]
    ) -> Pooled:
        logits: dict[str, Floats] = {}
        weights: dict[str, Floats] = {}
        for task in ("sentiment", "topic"):
            logits[task], weights[task] = self._heads[task](states, mask, None)
        chosen = states[rows]
        logits["entity_sentiment"], weights["entity_sentiment"] = self._heads["entity_sentiment"](
            chosen, mask[rows], _mean(chosen, mentions)
        )
        weight, bias = self._story
        story = _mean(states, mask) @ weight + bias
        story = (story / np.maximum(_norm(story), 1e-12)).astype(np.float32)
        return Pooled(logits, weights, story)


class _Head:
    def __init__(self, tensors: Mapping[str, Floats], name: str, shape: Shape) -> None:
        heads, width = shape.pool_heads, shape.width
        size = width // heads
        self._scale = np.float32(1 / sqrt(size))
        self._heads = heads
        self._query = tensors[f"{name}.pool.query"]
        # (heads, size, width): what carries a query through the keys
        self._key = tensors[f"{name}.pool.key.weight"].reshape(heads, size, width)
        self._fixed = np.einsum("hs,hsd->dh", self._query.reshape(heads, size), self._key)
        condition = f"{name}.pool.condition"
        self._condition = (
            (tensors[f"{condition}.weight"].T.copy(), tensors[f"{condition}.bias"])
            if f"{condition}.weight" in tensors
            else None
        )
        self._value = tensors[f"{name}.pool.value.weight"].reshape(heads, size, width)
        self._value_bias = tensors[f"{name}.pool.value.bias"]
        self._norm = (tensors[f"{name}.norm.weight"], tensors[f"{name}.norm.bias"])
        self._hidden = (tensors[f"{name}.hidden.weight"].T.copy(), tensors[f"{name}.hidden.bias"])
        self._out = (tensors[f"{name}.out.weight"].T.copy(), tensors[f"{name}.out.bias"])

    def __call__(
        self, states: Floats, mask: NDArray[Any], condition: Floats | None
    ) -> tuple[Floats, Floats]:
        rows, _, width = states.shape
        if condition is None or self._condition is None:
            scores = states @ self._fixed
        else:
            weight, bias = self._condition
            query = (self._query + condition @ weight + bias).reshape(
                rows, self._heads, width // self._heads
            )
            scores = states @ np.einsum("rhs,hsd->rdh", query, self._key, optimize=True)
        scores = np.where(mask[:, :, None], scores * self._scale, _LEAST)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights = scores / scores.sum(axis=1, keepdims=True)
        mixed = weights.transpose(0, 2, 1) @ states
        pooled = (mixed[:, :, None, :] @ self._value.transpose(0, 2, 1)[None])[:, :, 0, :]
        gathered = pooled.reshape(rows, width) + self._value_bias
        if condition is not None:
            gathered = np.concatenate((gathered, condition), axis=1)
        hidden = _gelu(_normalised(gathered, *self._norm) @ self._hidden[0] + self._hidden[1])
        return hidden @ self._out[0] + self._out[1], weights.mean(axis=2)


def _mean(states: Floats, chosen: NDArray[Any]) -> Floats:
    weights = chosen.astype(np.float32)
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
    mean: Floats = (weights[:, None, :] @ states)[:, 0, :] / total
    return mean


def _normalised(rows: Floats, weight: Floats, bias: Floats) -> Floats:
    centred = rows - rows.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    normalised: Floats = centred / deviation * weight + bias
    return normalised


def _gelu(values: Floats) -> Floats:
    return (values * 0.5 * (1.0 + _erf(values / np.float32(sqrt(2.0))))).astype(np.float32)


def _erf(values: Floats) -> Floats:
    """The error function to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26)."""
    size = np.abs(values)
    t = 1.0 / (1.0 + 0.3275911 * size)
    series = ((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t
    found: Floats = np.sign(values) * (1.0 - (series + 0.254829592) * t * np.exp(-size * size))
    return found


def _norm(rows: Floats) -> Floats:
    norm: Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    return norm
