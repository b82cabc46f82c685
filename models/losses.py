"""What a batch costs: masked losses of all tasks, and what the techniques add to them."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.corpus import NO_LABEL
from models.network import Outputs
from models.network_shape import HEADS
from models.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known about a batch: labels, and the teachers' probabilities (a row per answer)."""

    labels: Mapping[str, Tensor]
    teachers: Mapping[str, Tensor]


def task_weights(recipe: Recipe) -> dict[str, float]:
    """The weight of each task's loss."""
    return {
        "sentiment": recipe.sentiment_weight,
        "topic": recipe.topic_weight,
        "entity_sentiment": recipe.entity_weight,
    }


def loss_of(
    outputs: Outputs, wanted: Wanted, recipe: Recipe, class_weights: Mapping[str, Tensor]
) -> Tensor:
    """The batch's loss: for each task the mean over the answers that have a label, plus the
    distance to the teachers over all answers."""
    # part of the graph even where nothing of the batch has a label
    total = outputs.logits["topic"].sum() * 0.0
    taught = recipe.teacher_weight if wanted.teachers else 0.0
    for task, weight in task_weights(recipe).items():
        logits, labels = outputs.logits[task], wanted.labels[task]
        known = int((labels != NO_LABEL).sum())
        if known:
            loss = functional.cross_entropy(
                logits,
                labels,
                weight=class_weights[task] if recipe.class_weight_power else None,
                ignore_index=NO_LABEL,
                label_smoothing=recipe.label_smoothing,
            )
            # a task weighs by its share of the batch: few labels must not shout
            total = total + weight * (1.0 - taught) * loss * (known / len(wanted.labels["topic"]))
        if taught and len(logits):
            total = total + weight * taught * _distance(
                logits, wanted.teachers[task], recipe.teacher_temperature
            ) * (len(logits) / len(wanted.labels["topic"]))
    return total


def divergence(one: Outputs, other: Outputs) -> Tensor:
    """The symmetric KL divergence between two passes over the same batch (R-Drop, Liang et
    al. 2021, equation 2), summed over the tasks."""
    total = torch.zeros((), device=one.story.device)
    for task in HEADS:
        if not len(one.logits[task]):
            continue
        p, q = one.logits[task].log_softmax(-1), other.logits[task].log_softmax(-1)
        both = functional.kl_div(p, q, reduction="batchmean", log_target=True) + (
            functional.kl_div(q, p, reduction="batchmean", log_target=True)
        )
        total = total + both / 2
    return total


def adversarial(vectors: Tensor, gradient: Tensor, length: float) -> Tensor:
    """The word vectors moved by `length` along the gradient of their text's loss (FGM, Miyato
    et al. 2017, section 3)."""
    norm = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None]
    attacked: Tensor = (vectors + length * gradient / norm).detach()
    return attacked


def noisy(vectors: Tensor, mask: Tensor, scale: float, generator: torch.Generator) -> Tensor:
    """The word vectors with uniform noise of `scale / sqrt(tokens * width)` (NEFTune, Jain et
    al. 2023)."""
    lengths = mask.sum(1).clamp(min=1).float()
    size = scale / (lengths * vectors.shape[-1]).sqrt()
    noise = torch.rand(vectors.shape, generator=generator).to(vectors.device) * 2 - 1
    return vectors + noise * size[:, None, None]


def _distance(logits: Tensor, teachers: Tensor, temperature: float) -> Tensor:
    """KL divergence from the teachers' probabilities, at `temperature` on both sides and with
    its gradient scaled back (Hinton et al. 2015)."""
    softened = functional.log_softmax(teachers.clamp(min=1e-8).log() / temperature, -1)
    answered = functional.log_softmax(logits / temperature, -1)
    distance: Tensor = functional.kl_div(answered, softened, reduction="batchmean", log_target=True)
    return distance * temperature**2
