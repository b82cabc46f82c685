"""The files of an encoder's folder: which there must be, and what of them decides an answer.

Of the weights every byte does. Of the tokenizer and the configuration what they say does, not how
it is written down, so that a copy that another tool has saved counts as the same: how the
tokenizer cuts and pads is left out, for that is ours, and remarks of the configuration are.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
NEEDED = (WEIGHTS, TOKENIZER, CONFIG)

# What a configuration says beside the network: where it comes from, how it was trained, heads and
# poolers that are not read, the numbers of tokens that only the tokenizer needs.
_REMARKS = (
    "architectures", "transformers_version", "torch_dtype", "dtype", "use_cache",
    "gradient_checkpointing", "initializer_", "id2label", "label2id", "problem_type",
    "finetuning_task", "summary_", "pooler_", "bos_token_id", "eos_token_id", "sep_token_id",
    "cls_token_id", "mask_token_id", "tie_word_embeddings", "_",
)  # fmt: skip
# As good as not there: some tools write them down, some do not.
_USUAL = {"position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False}


def lacking(folder: Path) -> str:
    """The first of the files that is not there; empty where all are."""
    return next((name for name in NEEDED if not (folder / name).is_file()), "")


def digest_in(folder: Path, name: str) -> str:
    """The SHA-256 of what decides an answer in one of the files, in hex. Raises
    `ConfigurationError` for one that cannot be read."""
    try:
        return _DIGESTS[name](folder / name)
    except OSError as error:
        raise ConfigurationError(f"{folder / name}: cannot be read: {error.strerror}") from error
    except (ValueError, AttributeError, RecursionError) as error:
        raise unreadable(folder, error) from error


def unreadable(folder: Path, error: Exception) -> ConfigurationError:
    """The one line that says why an encoder is not read."""
    return ConfigurationError(
        f"{folder}: no encoder that can be read: {' '.join(str(error).split())[:300]}"
    )


def _of_weights(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _of_tokenizer(path: Path) -> str:
    told = json.loads(path.read_bytes())
    # nothing is decoded; version is the form of the file
    ours = ("truncation", "padding", "decoder", "version")
    told = {name: value for name, value in told.items() if name not in ours}
    model = told.get("model")
    if isinstance(model, dict):
        # older files write a pair in one word, and lack what is off
        pairs = [" ".join(one) if isinstance(one, list) else one for one in model.get("merges", [])]
        off = {name for name, value in model.items() if value is False}
        kept = {name: value for name, value in model.items() if name not in off}
        told["model"] = kept | ({"merges": pairs} if pairs else {})
    return _canonical(told)


def _of_config(path: Path) -> str:
    told = json.loads(path.read_bytes())
    return _canonical(
        {
            name: value
            for name, value in told.items()
            # of training alone, wherever it is
            if not name.startswith(_REMARKS)
            and "dropout" not in name
            and (name not in _USUAL or value != _USUAL[name])
        }
    )


_DIGESTS: Mapping[str, Callable[[Path], str]] = {
    WEIGHTS: _of_weights,
    TOKENIZER: _of_tokenizer,
    CONFIG: _of_config,
}


def _canonical(value: Any) -> str:
    plain = json.dumps(_without_null(value), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def _without_null(value: Any) -> Any:
    """A key that is null says what a missing one does."""
    if isinstance(value, dict):
        return {name: _without_null(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_null(one) for one in value]
    return value
