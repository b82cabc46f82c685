"""How far the encoder's activations reach on real texts: what eight bits must hold."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.batching import token_batches
from models.encoding import Encoded, padded_arrays
from models.graph import BertShape, Floats, Ranges, bert_graph, matrices

# Tokens beyond this share of a channel's values are cut off rather than let all others be coarse.
BEYOND = 1e-4


def measured_ranges(
    weights: Mapping[str, Floats], shape: BertShape, texts: Sequence[Encoded], pad: int
) -> Ranges:
    """For each large matrix the least and the largest value of each input over the tokens of
    `texts`, without the `BEYOND` outermost."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        bert_graph(weights, shape, observed=True), options, providers=["CPUExecutionProvider"]
    )
    names = matrices(shape)
    seen: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for batch in token_batches([len(text.ids) for text in texts], 2_048):
        ids, mask, _, _ = padded_arrays([texts[place] for place in batch], pad)
        feed = {"ids": ids, "mask": mask.astype(np.int32)}
        for name, values in zip(names, session.run(names, feed), strict=True):
            seen[name].append(values[mask])
    found: dict[str, tuple[Floats, Floats]] = {}
    for name, parts in seen.items():
        values = np.concatenate(parts)
        cut = int(len(values) * BEYOND)
        ordered = np.partition(values, (cut, len(values) - 1 - cut), axis=0)
        found[name] = (ordered[cut].copy(), ordered[len(values) - 1 - cut].copy())
    return found
