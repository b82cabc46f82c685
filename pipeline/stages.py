"""The verbs of the pipeline: values in, ports called, values out.

No framework here. `workers/agents.py` reads records, calls these and sends what they return.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.documents import (
    EARLIEST,
    Classification,
    ClassifiedDocument,
    Document,
    Subject,
    validated,
)
from pipeline.errors import Rejected, Unavailable
from pipeline.languages import language_of
from pipeline.ports import (
    Answer,
    Archive,
    Classifier,
    ClassifierInput,
    CountedDocument,
    Linked,
    StoryIndex,
    SubjectLinker,
    TrendStore,
    answers_of,
    counted,
)
from pipeline.stories import telling
from pipeline.touches import Touches
from pipeline.trends import ALLOWED_LATENESS, TrendPoint
from pipeline.wire import CLASSIFIED, DOCUMENTS, TRENDS, Outgoing, Record

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a batch: records to send, and inputs that will never work.

    Every input is in one of the two: nothing is dropped in silence.
    """

    outgoing: Sequence[Outgoing]
    rejected: Sequence[tuple[Record, Rejected]] = ()


class Classify:
    """`documents` to `classified`: language, subjects, story, topic and sentiment."""

    def __init__(
        self,
        classifier: Classifier,
        linker: SubjectLinker,
        stories: StoryIndex,
        languages_apart: Collection[str] = (),
    ) -> None:
        """Documents in `languages_apart` also count in the series of their language."""
        self._classifier = classifier
        self._linker = linker
        self._stories = stories
        self._languages_apart = frozenset(languages_apart)
        self._newest = EARLIEST

    def __call__(self, records: Sequence[Record]) -> Handled:
        """One `classified` record for each valid document; the rest is rejected singly."""
        prepared: list[tuple[Record, Document, str, Linked]] = []
        rejected: list[tuple[Record, Rejected]] = []
        for record in records:
            try:
                document = validated(DOCUMENTS.decode(record.value), record.at)
            except Rejected as error:
                rejected.append((record, error))
                continue
            try:
                lang, linked = language_of(document), self._linker.read(document)
            except (Unavailable, MemoryError):
                raise
            except Exception as error:
                # one text that we cannot read must not hold up its partition for ever
                log.exception("document %s cannot be read", document.id)
                rejected.append((record, Rejected(f"{type(error).__name__}: {error}")))
                continue
            prepared.append((record, document, lang, linked))
        inputs = [
            ClassifierInput(
                title=document.title or "",
                text=document.text or "",
                lang=lang,
                mentions=linked.mentions,
            )
            for _, document, lang, linked in prepared
        ]
        answers = self._classified(inputs)
        places = self._stories.place(
            [
                telling(document, [one.id for one in linked.subjects], answer.embedding)
                for (_, document, _, linked), answer in zip(prepared, answers, strict=True)
                if not isinstance(answer, Rejected)
            ]
        )
        place = iter(places)
        outgoing: list[Outgoing] = []
        for (record, document, lang, linked), answer in zip(prepared, answers, strict=True):
            if isinstance(answer, Rejected):
                rejected.append((record, answer))
                continue
            classified = ClassifiedDocument(
                document=document,
                lang=lang,
                subjects=_with_sentiment(linked.subjects, answer.classification),
                story=next(place),
                classification=answer.classification,
                late=document.published_at < self._newest - ALLOWED_LATENESS,
                lang_apart=lang in self._languages_apart,
            )
            self._newest = max(self._newest, document.published_at)
            # Into the partition it came from: the order of one partition, and with it the event
            # time of a replay, is kept from `documents` to `trends`.
            outgoing.append(replace(CLASSIFIED.encode(classified), partition=record.partition))
        return Handled(outgoing, rejected)

    def _classified(self, inputs: Sequence[ClassifierInput]) -> list[Answer | Rejected]:
        """The classifier's answers; a text it cannot take is found by halving the batch."""
        if not inputs:
            return []
        try:
            return list(answers_of(self._classifier, inputs))
        except (Unavailable, MemoryError):
            raise
        except Exception as error:
            if len(inputs) == 1:
                return [Rejected(f"the classifier raised {type(error).__name__}: {error}")]
        middle = len(inputs) // 2
        return self._classified(inputs[:middle]) + self._classified(inputs[middle:])


def _with_sentiment(
    subjects: tuple[Subject, ...], classification: Classification
) -> tuple[Subject, ...]:
    if not classification.subject_sentiments:
        return subjects
    sentiments = classification.subject_sentiments
    return tuple(replace(subject, sentiment=sentiments.get(subject.id)) for subject in subjects)


class Aggregate:
    """`classified` to `trends`: counts each document once, sends what its buckets hold now."""

    def __init__(self, store: TrendStore) -> None:
        self._store = store
        self._watermark: datetime | None = None

    def __call__(self, records: Sequence[Record]) -> Handled:
        """One `trends` record for each bucket touched, oldest bucket first."""
        documents: list[ClassifiedDocument] = []
        rejected: list[tuple[Record, Rejected]] = []
        for record in records:
            try:
                documents.append(_classified(record))
            except Rejected as error:
                rejected.append((record, error))
        return Handled([TRENDS.encode(point) for point in self.points(documents)], rejected)

    def points(self, documents: Sequence[ClassifiedDocument]) -> list[TrendPoint]:
        """Count the documents; the state of each bucket they touch (`pipeline.touches`), then
        of each one that an older edition of them was taken out of.

        A point's watermark is the event time read up to the last document that touched its
        bucket, not to the end of the batch: what the watch sees does not depend on where
        one batch ended and the next began.
        """
        added: list[CountedDocument] = []
        touches = Touches()
        for classified in documents:
            document = counted(classified)
            at = document.at
            self._watermark = at if self._watermark is None else max(self._watermark, at)
            added.append(document)
            for one in document.contributions:
                touches.touch(document.document, one, self._watermark)
        if self._watermark is None:
            return []
        return touches.points(self._store.add(added), self._watermark)


class ArchiveDocuments:
    """`classified` to SQL."""

    def __init__(self, archive: Archive, clock: Callable[[], datetime]) -> None:
        self._archive = archive
        self._clock = clock

    def __call__(self, records: Sequence[Record]) -> Handled:
        """Nothing to send; every document is durable on return."""
        documents: list[ClassifiedDocument] = []
        rejected: list[tuple[Record, Rejected]] = []
        for record in records:
            try:
                documents.append(_classified(record))
            except Rejected as error:
                rejected.append((record, error))
        self._archive.store(documents, self._clock())
        return Handled((), rejected)


def _classified(record: Record) -> ClassifiedDocument:
    """The value of a `classified` record, with the broker's time where it says none itself."""
    found = CLASSIFIED.decode(record.value)
    if found.classified_at is not None:
        return found
    # spelled out: this runs for every document, and `replace` costs several times as much
    return ClassifiedDocument(
        document=found.document,
        lang=found.lang,
        subjects=found.subjects,
        story=found.story,
        classification=found.classification,
        classified_at=record.at,
        late=found.late,
        lang_apart=found.lang_apart,
    )
