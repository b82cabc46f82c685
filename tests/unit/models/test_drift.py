"""Whether later texts are still those of the reference."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.drift import (
    NO_ANSWER,
    OTHER,
    Counting,
    Distribution,
    as_json,
    drift,
    observed,
    read_reference,
    reference_json,
    reference_of,
    words_of,
)
from models.texts import read_texts, some_texts
from pipeline.errors import ConfigurationError
from tests.unit.models.scorer import WordScorer, feeling

SCORER = WordScorer(feeling)
USUAL = ["a good quarter", "a bad quarter", "so so today", "another day"] * 100


def verdicts(texts: list[str], reference: Distribution | None = None) -> dict[str, str]:
    chosen = reference or reference_of(SCORER, USUAL)
    return {one.what: one.verdict for one in drift(chosen, observed(SCORER, texts, chosen))}


def test_the_same_texts_have_not_moved() -> None:
    assert set(verdicts(USUAL).values()) == {"stable"}
    assert set(verdicts(USUAL[:40]).values()) == {"stable"}


def test_a_stream_that_turns_negative_shifts_the_labels_and_not_the_topics() -> None:
    found = verdicts(["a bad quarter"] * 300 + USUAL[:100])
    assert found["sentiment labels"] == "shifted"
    assert found["topic labels"] == "stable"


def test_words_that_were_never_seen_shift_the_vocabulary_and_are_named() -> None:
    reference = reference_of(SCORER, USUAL)
    now = observed(SCORER, ["blockchain tokens minted"] * 200, reference)
    (shift,) = [one for one in drift(reference, now) if one.what == "vocabulary"]
    assert shift.verdict == "shifted"
    assert shift.most[0][0] == OTHER
    plain = as_json([shift])["vocabulary"]
    assert plain["verdict"] == "shifted"
    assert plain["most"][0]["now"] > 0.9


def test_a_handful_of_texts_is_not_called_a_move() -> None:
    assert verdicts(["a bad quarter", "a bad quarter", "a good quarter"]) == dict.fromkeys(
        verdicts(USUAL), "stable"
    )


def test_nothing_to_compare_is_stable() -> None:
    reference = reference_of(SCORER, USUAL)
    nothing = Counting().over("m", ["a"])
    assert {one.psi for one in drift(reference, nothing)} == {0.0}


@given(st.lists(st.integers(0, 2), min_size=1, max_size=200))
def test_the_index_is_never_below_zero(labels: list[int]) -> None:
    texts = [("bad", "so", "good")[label] for label in labels]
    reference = reference_of(SCORER, USUAL)
    assert all(one.psi >= 0 for one in drift(reference, observed(SCORER, texts, reference)))


def test_by_chance_is_what_equal_texts_pass_once_in_a_thousand_times() -> None:
    # chi-square with 2 degrees: -2 ln(0.001) = 13.8; 300 texts on both sides
    reference = reference_of(SCORER, ["bad", "good", "so"] * 100)
    (labels,) = [one for one in drift(reference, reference) if one.what == "sentiment labels"]
    assert labels.by_chance == pytest.approx(13.8155 * 2 / 300, rel=0.03)


def test_numbers_tickers_names_and_links_are_one_word_each() -> None:
    assert words_of("$TSLA up 3.5% https://t.co/abc @elon said, isn't it 大跌") == {
        "$", "up", "0", "http", "@", "said", "isn't", "it", "大", "跌",
    }  # fmt: skip


def test_a_reference_survives_its_file_and_another_one_is_refused(tmp_path: Path) -> None:
    reference = reference_of(SCORER, USUAL, vocabulary=["training words"])
    assert "training" in reference.words
    path = tmp_path / "reference.json"
    path.write_text(reference_json(reference), encoding="utf-8")
    assert reference_json(read_reference(path)) == reference_json(reference)
    for damage in ("", "{}", json.dumps({**json.loads(reference_json(reference)), "v": 2})):
        path.write_text(damage)
        with pytest.raises(ConfigurationError, match=r"reference\.json"):
            read_reference(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_reference(tmp_path / "none.json")


def test_texts_come_from_documents_and_labelled_lines_gzipped_or_not(tmp_path: Path) -> None:
    lines = b'{"title": "T", "text": "t", "source": "x"}\n\n{"text": "u", "sentiment": "neutral"}\n'
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    plain.write_bytes(lines)
    packed.write_bytes(gzip.compress(lines))
    assert list(read_texts(plain)) == list(read_texts(packed)) == ["T\nt", "u"]


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b'{"text": "a"}\n{', ":2: not JSON"),
        (b'{"text": " "}', ":1: a JSON object with `title` or `text`"),
        (b"[]", ":1: a JSON object"),
        (b"\n", "no text in it"),
        (b"\x1f\x8bgarbage", "cannot be read"),
    ],
)
def test_a_file_that_holds_no_texts_is_named(content: bytes, phrase: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=phrase):
        list(some_texts(path))


def test_a_stream_that_cannot_be_read_has_shifted() -> None:
    reference = reference_of(SCORER, USUAL)
    silent = WordScorer(lambda task, query: None)
    for unread in (USUAL[:300], USUAL[:40]):
        now = observed(silent, unread, reference)
        shifts = {one.what: one for one in drift(reference, now)}
        assert shifts["sentiment labels"].verdict == "shifted"
        assert shifts["sentiment labels"].most[0][0] == NO_ANSWER


def test_words_of_other_scripts_are_words_too() -> None:
    assert words_of("Акции компании, が株が") == {"акции", "компании", "株", "が"}
    assert words_of("Müller's café isn't open") == {"müller's", "café", "isn't", "open"}
