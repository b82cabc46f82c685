"""From the settings to a classifier."""

import pytest

from models.load import load_classifier
from pipeline.errors import ConfigurationError
from pipeline.ports import ClassifierInput

BAD_NEWS = [
    ClassifierInput(title="", text="Shares plunge", lang=lang, mentions={})
    for lang in ("en", "fr", "zh")
]


def test_the_baseline_reads_english_and_chinese_and_says_what_it_cannot_read() -> None:
    english, french, chinese = load_classifier("baseline").classify(BAD_NEWS)
    assert english.sentiment is not None
    assert chinese.sentiment is not None
    assert french.reason == "no model for 'fr'"


def test_the_stub_is_neutral_about_everything() -> None:
    stub = load_classifier("stub")
    answers = stub.classify(BAD_NEWS)
    assert [answer.sentiment.label for answer in answers if answer.sentiment] == ["neutral"] * 3
    assert {answer.model_version for answer in answers} == {stub.version}


def test_a_name_that_is_nothing_known_is_refused_naming_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="BELLWETHER_MODEL='no/such/directory/'"):
        load_classifier("no/such/directory/")


def test_a_model_for_no_language_is_refused_naming_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="BELLWETHER_MODEL_LANGUAGES"):
        load_classifier("ProsusAI/finbert", languages=())
