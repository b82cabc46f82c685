"""Ways to run the network: the same answers, as fast as the machine allows.

`openvino-bf16`, `onnx-int8` and `onnx-fp32` run the encoder in OpenVINO or ONNX Runtime and the
heads in numpy, for plain BERT encoders on a CPU; `torch-fp32` and `torch-bf16` run everything in
torch, on a GPU or where the encoder is of another kind. `chosen` picks by the processor, by
measurement or by name.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.artifact import Artifact
from models.graph import BertShape, bert_graph
from models.graph_runtime import GraphRuntime
from models.network_shape import HEADS
from models.openvino_runtime import OpenVinoRuntime, multiplies_bf16
from models.pooling import Floats, Pooled
from pipeline.errors import ConfigurationError

log = logging.getLogger(__name__)

RUNTIMES = ("openvino-bf16", "onnx-int8", "onnx-fp32", "torch-fp32", "torch-bf16")


class Runtime(Protocol):
    """One forward pass over a padded batch. Called from one thread at a time."""

    @property
    def name(self) -> str:
        """One of `RUNTIMES`."""

    @property
    def device(self) -> str:
        """Where it runs: `cpu`, `cuda:0`."""

    def run(
        self,
        ids: NDArray[np.int64],
        mask: NDArray[np.bool_],
        rows: NDArray[np.int64],
        mentions: NDArray[np.bool_],
    ) -> Pooled:
        """The answers to `models.network.Inputs` as arrays. Raises `OutOfMemory` where the
        device has no room for so large a batch."""


class OutOfMemory(Exception):
    """The batch does not fit; half of it may."""


class OnnxRuntime(GraphRuntime):
    """The encoder in ONNX Runtime."""

    def __init__(self, artifact: Artifact, quantised: bool, threads: int = 0) -> None:
        import onnxruntime

        super().__init__(artifact)
        if quantised and not artifact.ranges:
            raise ConfigurationError(
                f"{artifact.folder}: has no measured ranges: use another runtime than onnx-int8"
            )
        self.name = "onnx-int8" if quantised else "onnx-fp32"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # spinning threads take the cores from tokenising and from the rest of the process
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        ranges = artifact.ranges if quantised else None
        signed = quantised and adds_exactly()
        self._session = onnxruntime.InferenceSession(
            bert_graph(artifact.encoder, self._shape, ranges, signed=signed),
            options,
            providers=["CPUExecutionProvider"],
        )

    def _states(self, ids: NDArray[np.int64], mask: NDArray[np.int32]) -> Floats:
        states: Floats = self._session.run(["states"], {"ids": ids, "mask": mask})[0]
        return states


class TorchRuntime:
    """Everything in torch: on a GPU in bfloat16, or on the CPU as the reference."""

    def __init__(self, artifact: Artifact, device: str = "cpu", precision: str = "fp32") -> None:
        import torch

        from models.network import torch_network

        self.name = f"torch-{precision}"
        self.device = device
        self._torch = torch
        self._type = torch.bfloat16 if precision == "bf16" else torch.float32
        self._network = torch_network(artifact).to(device)

    def run(
        self,
        ids: NDArray[np.int64],
        mask: NDArray[np.bool_],
        rows: NDArray[np.int64],
        mentions: NDArray[np.bool_],
    ) -> Pooled:
        """As `Runtime.run`."""
        from models.network import Inputs

        torch = self._torch
        parts = [torch.from_numpy(part) for part in (ids, mask, rows, mentions)]
        if self.device != "cpu":
            parts = [part.pin_memory() for part in parts]
        try:
            with (
                torch.inference_mode(),
                torch.autocast(
                    torch.device(self.device).type,
                    dtype=torch.bfloat16,
                    enabled=self._type is torch.bfloat16,
                ),
            ):
                outputs = self._network(Inputs(*parts).to(self.device))
                return Pooled(
                    {task: outputs.logits[task].float().cpu().numpy() for task in HEADS},
                    {task: outputs.weights[task].float().cpu().numpy() for task in HEADS},
                    outputs.story.float().cpu().numpy(),
                )
        except torch.OutOfMemoryError as error:
            # the other half of the memory may be somebody else's for a while
            torch.cuda.empty_cache()
            raise OutOfMemory(str(error)) from error


def chosen(
    artifact: Artifact,
    wanted: str = "auto",
    threads: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> Runtime:
    """The runtime `wanted` names. `auto`: a GPU where there is one; else, where the encoder is a
    plain BERT, the one for a CPU that is known to be fastest (bfloat16 where the processor
    multiplies it, then eight bits); else torch. `fastest` is the same, measured now by `clock`.
    Raises `ConfigurationError` for an unknown name."""
    if wanted not in ("auto", "fastest"):
        if wanted not in RUNTIMES:
            raise ConfigurationError(
                f"BELLWETHER_MODEL_RUNTIME={wanted!r} is none of auto, fastest, "
                f"{', '.join(RUNTIMES)}"
            )
        return _made(artifact, wanted, threads)
    if gpu := _gpu():
        return TorchRuntime(artifact, gpu, "bf16")
    if BertShape.of(artifact.base.config) is None:
        return TorchRuntime(artifact)
    names = ["onnx-fp32"]
    if artifact.ranges:
        names.insert(0, "onnx-int8")
    if multiplies_bf16():
        names.insert(0, "openvino-bf16")
    if wanted == "auto":
        return _made(artifact, names[0], threads)
    made = [_made(artifact, name, threads) for name in names]
    words = int(artifact.base.config["vocab_size"])
    seconds = {one.name: _seconds(one, words, clock) for one in made}
    log.info("forward pass of 32 texts: %s", seconds)
    return min(made, key=lambda one: seconds[one.name])


def _made(artifact: Artifact, name: str, threads: int) -> Runtime:
    if name.startswith("openvino"):
        return OpenVinoRuntime(artifact, threads)
    if name.startswith("onnx"):
        return OnnxRuntime(artifact, name == "onnx-int8", threads)
    return TorchRuntime(artifact, _gpu() or "cpu", name.removeprefix("torch-"))


def adds_exactly() -> bool:
    """Whether ONNX Runtime multiplies bytes by signed bytes here without overflow."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    length = 64
    node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, [length, length])],
        [helper.make_tensor_value_info("c", TensorProto.INT32, [length, length])],
        [numpy_helper.from_array(np.full((length, length), 127, np.int8), "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    product = session.run(["c"], {"a": np.full((length, length), 255, np.uint8)})[0]
    return bool((product == 255 * 127 * length).all())


def _gpu() -> str:
    """The first GPU torch can use, or nothing. Torch, seconds and a quarter of a gigabyte, is
    imported only where the machine has a driver."""
    if not any(Path(name).exists() for name in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")):
        return ""
    import torch

    return "cuda:0" if torch.cuda.is_available() else ""


def _seconds(runtime: Runtime, words: int, clock: Callable[[], float]) -> float:
    """The faster of two passes over 32 texts of 48 tokens out of a vocabulary of `words`."""
    ids = np.random.default_rng(1).integers(0, words, (32, 48))
    batch = (ids, np.ones(ids.shape, bool), np.zeros(0, np.int64), np.zeros((0, 48), bool))
    taken: list[float] = []
    for _ in range(3):
        start = clock()
        runtime.run(*batch)
        taken.append(clock() - start)
    return round(min(taken[1:]), 4)
