"""How weights move: AdamW with slower lower layers, a warm-up and a cosine, averages."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import accumulate

import torch
from torch import Tensor

from models.network import Network
from models.recipe import Recipe


class MovingAverage:
    """An exponential moving average of the trainable weights (Polyak averaging)."""

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.kept = {name: value.detach().clone() for name, value in learned(network).items()}

    def update(self, network: Network) -> None:
        """Move towards the network's weights; faster while few were seen."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        now = learned(network)
        torch._foreach_lerp_(
            [self.kept[name] for name in now], [one.detach() for one in now.values()], 1.0 - decay
        )


class averaged(AbstractContextManager[None]):
    """Within it the network has the averaged weights, where there is an average."""

    def __init__(self, average: MovingAverage | None, network: Network) -> None:
        self._average, self._network = average, network
        self._own: dict[str, Tensor] = {}

    def __enter__(self) -> None:
        if self._average is not None:
            for name, value in learned(self._network).items():
                self._own[name] = value.detach().clone()
                value.data.copy_(self._average.kept[name])

    def __exit__(self, *_: object) -> None:
        for name, value in learned(self._network).items():
            if name in self._own:
                value.data.copy_(self._own[name])


def freeze_words(network: Network) -> None:
    """The word vectors stay the base's: half of all weights, and rare words keep what they know."""
    network.encoder.get_input_embeddings().weight.requires_grad_(False)


def learned(network: Network) -> dict[str, torch.nn.Parameter]:
    """The weights that training changes, by name."""
    return {name: value for name, value in network.named_parameters() if value.requires_grad}


def trainable(network: Network) -> list[torch.nn.Parameter]:
    """The same without names."""
    return list(learned(network).values())


def optimizer_of(network: Network, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019): lower layers learn slower; biases and norms keep size."""
    layers = int(network.encoder.config.num_hidden_layers)
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, value in learned(network).items():
        if name.startswith("encoder."):
            parts = name.split(".")
            depth = next((int(part) + 1 for part in parts if part.isdigit()), 0)
            rate = recipe.learning_rate * recipe.layer_decay ** (layers - depth)
        else:
            rate = recipe.head_learning_rate
        decay = recipe.weight_decay if value.dim() > 1 else 0.0
        groups.setdefault((rate, decay), []).append(value)
    return torch.optim.AdamW(
        [
            {"params": values, "lr": rate, "base": rate, "weight_decay": decay}
            for (rate, decay), values in groups.items()
        ],
        betas=(0.9, 0.98),
        eps=1e-6,
        # one pass over all weights: a seventh of a step's time on a CPU otherwise
        fused=True,
    )


def schedule(step: int, per_epoch: int, recipe: Recipe) -> float:
    """The share of the full rate: within each cycle a line up over the warm-up, then half a
    cosine down to 0 (warm restarts: Loshchilov & Hutter 2017)."""
    cycles = recipe.cycles or (recipe.epochs,)
    rates = recipe.cycle_rates or (1.0,) * len(cycles)
    for epochs, rate in zip(cycles, rates, strict=True):
        steps = epochs * per_epoch
        if step < steps:
            rising = max(1, round(steps * recipe.warmup))
            if step < rising:
                return rate * (step + 1) / rising
            return rate * 0.5 * (1.0 + math.cos(math.pi * (step - rising) / (steps - rising)))
        step -= steps
    return 0.0


def cycles_ended(recipe: Recipe, epochs: int) -> int:
    """How many cycles of the rate are over after so many epochs."""
    ends = accumulate(recipe.cycles or (recipe.epochs,))
    return sum(end <= epochs for end in ends)


def running_mean(
    mean: Mapping[str, Tensor], state: Mapping[str, Tensor], number: int
) -> dict[str, Tensor]:
    """The mean of `number` states, the last of which is `state` and `mean` that of the others
    (stochastic weight averaging, Izmailov et al. 2018). Whole numbers stay as they are."""
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        now = value.detach().cpu().clone()
        if number > 1 and now.is_floating_point():
            now = mean[name] + (now - mean[name]) / number
        found[name] = now
    return found
