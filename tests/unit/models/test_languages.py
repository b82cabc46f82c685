"""Each text goes to the model of its language, and none is guessed."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from models.languages import ByLanguage, Running, running
from pipeline.documents import Classification
from pipeline.ports import ClassifierInput


class Echo:
    """Answers with its name as topic, and remembers how it was asked."""

    def __init__(self, name: str) -> None:
        self.version = name
        self.batches: list[int] = []

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        self.batches.append(len(inputs))
        return [
            Classification(model_version=self.version, topic=f"{self.version}:{one.text}")
            for one in inputs
        ]


def texts(*langs: str) -> list[ClassifierInput]:
    return [
        ClassifierInput(title="", text=str(place), lang=lang, mentions={})
        for place, lang in enumerate(langs)
    ]


def test_a_batch_in_one_language_reaches_its_model_whole() -> None:
    english = Echo("english")
    ByLanguage({"en": english}).classify(texts("en", "en", "en"))
    assert english.batches == [3]


def test_one_model_for_two_languages_is_asked_once() -> None:
    both = Echo("both")
    ByLanguage({"en": both, "zh": both}).classify(texts("en", "zh", "fr", "en"))
    assert both.batches == [3]


def test_an_empty_batch_gives_an_empty_answer() -> None:
    assert ByLanguage({"en": Echo("english")}).classify([]) == []


def test_how_each_model_runs_can_be_told() -> None:
    class Fast(Echo):
        runtime, device = "onnx-int8", "cuda:0"

    told = running(ByLanguage({"zh": Echo("words"), "en": Fast("network")}))
    assert told == [
        Running("en", "network", "onnx-int8", "cuda:0"),
        Running("zh", "words", "python", "cpu"),
    ]
    assert [one.lang for one in running(Echo("all"))] == ["*"]


def test_unserved_languages_are_counted_and_told() -> None:
    told: list[str] = []
    router = ByLanguage({"en": Echo("english")}, told.append)
    answers = router.classify(texts("fr", "en", "de", "fr"))
    assert router.unserved == {"fr": 2, "de": 1}
    assert told == ["fr", "de", "fr"]
    assert [answer.reason for answer in answers] == [
        "no model for 'fr'",
        None,
        "no model for 'de'",
        "no model for 'fr'",
    ]


def test_the_version_names_every_model_once() -> None:
    one, two = Echo("one"), Echo("two")
    assert ByLanguage({"en": two, "zh": one, "de": two}).version == "one+two"


@given(st.lists(st.sampled_from(["en", "zh", "fr"]), max_size=20))
def test_every_text_is_answered_in_its_place_by_its_model(langs: list[str]) -> None:
    router = ByLanguage({"en": Echo("english"), "zh": Echo("chinese")})
    names = {"en": "english", "zh": "chinese"}
    for place, (lang, answer) in enumerate(zip(langs, router.classify(texts(*langs)), strict=True)):
        wanted = f"{names[lang]}:{place}" if lang in names else None
        assert answer.topic == wanted
