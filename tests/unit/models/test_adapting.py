"""Masked words: what is asked, that guessing is learned, that it is not done twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from models.adapting import NOT_ASKED, Words, adapt, masked, words_of
from models.encoder import read_base
from models.making import Run, train
from pipeline.errors import ConfigurationError
from tests.tiny_encoder import tiny_base
from tests.unit.models.test_training import RECIPE, examples, network_on

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")

TEXTS = [one.text for one in examples()]
ADAPTING = replace(RECIPE, adapt=("stream",), adapt_epochs=12, adapt_rate=3e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny")
    tiny_base(path, hidden_words=True)
    return path


def test_three_in_twenty_words_are_asked_for_and_most_of_them_hidden() -> None:
    words = Words(size=1000, mask=4, special=frozenset((0, 2, 3, 4)))
    ids = torch.full((200, 50), 7)
    ids[:, 0], ids[:, -1] = 2, 0
    found, asked = masked(ids, words, torch.Generator().manual_seed(1))
    there = asked != NOT_ASKED
    assert not there[:, 0].any() and not there[:, -1].any(), "special ones are never asked for"
    assert (asked[there] == 7).all()
    assert (found[~there] == ids[~there]).all()
    share = there[:, 1:-1].float().mean()
    assert 0.13 < float(share) < 0.17
    hidden, left = (found[there] == 4).float().mean(), (found[there] == 7).float().mean()
    assert 0.75 < float(hidden) < 0.85
    assert 0.07 < float(left) < 0.13


def test_hidden_words_are_learned_and_the_word_vectors_stay(folder: Path) -> None:
    base, network = read_base(folder), network_on(folder)
    vectors = network.encoder.get_input_embeddings().weight.detach().clone()
    before = adapt(network_on(folder), replace(ADAPTING, adapt_epochs=1), TEXTS, base)
    after = adapt(network, ADAPTING, TEXTS, base)
    assert after < 0.8 * before
    assert torch.equal(network.encoder.get_input_embeddings().weight, vectors)


def test_what_was_adapted_is_kept_for_the_same_texts_and_recipe(
    folder: Path, tmp_path: Path
) -> None:
    base, steps = read_base(folder), []
    few = replace(ADAPTING, adapt_epochs=1)

    def run(recipe=few, texts=TEXTS) -> tuple[float, torch.Tensor]:
        network = network_on(folder)
        loss = adapt(
            network, recipe, texts, base, tmp_path, progress=lambda step, _: steps.append(step)
        )
        return loss, torch.cat([one.flatten() for one in network.encoder.parameters()])

    first, weights = run()
    done = len(steps)
    again, same = run(texts=[*reversed(TEXTS), *TEXTS])
    assert (again, len(steps)) == (first, done), "neither order nor copies make another run"
    assert torch.equal(weights, same)
    run(recipe=replace(few, seed=7))
    assert len(steps) == 2 * done


def test_no_text_and_no_word_for_a_hidden_one_are_named(folder: Path) -> None:
    base = read_base(folder)
    with pytest.raises(ConfigurationError, match="no text"):
        adapt(network_on(folder), ADAPTING, [], base)
    assert words_of(base).mask not in (0, 1, 2, 3)
    nameless = replace(base, tokenizer=Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")))
    with pytest.raises(ConfigurationError, match=r"no \[MASK\]"):
        words_of(nameless)


def test_a_recipe_that_adapts_does_so_before_labels_and_names_the_file(
    folder: Path, tmp_path: Path
) -> None:
    lines = [json.dumps({"text": one.text, "sentiment": one.sentiment}) for one in examples()]
    for name in ("labelled", "stream"):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    recipe = replace(
        ADAPTING, train=("labelled",), base=str(folder), epochs=1, adapt_epochs=1, development=0.2
    )
    told: list[str] = []

    def report(name: str, value: float, step: int) -> None:
        told.append(name)

    work, out = tmp_path / "work", tmp_path / "out"
    train(replace(recipe, batch_texts=2), Run(data=tmp_path, out=out, work=work, report=report))
    assert told[0] == "adapt/loss" and "loss" in told
    assert (work / "adapted.safetensors").is_file()
    assert set(json.loads((out / "artifact.json").read_text())["data"]) == {"labelled", "stream"}
