"""A BERT encoder as an ONNX graph, its large matrices in eight bits: the fast way on a CPU.

Written out by hand rather than exported: it is small, it needs no torch where it runs, and
each matrix is quantised the way that keeps the answers. Weights are symmetric with one scale per
output column. Activations have fixed scales from ranges measured on training texts: unlike scales
taken from each batch, they make an answer independent of its neighbours. Channels that run
far beyond the others are made small before and their weights large (SmoothQuant, Xiao et al.
2023, equation 4). The second matrix of each feed-forward block stays in full precision: a few
tokens reach ten times as far there as all others, and in eight bits it alone would change one
answer in seventy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OPSET, MS_OPSET = 17, 1
_MS = "com.microsoft"


@dataclass(frozen=True, slots=True, kw_only=True)
class BertShape:
    """What the graph must know of a BERT's configuration."""

    layers: int
    heads: int
    epsilon: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "BertShape | None":
        """The shape that `config.json` tells; None where it is no plain BERT."""
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            return None
        if config.get("position_embedding_type", "absolute") != "absolute":
            return None
        return cls(
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            epsilon=float(config["layer_norm_eps"]),
        )


Ranges = Mapping[str, tuple[Floats, Floats]]
"""For each matrix, by name, the least and the largest value of each of its inputs."""

# How much of an outlier moves from activations to weights.
SMOOTHING = 0.8
# Unsigned weights lie around this zero.
_ZERO, _MOST = 128, 127


def bert_graph(
    weights: Mapping[str, Floats],
    shape: BertShape,
    ranges: Ranges | None = None,
    observed: bool = False,
    signed: bool = False,
) -> bytes:
    """The serialised graph `ids (int64), mask (int32) -> states`, both (batch, tokens).

    `weights` are the encoder's tensors by their Hugging Face names, in float32. With `ranges`
    the matrices are in eight bits, `signed` or around 128: newer processors multiply signed
    weights twice as fast, older ones add pairs of such products in 16 bits, which overflow. The
    answers are the same. `observed` adds each matrix's input as an output of its name, to
    measure ranges by.
    """
    return _Writer(weights, shape, ranges, observed, signed).written()


def matrices(shape: BertShape) -> list[str]:
    """The names of the matrices that go in eight bits, a block of a layer each."""
    parts = ("attention.self", "attention.output.dense", "intermediate.dense")
    return [f"encoder.layer.{layer}.{part}" for layer in range(shape.layers) for part in parts]


class _Writer:
    def __init__(
        self,
        weights: Mapping[str, Floats],
        shape: BertShape,
        ranges: Ranges | None,
        observed: bool,
        signed: bool,
    ) -> None:
        self._weights = weights
        self._shape = shape
        self._ranges = ranges
        self._observed = observed
        self._zero = 0 if signed else _ZERO
        self._whole: type[np.integer[Any]] = np.int8 if signed else np.uint8
        self._inputs: dict[str, str] = {}
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def written(self) -> bytes:
        from onnx import TensorProto, helper

        states = self._embedded()
        for number in range(self._shape.layers):
            states = self._layer(states, f"encoder.layer.{number}")
        self._node("Identity", [states], "states")
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "tokens"]),
                helper.make_tensor_value_info("mask", TensorProto.INT32, ["batch", "tokens"]),
            ],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "tokens", None])
                for name in ("states", *self._inputs)
            ],
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(_MS, MS_OPSET)],
            ir_version=9,
        )
        return bytes(model.SerializeToString())

    def _embedded(self) -> str:
        words = self._node("Gather", [self._given("embeddings.word_embeddings.weight"), "ids"])
        shape = self._node("Shape", ["ids"])
        one, two = self._constant("one", np.array([1])), self._constant("two", np.array([2]))
        tokens = self._node("Slice", [shape, one, two])
        # every text is of type 0: its row is added to the positions once and for all
        places = self._weights["embeddings.position_embeddings.weight"]
        places = places + self._weights["embeddings.token_type_embeddings.weight"][0]
        zero = self._constant("zero", np.array([0]))
        axis = self._constant("axis0", np.array([0]))
        rows = self._node("Slice", [self._constant("positions", places), zero, tokens, axis])
        summed = self._node("Add", [words, rows])
        return self._node(
            "LayerNormalization",
            [summed, *self._norm("embeddings.LayerNorm")],
            axis=-1,
            epsilon=self._shape.epsilon,
        )

    def _layer(self, states: str, name: str) -> str:
        told = self._attention(states, f"{name}.attention.self")
        out = self._times(told, f"{name}.attention.output.dense")
        states = self._added(
            out, states, f"{name}.attention.output.LayerNorm", f"{name}.attention.output.dense.bias"
        )
        inner = self._times(states, f"{name}.intermediate.dense")
        inner = self._node(
            "BiasGelu", [inner, self._given(f"{name}.intermediate.dense.bias")], domain=_MS
        )
        out = self._times(inner, f"{name}.output.dense")
        return self._added(out, states, f"{name}.output.LayerNorm", f"{name}.output.dense.bias")

    def _attention(self, states: str, name: str) -> str:
        parts = ("query", "key", "value")
        weight = np.concatenate([self._weights[f"{name}.{part}.weight"].T for part in parts], 1)
        bias = np.concatenate([self._weights[f"{name}.{part}.bias"] for part in parts])
        held = self._constant(f"{name}.bias", bias)
        if self._ranges is None:
            self._observe(states, name)
            inputs = [states, self._constant(f"{name}.weight", weight), held, "mask"]
            return self._node("Attention", inputs, domain=_MS, num_heads=self._shape.heads)
        few, scale, zero, quantised, scales, zeros = self._quantised(states, name, weight)
        return self._node(
            "QAttention",
            [few, quantised, held, scale, scales, "mask", zero, zeros],
            domain=_MS,
            num_heads=self._shape.heads,
        )

    def _times(self, states: str, name: str) -> str:
        weight = self._weights[f"{name}.weight"].T
        if self._ranges is None or name not in self._ranges:
            self._observe(states, name)
            return self._node("MatMul", [states, self._constant(f"{name}.weight.T", weight)])
        few, scale, zero, quantised, scales, zeros = self._quantised(states, name, weight)
        return self._node(
            "MatMulIntegerToFloat",
            [few, quantised, scale, scales, zero, zeros],
            domain=_MS,
        )

    def _quantised(
        self, states: str, name: str, weight: Floats
    ) -> tuple[str, str, str, str, str, str]:
        """Names of: the states in uint8, their scale and zero, the weights in eight bits, their
        scales and zeros; outliers moved from the former to the latter."""
        assert self._ranges is not None
        low, high = self._ranges[name]
        smooth = smoothing(np.maximum(np.abs(low), np.abs(high)), weight)
        least, most = min(0.0, float((low / smooth).min())), max(0.0, float((high / smooth).max()))
        step = max((most - least) / 255.0, 1e-12)
        even = self._node(
            "Mul", [states, self._constant(f"{name}.smooth", (1.0 / smooth).astype(np.float32))]
        )
        scale = self._constant(f"{name}.x_scale", np.array(step, np.float32))
        zero = self._constant(f"{name}.x_zero", np.array(round(-least / step), np.uint8))
        few = self._node("QuantizeLinear", [even, scale, zero])
        weight = weight * smooth[:, None]
        steps = np.maximum(np.abs(weight).max(axis=0) / _MOST, 1e-12).astype(np.float32)
        whole = np.clip(np.rint(weight / steps), -_MOST, _MOST) + self._zero
        return (
            few,
            scale,
            zero,
            self._constant(f"{name}.weight", whole.astype(self._whole)),
            self._constant(f"{name}.scales", steps),
            self._constant(f"{name}.zeros", np.full(weight.shape[1], self._zero, self._whole)),
        )

    def _observe(self, states: str, name: str) -> None:
        if self._observed and name in matrices(self._shape):
            self._inputs[name] = self._node("Identity", [states], name)

    def _added(self, out: str, states: str, norm: str, bias: str) -> str:
        return self._node(
            "SkipLayerNormalization",
            [out, states, *self._norm(norm), self._given(bias)],
            domain=_MS,
            epsilon=self._shape.epsilon,
        )

    def _norm(self, name: str) -> tuple[str, str]:
        return self._given(f"{name}.weight"), self._given(f"{name}.bias")

    def _given(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, value: Any) -> str:
        from onnx import numpy_helper

        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _node(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        output = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(self._made(kind, inputs, [output], **attributes))
        return output

    def _made(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
        from onnx import helper

        return helper.make_node(kind, inputs, outputs, **attributes)


def smoothing(reach: Floats, weight: Floats) -> Floats:
    """By what each input is divided, and its row of weights multiplied: the more, the further
    it reaches compared with its weights; their geometric mean is one."""
    rows = np.maximum(np.abs(weight).max(axis=1), 1e-5)
    factors = np.maximum(reach, 1e-5) ** SMOOTHING / rows ** (1.0 - SMOOTHING)
    factors = factors / np.exp(np.log(factors).mean())
    bounded: Floats = np.clip(factors, 1e-2, 1e2).astype(np.float32)
    return bounded
