"""The verbs of the pipeline: values in, ports called, values out.

No framework here. `workers/agents.py` reads records, calls these and sends what they return.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.documents import (
    Classification,
    ClassifiedDocument,
    Document,
    Subject,
    validated,
)
from pipeline.errors import Rejected, Unavailable
from pipeline.languages import language_of
from pipeline.ports import (
    Archive,
    Classifier,
    ClassifierInput,
    CountedDocument,
    Linked,
    StoryIndex,
    SubjectLinker,
    TrendStore,
)
from pipeline.stories import fingerprint
from pipeline.trends import SeriesKey, TrendPoint, contributions
from pipeline.wire import CLASSIFIED, DOCUMENTS, TRENDS, Outgoing, Record


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a batch: records to send, and inputs that will never work.

    Every input is in one of the two: nothing is dropped in silence.
    """

    outgoing: Sequence[Outgoing]
    rejected: Sequence[tuple[Record, Rejected]] = ()


class Classify:
    """`documents` to `classified`: language, subjects, story, topic and sentiment."""

    def __init__(self, classifier: Classifier, linker: SubjectLinker, stories: StoryIndex) -> None:
        self._classifier = classifier
        self._linker = linker
        self._stories = stories

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
            linked = self._linker.read(document)
            prepared.append((record, document, language_of(document), linked))
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
                (document.id, fingerprint(document))
                for (_, document, _, _), answer in zip(prepared, answers, strict=True)
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
                subjects=_with_sentiment(linked.subjects, answer),
                story=next(place),
                classification=answer,
            )
            # Into the partition it came from: the order of one partition, and with it the event
            # time of a replay, is kept from `documents` to `trends`.
            outgoing.append(replace(CLASSIFIED.encode(classified), partition=record.partition))
        return Handled(outgoing, rejected)

    def _classified(self, inputs: Sequence[ClassifierInput]) -> list[Classification | Rejected]:
        """The classifier's answers; a text it cannot take is found by halving the batch."""
        if not inputs:
            return []
        try:
            return list(self._classifier.classify(inputs))
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
                documents.append(CLASSIFIED.decode(record.value))
            except Rejected as error:
                rejected.append((record, error))
        return Handled([TRENDS.encode(point) for point in self.points(documents)], rejected)

    def points(self, documents: Sequence[ClassifiedDocument]) -> list[TrendPoint]:
        """Count the documents; the state now of each bucket they touch.

        A point's watermark is the event time read up to the last document that touched its
        bucket, not to the end of the batch: what the watch sees does not depend on where
        one batch ended and the next began.
        """
        counted: list[CountedDocument] = []
        points: dict[tuple[SeriesKey, datetime], TrendPoint] = {}
        for classified in documents:
            at = classified.document.published_at
            self._watermark = at if self._watermark is None else max(self._watermark, at)
            added = contributions(classified)
            counted.append(CountedDocument(document=classified.id, at=at, contributions=added))
            for one in added:
                name = (one.series, one.bucket.start)
                # pop first: a bucket touched again moves behind what was read before it
                points.pop(name, None)
                points[name] = TrendPoint(
                    series=one.series,
                    bucket=one.bucket,
                    watermark=self._watermark,
                    tickers=one.tickers,
                )
        now = self._store.add(counted)
        return [replace(point, bucket=now[name]) for name, point in points.items()]


class ArchiveDocuments:
    """`classified` to SQL."""

    def __init__(self, archive: Archive, clock: Callable[[], datetime]) -> None:
        self._archive = archive
        self._clock = clock

    def __call__(self, records: Sequence[Record]) -> Handled:
        """Nothing to send; every document is durable on return."""
        documents: dict[str, ClassifiedDocument] = {}
        rejected: list[tuple[Record, Rejected]] = []
        for record in records:
            try:
                classified = CLASSIFIED.decode(record.value)
            except Rejected as error:
                rejected.append((record, error))
                continue
            documents.setdefault(classified.id, classified)
        self._archive.store(list(documents.values()), self._clock())
        return Handled((), rejected)
