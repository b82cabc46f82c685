"""A search for hyper-parameters on a tiny encoder: within its space, taken up again, best kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.recipe import Recipe, read_recipe, toml_of
from models.searching import SPACE, Search, Tried, search
from pipeline.errors import ConfigurationError
from tests.unit.models.test_training import RECIPE, examples, folder

__all__ = ["folder"]  # a fixture

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labelled")
    lines = [
        json.dumps({"text": f"{one.text} {copy}", "sentiment": one.sentiment, "topic": one.topic})
        for one in examples()
        for copy in range(2)
    ]
    (path / "a").write_text("\n".join(lines) + "\n")
    return path


def recipe_on(folder: Path) -> Recipe:
    return replace(RECIPE, base=str(folder), development=0.3, epochs=1)


def test_the_best_of_the_trials_is_kept_and_a_search_goes_on(
    folder: Path, data: Path, tmp_path: Path
) -> None:
    tried: list[Tried] = []
    where = Search(data=data, work=tmp_path, trials=2)
    recipe = recipe_on(folder)
    best, score = search(recipe, where, tried.append)
    assert [one.number for one in tried] == [0, 1]
    # it begins from what is known to work
    known = {name: getattr(recipe, name) for name in SPACE}
    assert tried[0].values == {**known, "learning_rate": 5e-4, "head_learning_rate": 3e-3}
    assert score == max(one.score for one in tried if one.score is not None)
    for name, (least, most, _) in SPACE.items():
        assert least <= tried[1].values[name] <= most
        assert getattr(best, name) in (tried[0].values[name], tried[1].values[name])
    search(recipe, replace(where, trials=3), tried.append)
    assert [one.number for one in tried] == [0, 1, 2]
    # another recipe begins anew
    search(replace(recipe, epochs=2), replace(where, trials=1), tried.append)
    assert tried[-1].number == 0


def test_a_search_needs_texts_to_judge_by(folder: Path, data: Path, tmp_path: Path) -> None:
    recipe = replace(recipe_on(folder), development=0.0)
    with pytest.raises(ConfigurationError, match="to train on and to judge by"):
        search(recipe, Search(data=data, work=tmp_path, trials=1))


def test_a_recipe_that_was_written_reads_back(tmp_path: Path) -> None:
    recipe = replace(RECIPE, cycles=(1, 1), teachers=("a", 'b"\\'), teacher_weight=0.25, rdrop=1e-7)
    path = tmp_path / "recipe.toml"
    for one in (recipe, replace(recipe, teacher={"epochs": 3, "cycles": [1, 2]})):
        path.write_text(toml_of(one), "utf-8")
        assert read_recipe(path) == one
