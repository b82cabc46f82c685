"""Which model reads which language, and the honest answer where there is none."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.documents import Classification
from pipeline.ports import Answer, Classifier, ClassifierInput, answers_of


def no_model(lang: str, version: str) -> Classification:
    """The classification of a text that nobody here can read: nothing guessed."""
    return Classification(model_version=version, reason=f"no model for {lang!r}")


@dataclass(frozen=True, slots=True)
class Running:
    """A model at work: what it reads, and how and where it is run."""

    lang: str
    model_version: str
    runtime: str
    """Library and precision, as `onnx-int8`; `python` for word lists."""
    device: str


def running(classifier: Classifier) -> list[Running]:
    """Every model of a classifier, by language (`*` where it reads whatever comes)."""
    models = classifier.models if isinstance(classifier, ByLanguage) else {"*": classifier}
    return [
        Running(
            lang,
            model.version,
            getattr(model, "runtime", "python"),
            getattr(model, "device", "cpu"),
        )
        for lang, model in sorted(models.items())
    ]


class ByLanguage:
    """A classifier that hands each text to the model of its language, keeping the order.

    `unserved` counts, by language, the texts that no model read; `unread` is told of each.
    """

    def __init__(
        self, models: Mapping[str, Classifier], unread: Callable[[str], object] | None = None
    ) -> None:
        self._models = dict(models)
        self._unread = unread
        versions = {model.version for model in self._models.values()}
        self._version = "+".join(sorted(versions)) or "none"
        self.unserved: Counter[str] = Counter()

    @property
    def version(self) -> str:
        """The versions of all models, joined by `+`; an answer carries its own model's."""
        return self._version

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages with a model, in order."""
        return tuple(sorted(self._models))

    @property
    def models(self) -> Mapping[str, Classifier]:
        """The model of each language."""
        return self._models

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        """One classification per input, in order; without a model, one with the reason."""
        return [answer.classification for answer in self.answers(inputs)]

    def answers(self, inputs: Sequence[ClassifierInput]) -> list[Answer]:
        """The same, with embeddings from the models that have them."""
        found = [self._models.get(one.lang) for one in inputs]
        first = found[0] if found else None
        # nearly every batch is in one language: no splitting then
        if first is not None and all(model is first for model in found):
            return answers_of(first, inputs)
        answers: list[Answer | None] = [None] * len(inputs)
        places: dict[int, list[int]] = {}
        for place, model in enumerate(found):
            if model is None:
                lang = inputs[place].lang
                self.unserved[lang] += 1
                if self._unread is not None:
                    self._unread(lang)
                answers[place] = Answer(classification=no_model(lang, self._version))
            else:
                places.setdefault(id(model), []).append(place)
        for mine in places.values():
            model = found[mine[0]]
            assert model is not None
            given = answers_of(model, [inputs[place] for place in mine])
            for place, answer in zip(mine, given, strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]
