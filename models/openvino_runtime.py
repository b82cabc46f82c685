"""The encoder in OpenVINO, on a processor that multiplies bfloat16 in hardware."""

import sys
from importlib.util import find_spec
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from models.artifact import Artifact
from models.graph import BertShape, bert_graph
from models.pooling import NumpyHeads, Pooled
from pipeline.errors import ConfigurationError


class OpenVinoRuntime:
    """The encoder in OpenVINO in bfloat16, the heads in numpy: a `models.runtimes.Runtime`."""

    device = "cpu"
    name = "openvino-bf16"

    def __init__(self, artifact: Artifact, shape: BertShape, threads: int = 0) -> None:
        if not multiplies_bf16():
            raise ConfigurationError(
                "BELLWETHER_MODEL_RUNTIME=openvino-bf16: needs the package openvino and a "
                "processor with bfloat16 (AMX or AVX512_BF16): use auto"
            )
        core = _openvino().Core()
        settings = {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        graph = core.read_model(model=bert_graph(artifact.encoder, shape))
        self._request = core.compile_model(graph, "CPU", settings).create_infer_request()
        self._heads = NumpyHeads(artifact.tensors, artifact.about.shape)

    def run(
        self,
        ids: NDArray[np.int64],
        mask: NDArray[np.bool_],
        rows: NDArray[np.int64],
        mentions: NDArray[np.bool_],
    ) -> Pooled:
        """As `Runtime.run`."""
        states = self._request.infer({"ids": ids, "mask": mask.astype(np.int32)})["states"]
        return self._heads(states, mask, rows, mentions)


def multiplies_bf16() -> bool:
    """Whether OpenVINO is installed and this processor multiplies bfloat16 in hardware."""
    if find_spec("openvino") is None:
        return False
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _openvino() -> ModuleType:
    """The package without its telemetry, which reports every import to its makers unless told
    otherwise: where that cannot be imported it does without."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    found: ModuleType = openvino
    return found
