"""What the runtimes of a hand-written graph share: it gives token states, numpy does the heads."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from models.artifact import Artifact
from models.graph import BertShape
from models.pooling import Floats, NumpyHeads, Pooled
from pipeline.errors import ConfigurationError


class GraphRuntime(ABC):
    """A `models.runtimes.Runtime` on a CPU. Raises `ConfigurationError` where the encoder is no
    plain BERT."""

    name: str
    device = "cpu"

    def __init__(self, artifact: Artifact) -> None:
        shape = BertShape.of(artifact.base.config)
        if shape is None:
            raise ConfigurationError(
                f"{artifact.folder}: its encoder is no plain BERT: use a torch runtime"
            )
        self._shape = shape
        self._heads = NumpyHeads(artifact.tensors, artifact.about.shape)

    def run(
        self,
        ids: NDArray[np.int64],
        mask: NDArray[np.bool_],
        rows: NDArray[np.int64],
        mentions: NDArray[np.bool_],
    ) -> Pooled:
        """As `Runtime.run`."""
        return self._heads(self._states(ids, mask.astype(np.int32)), mask, rows, mentions)

    @abstractmethod
    def _states(self, ids: NDArray[np.int64], mask: NDArray[np.int32]) -> Floats:
        """(batch, tokens, width)."""
