"""`bellwether model`: what it prints, and what it says of files that cannot be measured."""

import json
from pathlib import Path

import pytest

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
