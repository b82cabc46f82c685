"""`bellwether model train`, from labelled files to an artifact that serves."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from models.artifact import load
from models.load import load_classifier
from models.recipe import read_recipe, recipe_of_teacher
from models.teaching import is_made
from pipeline.errors import ConfigurationError
from pipeline.ports import ClassifierInput
from tests.tiny_encoder import tiny_base
from workers.cli import status_of

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


def line(number: int) -> dict[str, object]:
    label = ("negative", "positive")[number % 2]
    word = (("fell", "weak"), ("rise", "strong"))[number % 2][number % 3 % 2]
    name = ("acme", "bolt")[number % 5 % 2]
    return {
        "text": f"{name} {word} profit {number}",
        "sentiment": label,
        "topic": "Earnings",
        "entities": {name: label},
    }


def written(path: Path, numbers: range) -> None:
    path.write_text("".join(json.dumps(line(number)) + "\n" for number in numbers))


def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """An encoder to train on, a folder for texts, and where the artifact is to lie."""
    base, data, out = tmp_path / "base", tmp_path / "data", tmp_path / "artifact"
    data.mkdir()
    tiny_base(base)
    # an artifact names its base by its hash; here that is a folder
    monkeypatch.setenv("BELLWETHER_MODEL_BASE", str(base))
    return base, data, out


# two processes each load a network: on two cores that others use that takes more than a minute
@pytest.mark.timeout(180)
def test_labelled_files_become_an_artifact_with_a_measured_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, data, out = begun(tmp_path, monkeypatch)
    written(data / "posts.train.jsonl", range(120))
    written(data / "posts.valid.jsonl", range(200, 230))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'base = "{base}"\ntrain = ["posts.train.jsonl"]\nepochs = 8\npatience = 8\nwindow = 24\n'
        "batch_texts = 8\nlearning_rate = 2e-3\nhead_learning_rate = 5e-3\nbits = 8\n"
        "members = 2\npolish_epochs = 1\npolish_members = 2\ncontrasts = 0.5\n"
    )
    # twice: the second time everything is there already, and gives the same
    command = f"model train --config {recipe} --data {data} --out {out} --device cpu --json"
    assert status_of(command.split()) == 0
    made = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status_of(command.split()) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == made
    assert made["version"] == load(out, str(base)).version
    # of so few labels no scale is fitted
    assert load(out, str(base)).about.temperatures == {}
    # eight epochs of each member, then one of each member of the last stage
    assert len(json.loads((out / "metrics.json").read_text())["history"]) == 18
    card = (out / "card.md").read_text()
    assert "| posts.valid | sentiment | 30 |" in card
    assert status_of(f"model evaluate {data}/posts.valid.jsonl --model {out} --json".split()) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {"sentiment", "topic", "entity_sentiment"}
    assert told["sentiment"]["accuracy"] > 0.9


def test_a_teacher_is_trained_first_and_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, data, out = begun(tmp_path, monkeypatch)
    written(data / "posts.train.jsonl", range(120))
    recipe = tmp_path / "recipe.toml"
    # all the pupil hears is its teacher
    recipe.write_text(
        f'base = "{base}"\ntrain = ["posts.train.jsonl"]\nepochs = 6\npatience = 6\nwindow = 24\n'
        "batch_texts = 8\nlearning_rate = 4e-3\nhead_learning_rate = 8e-3\nbits = 8\n"
        "teacher_weight = 1.0\nteacher = {seed = 7}\n"
    )
    command = f"model train --config {recipe} --data {data} --out {out} --device cpu --json"
    assert status_of(command.split()) == 0
    teacher = tmp_path / "artifact.run" / "teacher"
    taught = load(teacher, str(base))
    assert taught.about.recipe["seed"] == 7 and not taught.about.recipe["teacher_weight"]
    capsys.readouterr()
    written(data / "posts.valid.jsonl", range(200, 230))
    assert status_of(f"model evaluate {data}/posts.valid.jsonl --model {out} --json".split()) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["sentiment"]["accuracy"] > 0.7
    # it is there already; texts that have changed need another
    before = (teacher / "weights.safetensors").stat().st_mtime_ns
    assert status_of(command.split()) == 0
    assert (teacher / "weights.safetensors").stat().st_mtime_ns == before
    assert is_made(teacher, recipe_of_teacher(read_recipe(recipe)), taught.about.data, str(base))
    assert not is_made(teacher, recipe_of_teacher(read_recipe(recipe)), {}, str(base))


def test_own_labels_are_learned_on_top_of_an_artifact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, data = tmp_path / "base", tmp_path / "data"
    base.mkdir()
    data.mkdir()
    tiny_base(base)
    monkeypatch.setenv("BELLWETHER_MODEL_BASE", str(base))
    written(data / "posts.train.jsonl", range(120))
    common = f'base = "{base}"\nwindow = 24\nbatch_texts = 8\nbits = 8\n'
    first = tmp_path / "first.toml"
    first.write_text(
        f'{common}train = ["posts.train.jsonl"]\nepochs = 8\npatience = 8\n'
        "learning_rate = 2e-3\nhead_learning_rate = 5e-3\n"
    )
    command = f"model train --config {first} --data {data} --out {data / 'begun'} --device cpu"
    assert status_of(command.split()) == 0
    # ten labels of sentiment alone, and steps too small to change what the artifact knows
    own = [{"text": line(n)["text"], "sentiment": line(n)["sentiment"]} for n in range(120, 130)]
    (data / "own.train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in own))
    second = tmp_path / "second.toml"
    second.write_text(
        f'{common}train = ["own.train.jsonl"]\nstart = "begun"\nepochs = 1\n'
        "learning_rate = 1e-6\nhead_learning_rate = 1e-6\n"
    )
    out = tmp_path / "tuned"
    command = f"model train --config {second} --data {data} --out {out} --device cpu"
    assert status_of(command.split()) == 0
    capsys.readouterr()
    written(data / "posts.valid.jsonl", range(200, 230))
    assert status_of(f"model evaluate {data}/posts.valid.jsonl --model {out} --json".split()) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert all(told[task]["accuracy"] > 0.9 for task in ("sentiment", "topic", "entity_sentiment"))
    # what has no label in the new texts keeps the scale it had
    begun, tuned = (load(path, str(base)).about for path in (data / "begun", out))
    assert tuned.scale("topic") == begun.scale("topic")
    assert tuned.scale("entity_sentiment") == begun.scale("entity_sentiment")


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("--device gpu", "--device gpu: auto, cpu, cuda or cuda:1"),
        ("--device cuda:7", "torch finds no such GPU"),
        ("--seed 99999999999999999999", "--seed: seed"),
        ("--out own.train.jsonl", "--out own.train.jsonl: cannot be made"),
    ],
)
def test_a_wrong_option_is_said_before_anything_is_trained(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    wrong: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "own.train.jsonl", range(8))
    (tmp_path / "recipe.toml").write_text('train = ["own.train.jsonl"]\n')
    assert status_of(f"model train --config recipe.toml {option}".split()) != 0
    told = capsys.readouterr().err
    assert wrong in told
    assert "Traceback" not in told
    assert {path.name for path in tmp_path.iterdir()} <= {
        "own.train.jsonl", "recipe.toml", "artifact"
    }  # fmt: skip


def test_texts_without_a_label_teach_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.train.jsonl").write_text('{"text": "Profit rises"}\n' * 3)
    (tmp_path / "recipe.toml").write_text('train = ["a.train.jsonl"]\ndevelopment = 0.0\n')
    command = f"model train --config {tmp_path}/recipe.toml --data {tmp_path} --out {tmp_path}/made"
    assert status_of(command.split()) != 0
    assert "no text with a label is left to train on" in capsys.readouterr().err


def test_an_artifact_on_another_base_is_no_beginning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    tiny_base(base)
    written(tmp_path / "own.train.jsonl", range(8))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'base = "{base}"\ntrain = ["own.train.jsonl"]\nwindow = 24\nstart = "shipped"\n'
    )
    command = f"model train --config {recipe} --data {tmp_path} --out {tmp_path / 'made'}"
    assert status_of(command.split()) != 0
    told = capsys.readouterr().err
    assert "start: shipped stands on" in told
    assert "not on base" in told


def test_a_label_that_does_not_exist_names_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.train.jsonl").write_text('{"text": "x", "sentiment": "angry"}\n')
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('train = ["a.train.jsonl"]\n')
    command = f"model train --config {recipe} --data {tmp_path} --out {tmp_path / 'made'}"
    assert status_of(command.split()) != 0
    told = capsys.readouterr().err
    assert "a.train.jsonl:1" in told
    assert "angry" in told
    assert {path.name for path in tmp_path.iterdir()} == {"a.train.jsonl", "recipe.toml"}


def saved(kind: str, folder: Path) -> None:
    """A small encoder as hubs have it: made for a task, with heads beside it."""
    hub: Any = importlib.import_module("transformers")
    sizes = {
        "vocab_size": 120,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 66,
    }
    own = {
        **{"vocab_size": 120, "dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64},
        "max_position_embeddings": 64,
    }
    made = {
        "distilbert": lambda: hub.DistilBertForMaskedLM(hub.DistilBertConfig(**own)),
        "xlm-roberta": lambda: hub.XLMRobertaForMaskedLM(
            hub.XLMRobertaConfig(**sizes, pad_token_id=0)
        ),
        "electra": lambda: hub.ElectraForPreTraining(hub.ElectraConfig(**sizes, embedding_size=16)),
    }
    made[kind]().save_pretrained(folder)


@pytest.mark.parametrize("kind", ["xlm-roberta", "distilbert", "electra"])
def test_encoders_of_other_kinds_are_trained_on_for_another_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    base, other, data, out = (tmp_path / one for one in ("base", "other", "data", "artifact"))
    data.mkdir()
    for folder in (base, other):
        tiny_base(folder)
    saved(kind, base)
    # two encoders, because other artifacts stand on another one
    monkeypatch.setenv("BELLWETHER_MODEL_BASE", f"{other}:{base}")
    written(data / "posts.train.jsonl", range(40))
    recipe = tmp_path / "recipe.toml"
    common = f'base = "{base}"\ntrain = ["posts.train.jsonl"]\nepochs = 1\nbatch_texts = 8\n'
    recipe.write_text(f'{common}languages = ["zh"]\nwindow = 24\n')
    command = f"model train --config {recipe} --data {data} --out {out} --device cpu"
    assert status_of(command.split()) == 0
    found = load_classifier(f"zh={out}", f"{other}:{base}")
    (answer,) = found.classify([ClassifierInput(title="", text="acme 1", lang="zh", mentions={})])
    assert answer.sentiment is not None
    for model in (str(out), f"zh={out},en={out}"):
        with pytest.raises(ConfigurationError, match="reads zh, not 'en'"):
            load_classifier(model, str(base))
    # what it cannot read is said before anything is trained
    recipe.write_text(f"{common}window = 100\n")
    assert status_of(command.split()) == 2
    assert "window: 100 is more than the 6" in capsys.readouterr().err
