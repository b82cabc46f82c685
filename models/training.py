"""Training: a recipe and labelled files to a network with calibrated answers.

Deterministic under the recipe's seed on one machine. After every epoch the run can be taken up
again from its folder (`checkpoint.safetensors`: weights, optimiser, moving average).
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.answers import known_labels, logits_of, score_of
from models.calibration import fit_scale
from models.checkpoints import load_checkpoint, save_checkpoint
from models.corpus import Corpus, batches, class_weights
from models.losses import Wanted, adversarial, divergence, loss_of, noisy
from models.metrics import Scale
from models.network import Network
from models.optimizing import (
    MovingAverage,
    averaged,
    cycles_ended,
    freeze_words,
    optimizer_of,
    running_mean,
    schedule,
    trainable,
)
from models.precision import multiplying, resolved
from models.recipe import Recipe
from models.reporting import Report

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Targets:
    """What is learned besides labels: the teachers' probabilities, a row per text (company)."""

    teachers: Mapping[str, Tensor] = field(default_factory=dict)

    def of(self, corpus: Corpus, rows: Sequence[int]) -> Wanted:
        """The part that belongs to these rows."""
        chosen = torch.tensor(list(rows))
        companies = torch.tensor(corpus.companies(rows), dtype=torch.long)
        return Wanted(
            corpus.labels(rows),
            {
                task: values[companies if task == "entity_sentiment" else chosen]
                for task, values in self.teachers.items()
            },
        )


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run gives beside the best epoch's weights, which are in the network it was given:
    the development figures of every epoch."""

    history: tuple[Mapping[str, float], ...]


class Training:
    """One run. `folder` keeps its checkpoint; `report(name, value, step)` hears figures."""

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        pad: int,
        folder: Path | None = None,
        report: Report | None = None,
        device: str = "cpu",
    ) -> None:
        self._network = network.to(device)
        self._recipe = recipe
        self._pad = pad
        self._folder = folder
        self._report = report or (lambda name, value, step: None)
        self._device = device
        self._precision = resolved(recipe.precision, device)
        self._generator = torch.Generator()
        self._at_once = recipe.batch_texts
        freeze_words(network)
        if recipe.gradient_checkpointing:
            network.encoder.gradient_checkpointing_enable()

    def run(
        self,
        corpus: Corpus,
        development: Corpus,
        targets: Targets | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Trained:
        """Train until the development score no longer rises; the best epoch is what is kept."""
        recipe, wanted = self._recipe, targets or Targets()
        per_epoch = -(-len(corpus) // recipe.batch_texts)
        steps = per_epoch * recipe.epochs
        optimizer = optimizer_of(self._network, recipe)
        weights = {
            task: class_weights(labels, task, recipe.class_weight_power).to(self._device)
            for task, labels in (
                ("sentiment", corpus.sentiment),
                ("topic", corpus.topic),
                ("entity_sentiment", corpus.entity),
            )
        }
        average = MovingAverage(self._network, recipe.average) if recipe.average else None
        best: dict[str, Tensor] = {}
        history: list[Mapping[str, float]] = []
        begun = 0
        told: Mapping[str, Any] = {}
        if self._folder is not None:
            told = {**asdict(recipe), "begun_with": _digest(self._network, corpus, wanted)}
            begun, history, best = load_checkpoint(
                self._folder, self._network, optimizer, average, told
            )
        for epoch in range(begun, recipe.epochs):
            if _over(history, recipe.patience):
                break
            # per epoch, so that a run taken up again goes on as it would have gone on
            torch.manual_seed(recipe.seed * 1000 + epoch)
            self._generator.manual_seed(recipe.seed * 1000 + epoch)
            self._network.train()
            for done, rows in enumerate(
                batches(corpus, recipe.batch_texts, recipe.seed * 1000 + epoch)
            ):
                step = epoch * per_epoch + done
                rate = schedule(step, per_epoch, recipe)
                for group in optimizer.param_groups:
                    group["lr"] = group["base"] * rate
                loss = self._gradients(corpus, rows, wanted, weights)
                torch.nn.utils.clip_grad_norm_(trainable(self._network), recipe.clip)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                if average is not None:
                    average.update(self._network)
                if step % 20 == 0:
                    self._report("loss", loss, step)
                    self._report("rate", rate, step)
                if progress is not None:
                    progress(step + 1, steps)
            with averaged(average, self._network):
                figures = score_of(self._network, development, self._pad, self._device)
                state = self._network.state_dict()
                if recipe.average_cycles:
                    ended = cycles_ended(recipe, epoch + 1)
                    if ended > cycles_ended(recipe, epoch):
                        best = running_mean(best, state, ended)
                elif not best or figures["score"] > max(one["score"] for one in history):
                    best = copied(state)
            history.append(figures)
            for name, value in figures.items():
                self._report(f"development/{name}", value, (epoch + 1) * per_epoch)
            log.info("epoch %d: %s", epoch + 1, json.dumps(figures))
            if self._folder is not None:
                save_checkpoint(
                    self._folder, self._network, optimizer, average, told, history, best
                )
        if not best:
            # the end of a cycle that was cut short
            with averaged(average, self._network):
                best = copied(self._network.state_dict())
        if best:
            self._network.load_state_dict(best)
        return Trained(tuple(history))

    def _gradients(
        self,
        corpus: Corpus,
        rows: Sequence[int],
        targets: Targets,
        weights: Mapping[str, Tensor],
    ) -> float:
        """Sets the batch's gradients, computed in as many parts as the device has room for; its
        loss. A mean over the parts is the mean over the batch, but for how R-Drop pairs them."""
        size = min(self._at_once, len(rows))
        parts = [rows[first : first + size] for first in range(0, len(rows), size)]
        try:
            return sum(
                self._step(corpus, part, targets, weights, len(part) / len(rows)) for part in parts
            )
        except torch.OutOfMemoryError:
            if size == 1:
                raise
        self._network.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._at_once = size // 2
        log.warning("out of memory: from now on %d texts are computed at once", self._at_once)
        return self._gradients(corpus, rows, targets, weights)

    def _step(
        self,
        corpus: Corpus,
        rows: Sequence[int],
        targets: Targets,
        weights: Mapping[str, Tensor],
        share: float,
    ) -> float:
        """Adds the gradients of these rows, which are that share of a batch; their part in its
        loss."""
        recipe = self._recipe
        inputs = corpus.inputs(rows, self._pad).to(self._device)
        wanted = moved(targets.of(corpus, rows), self._device)
        with multiplying(self._precision, self._device):
            vectors = self._network.embedded(inputs.ids)
            if recipe.fgm:
                vectors = vectors.detach().requires_grad_()
            if recipe.noise:
                vectors = noisy(vectors, inputs.mask, recipe.noise, self._generator)
            outputs = self._network.on_embeddings(vectors, inputs)
            loss = loss_of(outputs, wanted, recipe, weights)
            if recipe.rdrop:
                again = self._network.on_embeddings(vectors, inputs)
                second = loss_of(again, wanted, recipe, weights)
                loss = (loss + second) / 2 + recipe.rdrop * divergence(outputs, again)
            loss = loss * share
        loss.backward()  # type: ignore[no-untyped-call]
        if recipe.fgm and vectors.grad is not None:
            moved_vectors = adversarial(vectors, vectors.grad, recipe.fgm)
            with multiplying(self._precision, self._device):
                attacked = self._network.on_embeddings(moved_vectors, inputs)
                attack = loss_of(attacked, wanted, recipe, weights) * share
            attack.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())


def _over(history: Sequence[Mapping[str, float]], patience: int) -> bool:
    """Whether the best epoch is so many epochs back."""
    scores = [one["score"] for one in history]
    return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= patience


def copied(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights as they are now, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in state.items()}


def _digest(network: Network, corpus: Corpus, targets: Targets) -> str:
    """The SHA-256 of the weights a run begins with, its texts with their labels, and what its
    teachers said of them, in hex."""
    found = hashlib.sha256()
    for one in corpus.examples:
        found.update(repr((one.text, one.sentiment, one.topic, one.entities)).encode())
    tensors = {**network.state_dict(), **targets.teachers}
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].detach().cpu().contiguous().numpy().data)
    return found.hexdigest()


def scales_of(
    network: Network, corpus: Corpus, pad: int, fewest: int = 1, device: str = "cpu"
) -> dict[str, Scale]:
    """The scale of each task that has `fewest` labels in `corpus`, by maximum likelihood."""
    answers = logits_of(network, corpus, pad, device)
    return {
        task: fit_scale(answers[task][wanted >= 0].double().numpy(), wanted[wanted >= 0].numpy())
        for task, wanted in known_labels(corpus).items()
        if int((wanted >= 0).sum()) >= fewest
    }


def moved(wanted: Wanted, device: str) -> Wanted:
    """The same on `device`."""
    return Wanted(
        {name: value.to(device) for name, value in wanted.labels.items()},
        {name: value.to(device) for name, value in wanted.teachers.items()},
    )
