"""Teachers: artifacts whose averaged answers a new network learns beside the labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.answers import logits_of
from models.artifact import load
from models.corpus import Corpus, corpus_of
from models.data import Example
from models.network import torch_network
from models.network_shape import HEADS
from models.recipe import Recipe
from models.training import Targets


def taught_by(
    recipe: Recipe,
    folder: Path,
    corpus: Corpus,
    examples: Sequence[Example],
    device: str,
    base: str = "",
) -> Targets:
    """The mean probabilities of the recipe's teachers (paths relative to `folder`) for every
    text of `corpus`; nothing where it has none. Each teacher reads with its own tokenizer, on the
    encoder in `base`, or the one it names."""
    total: dict[str, Tensor] = {}
    for name in recipe.teachers:
        teacher = load(folder / name, base)
        own = corpus_of(examples, teacher.tokenizer, teacher.about.window)
        if len(own) != len(corpus):
            raise RuntimeError("teacher and pupil read different texts")
        answers = logits_of(torch_network(teacher).to(device), own, teacher.pad, device)
        for task in HEADS:
            said = answers[task].softmax(-1) / len(recipe.teachers)
            total[task] = total[task] + said if task in total else said
    if total and not all(bool(torch.isfinite(part).all()) for part in total.values()):
        raise RuntimeError(f"a teacher answers {np.nan}")
    return Targets(total)
