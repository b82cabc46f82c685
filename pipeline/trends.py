"""Which series a document touches, and what is counted there.

A series is a cut through the stream: one subject, one topic, a subject within a topic, one
source, or everything. Its counts are kept in buckets of one minute of *event* time: a
document belongs to the minute it was published in, however late it arrives.
`pipeline.buckets` says what a bucket holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from pipeline.buckets import COUNTS_FIELDS as COUNTS_FIELDS
from pipeline.buckets import MAX_EVIDENCE as MAX_EVIDENCE
from pipeline.buckets import TOTALS_FIELDS as TOTALS_FIELDS
from pipeline.buckets import Bucket as Bucket
from pipeline.buckets import Counts as Counts
from pipeline.buckets import Evidence as Evidence
from pipeline.buckets import Totals as Totals
from pipeline.buckets import merged as merged
from pipeline.buckets import strongest as strongest
from pipeline.buckets import taken_out as taken_out
from pipeline.distinct import tally_of
from pipeline.documents import (
    ClassifiedDocument,
    Document,
    Sentiment,
    Story,
    SubjectId,
    Time,
    minute_of,
)

BUCKET_WIDTH = timedelta(minutes=1)
MICRO = 1_000_000
# A list of forty tickers is spam, not forty subjects: below this relevance nothing counts.
MIN_RELEVANCE = 0.1
# A document that is negative with this chance or more is evidence, whatever its label: most
# companies get two posts a day, and three that may well be bad news together are a sign.
LEANING_MICRO = 150_000
# How far behind the newest document read before it a document may come without being late.
ALLOWED_LATENESS = timedelta(hours=1)


def leans(sentiment: Sentiment) -> bool:
    """Whether a document of this sentiment speaks for an alert."""
    return round(sentiment.negative * MICRO) >= LEANING_MICRO


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """A cut through the stream; None means "any". All None is the series of everything."""

    subject: SubjectId | None = None
    topic: str | None = None
    source: str | None = None
    lang: str | None = None

    def __str__(self) -> str:
        """`subject=AAPL|topic=Earnings`, parts escaped, `*` for everything."""
        return _text_of(self)

    @classmethod
    def parse(cls, text: str) -> "SeriesKey":
        """The key `str` wrote. Raises ValueError on anything else."""
        if text == "*":
            return cls()
        values: dict[str, str] = {}
        for part in text.split("|"):
            name, separator, value = part.partition("=")
            known = name in ("subject", "topic", "source", "lang")
            if not separator or not known or name in values:
                raise ValueError(f"not a series key: {text!r}")
            values[name] = value.replace("%3D", "=").replace("%7C", "|").replace("%25", "%")
        subject = values.pop("subject", None)
        return cls(subject=None if subject is None else SubjectId(subject), **values)


# the same series are named again and again, and naming one takes microseconds
@lru_cache(maxsize=100_000)
def _text_of(key: SeriesKey) -> str:
    parts = [
        f"{name}={value.replace('%', '%25').replace('|', '%7C').replace('=', '%3D')}"
        for name, value in (
            ("subject", key.subject),
            ("topic", key.topic),
            ("source", key.source),
            ("lang", key.lang),
        )
        if value is not None
    ]
    return "|".join(parts) or "*"


EVERYTHING = SeriesKey()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """The state of one bucket of one series *now*: totals, not increments.

    `watermark` is the event time up to which the sender had read when it wrote this: the
    `now` of whoever judges the point. `sweep` marks a point re-sent for a quiet series.
    `tier` is that of the source, 1 to 3, in a series of one source.
    """

    series: SeriesKey
    bucket: Bucket
    watermark: Time
    tickers: tuple[str, ...] = ()
    width_seconds: int = 60
    sweep: bool = False
    tier: int | None = None
    v: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one document adds to one bucket of one series."""

    series: SeriesKey
    bucket: Bucket
    tickers: tuple[str, ...] = ()
    tier: int | None = None


def contributions(classified: ClassifiedDocument) -> tuple[Contribution, ...]:
    """What `classified` adds to every series it touches: everything, its topic, its source,
    each relevant subject, and each subject within the topic; where its language is counted
    apart, to each of these within the language too.

    Pure: SQL recounts and Redis counts both come from here.
    """
    document = classified.document
    topic = classified.classification.topic
    alone = _alone(classified)
    plain = alone(classified.classification.sentiment)
    found = [
        Contribution(series=EVERYTHING, bucket=plain),
        Contribution(series=SeriesKey(source=document.source), bucket=plain, tier=_tier(document)),
    ]
    if topic is not None:
        found.append(Contribution(series=SeriesKey(None, topic), bucket=plain))
    for subject in classified.subjects:
        if subject.relevance < MIN_RELEVANCE:
            continue
        bucket = plain if subject.sentiment is None else alone(subject.sentiment)
        tickers = subject.tickers
        key = SeriesKey(subject.id)
        found.append(Contribution(series=key, bucket=bucket, tickers=tickers))
        if topic is not None:
            key = SeriesKey(subject.id, topic)
            found.append(Contribution(series=key, bucket=bucket, tickers=tickers))
    if classified.lang_apart:
        found += [replace(one, series=replace(one.series, lang=classified.lang)) for one in found]
    return tuple(found)


def _tier(document: Document) -> int | None:
    told = document.extra.get("tier")
    return told if isinstance(told, int) and 1 <= told <= 3 else None


def _alone(classified: ClassifiedDocument) -> Callable[[Sentiment | None], Bucket]:
    """The bucket that holds one document alone, by the sentiment that counts in a series."""
    document = classified.document
    story = classified.story
    start = minute_of(document.published_at)
    novel = classified.novel
    voice = classified.voice
    stories, voices = tally_of(story.id), tally_of(voice)
    rest = (int(classified.late), _novelty(story), int(story.suspected_spam))

    # positions, not names: a document is counted thousands of times a second
    def bucket(sentiment: Sentiment | None) -> Bucket:
        if sentiment is None:
            totals = Totals(1, 0, 0, 0, 0, 0, 0, int(novel), 0, *rest)
            return Bucket(start=start, totals=totals, stories=stories, voices=voices, revision=1)
        label = sentiment.label
        negative = label == "negative"
        micro = round(sentiment.negative * MICRO)
        evidence: tuple[Evidence, ...] = ()
        if leans(sentiment):
            piece = Evidence(
                document=document.id,
                story=story.id,
                voice=voice,
                at=document.published_at,
                negative_micro=micro,
                novel=novel,
            )
            evidence = (piece,)
        totals = Totals(
            1,
            int(negative),
            int(label == "neutral"),
            int(label == "positive"),
            micro,
            round(sentiment.neutral * MICRO),
            round(sentiment.positive * MICRO),
            int(novel),
            int(novel and negative),
            *rest,
        )
        return Bucket(
            start=start,
            totals=totals,
            evidence=evidence,
            stories=stories,
            voices=voices,
            revision=1,
        )

    return bucket


def _novelty(story: Story) -> int:
    # what the story index said, else a quarter less for each earlier telling
    return round(100 * 0.75**story.position) if story.novelty is None else story.novelty
