"""The base encoder as it is read: plain data, and a torch module."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from models.base_files import CONFIG, TOKENIZER, WEIGHTS, unreadable


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
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise unreadable(folder, error) from error
    except Exception as error:  # the tokenizer raises plain Exception
        raise unreadable(folder, error) from error
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
        raise unreadable(folder, error) from error
    finally:
        reports.set_verbosity(before)
    encoder.eval()
    return encoder
