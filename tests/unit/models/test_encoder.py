"""The base encoder, as checkpoints of several makes hold it, wherever it is named."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.base_files import WEIGHTS
from models.encoder import read_base
from models.finding import find_base
from pipeline.errors import ConfigurationError
from tests.tiny_encoder import tiny_base


def test_an_old_checkpoint_made_for_a_task_is_the_same_encoder(tmp_path: Path) -> None:
    tiny_base(tmp_path)
    plain = read_base(tmp_path)
    stored = {
        "bert."
        + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in load_file(tmp_path / WEIGHTS).items()
    }
    stored["cls.predictions.bias"] = np.zeros(3, np.float32)
    stored["bert.pooler.dense.bias"] = np.zeros(3, np.float32)
    save_file(stored, tmp_path / WEIGHTS)
    found = read_base(tmp_path)
    assert found.tensors.keys() == plain.tensors.keys()
    assert all((found.tensors[name] == one).all() for name, one in plain.tensors.items())


def test_of_several_folders_the_one_that_is_meant_is_taken(tmp_path: Path) -> None:
    first, second, colon = tmp_path / "first", tmp_path / "second", tmp_path / "with:colon"
    references = [tiny_base(folder, seed) for seed, folder in enumerate((first, second, colon), 1)]
    both = f"{first}:{second}:"
    assert find_base(both, references[0]) == first
    assert find_base(both, references[1]) == second
    assert find_base(str(colon), references[2]) == colon
    with pytest.raises(ConfigurationError, match=r"first.*is not"):
        find_base(both, references[2])
    with pytest.raises(ConfigurationError, match=f"no {WEIGHTS} in .*nowhere"):
        find_base(f"{first}:{tmp_path}/nowhere", references[0])
    with pytest.raises(ConfigurationError, match="no model"):
        find_base(":", references[0])
