"""A trained classifier on disk: a folder small enough to ship, checked when it is read.

::

    artifact.json          what the answers depend on: base, shape, labels, temperatures,
                           window, recipe, hashes of the training files, hash of the weights
    weights.safetensors    the heads in half precision, the encoder's changes in a few bits
    metrics.json           measured figures        reference.json   for drift
    card.md                for people              checksums.txt    sha256 of each file above

The version is a hash of `artifact.json`, which names the hash of the weights: whatever of the
artifact changes an answer changes the version. The base encoder is a reference by hash, never a
copy.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from models.artifact_files import ABOUT, WEIGHTS, check, digest, refused, version_of
from models.data import LABELS
from models.encoder import Base, read_base
from models.finding import BaseReference, find_base
from models.lowbit import LowBit, low_bit, restored
from models.metrics import Scale
from models.network_shape import Shape, head_shapes

FORMAT = 1
FEWEST_TOKENS, MOST_TOKENS = 8, 512
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What `artifact.json` says."""

    base: BaseReference
    shape: Shape
    temperatures: Mapping[str, float]
    window: int
    languages: tuple[str, ...]
    weights_sha256: str
    recipe: Mapping[str, Any]
    data: Mapping[str, str]
    bits: int
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(LABELS))
    powers: Mapping[str, float] = field(default_factory=dict)
    """By task, as the temperatures; 1 where none is given."""
    format: int = FORMAT

    def scale(self, task: str) -> Scale:
        """How the logits of `task` become probabilities."""
        return Scale(self.temperatures.get(task, 1.0), self.powers.get(task, 1.0))


@dataclass(frozen=True, slots=True)
class Artifact:
    """A loaded classifier as plain data: every tensor of the network by name (float32; those
    of the encoder begin with `encoder.`), the base it stands on, and the tokenizer."""

    folder: Path
    about: About
    version: str
    tensors: Mapping[str, Floats]
    base: Base
    ranges: Mapping[str, tuple[Floats, Floats]]
    """How far the inputs of each large matrix reach (`models.ranging`); empty where that was
    not measured, and eight bits then cannot be had."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The base's."""
        return self.base.tokenizer

    @property
    def reach(self) -> int:
        """The tokens of a text that are read at once: twice what it was trained to read at most,
        where the base reads so many. Two windows of a text tell less than one that is longer."""
        return max(
            self.about.window, min(2 * self.about.window, self.base.positions or MOST_TOKENS)
        )

    @property
    def encoder(self) -> dict[str, Floats]:
        """The encoder's tensors by their Hugging Face names."""
        return {
            name.removeprefix("encoder."): value
            for name, value in self.tensors.items()
            if name.startswith("encoder.")
        }

    @property
    def pad(self) -> int:
        """The number of the padding token."""
        return self.base.pad


def save(
    folder: Path,
    tensors: Mapping[str, Floats],
    base: Base,
    about: Mapping[str, Any],
    bits: int,
    ranges: Mapping[str, tuple[Floats, Floats]] | None = None,
) -> About:
    """Write the network's `tensors`, the `ranges` of its activations and `artifact.json`. What
    else belongs to an artifact is written beside them, then `seal` makes the folder complete."""
    folder.mkdir(parents=True, exist_ok=True)
    stored: dict[str, Any] = {}
    for name, now in tensors.items():
        if not name.startswith("encoder."):
            stored[f"head/{name}"] = now.astype(np.float16)
            continue
        inner = name.removeprefix("encoder.")
        change = now - base.tensors[inner]
        if not change.any():
            continue
        if change.ndim < 2:
            stored[f"change/{inner}"] = change.astype(np.float16)
            continue
        few = low_bit(change, bits)
        stored[f"packed/{inner}"] = few.packed
        stored[f"scales/{inner}"] = few.scales
    for name, (low, high) in (ranges or {}).items():
        stored[f"range/{name}"] = np.stack((low, high)).astype(np.float16)
    save_file(stored, folder / WEIGHTS)
    # the writer keeps it to itself; an artifact is for everybody who may read the folder
    (folder / WEIGHTS).chmod(0o644)
    told = About(
        **about,
        bits=bits,
        weights_sha256=digest(folder / WEIGHTS),
    )
    plain = asdict(told)
    # what is not told is left out: of the default encoder it is known here
    plain["base"] = {
        name: value
        for name, value in plain["base"].items()
        if value or name not in ("tokenizer_sha256", "config_sha256")
    }
    (folder / ABOUT).write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n", "utf-8")
    return told


def read_about(folder: Path) -> About:
    """What the artifact says of itself, every file checked. Raises `ConfigurationError` in one
    line for a folder that is damaged, partial, or something else."""
    check(folder)
    try:
        given = json.loads((folder / ABOUT).read_text("utf-8"))
        if given.get("format") != FORMAT:
            raise refused(folder, f"format {given.get('format')!r}, this reader knows {FORMAT}")
        about = msgspec.convert(given, About)
    except (ValueError, AttributeError, msgspec.ValidationError) as error:
        raise refused(folder, f"{ABOUT}: {error}") from error
    if {task: tuple(names) for task, names in about.labels.items()} != dict(LABELS):
        raise refused(folder, "its labels are not the ones this version knows")
    if wrong := _impossible(about):
        raise refused(folder, f"{ABOUT}: {wrong}")
    if about.weights_sha256 != digest(folder / WEIGHTS):
        raise refused(folder, f"{WEIGHTS} is not the file {ABOUT} names")
    return about


def load(folder: Path, base: str = "") -> Artifact:
    """The classifier in `folder` on the base encoder, wherever that is found (`find_base`).

    Raises `ConfigurationError` in one line for a damaged, partial or foreign artifact and for
    a missing base.
    """
    about = read_about(folder)
    found = read_base(find_base(base, about.base))
    if found.width != about.shape.width:
        raise refused(folder, f"the base is {found.width} wide")
    if about.window > (found.positions or about.window):
        raise refused(folder, f"{ABOUT}: the base has no window of {about.window} tokens")
    try:
        stored = load_file(folder / WEIGHTS)
        tensors, ranges = _unpacked(folder, about, found, stored)
    except (OSError, SafetensorError) as error:
        raise refused(folder, f"{WEIGHTS}: {error}") from error
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise refused(folder, f"{WEIGHTS} does not fit together: {error!r}") from error
    for name, shape in head_shapes(about.shape).items():
        there = tensors.get(name)
        if there is None or there.shape != shape:
            what = "is missing" if there is None else f"has the shape {there.shape}"
            raise refused(folder, f"{WEIGHTS}: {name} {what}")
    return Artifact(folder, about, version_of(folder), tensors, found, ranges)


def _impossible(about: About) -> str:
    """What of `about` no classifier can have; empty where all is possible."""
    shape = about.shape
    if shape.width < 1 or shape.pool_heads < 1 or shape.width % shape.pool_heads:
        return f"{shape.pool_heads} pool heads do not divide a width of {shape.width}"
    if not FEWEST_TOKENS <= about.window <= MOST_TOKENS:
        return f"a window of {about.window} tokens"
    if not 2 <= about.bits <= 8:
        return f"{about.bits} bits"
    for name, values in (("temperature", about.temperatures), ("power", about.powers)):
        for task, value in values.items():
            if not 0.0 < value < inf:
                return f"a {name} of {value} for {task}"
    return ""


def _unpacked(
    folder: Path, about: About, found: Base, stored: Mapping[str, Any]
) -> tuple[dict[str, Floats], dict[str, tuple[Floats, Floats]]]:
    """The network's tensors and the ranges, from what the file holds."""
    tensors = {f"encoder.{name}": value for name, value in found.tensors.items()}
    ranges: dict[str, tuple[Floats, Floats]] = {}
    for name, value in stored.items():
        kind, _, inner = name.partition("/")
        if kind == "head":
            tensors[inner] = value.astype(np.float32)
            continue
        if kind == "range":
            low, high = value.astype(np.float32)
            ranges[inner] = (low, high)
            continue
        place = f"encoder.{inner}"
        if kind not in ("change", "packed", "scales") or place not in tensors:
            raise refused(folder, f"{WEIGHTS} has {name}, which the network has not")
        if kind == "scales":
            continue
        if kind == "packed":
            shape = found.tensors[inner].shape
            value = restored(LowBit(value, stored[f"scales/{inner}"], shape, about.bits))
        if value.shape != found.tensors[inner].shape:
            raise refused(folder, f"{name} has the shape {value.shape}")
        tensors[place] = found.tensors[inner] + value.astype(np.float32)
    return tensors, ranges
