"""A training run's state on disk, after each epoch: safetensors and JSON, never pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.recipe import same_told
from pipeline.errors import ConfigurationError

_FILE = "checkpoint.safetensors"
_ABOUT = "checkpoint.json"


def save_checkpoint(
    folder: Path,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Any,
    recipe: Mapping[str, Any],
    history: list[Mapping[str, float]],
    best: Mapping[str, Tensor],
) -> None:
    """Write everything the next epoch needs; the old state stays until the new one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    if average is not None:
        tensors |= {f"average.{name}": value for name, value in average.kept.items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": torch.as_tensor(v) for name, v in state.items()}
    new = folder / f"{_FILE}.new"
    save_file(
        {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, new
    )
    about = {
        "recipe": recipe,
        "history": history,
        "updates": 0 if average is None else average.updates,
    }
    new.replace(folder / _FILE)
    told = folder / f"{_ABOUT}.new"
    told.write_text(json.dumps(about), "utf-8")
    told.replace(folder / _ABOUT)


def load_checkpoint(
    folder: Path,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Any,
    recipe: Mapping[str, Any],
) -> tuple[int, list[Mapping[str, float]], dict[str, Tensor]]:
    """(epochs done, their figures, the best weights), with the rest loaded into what is given;
    nothing where the folder has no checkpoint. Raises `ConfigurationError` where it has one of
    another run, or one that cannot be read. `recipe` is all that the run depends on."""
    if not (folder / _FILE).is_file() or not (folder / _ABOUT).is_file():
        return 0, [], {}
    try:
        about = json.loads((folder / _ABOUT).read_text("utf-8"))
        tensors = load_file(folder / _FILE)
    except (OSError, ValueError, SafetensorError) as error:
        raise ConfigurationError(
            f"{folder}: its checkpoint cannot be read: remove it or name another folder"
        ) from error
    if not same_told(about["recipe"], recipe):
        raise ConfigurationError(
            f"{folder}: holds a run of another recipe, other texts or another beginning: remove it "
            "or name another folder"
        )
    network.load_state_dict(_part(tensors, "network."))
    if average is not None:
        # into place: the file's tensors are on the CPU, the average is where the network is
        for name, value in _part(tensors, "average.").items():
            average.kept[name].copy_(value)
        average.updates = about["updates"]
    state = optimizer.state_dict()
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimizer.").items():
        number, key = name.split(".", 1)
        states.setdefault(int(number), {})[key] = value
    state["state"] = states
    optimizer.load_state_dict(state)
    return len(about["history"]), about["history"], _part(tensors, "best.")


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
