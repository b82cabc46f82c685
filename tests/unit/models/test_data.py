"""Labelled files: read strictly, wrong lines named."""

import json
from pathlib import Path

import pytest

from models.data import read_examples, readable
from models.evaluation import as_json, evaluate
from pipeline.errors import ConfigurationError
from tests.unit.models.scorer import WordScorer, feeling


def written(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_any_mix_of_labels_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path / "mixed.jsonl",
        {"text": "Acme falls", "sentiment": "negative", "agreement": 75},
        "",
        {"text": "Rates rise", "topic": "Macro"},
        {"text": "Acme up, Bolt down", "entities": {"Acme": "positive", "Bolt": "negative"}},
    )
    first, second, third = read_examples([path])
    assert (first.sentiment, first.topic, first.slices) == ("negative", None, {"agreement": "75"})
    assert (second.topic, second.where) == ("Macro", f"{path}:3")
    assert third.entities == (("Acme", "positive"), ("Bolt", "negative"))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{", "not JSON"),
        ("[" * 5_000, "not JSON"),
        ("[1]", "a JSON object is needed"),
        ('{"text": " "}', "`text` is missing or empty"),
        ('{"text": "x", "sentiment": "bearish"}', "sentiment 'bearish' is none of negative"),
        ('{"text": "x", "topic": 3}', "topic 3 is none of"),
        ('{"text": "x", "topic": "Macro", "topic": "IPO"}', "'topic' is there twice"),
        (
            '{"text": "x", "entities": {"Acme": "negative", "A\\u0063me": "positive"}}',
            "'Acme' is there twice",
        ),
        ('{"text": "x", "entities": ["Acme"]}', "must map each name"),
        ('{"text": "x", "entities": {"Acme": "up"}}', "entities['Acme'] 'up' is none of"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, wrong: str) -> None:
    path = written(tmp_path / "wrong.jsonl", {"text": "fine"}, line)
    with pytest.raises(ConfigurationError, match=r"wrong\.jsonl:2: ") as raised:
        read_examples([path])
    assert wrong in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.jsonl: cannot be read"):
        read_examples([tmp_path / "gone.jsonl"])


def test_links_and_html_cost_no_tokens() -> None:
    assert readable("AT&amp;T  up https://t.co/xYz9\n") == "AT&T up http"


def test_half_a_character_is_a_question_mark_wherever_it_stands(tmp_path: Path) -> None:
    line = (
        r'{"text": "cut \ud83d", "entities": {"Ac\ud800me": "negative"}, "de\udfffsk": "a\ud83d"}'
    )
    (one,) = read_examples([written(tmp_path / "cut.jsonl", line)])
    assert one.text == "cut ?"
    assert one.entities == (("Ac?me", "negative"),)
    assert one.slices == {"de?sk": "a?"}
    # what is measured of it can be written down
    json.dumps(as_json(evaluate(WordScorer(feeling), [one])), ensure_ascii=False).encode()
