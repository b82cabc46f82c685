"""From the settings to a classifier: `shipped`, `baseline`, `stub`, a directory or a hub id."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.artifact_files import is_artifact
from models.baseline import LexiconClassifier
from models.languages import ByLanguage
from pipeline.documents import Classification, Sentiment
from pipeline.errors import ConfigurationError
from pipeline.ports import Classifier, ClassifierInput

SHIPPED = Path(__file__).with_name("shipped")
_ROUTE = re.compile(r"(?P<lang>[a-z]{2,3})=(?P<model>.+)")
_HUB_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")


if TYPE_CHECKING:
    from models.classifier import AttentionClassifier


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
    model: str,
    base: str = "",
    labels: str = "",
    languages: tuple[str, ...] = ("en",),
    runtime: str = "auto",
    unread: Callable[[str], object] | None = None,
) -> Classifier:
    """The classifier that `BELLWETHER_MODEL` names.

    `shipped` is the artifact of the package for English and the word lists for Chinese;
    `baseline` the word lists for both; `stub` reads everything. A directory is an artifact, or
    like a hub id a Hugging Face sequence classifier for `languages`, with `labels` where its
    own names do not tell. `en=shipped,zh=DIRECTORY` names one model a language. `base` is the
    encoder an artifact builds on, `runtime` how it is run (`models.runtimes`); `unread` is
    told the language of each text without a model. Raises `ConfigurationError` naming the
    setting to change.
    """
    if model == "stub":
        return StubClassifier()
    routes = routes_of(model, languages)
    # one that reads several languages is loaded once
    single = {
        name: _single(name, base, labels, runtime, langs)
        for name, langs in languages_of(routes).items()
    }
    return ByLanguage({lang: single[name] for lang, name in routes.items()}, unread)


def routes_of(model: str, languages: tuple[str, ...] = ("en",)) -> dict[str, str]:
    """Which model reads which language, as `load_classifier` understands `model`. Raises
    `ConfigurationError`."""
    if routes := _routes(model):
        return routes
    if model == "baseline":
        return {"en": model, "zh": model}
    if model == "shipped":
        return {"en": model, "zh": "baseline"}
    if not languages:
        raise ConfigurationError(
            f"BELLWETHER_MODEL_LANGUAGES is empty: name the languages {model!r} reads, as `en,zh`"
        )
    return dict.fromkeys(languages, model)


def languages_of(routes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """By model what it is to read."""
    names = dict.fromkeys(routes.values())
    return {name: tuple(lang for lang, one in routes.items() if one == name) for name in names}


def _routes(model: str) -> dict[str, str]:
    """Language to model, where the setting has the form `en=…,zh=…`; else nothing."""
    parts = [part.strip() for part in model.split(",")]
    found = [_ROUTE.fullmatch(part) for part in parts]
    if not any(found):
        return {}
    routes: dict[str, str] = {}
    for part, match in zip(parts, found, strict=True):
        if match is None or match["lang"] in routes:
            raise ConfigurationError(
                f"BELLWETHER_MODEL={model!r}: {part!r} is not LANGUAGE=MODEL, each language once"
            )
        routes[match["lang"]] = match["model"]
    return routes


def _single(model: str, base: str, labels: str, runtime: str, langs: tuple[str, ...]) -> Classifier:
    if model == "baseline":
        return LexiconClassifier()
    if model == "stub":
        return StubClassifier()
    path = SHIPPED if model == "shipped" else Path(model).expanduser()
    if not path.is_dir() and not _HUB_ID.fullmatch(model):
        raise ConfigurationError(
            f"BELLWETHER_MODEL={model!r}: not `shipped`, not `baseline`, not a directory, and no "
            "hub id such as ProsusAI/finbert"
        )
    if path.is_dir() and is_artifact(path):
        return load_artifact_classifier(path, base, runtime, langs)
    # torch takes seconds to import: only a process that runs such a model pays for it
    from models.transformer import TransformerClassifier

    return TransformerClassifier.load(str(path) if path.is_dir() else model, labels)


def load_artifact_classifier(
    path: Path, base: str, runtime: str = "auto", langs: Sequence[str] = ()
) -> "AttentionClassifier":
    """The classifier of the artifact in `path`. Raises `ConfigurationError` for a damaged one,
    a missing base, and where it was not trained to read one of `langs`."""
    from models.artifact import load
    from models.classifier import AttentionClassifier
    from models.runtimes import chosen

    artifact = load(path, base)
    foreign = [lang for lang in langs if lang not in artifact.about.languages]
    if foreign:
        raise ConfigurationError(
            f"{path}: reads {', '.join(artifact.about.languages)}, not {foreign[0]!r}: name it for "
            "what it reads (BELLWETHER_MODEL=LANGUAGE=…, BELLWETHER_MODEL_LANGUAGES), or train it "
            "on others (`languages` in its recipe)"
        )
    return AttentionClassifier(artifact, chosen(artifact, runtime))
