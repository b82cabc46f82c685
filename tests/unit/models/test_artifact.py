"""An artifact on disk: whole and ours, or refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.artifact import load, read_about
from models.artifact_files import ABOUT, CHECKSUMS, WEIGHTS, digest, seal, version_of
from models.encoder import read_base
from models.exporting import export
from models.finding import find_base
from pipeline.errors import ConfigurationError
from tests.tiny_encoder import head_tensors, tiny_artifact, tiny_base


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "base"


@pytest.fixture
def folder(tmp_path: Path, base: Path) -> Path:
    tiny_artifact(tmp_path / "artifact", base)
    return tmp_path / "artifact"


def test_an_artifact_reads_back_nearly_as_it_was_written(folder: Path, base: Path) -> None:
    artifact = load(folder, str(base))
    assert artifact.version == version_of(folder)
    assert artifact.version.startswith("bellwether-")
    for name, value in head_tensors().items():
        assert np.allclose(artifact.tensors[name], value, atol=2e-3), name
    for name, value in read_base(base).tensors.items():
        assert np.abs(artifact.tensors[f"encoder.{name}"] - value).max() < 0.2
    assert set(artifact.about.temperatures) == {"sentiment", "topic", "entity_sentiment"}


def test_what_changes_an_answer_changes_the_version(folder: Path) -> None:
    before = version_of(folder)
    about = json.loads((folder / ABOUT).read_text())
    about["temperatures"]["topic"] = 2.0
    (folder / ABOUT).write_text(json.dumps(about))
    assert seal(folder) != before
    (folder / "metrics.json").write_text("{}")
    assert seal(folder) == version_of(folder) != before


def refusal(folder: Path, base: Path) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load(folder, str(base))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_flipped_bit_is_noticed(folder: Path, base: Path) -> None:
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    assert f"{WEIGHTS} is damaged" in refusal(folder, base)


@pytest.mark.parametrize("name", [ABOUT, WEIGHTS])
def test_a_missing_file_is_named(folder: Path, base: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{name} is missing" in refusal(folder, base)


def test_a_folder_without_checksums_is_refused(folder: Path, base: Path) -> None:
    (folder / CHECKSUMS).unlink()
    assert CHECKSUMS in refusal(folder, base)


def test_a_file_outside_the_folder_is_never_read(folder: Path, base: Path) -> None:
    listed = (folder / CHECKSUMS).read_text()
    (folder / CHECKSUMS).write_text(listed + f"{'0' * 64}  ../base/config.json\n")
    assert "is missing" in refusal(folder, base)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"format": 2}, "format 2, this reader knows 1"),
        ({"labels": {"sentiment": ["a", "b"]}}, "its labels"),
        ({"window": "many"}, "window"),
        ({"window": 2}, "a window of 2 tokens"),
        ({"window": 100}, "no window of 100 tokens"),
        ({"bits": 16}, "16 bits"),
        ({"temperatures": {"sentiment": 0.0}}, "a temperature of 0.0 for sentiment"),
        ({"powers": {"topic": -1.0}}, "a power of -1.0 for topic"),
        ({"shape": {"width": 32, "pool_heads": 0, "story_width": 8}}, "0 pool heads"),
        ({"shape": {"width": 32, "pool_heads": 5, "story_width": 8}}, "5 pool heads"),
        ({"weights_sha256": "0" * 64}, "is not the file"),
    ],
)
def test_a_foreign_artifact_is_refused(
    folder: Path, base: Path, change: dict[str, object], wrong: str
) -> None:
    about = json.loads((folder / ABOUT).read_text()) | change
    (folder / ABOUT).write_text(json.dumps(about))
    seal(folder)
    assert wrong in refusal(folder, base)


@pytest.mark.parametrize(
    ("name", "instead", "wrong"),
    [
        ("head/story.weight", None, "story.weight is missing"),
        ("head/heads.topic.out.weight", (5, 32), "topic.out.weight has the shape (5, 32)"),
        ("scales/", None, "does not fit together"),
        ("packed/", (3,), "does not fit together"),
        ("head/heads.sentiment.pool.query", None, "sentiment.pool.query is missing"),
    ],
)
def test_weights_that_lack_something_are_refused_however_well_they_are_sealed(
    folder: Path, base: Path, name: str, instead: tuple[int, ...] | None, wrong: str
) -> None:
    tensors = load_file(folder / WEIGHTS)
    chosen = next(one for one in sorted(tensors) if one.startswith(name))
    del tensors[chosen]
    if instead is not None:
        tensors[chosen] = np.zeros(instead, np.uint8 if name == "packed/" else np.float16)
    save_file(tensors, folder / WEIGHTS)
    about = json.loads((folder / ABOUT).read_text())
    about["weights_sha256"] = digest(folder / WEIGHTS)
    (folder / ABOUT).write_text(json.dumps(about))
    seal(folder)
    assert wrong in refusal(folder, base)


def test_a_list_of_checksums_with_an_impossible_name_is_refused(folder: Path, base: Path) -> None:
    listed = (folder / CHECKSUMS).read_text()
    (folder / CHECKSUMS).write_text(listed + f"{'0' * 64}  {'x' * 5_000}\n")
    assert "x cannot be read" in refusal(folder, base)


def test_another_base_is_refused(folder: Path, tmp_path: Path) -> None:
    tiny_base(tmp_path / "other", seed=9)
    with pytest.raises(ConfigurationError, match="BELLWETHER_MODEL_BASE"):
        load(folder, str(tmp_path / "other"))


def test_a_missing_base_names_the_setting(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"BELLWETHER_MODEL_BASE=.*no model\.safetensors"):
        load(folder, str(tmp_path / "nowhere"))


def test_the_wheel_holds_the_base_of_the_shipped_artifact() -> None:
    assert (find_base() / "tokenizer.json").is_file()


def test_an_export_is_complete(folder: Path, base: Path, tmp_path: Path) -> None:
    artifact = load(folder, str(base))
    written = export(artifact, tmp_path / "out")
    assert [path.name for path in written] == [
        "encoder.onnx",
        "heads.safetensors",
        "tokenizer.json",
        "about.json",
    ]
    assert json.loads(written[-1].read_text())["version"] == artifact.version


def test_what_an_artifact_says_of_itself_can_be_read_without_its_base(folder: Path) -> None:
    assert read_about(folder).window == 16
