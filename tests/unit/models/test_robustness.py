"""Changes of a text that should move nothing, and one that should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import Example, lowered
from models.questions import Query
from models.robustness import CHANGES, as_json, changed, robustness
from pipeline.errors import ConfigurationError
from tests.unit.models.scorer import WordScorer, feeling


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("lower case", "Acme SOARS", "acme soars"),
        ("upper case", "Acme soars", "ACME SOARS"),
        ("cashtags removed", "$AAPL and $BRK.B up, $5 fee", "and up, $5 fee"),
        ("cashtags removed", "no tag", "no tag"),
        ("negation flipped", "Acme beats estimates", "Acme does not beat estimates"),
        ("negation flipped", "sales are not good", "sales are good"),
        ("negation flipped", "sales aren't good", "sales are good"),
        ("negation flipped", "it won't recover", "it will recover"),
        ("negation flipped", "sales are good", "sales are not good"),
        ("negation flipped", "Quarterly results", "Quarterly results"),
    ],
)
def test_each_change_does_what_its_name_says(name: str, text: str, expected: str) -> None:
    assert changed(name, text, None) == expected


def test_what_stands_around_a_name_keeps_its_spaces_and_one_word_is_negated() -> None:
    text = "$TSLA beats while Ford falls"
    assert changed("cashtags removed", text, "Ford") == "beats while Ford falls"
    once = changed("negation flipped", "Profit rises at Ford as demand grows", "Ford")
    assert once == "Profit does not rise at Ford as demand grows"
    after = changed("negation flipped", "Quarter at Ford: demand grows", "Ford")
    assert after == "Quarter at Ford: demand does not grow"


def test_numbers_become_other_numbers_of_the_same_length() -> None:
    other = changed("numbers changed", "up 4.5% to 1,203", None)
    assert other != "up 4.5% to 1,203"
    assert [letter.isdigit() for letter in other] == [x.isdigit() for x in "up 4.5% to 1,203"]
    assert not set(zip(other, "up 4.5% to 1,203", strict=True)) & {(n, n) for n in "0123456789"}


@given(st.sampled_from(sorted(CHANGES)), st.text(max_size=80), st.integers(0, 3))
def test_the_same_text_is_changed_the_same_way_every_time(name: str, text: str, seed: int) -> None:
    assert changed(name, text, None, seed) == changed(name, text, None, seed)


def test_typos_touch_some_long_words_and_never_the_name_asked_about() -> None:
    text = "Microsystems announces quarterly dividend payments before Wednesday " * 3
    mistyped = changed("typos", text, "Microsystems")
    assert mistyped != text
    assert mistyped.startswith("Microsystems")
    assert abs(len(mistyped) - len(text)) < 10


def test_numbers_in_a_name_stay() -> None:
    assert changed("numbers changed", "3M is up 7", "3M").startswith("3M is up ")


def negated(task: str, query: Query) -> str:
    label = feeling(task, query)
    turned = {"negative": "positive", "positive": "negative"}
    return turned.get(label, label) if "not" in query[0].split() else label


EXAMPLES = [
    Example("sales are bad", "t:1", sentiment="negative"),
    Example("sales are good", "t:2", sentiment="positive"),
    Example("sales are out", "t:3", sentiment="neutral", topic="Macro"),
    Example("the 2 good Acme", "t:4", entities=(("Acme", "positive"),)),
]


def test_a_sound_classifier_moves_under_negation_and_nothing_else() -> None:
    rows = {(row.task, row.change): row for row in robustness(WordScorer(negated), EXAMPLES)}
    flipped = rows["sentiment", "negation flipped"]
    # the neutral one is left out: its opposite has no feeling either
    assert (flipped.n, flipped.moved, flipped.should_move) == (2, 1.0, True)
    assert (flipped.accuracy, flipped.accuracy_after) == (1.0, 0.0)
    assert not rows["topic", "negation flipped"].should_move
    assert rows["entity_sentiment", "numbers changed"].n == 1
    for (task, change), row in rows.items():
        if change in ("typos", "cashtags removed", "numbers changed"):
            assert row.moved == 0.0, (task, change)


def test_a_classifier_that_needs_small_letters_is_found_out() -> None:
    rows = as_json(robustness(WordScorer(negated), EXAMPLES))
    assert rows["sentiment"]["upper case"]["moved"] == pytest.approx(2 / 3, abs=1e-6)
    assert rows["sentiment"]["upper case"]["accuracy_after"] == pytest.approx(1 / 3, abs=1e-6)


def test_the_name_is_asked_about_as_the_changed_text_writes_it() -> None:
    seen: list[Query] = []

    def remember(task: str, query: Query) -> str:
        seen.append(query)
        return "neutral"

    robustness(WordScorer(remember), EXAMPLES[3:])
    assert ("THE 2 GOOD ACME", "ACME") in seen


def test_a_file_without_labels_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no label of a task"):
        robustness(WordScorer(feeling), [Example("text", "t:1")])


def test_every_mention_of_the_name_stays_and_letters_keep_their_places() -> None:
    assert changed("numbers changed", "3M up 20 while 3M sues", "3M")[:2] == "3M"
    assert changed("numbers changed", "3M up 20 while 3M sues", "3M").count("3M") == 2
    assert "3M" in changed("numbers changed", "\u0130\u0130 3M sues 77", "3M")


@given(st.text())
def test_small_letters_stand_where_the_capitals_stood(text: str) -> None:
    assert len(lowered(text)) == len(text)
    assert lowered(text) == text.lower() or "\u0130" in text
