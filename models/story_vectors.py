"""The story vector: what the untuned encoder would say two texts have in common, without a
second pass.

The untuned encoder's sentence vector (mean of its token states, of unit length) tells whether
two texts report one event; tuning for sentiment blurs that. So a linear map from the mean of
the *tuned* states to the first principal axes of the untuned vectors is fitted by ridge
regression over the training texts: closed form, no seed.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.corpus import Corpus
from models.network import Network, mean_of

Floats = NDArray[np.float64]
# Texts it takes to fit 128 x 385 numbers many times over.
MOST_TEXTS = 6_000
_RIDGE = 1e-2


def fit_story(network: Network, untuned: nn.Module, corpus: Corpus, pad: int, device: str) -> float:
    """Set `network.story`; the mean cosine between the vectors and what they stand for (the
    untuned vectors on their first axes), over texts that were not fitted on."""
    step = max(1, len(corpus) // MOST_TEXTS)
    rows = sorted(range(0, len(corpus), step), key=lambda row: len(corpus.encoded[row].ids))
    tuned = _means(network.encoder, corpus, rows, pad, device)
    plain = _means(untuned, corpus, rows, pad, device)
    plain /= np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-12)
    # every tenth text is kept to see whether the map holds beyond those it was fitted on
    kept = np.arange(len(rows)) % 10 == 0
    axes = np.linalg.svd(plain[~kept], full_matrices=False)[2][: network.shape.story_width]
    # turned at random, every number says as much as any other: their signs alone then tell
    # the angle between two vectors (Charikar 2002)
    turned = np.linalg.qr(np.random.default_rng(1).standard_normal((len(axes), len(axes))))[0]
    wanted = plain @ axes.T @ turned
    given = np.concatenate((tuned, np.ones((len(tuned), 1))), axis=1)
    fitted = given[~kept]
    ridge = _RIDGE * np.eye(given.shape[1]) * (fitted**2).mean() * len(fitted) / given.shape[1]
    solution = np.linalg.solve(fitted.T @ fitted + ridge, fitted.T @ wanted[~kept])
    missing = network.shape.story_width - solution.shape[1]
    solution = np.pad(solution, ((0, 0), (0, max(0, missing))))
    with torch.no_grad():
        network.story.weight.copy_(torch.from_numpy(solution[:-1].T))
        network.story.bias.copy_(torch.from_numpy(solution[-1]))
    made = given[kept] @ solution[:, : wanted.shape[1]]
    sizes = np.linalg.norm(made, axis=1) * np.linalg.norm(wanted[kept], axis=1)
    return float(((made * wanted[kept]).sum(axis=1) / np.maximum(sizes, 1e-12)).mean())


def _means(
    encoder: nn.Module, corpus: Corpus, rows: Sequence[int], pad: int, device: str
) -> Floats:
    """(rows, width): the mean of each text's token states."""
    found: list[Floats] = []
    encoder.eval().to(device)
    with torch.inference_mode():
        for start in range(0, len(rows), 64):
            inputs = corpus.inputs(rows[start : start + 64], pad).to(device)
            states = encoder(
                input_ids=inputs.ids, attention_mask=inputs.mask.long()
            ).last_hidden_state
            found.append(mean_of(states, inputs.mask).double().cpu().numpy())
    return np.concatenate(found)
