"""Teachers: artifacts whose averaged answers a new network learns beside the labels."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.answers import logits_of
from models.artifact import load
from models.corpus import corpus_of
from models.data import Example
from models.network import torch_network
from models.network_shape import HEADS
from models.recipe import Recipe, same_told
from models.training import Targets
from pipeline.errors import ConfigurationError

log = logging.getLogger(__name__)


def taught_by(
    teachers: Sequence[Path], examples: Sequence[Example], device: str, base: str = ""
) -> Targets:
    """The mean probabilities of the artifacts `teachers` for every text; nothing where there is
    none. Each teacher reads with its own tokenizer, on the encoder in `base`, or the one it
    names."""
    total: dict[str, Tensor] = {}
    if not examples:
        return Targets()
    for folder in teachers:
        teacher = load(folder, base)
        own = corpus_of(examples, teacher.tokenizer, teacher.about.window)
        answers = logits_of(torch_network(teacher).to(device), own, teacher.pad, device)
        for task in HEADS:
            said = answers[task].softmax(-1) / len(teachers)
            total[task] = total[task] + said if task in total else said
    if total and not all(bool(torch.isfinite(part).all()) for part in total.values()):
        raise RuntimeError(f"a teacher answers {np.nan}")
    return Targets(total)


def is_made(folder: Path, recipe: Recipe, data: Mapping[str, str], base: str) -> bool:
    """Whether `folder` holds a whole artifact that `recipe` made of these files (names with
    hashes): a run that was interrupted need not train its teacher again."""
    if not folder.exists():
        return False
    try:
        about = load(folder, base).about
    except ConfigurationError as error:
        log.info("the teacher is trained anew: %s", error)
        return False
    return same_told(about.recipe, asdict(recipe)) and dict(about.data) in (data, _bare(data))


def _bare(data: Mapping[str, str]) -> Mapping[str, str]:
    """The same by the files' names without folders, as artifacts used to tell them; where two have
    one name, nothing can be told of them by it."""
    found = {Path(name).name: digest for name, digest in data.items()}
    return found if len(found) == len(data) else data
