"""Two classifiers on the same texts."""

import numpy as np
import pytest

from models.comparison import as_json, compare
from models.data import Example
from models.questions import Query
from pipeline.errors import ConfigurationError
from tests.unit.models.scorer import WordScorer, feeling

TEXTS = [("bad", "negative"), ("good", "positive"), ("so so", "neutral")] * 60
EXAMPLES = [
    Example(f"{text} {place}", f"t:{place}", sentiment=label)
    for place, (text, label) in enumerate(TEXTS)
]


def blunted(task: str, query: Query) -> str:
    """As `feeling`, and wrong about every third text."""
    number = int(query[0].split()[-1])
    return "neutral" if number % 9 < 3 else feeling(task, query)


def test_a_classifier_is_as_good_as_itself() -> None:
    one = WordScorer(feeling)
    (accuracy,) = [
        difference
        for difference in compare(one, one, EXAMPLES, rounds=100)["sentiment"].differences
        if difference.figure == "accuracy"
    ]
    assert (accuracy.difference, accuracy.low, accuracy.high, accuracy.p) == (0, 0, 0, 1)


def test_a_better_one_shows_with_its_interval_and_a_small_p() -> None:
    found = compare(WordScorer(blunted, version="a"), WordScorer(feeling), EXAMPLES, rounds=300)
    one = found["sentiment"]
    assert (one.a, one.b, one.only_a) == ("a", "words", 0)
    assert one.only_b == 40
    by_name = {difference.figure: difference for difference in one.differences}
    assert list(by_name) == ["negative_recall", "accuracy", "macro_f1"]
    accuracy = by_name["accuracy"]
    assert accuracy.difference == pytest.approx(40 / 180)
    # the difference of a share over 180 texts has this standard error
    error = np.sqrt(accuracy.difference * (1 - accuracy.difference) / 180)
    assert accuracy.high - accuracy.low == pytest.approx(2 * 1.96 * error, rel=0.2)
    assert accuracy.low > 0
    assert accuracy.p < 0.01


def test_the_other_way_round_only_the_sign_changes() -> None:
    a, b = WordScorer(blunted), WordScorer(feeling)
    there = as_json(compare(a, b, EXAMPLES, rounds=50))["sentiment"]["differences"]["accuracy"]
    back = as_json(compare(b, a, EXAMPLES, rounds=50))["sentiment"]["differences"]["accuracy"]
    assert there["difference"] == -back["difference"]
    assert (there["low"], there["p"]) == (-back["high"], back["p"])


def test_texts_only_one_of_them_reads_do_not_count() -> None:
    silent = WordScorer(lambda task, query: None if "good" in query[0] else "neutral")
    assert compare(silent, WordScorer(feeling), EXAMPLES, rounds=5)["sentiment"].n == 120


def test_classifiers_without_a_task_in_common_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no label of a task"):
        compare(WordScorer(feeling, tasks=("topic",)), WordScorer(feeling), EXAMPLES)


def test_draws_without_a_negative_text_say_nothing_of_its_recall() -> None:
    """One negative text of twenty, which B finds and A does not: every draw that has it says so,
    and yet it is one text."""
    examples = [Example("a bad day", "", sentiment="negative")]
    examples += [Example(f"a day {n}", "", sentiment="neutral") for n in range(19)]
    blind = WordScorer(lambda task, query: "neutral" if task == "sentiment" else None)
    found = compare(blind, WordScorer(feeling), examples)["sentiment"]
    (recall,) = [one for one in found.differences if one.figure == "negative_recall"]
    assert (recall.low, recall.high) == (1.0, 1.0)
    assert (recall.discordant, recall.too_few, recall.p) == (1, True, 1.0)
    none = compare(blind, WordScorer(feeling), examples[1:])["sentiment"]
    assert [one.figure for one in none.differences] == ["accuracy", "macro_f1"]


def silent_but(number: int) -> WordScorer:
    """Calls the first texts by their words, all later ones neutral."""
    first = {f"a bad day {n}" for n in range(number)}
    return WordScorer(lambda task, query: feeling(task, query) if query[0] in first else "neutral")


@pytest.mark.parametrize(("number", "least"), [(0, 1.0), (1, 1.0), (3, 0.25), (5, 0.0625)])
def test_texts_that_all_speak_for_one_side_prove_no_more_than_as_many_coins(
    number: int, least: float
) -> None:
    examples = [Example(f"a bad day {n}", "", sentiment="negative") for n in range(40)]
    found = compare(silent_but(0), silent_but(number), examples, rounds=200)["sentiment"]
    for one in found.differences:
        assert (one.p, one.discordant, one.too_few) == (least, number, True), one.figure


def test_enough_texts_that_speak_for_one_side_prove_it() -> None:
    examples = [Example(f"a bad day {n}", "", sentiment="negative") for n in range(40)]
    found = compare(silent_but(0), silent_but(9), examples)["sentiment"]
    assert all(one.p < 0.01 and not one.too_few for one in found.differences)


def test_the_companies_of_one_text_are_one_observation() -> None:
    names = tuple((f"Acme{n}", "negative") for n in range(12))
    examples = [Example("a bad day", "", entities=names)]
    right = WordScorer(lambda task, query: "negative")
    found = compare(silent_but(0), right, examples, rounds=50)["entity_sentiment"]
    assert found.only_b == 12
    assert {one.discordant for one in found.differences} == {1}
    assert {one.p for one in found.differences} == {1.0}
