"""Which series a document touches, and what is counted there.

A series is a cut through the stream: one subject, one topic, a subject within a topic, one
source, or everything. Its counts are kept in buckets of one minute of *event* time: a
document belongs to the minute it was published in, however late it arrives. All counts are
integers (probabilities in millionths), so that adding is associative and commutative and a
sum in Redis can equal a sum in SQL to the last digit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from pipeline.documents import (
    ClassifiedDocument,
    DocumentId,
    Sentiment,
    SubjectId,
    Time,
    minute_of,
)

BUCKET_WIDTH = timedelta(minutes=1)
MICRO = 1_000_000
# A list of forty tickers is spam, not forty subjects: below this relevance nothing counts.
MIN_RELEVANCE = 0.1
# Evidence a bucket keeps; DESIGN: the last 20 by contribution.
MAX_EVIDENCE = 20


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """A cut through the stream; None means "any". All None is the series of everything."""

    subject: SubjectId | None = None
    topic: str | None = None
    source: str | None = None
    lang: str | None = None

    def __str__(self) -> str:
        """`subject=AAPL|topic=Earnings`, parts escaped, `*` for everything."""
        parts = [
            f"{name}={value.replace('%', '%25').replace('|', '%7C').replace('=', '%3D')}"
            for name, value in (
                ("subject", self.subject),
                ("topic", self.topic),
                ("source", self.source),
                ("lang", self.lang),
            )
            if value is not None
        ]
        return "|".join(parts) or "*"

    @classmethod
    def parse(cls, text: str) -> "SeriesKey":
        """The key `str` wrote. Raises ValueError on anything else."""
        if text == "*":
            return cls()
        values: dict[str, str] = {}
        for part in text.split("|"):
            name, separator, value = part.partition("=")
            if not separator or name not in ("subject", "topic", "source", "lang"):
                raise ValueError(f"not a series key: {text!r}")
            values[name] = value.replace("%3D", "=").replace("%7C", "|").replace("%25", "%")
        subject = values.pop("subject", None)
        return cls(subject=None if subject is None else SubjectId(subject), **values)


EVERYTHING = SeriesKey()


@dataclass(frozen=True, slots=True)
class Totals:
    """What is counted in one bucket of one series. Adding is associative and commutative.

    `documents` counts all; `negative`, `neutral`, `positive` those with a sentiment;
    `*_micro` are the sums of probabilities in millionths; `novel` counts the documents that
    were the first of their story, `novel_negative` those of them that are negative.
    """

    documents: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    negative_micro: int = 0
    neutral_micro: int = 0
    positive_micro: int = 0
    novel: int = 0
    novel_negative: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(a + b for a, b in zip(self.row(), other.row(), strict=True)))

    def row(self) -> tuple[int, ...]:
        """The counts in the order of the fields."""
        return tuple(getattr(self, name) for name in TOTALS_FIELDS)


TOTALS_FIELDS = tuple(field.name for field in fields(Totals))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A negative document that a bucket remembers, enough to judge its independence."""

    document: DocumentId
    story: str
    voice: str
    at: Time
    negative_micro: int
    novel: bool

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Strongest last: first of its story, then the most negative; ids break ties."""
        return (self.novel, self.negative_micro, self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The counts of one minute of one series, with its strongest negative evidence."""

    start: Time
    totals: Totals = Totals()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """The state of one bucket of one series *now*: totals, not increments.

    `watermark` is the event time up to which the sender had read when it wrote this: the
    `now` of whoever judges the point. `sweep` marks a point re-sent for a quiet series.
    """

    series: SeriesKey
    bucket: Bucket
    watermark: Time
    tickers: tuple[str, ...] = ()
    width_seconds: int = 60
    sweep: bool = False
    v: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one document adds to one bucket of one series."""

    series: SeriesKey
    bucket: Bucket
    tickers: tuple[str, ...] = ()


def strongest(evidence: Iterable[Evidence], most: int = MAX_EVIDENCE) -> tuple[Evidence, ...]:
    """The `most` strongest pieces, one a story, strongest first.

    Order-independent: the same set of documents gives the same answer however it arrived,
    also when only earlier answers are merged.
    """
    best: dict[str, Evidence] = {}
    for piece in evidence:
        held = best.get(piece.story)
        if held is None or piece.rank > held.rank:
            best[piece.story] = piece
    return tuple(sorted(best.values(), key=lambda piece: piece.rank, reverse=True)[:most])


def merged(one: Bucket, other: Bucket) -> Bucket:
    """Both buckets as one; they must cover the same minute."""
    if one.start != other.start:
        raise ValueError(f"buckets of different minutes: {one.start} and {other.start}")
    return Bucket(
        start=one.start,
        totals=one.totals + other.totals,
        evidence=strongest((*one.evidence, *other.evidence)),
    )


def contributions(classified: ClassifiedDocument) -> tuple[Contribution, ...]:
    """What `classified` adds to every series it touches: everything, its topic, its source,
    each relevant subject, and each subject within the topic.

    Pure: SQL recounts and Redis counts both come from here.
    """
    document = classified.document
    start = minute_of(document.published_at)
    sentiment = classified.classification.sentiment
    topic = classified.classification.topic
    plain = _bucket(classified, start, sentiment)
    found = [
        Contribution(series=EVERYTHING, bucket=plain),
        Contribution(series=SeriesKey(source=document.source), bucket=plain),
    ]
    if topic is not None:
        found.append(Contribution(series=SeriesKey(topic=topic), bucket=plain))
    for subject in classified.subjects:
        if subject.relevance < MIN_RELEVANCE:
            continue
        bucket = plain
        if subject.sentiment is not None:
            bucket = _bucket(classified, start, subject.sentiment)
        key = SeriesKey(subject=subject.id)
        found.append(Contribution(series=key, bucket=bucket, tickers=subject.tickers))
        if topic is not None:
            key = SeriesKey(subject=subject.id, topic=topic)
            found.append(Contribution(series=key, bucket=bucket, tickers=subject.tickers))
    return tuple(found)


def _bucket(classified: ClassifiedDocument, start: datetime, sentiment: Sentiment | None) -> Bucket:
    novel = classified.story.position == 0
    if sentiment is None:
        return Bucket(start=start, totals=Totals(documents=1, novel=int(novel)))
    label = sentiment.label
    negative = label == "negative"
    negative_micro = round(sentiment.negative * MICRO)
    totals = Totals(
        documents=1,
        negative=int(negative),
        neutral=int(label == "neutral"),
        positive=int(label == "positive"),
        negative_micro=negative_micro,
        neutral_micro=round(sentiment.neutral * MICRO),
        positive_micro=round(sentiment.positive * MICRO),
        novel=int(novel),
        novel_negative=int(novel and negative),
    )
    if not negative:
        return Bucket(start=start, totals=totals)
    piece = Evidence(
        document=classified.id,
        story=classified.story.id,
        voice=classified.document.voice,
        at=classified.document.published_at,
        negative_micro=negative_micro,
        novel=novel,
    )
    return Bucket(start=start, totals=totals, evidence=(piece,))
