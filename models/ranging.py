"""How far the encoder's activations reach on real texts: what eight bits must hold."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.batching import token_batches
from models.encoding import Encoded, padded_arrays
from models.graph import BertShape, Floats, Ranges, bert_graph, matrices


def measured_ranges(
    weights: Mapping[str, Floats], shape: BertShape, texts: Sequence[Encoded], pad: int
) -> Ranges:
    """For each matrix that goes in eight bits the least and the largest value of each input over
    the tokens of `texts`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        bert_graph(weights, shape, observed=True), options, providers=["CPUExecutionProvider"]
    )
    names = matrices(shape)
    found: dict[str, tuple[Floats, Floats]] = {}
    for batch in token_batches([len(text.ids) for text in texts], 2_048):
        ids, mask, _, _ = padded_arrays([texts[place] for place in batch], pad)
        feed = {"ids": ids, "mask": mask.astype(np.int32)}
        for name, values in zip(names, session.run(names, feed), strict=True):
            real = values[mask]
            low, high = real.min(axis=0), real.max(axis=0)
            before = found.get(name, (low, high))
            found[name] = (np.minimum(before[0], low), np.maximum(before[1], high))
    return found
