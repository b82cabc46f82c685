"""What the classes of a foreign model mean."""

import pytest

from models.labels import sentiment_labels
from pipeline.errors import ConfigurationError

UNNAMED = {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}


@pytest.mark.parametrize(
    "names",
    [
        {0: "positive", 1: "negative", 2: "neutral"},
        {0: "POSITIVE", 1: "Negative", 2: "Neutral"},
        {0: "Bullish", 1: "Bearish", 2: "none"},
        {0: "积极", 1: "消极", 2: "中性"},
    ],
)
def test_names_that_tell_need_no_setting(names: dict[int, str]) -> None:
    assert sentiment_labels(names, "") == ("positive", "negative", "neutral")


def test_a_map_names_what_the_model_does_not() -> None:
    given = "LABEL_0=negative, LABEL_1=neutral, label_2=Positive"
    assert sentiment_labels(UNNAMED, given) == ("negative", "neutral", "positive")


def test_a_map_may_count_the_classes() -> None:
    assert sentiment_labels(UNNAMED, "0=neg,1=neu,2=pos") == ("negative", "neutral", "positive")


def test_a_map_wins_over_the_names() -> None:
    names = {0: "negative", 1: "positive"}
    assert sentiment_labels(names, "negative=positive,positive=negative") == (
        "positive",
        "negative",
    )


def test_two_classes_may_mean_the_same() -> None:
    names = {0: "very bad", 1: "negative", 2: "positive"}
    assert sentiment_labels(names, "very bad=negative") == ("negative", "negative", "positive")


@pytest.mark.parametrize(
    ("names", "given", "told"),
    [
        (UNNAMED, "", "class 'LABEL_0'"),
        (UNNAMED, "LABEL_0=negative,LABEL_1=positive", "class 'LABEL_2'"),
        (UNNAMED, "LABEL_0", "'LABEL_0' is not NAME=negative"),
        (UNNAMED, "LABEL_0=angry", "'LABEL_0=angry' is not"),
        (UNNAMED, "LABEL_7=negative", "no class label_7"),
        ({0: "negative", 1: "neutral"}, "", "no class is positive"),
        ({0: "joy", 1: "sadness"}, "", "class 'joy'"),
    ],
)
def test_what_stays_unclear_is_refused_naming_the_setting(
    names: dict[int, str], given: str, told: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        sentiment_labels(names, given)
    assert "BELLWETHER_MODEL_LABELS" in str(refused.value)
    assert told in str(refused.value)
