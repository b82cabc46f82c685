"""`bellwether model`: what it prints, and what it says of files that cannot be measured."""

import json
from pathlib import Path

import pytest

from tests.tiny_encoder import tiny_artifact
from workers.cli import status_of

LINES = [
    {"text": "Shares plunge on profit warning", "sentiment": "negative", "source": "wire"},
    {"text": "Profit beats estimates, shares soar", "sentiment": "positive", "source": "wire"},
    {"text": "Declares quarterly dividend", "topic": "Dividend", "source": "post"},
    {"text": "Acme soars, Bolt plunges", "entities": {"Acme": "positive", "Bolt": "negative"}},
]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES), encoding="utf-8")
    return path


def test_evaluate_prints_one_object_by_task(
    labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["model", "evaluate", str(labelled), "--model", "baseline", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert {task: one["n"] for task, one in found.items()} == {
        "sentiment": 2,
        "topic": 1,
        "entity_sentiment": 2,
    }
    assert found["sentiment"]["accuracy"] == 1.0
    assert found["sentiment"]["slices"]["source"] == {
        "wire": {"n": 2, "accuracy": 1.0, "macro_f1": 1.0, "negative_recall": 1.0}
    }


def test_evaluate_prints_negative_recall_first_for_people(
    labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["model", "evaluate", str(labelled), "--model", "baseline"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("sentiment: 2 labels") + 1].startswith("  negative recall 1.000")


def test_evaluate_writes_the_page_and_the_folder(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", "baseline", "--html", str(tmp_path / "a.html")]
    arguments += ["--report", str(tmp_path / "report")]
    assert status_of(["model", "evaluate", str(labelled), *arguments]) == 0
    assert "<svg" in (tmp_path / "a.html").read_text("utf-8")
    assert (tmp_path / "report" / "sentiment-reliability.svg").exists()
    assert capsys.readouterr().err.count("written: ") > 3


@pytest.mark.parametrize(
    ("line", "phrase"),
    [
        ('{"text": "x", "sentiment": "glad"}', "labelled.jsonl:2: sentiment 'glad'"),
        ('{"text": "x", "topic": "Sports"}', "labelled.jsonl:2: topic 'Sports'"),
        ('{"text": "x", "entities": {"A": "up"}}', "labelled.jsonl:2: entities['A'] 'up'"),
        ('{"sentiment": "neutral"}', "labelled.jsonl:2: `text`"),
        ("{", "labelled.jsonl:2: not JSON"),
    ],
)
def test_a_line_that_cannot_be_is_named(
    line: str, phrase: str, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled.write_text(f'{{"text": "fine", "sentiment": "neutral"}}\n{line}\n')
    assert status_of(["model", "evaluate", str(labelled), "--model", "baseline"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert phrase in captured.err
    assert len(captured.err.splitlines()) == 1


def test_a_file_that_is_not_there_or_has_no_labels_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plain.jsonl").write_text('{"text": "x"}\n')
    for name, phrase in (("none.jsonl", "cannot be read"), ("plain.jsonl", "has a label")):
        assert status_of(["model", "evaluate", str(tmp_path / name), "--model", "baseline"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert phrase in line


def test_explain_names_the_words_of_a_text_and_of_the_companies_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["model", "explain", "Tesla shares plunge", "--model", "baseline"]
    assert status_of([*arguments, "--json", "--html", str(tmp_path / "why.html")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["tasks"]) == {"sentiment", "topic", "entity_sentiment"}
    assert list(found["tasks"]["entity_sentiment"]) == ["Tesla"]
    words = {one["word"]: one["attribution"] for one in found["tasks"]["sentiment"]["words"]}
    assert max(words, key=lambda word: words[word]) == "plunge"
    assert "plunge" in (tmp_path / "why.html").read_text("utf-8")
    assert status_of(arguments) == 0
    # no colours where nobody looks
    assert "\n  Tesla shares plunge\n" in capsys.readouterr().out


def test_a_name_that_is_no_whole_text_is_asked_about_as_far_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An argument with a byte that is no UTF-8 arrives with half a character in it."""
    arguments = ["model", "explain", "Tesla plunges", "--entity", "Tes\udce9la"]
    for more in ([], ["--json"]):
        assert status_of([*arguments, "--model", "baseline", *more]) == 0
        assert "Tes?la" in capsys.readouterr().out


def test_explain_names_the_words_that_drive_each_class_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "Shares plunge today"}\n{"title": "Profits plunge"}\n' * 3)
    arguments = ["model", "explain", "--file", str(path), "--model", "baseline", "--deletion"]
    assert status_of([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["texts"] == 6
    assert found["drivers"]["sentiment"]["negative"][0]["word"] == "plunge"
    first = found["deletion"]["sentiment"][0]
    assert first["top"] > first["random"]
    assert status_of(arguments) == 0
    assert "sentiment negative: plunge" in capsys.readouterr().out


def test_explain_needs_one_text_or_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["text", "--file", "x.jsonl"], ["これは", "--model", "baseline"]):
        assert status_of(["model", "explain", *arguments]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_robustness_is_a_row_per_task_and_change(
    labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["model", "robustness", str(labelled), "--model", "baseline"]
    assert status_of([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sentiment"]["negation flipped"]["should_move"]
    assert status_of(arguments) == 0
    assert "should stay" in capsys.readouterr().out


def test_compare_names_both_and_their_difference(
    labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["model", "compare", "stub", "baseline", str(labelled)]
    assert status_of([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["sentiment"]
    assert found["a"] == "stub"
    assert found["differences"]["accuracy"]["difference"] == 1.0
    assert status_of(arguments) == 0
    assert "p 1.000, too few texts differ (1)" in capsys.readouterr().out


def test_drift_writes_a_reference_and_holds_later_texts_against_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual, later = tmp_path / "usual.jsonl", tmp_path / "later.jsonl"
    usual.write_text('{"text": "Shares plunge"}\n{"text": "Shares soar"}\n' * 100)
    later.write_text('{"text": "Shares plunge"}\n' * 200)
    reference = str(tmp_path / "reference.json")
    given = ["--model", "baseline"]
    assert status_of(["model", "drift", str(usual), "--write-reference", reference, *given]) == 0
    assert status_of(["model", "drift", str(usual), "--reference", reference, *given]) == 0
    assert status_of(["model", "drift", str(later), "--reference", reference, *given]) == 1
    assert "sentiment labels" in capsys.readouterr().out
    assert status_of(["model", "drift", str(later), *given]) == 2
    assert "--write-reference" in capsys.readouterr().err


def test_a_folder_that_is_no_artifact_has_no_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["model", "card", str(tmp_path)]) == 2
    assert "artifact.json" in capsys.readouterr().err


def test_an_artifact_measured_carries_its_figures_and_its_card(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, base = tmp_path / "artifact", tmp_path / "base"
    version = tiny_artifact(folder, base)
    measure = ["model", "card", str(folder), "--measure", str(labelled)]
    environment = {"BELLWETHER_MODEL_BASE": str(base), "BELLWETHER_MODEL_RUNTIME": "onnx-fp32"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        assert status_of(measure) == 0
        assert version in capsys.readouterr().err
        assert status_of(["model", "card", str(folder)]) == 0
        card = capsys.readouterr().out
        assert card.startswith(f"# {version}")
        assert "| labelled | sentiment | 2 |" in card
        # sealed again: it still loads
        assert status_of(["model", "explain", "Acme falls", "--model", str(folder), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["model"] == version
        assert told["tasks"]["sentiment"]["method"] == "integrated gradients"
