"""The encoder in OpenVINO, on a processor that multiplies bfloat16 in hardware."""

import sys
from functools import cache
from importlib.util import find_spec
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from models.artifact import Artifact
from models.graph import bert_graph
from models.graph_runtime import GraphRuntime
from models.pooling import Floats
from pipeline.errors import ConfigurationError


class OpenVinoRuntime(GraphRuntime):
    """The encoder in OpenVINO in bfloat16."""

    name = "openvino-bf16"

    def __init__(self, artifact: Artifact, threads: int = 0) -> None:
        if not multiplies_bf16():
            raise ConfigurationError(
                "BELLWETHER_MODEL_RUNTIME=openvino-bf16: needs the package openvino and a "
                "processor with bfloat16 (AMX or AVX512_BF16): use auto"
            )
        super().__init__(artifact)
        core = _openvino().Core()
        settings = {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        graph = core.read_model(model=bert_graph(artifact.encoder, self._shape))
        self._request = core.compile_model(graph, "CPU", settings).create_infer_request()

    def _states(self, ids: NDArray[np.int64], mask: NDArray[np.int32]) -> Floats:
        states: Floats = self._request.infer({"ids": ids, "mask": mask})["states"]
        return states


@cache
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
