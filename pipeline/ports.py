"""What the stages need from the world, as small protocols. Adapters live in `stores/`,
`feeds/`, `models/` and `workers/`; each port has one contract suite in `tests/contracts/`.

All calls are synchronous: a stage runs on its own thread, never on the event loop. An
adapter raises `Unavailable` when its store does not answer, and nothing else by intention.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from pipeline.documents import (
    Classification,
    ClassifiedDocument,
    Document,
    DocumentId,
    Story,
    Subject,
    SubjectId,
)
from pipeline.editions import OLDEST, edition_of
from pipeline.stories import Telling
from pipeline.trends import Bucket, Contribution, SeriesKey, contributions


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierInput:
    """One text to classify; `mentions` are the names each subject goes by in this text."""

    title: str
    text: str
    lang: str
    mentions: Mapping[SubjectId, tuple[str, ...]]


class Classifier(Protocol):
    """Text to topic and sentiment."""

    @property
    def version(self) -> str:
        """Content hash or name, carried on every classification."""

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        """One classification per input, in order. A text that cannot be classified may
        raise: the stage then finds it by halving the batch."""


Shown = tuple[str, SubjectId | None, datetime]
"""A text as it is shown, the company it is read about (None: as a whole), and when it was
published."""
Words = Callable[[Sequence[Shown]], Sequence[tuple[str, ...]] | None]
"""Which words make each of these texts negative, the strongest first; None: not known yet."""
SHOWN_CHARACTERS = 300
"""Of a text that are read for its words: nobody is shown more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A classification, and beside it what does not travel: the signs of the text's embedding
    (`pipeline.stories.same_event`), where the model has one."""

    classification: Classification
    embedding: bytes | None = None


@runtime_checkable
class EmbeddingClassifier(Protocol):
    """A `Classifier` that gives embeddings too."""

    def answers(self, inputs: Sequence[ClassifierInput]) -> list[Answer]:
        """As `Classifier.classify`, each with its embedding."""


def answers_of(classifier: Classifier, inputs: Sequence[ClassifierInput]) -> list[Answer]:
    """The answers of any classifier, without embeddings where it has none."""
    if isinstance(classifier, EmbeddingClassifier):
        return classifier.answers(inputs)
    return [Answer(classification=one) for one in classifier.classify(inputs)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The subjects of a document, and the names each goes by in its title and text.

    A name stands there as it does in the document ("Apple", "$AAPL", "贵州茅台"), each once,
    in order of appearance. A subject that only the source gives has its tickers instead.
    """

    subjects: tuple[Subject, ...]
    mentions: Mapping[SubjectId, tuple[str, ...]]


class SubjectLinker(Protocol):
    """Text to the companies it is about."""

    def read(self, document: Document) -> Linked:
        """The subjects, most relevant first, and their names in this document; the source's
        own tickers are trusted."""


class StoryIndex(Protocol):
    """Which story each document tells. Remembers stories for a limited time."""

    def place(self, tellings: Sequence[Telling]) -> list[Story]:
        """The story of each telling, in order: a story told within two days whose text or
        whose reposted document it repeats, else a new one. Asking again for the same
        document gives the same answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedDocument:
    """A document and everything it adds to the trends. Of several editions
    (`pipeline.editions`) the greatest counts; of equal ones the first."""

    document: DocumentId
    at: datetime
    contributions: tuple[Contribution, ...]
    edition: bytes = OLDEST


def counted(classified: ClassifiedDocument) -> CountedDocument:
    """What a `classified` record adds, and as which edition: the same for Redis and SQL."""
    return CountedDocument(
        document=classified.id,
        at=classified.document.published_at,
        contributions=contributions(classified),
        edition=edition_of(classified),
    )


class TrendStore(Protocol):
    """Bucket counts by series and minute."""

    def add(
        self, documents: Sequence[CountedDocument]
    ) -> Mapping[tuple[SeriesKey, datetime], Bucket]:
        """Count each document once, however often it is given, by its newest edition: what
        an older one added is taken out, what an older one would add is not counted. Marks and
        counts change in one atomic step. Return the state *now* of every bucket the documents
        touch or are taken out of; one of revision 0 was never counted here."""

    def buckets(self, series: SeriesKey, start: datetime, end: datetime) -> list[Bucket]:
        """The non-empty buckets of `series` in [start, end), oldest first."""

    def series(self) -> Iterable[SeriesKey]:
        """Every series with at least one bucket."""

    def days(self) -> Iterable[tuple[SeriesKey, datetime]]:
        """Every (series, UTC day) with at least one bucket; for the check against SQL."""

    def now(self) -> datetime | None:
        """The event time of the whole stream: the highest publication time ever added, plus
        the wall time since that last moved. None if nothing was ever added."""

    def heard(self) -> datetime | None:
        """The highest publication time ever added; None if nothing was."""


class SeriesStates(Protocol):
    """What the detector remembers about each series, as opaque bytes."""

    def load(self, keys: Sequence[str]) -> list[bytes | None]:
        """The stored state of each key, None where there is none."""

    def save(self, states: Mapping[str, bytes]) -> None:
        """Store all of them."""


class Archive(Protocol):
    """The history in SQL."""

    def store(self, documents: Sequence[ClassifiedDocument], at: datetime) -> None:
        """Write each document, its classification and subjects, instead of an older edition
        of it (`pipeline.editions`); durable on return. An older or equal one changes nothing
        of what counts."""
