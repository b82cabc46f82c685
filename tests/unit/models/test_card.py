"""The model card, from the JSON files of an artifact alone."""

import hashlib
import json
from pathlib import Path

import pytest

from models.card import card_of, measured_into
from models.data import Example
from models.evaluation import as_json, evaluate
from pipeline.errors import ConfigurationError
from tests.unit.models.scorer import WordScorer, feeling

ABOUT = {
    "base": {"name": "some/encoder", "sha256": "ab" * 32, "revision": "c9"},
    "temperatures": {"sentiment": 1.31, "topic": 1.02},
    "recipe": {"epochs": 4, "seed": 7, "label_smoothing": 0.1},
    "data": {"tweets_sentiment.train.jsonl": "cd" * 32},
    "format": 1,
}


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    examples = [
        Example(f"{word} {n}", "t:1", sentiment="negative", slices={"source": source})
        for word, source in (("bad", "a"), ("odd", "b"))
        for n in range(8)
    ]
    examples.append(Example("x", "t:1", topic="Gold | Metals | Materials"))
    reports = evaluate(WordScorer(feeling), examples, rounds=20)
    (tmp_path / "artifact.json").write_text(json.dumps(ABOUT))
    (tmp_path / "metrics.json").write_text(
        json.dumps({"evaluation": {"some.valid": as_json(reports)}})
    )
    (tmp_path / "weights.safetensors").write_bytes(b"weights")
    (tmp_path / "checksums.txt").write_text("")
    return tmp_path


def test_the_card_has_every_part(artifact: Path) -> None:
    card = card_of(artifact)
    heads = [line for line in card.splitlines() if line.startswith("## ")]
    assert heads == [
        "## Intended use",
        "## Data and licences",
        "## Figures",
        "## Known failures",
        "## Training",
        "## Files",
    ]


def test_figures_come_from_the_metrics_by_class_and_by_source(artifact: Path) -> None:
    card = card_of(artifact)
    assert "| some.valid | sentiment | 16 | 0.500 | 0.500 (" in card
    assert "| negative | 1.000 | 0.500 | 0.667 | 16 |" in card
    assert "| source: a | 8 | 1.000 |" in card
    assert "| source: b | 8 | 0.000 |" in card
    assert "- sentiment: of the 16 texts of `negative` in some.valid it finds 50%." in card


def test_a_bar_in_a_topic_does_not_break_its_table(artifact: Path) -> None:
    (line,) = [one for one in card_of(artifact).splitlines() if one.startswith("| Gold")]
    assert line.startswith("| Gold \\| Metals \\| Materials |")
    assert line.replace("\\|", "").count("|") == 6


def test_training_and_checksums_are_those_of_the_files(artifact: Path) -> None:
    card = card_of(artifact)
    assert "| `epochs` | `4` |" in card
    assert "| `sentiment` | `1.31` |" in card
    assert f"`{'cd' * 32}`" in card
    digest = hashlib.sha256(b"weights").hexdigest()
    assert f"| `weights.safetensors` | 7 | `{digest}` |" in card
    assert "checksums.txt" not in card
    about = hashlib.sha256((artifact / "artifact.json").read_bytes()).hexdigest()
    assert card.startswith(f"# bellwether-{about[:12]}\n")


def test_the_card_can_be_written_into_the_artifact_and_stays_the_same(artifact: Path) -> None:
    first = card_of(artifact)
    (artifact / "card.md").write_text(first)
    assert card_of(artifact) == first


def test_an_artifact_that_was_not_measured_says_so(artifact: Path) -> None:
    (artifact / "metrics.json").unlink()
    assert "Not measured" in card_of(artifact)


def test_what_is_no_artifact_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"artifact\.json"):
        card_of(tmp_path)
    (tmp_path / "artifact.json").write_text("[]")
    with pytest.raises(ConfigurationError, match="a JSON object"):
        card_of(tmp_path)


def test_measuring_into_the_artifact_keeps_what_else_is_known(artifact: Path) -> None:
    (artifact / "metrics.json").write_text('{"development": {"topic": 0.9}}')
    labelled = artifact.parent / "fresh.valid.jsonl"
    labelled.write_text('{"text": "bad", "sentiment": "negative"}\n')
    measured_into(artifact, WordScorer(feeling), [labelled])
    metrics = json.loads((artifact / "metrics.json").read_text())
    assert metrics["development"] == {"topic": 0.9}
    assert metrics["evaluation"]["fresh.valid"]["sentiment"]["n"] == 1
    assert "| fresh.valid | sentiment | 1 |" in card_of(artifact)


def test_of_two_files_of_one_name_both_are_measured(artifact: Path, tmp_path: Path) -> None:
    files = [tmp_path / one for one in ("en/x.valid.jsonl", "zh/x.valid.jsonl", "y.valid.jsonl")]
    for number, file in enumerate(files, 1):
        file.parent.mkdir(exist_ok=True)
        file.write_text('{"text": "bad", "sentiment": "negative"}\n' * number)
    measured_into(artifact, WordScorer(feeling), [*files, files[0]])
    told = json.loads((artifact / "metrics.json").read_text())["evaluation"]
    assert {name: one["sentiment"]["n"] for name, one in told.items()} == {
        "en/x.valid": 1,
        "zh/x.valid": 2,
        "y.valid": 3,
    }


def test_the_files_are_listed_with_what_is_known_of_their_licence(artifact: Path) -> None:
    card = card_of(artifact)
    assert "| tweets_sentiment.train.jsonl | finance tweets | MIT | trained on |" in card
    assert "| some.valid |  | not known here | measured on |" in card
    assert "PhraseBank" not in card
