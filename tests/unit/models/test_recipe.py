"""Recipes: strict TOML, and a rate that goes where it says."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from models.optimizing import schedule
from models.recipe import (
    SHIPPED,
    Recipe,
    made,
    read_recipe,
    recipe_of_teacher,
    same_told,
)
from pipeline.errors import ConfigurationError


def test_the_shipped_recipe_is_one() -> None:
    assert read_recipe(SHIPPED).train


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("epochs = ", "not TOML"),
        ("train = ['a']\nepoch = 3", "unknown key 'epoch'"),
        ("train = ['a']\nepochs = 'three'", "epochs: Expected `int`"),
        ("train = ['a']\nepochs = 0", "epochs: 0 is outside 1 to 100"),
        ("train = ['a']\nprecision = 'int8'", "precision: 'int8' is not one of auto, fp32, bf16"),
        ("epochs = 3", "train: name at least one"),
        ("train = ['a']\nepochs = 3\ncycles = [1, 1]", "cycles: (1, 1) are not 3 epochs"),
        ("train = ['a']\nteachers = ['t']", "teach nothing"),
        ("train = ['a']\nteacher = {epochs = 2}", "teach nothing"),
        (
            "train = ['a']\nteacher_weight = 0.5\nteacher = {epoch = 2}",
            "teacher: unknown key 'epoch'",
        ),
    ],
)
def test_a_wrong_recipe_is_named(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"recipe\.toml: ") as raised:
        read_recipe(path)
    assert wrong in str(raised.value)


def test_a_teacher_learns_as_its_pupil_does_but_for_what_is_said() -> None:
    given = {"train": ["a"], "epochs": 3, "teacher_weight": 0.5, "rdrop": 0.1}
    teacher = recipe_of_teacher(made({**given, "teacher": {"epochs": 5}}, "test"))
    assert teacher == made({"train": ["a"], "epochs": 5, "rdrop": 0.1}, "test")


def test_a_recipe_is_known_again_from_json_and_from_before_a_key_was_one() -> None:
    recipe = asdict(made({"train": ["a"], "epochs": 2, "cycles": [1, 1]}, "test"))
    told = json.loads(json.dumps(recipe))
    del told["languages"], told["teacher"]
    assert same_told(told, recipe)
    assert not same_told({**told, "epochs": 3}, recipe)
    assert not same_told(told, {**recipe, "languages": ("zh",)})


def test_the_rate_rises_falls_and_restarts() -> None:
    recipe = made(
        {"train": ["a"], "epochs": 4, "cycles": [2, 2], "cycle_rates": [1.0, 0.5], "warmup": 0.1},
        "test",
    )
    rates = [schedule(step, 50, recipe) for step in range(200)]
    assert rates[9] == pytest.approx(1.0)
    assert rates[99] < 0.01
    assert max(rates[100:]) == pytest.approx(0.5)
    assert rates[199] < 0.01
    assert min(rates) >= 0.0


def test_without_cycles_there_is_one() -> None:
    recipe = Recipe(train=("a",), epochs=3, warmup=0.0)
    assert schedule(0, 10, recipe) == pytest.approx(1.0)
    assert schedule(15, 10, recipe) == pytest.approx(0.5, abs=0.06)
