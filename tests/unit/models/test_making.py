"""What an artifact tells of the files it was trained on."""

import json
from pathlib import Path

import pytest

from models.artifact_files import ABOUT, seal
from models.making import digests
from models.recipe import Recipe
from models.teaching import is_made
from tests.tiny_encoder import tiny_artifact

RECIPE = Recipe(train=("en/posts.jsonl", "zh/posts.jsonl"), adapt=("stream.jsonl",))


def data_of(folder: Path) -> dict[str, str]:
    for name in (*RECIPE.train, *RECIPE.adapt):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return digests(RECIPE, folder)


def test_of_two_files_of_one_name_both_are_told(tmp_path: Path) -> None:
    found = data_of(tmp_path)
    assert list(found) == ["en/posts.jsonl", "zh/posts.jsonl", "stream.jsonl"]
    assert len(set(found.values())) == 3


@pytest.mark.parametrize(
    ("kept", "now", "made"),
    [
        ({"a.jsonl": "1"}, {"a.jsonl": "1"}, True),
        ({"en/a.jsonl": "1"}, {"en/a.jsonl": "1"}, True),
        # as it was told before
        ({"a.jsonl": "1"}, {"en/a.jsonl": "1"}, True),
        ({"a.jsonl": "2"}, {"en/a.jsonl": "1", "zh/a.jsonl": "2"}, False),
        ({"a.jsonl": "1"}, {"a.jsonl": "2"}, False),
        ({"en/a.jsonl": "1"}, {"zh/a.jsonl": "1"}, False),
    ],
)
def test_a_teacher_is_known_again_by_its_files(
    tmp_path: Path, kept: dict[str, str], now: dict[str, str], made: bool
) -> None:
    folder, base = tmp_path / "artifact", tmp_path / "base"
    tiny_artifact(folder, base)
    about = json.loads((folder / ABOUT).read_text())
    (folder / ABOUT).write_text(json.dumps({**about, "data": kept}))
    seal(folder)
    assert is_made(folder, Recipe(), now, str(base)) == made
