"""An artifact is put in place when it is whole."""

from pathlib import Path

import pytest

from models.artifact import load
from models.artifact_files import CARD, CHECKSUMS, METRICS, seal
from models.corpus import corpus_of
from models.encoder import read_base
from models.finding import BaseReference
from models.finishing import writable, written
from pipeline.errors import ConfigurationError
from tests.tiny_encoder import SHAPE, tiny_artifact, tiny_base
from tests.unit.models.test_training import RECIPE, examples, network_on

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


def make(out: Path, base: Path, reference: BaseReference, **told: object) -> str:
    read = read_base(base)
    about = {
        "base": reference,
        "shape": SHAPE,
        "window": 24,
        "languages": ("en",),
        "recipe": {},
        "data": {},
    }
    corpus = corpus_of(examples()[:12], read.tokenizer, 24)
    return written(out, network_on(base), read, about, RECIPE, corpus, corpus, told)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "base"


def test_a_run_that_ends_midway_leaves_what_was_there(tmp_path: Path, base: Path) -> None:
    out = tmp_path / "out"
    version = tiny_artifact(out, base)
    (out / METRICS).write_text("{}")
    seal(out)
    before = content(out)
    with pytest.raises(TypeError):
        # figures that cannot be written, when the weights are
        make(out, base, tiny_base(base), history=object())
    assert content(out) == before
    assert load(out, str(base)).version == version
    # and the next run is not held up by its remains
    assert make(out, base, tiny_base(base)) == load(out, str(base)).version != version


def test_nothing_of_an_artifact_before_is_carried_over(tmp_path: Path, base: Path) -> None:
    out = tmp_path / "out"
    tiny_artifact(out, base)
    (out / CARD).write_text("of another")
    (out / "notes.txt").write_text("mine")
    seal(out)
    make(out, base, tiny_base(base), story_cosine=0.5)
    assert sorted(path.name for path in out.iterdir()) == [
        "artifact.json",
        "checksums.txt",
        "metrics.json",
        "notes.txt",
        "reference.json",
        "weights.safetensors",
    ]
    assert "notes" not in (out / CHECKSUMS).read_text()
    assert '"story_cosine": 0.5' in (out / METRICS).read_text()


def test_a_folder_that_cannot_be_written_to_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"--out .*file: cannot be made"):
        writable(tmp_path / "file")
    writable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
