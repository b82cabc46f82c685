"""Classifiers as they are measured: anything behind the `Classifier` port, and artifacts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.artifact_files import is_artifact
from models.data import LABELS, TASKS
from models.explain import Explainer, Explanation, Occlusion
from models.load import SHIPPED, languages_of, load_artifact_classifier, load_classifier, routes_of
from models.metrics import PLAIN, Floats, Scale, softmax
from models.questions import Query, Scorer
from pipeline.documents import Classification, Document, SubjectId
from pipeline.languages import language_of
from pipeline.ports import Classifier, ClassifierInput

# The least probability whose logarithm is taken: below it a classifier says "never".
_LEAST = 1e-9
# A topic not called stays this much behind the one that was.
_SHY = 0.999
_BATCH = 512
# A language is found from the text alone here, whatever the time.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def open_scorer(
    model: str,
    base: str = "",
    labels: str = "",
    languages: tuple[str, ...] = ("en",),
    runtime: str = "auto",
) -> Scorer:
    """What `load_classifier` would serve under these settings, to be measured; of an artifact
    its raw logits and scales, whatever the language. Raises `ConfigurationError` as that
    does."""
    path = SHIPPED if model == "shipped" else Path(model).expanduser()
    if path.is_dir() and is_artifact(path):
        return load_artifact_classifier(path, base, runtime)
    return PortScorer(load_classifier(model, base, labels, languages, runtime))


def open_explainer(
    model: str,
    base: str = "",
    labels: str = "",
    languages: tuple[str, ...] = ("en",),
    runtime: str = "auto",
    most_steps: int = 0,
) -> Explainer:
    """What `load_classifier` would serve, to be explained: each text by the model of its language,
    an artifact by its gradients (in up to `most_steps` where the usual few are not exact enough),
    anything else by leaving words out."""
    if model == "stub":
        return Occlusion(open_scorer(model))
    routes = routes_of(model, languages)
    single = {
        name: _explainer(name, base, labels, runtime, langs, most_steps)
        for name, langs in languages_of(routes).items()
    }
    return ExplainerByLanguage({lang: single[name] for lang, name in routes.items()})


def _explainer(
    model: str, base: str, labels: str, runtime: str, langs: tuple[str, ...], most_steps: int
) -> Explainer:
    path = SHIPPED if model == "shipped" else Path(model).expanduser()
    if path.is_dir() and is_artifact(path):
        # torch takes seconds to import: only what is derived pays for it
        from models.gradients import artifact_explainer

        scorer = load_artifact_classifier(path, base, runtime, langs)
        return artifact_explainer(path, base, scorer, most=most_steps)
    routes = ",".join(f"{lang}={model}" for lang in langs)
    return Occlusion(open_scorer(routes, base, labels, runtime=runtime))


class ExplainerByLanguage:
    """Explains each text by the explainer of its language, as it is served; a text in a language
    without one is not explained."""

    def __init__(self, explainers: Mapping[str, Explainer]) -> None:
        self._explainers = dict(explainers)

    @property
    def version(self) -> str:
        """The versions of all, joined by `+`."""
        return self.scorer.version

    @property
    def scorer(self) -> Scorer:
        """The same models as they are measured."""
        return ScorerByLanguage({lang: one.scorer for lang, one in self._explainers.items()})

    def explain(self, text: str, names: Sequence[str] = ()) -> list[Explanation]:
        """As `Explainer` says."""
        explainer = self._explainers.get(language(text))
        return [] if explainer is None else explainer.explain(text, names)


class ScorerByLanguage:
    """Asks of each text the scorer of its language. What comes out is final, so nothing is
    scaled."""

    def __init__(self, scorers: Mapping[str, Scorer]) -> None:
        self._scorers = dict(scorers)

    @property
    def version(self) -> str:
        """The versions of all, joined by `+`."""
        return "+".join(sorted({one.version for one in self._scorers.values()}))

    def tasks(self) -> tuple[str, ...]:
        """Those that one of them has an answer for."""
        known = {task for one in self._scorers.values() for task in one.tasks()}
        return tuple(task for task in TASKS if task in known)

    def scale(self, task: str) -> Scale:
        """None."""
        return PLAIN

    def logits(self, task: str, queries: Sequence[Query]) -> Floats:
        """The logarithms of the probabilities; NaN where no model reads the language."""
        rows = _silent(task, queries)
        for lang, mine in _places([language(text) for text, _ in queries]).items():
            scorer = self._scorers.get(lang)
            if scorer is not None and task in scorer.tasks():
                told = scorer.logits(task, [queries[place] for place in mine])
                chances = softmax(np.asarray(told, np.float64), scorer.scale(task))
                rows[mine] = _logarithms(chances)
        return rows


def language(text: str) -> str:
    """The language a text is taken to be in, by its words alone."""
    return language_of(Document(source="", published_at=_ANY_TIME, text=text))


class PortScorer:
    """A classifier measured by what it answers in the pipeline.

    Its probabilities are final, so nothing is scaled and the logits are their logarithms.
    Of the topics it says only the first; the rest of the probability is spread evenly. Where
    it has no sentiment towards a name, the text's own counts, as in the pipeline.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    @property
    def version(self) -> str:
        """The classifier's."""
        return self._classifier.version

    def tasks(self) -> tuple[str, ...]:
        """All of them: a classifier of the pipeline answers everything somehow."""
        return TASKS

    def scale(self, task: str) -> Scale:
        """None: what comes out is already what would be published."""
        return PLAIN

    def logits(self, task: str, queries: Sequence[Query]) -> Floats:
        """The logarithms of its probabilities; NaN where it gave a reason instead."""
        rows = _silent(task, queries)
        places = _places([text for text, _ in queries])
        texts = list(places)
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            inputs = [_input(text, queries, places[text]) for text in batch]
            for text, answer in zip(batch, self._classifier.classify(inputs), strict=True):
                for place in places[text]:
                    rows[place] = _row(task, answer, queries[place][1])
        return rows


def _silent(task: str, queries: Sequence[Query]) -> Floats:
    """The rows where nothing is answered yet."""
    return np.full((len(queries), len(LABELS[task])), np.nan)


def _places(values: Sequence[str]) -> dict[str, list[int]]:
    """Where each value stands."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        places[value].append(place)
    return places


def _input(text: str, queries: Sequence[Query], places: Sequence[int]) -> ClassifierInput:
    names = {name for place in places if (name := queries[place][1]) is not None}
    return ClassifierInput(
        title="",
        text=text,
        lang=language(text),
        mentions={SubjectId(name): (name,) for name in sorted(names)},
    )


def _row(task: str, answer: Classification, name: str | None) -> Floats:
    labels = LABELS[task]
    if task == "topic":
        return _topic_row(answer, labels)
    feeling = answer.sentiment
    if name is not None:
        feeling = answer.subject_sentiments.get(SubjectId(name), feeling)
    if feeling is None:
        return np.full(len(labels), np.nan)
    return _logarithms([float(getattr(feeling, label)) for label in labels])


def _topic_row(answer: Classification, labels: Sequence[str]) -> Floats:
    if answer.topic not in labels:
        return np.full(len(labels), np.nan)
    first = answer.topic_probability
    rest = (1 - first) / (len(labels) - 1)
    return _logarithms(
        [first if label == answer.topic else min(rest, first * _SHY) for label in labels]
    )


def _logarithms(probabilities: Sequence[float] | Floats) -> Floats:
    logarithms: Floats = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _LEAST))
    return logarithms
