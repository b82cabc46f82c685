"""From the settings to a classifier: `baseline`, `stub`, a directory or a hub id."""

import re
from collections.abc import Sequence
from pathlib import Path

from models.baseline import LexiconClassifier
from models.languages import ByLanguage
from pipeline.documents import Classification, Sentiment
from pipeline.errors import ConfigurationError
from pipeline.ports import Classifier, ClassifierInput

_HUB_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")


class StubClassifier:
    """Answers neutral at no cost: what is left is the cost of the pipeline around it."""

    version = "stub"

    def __init__(self) -> None:
        self._answer = Classification(
            model_version=self.version,
            topic="General News | Opinion",
            topic_probability=0.05,
            sentiment=Sentiment(negative=0.1, neutral=0.8, positive=0.1),
        )

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        """The same neutral answer for each input."""
        return [self._answer] * len(inputs)


def load_classifier(
    model: str, base: str = "", labels: str = "", languages: tuple[str, ...] = ("en",)
) -> Classifier:
    """The classifier that `BELLWETHER_MODEL` names.

    `baseline` reads English and Chinese and `stub` everything; a directory or hub id is a
    Hugging Face sequence classifier for `languages`, with `labels` where its own names do
    not tell. `base` is the encoder an artifact builds on; no kind of model here needs one.
    Raises `ConfigurationError` naming the setting to change.
    """
    if model == "stub":
        return StubClassifier()
    if model == "baseline":
        baseline = LexiconClassifier()
        return ByLanguage({"en": baseline, "zh": baseline})
    if not languages:
        raise ConfigurationError(
            f"BELLWETHER_MODEL_LANGUAGES is empty: name the languages {model!r} reads, as `en,zh`"
        )
    path = Path(model).expanduser()
    if not path.is_dir() and not _HUB_ID.fullmatch(model):
        raise ConfigurationError(
            f"BELLWETHER_MODEL={model!r}: not `baseline`, not a directory, and no hub id "
            "such as ProsusAI/finbert"
        )
    # torch takes seconds to import: only a process that runs such a model pays for it
    from models.transformer import TransformerClassifier

    loaded = TransformerClassifier.load(str(path) if path.is_dir() else model, labels)
    return ByLanguage(dict.fromkeys(languages, loaded))
