"""Documents and what is known about them: the values that travel between the stages.

Every dataclass here is also its own wire form (see `pipeline.wire`): field names are the
public contract, times are aware UTC datetimes, unknown fields are ignored on reading.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NewType

from msgspec import Meta

from pipeline.errors import Rejected

DocumentId = NewType("DocumentId", str)
SubjectId = NewType("SubjectId", str)

SentimentLabel = Literal["negative", "neutral", "positive"]

# What one document may carry. Kafka's own record limit (1 MiB) is close to the text limit:
# whatever is longer is a mistake or an attack, and goes to the dead letters with the reason.
MAX_TEXT = 500_000
MAX_SHORT = 2_000
MAX_SUBJECTS = 1_000
MAX_VERSION = 1_000_000
# Nobody publishes financial news outside these years; year 1 or 9999 is a broken parser.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_YEAR = 2200


Time = Annotated[datetime, Meta(tz=True, extra_json_schema={"format": "date-time"})]
"""A time on the wire: RFC 3339 with its zone."""


def _short(most: int) -> Meta:
    """A length limit for the schema's readers; `validated` enforces it, with a better reason."""
    return Meta(extra_json_schema={"maxLength": most})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One scraped text, as `documents` v1 carries it, after `validated`.

    An edited text keeps its id and comes with a higher `version` and the time of the edit.
    """

    source: Annotated[str, _short(200)]
    published_at: Time
    id: Annotated[DocumentId, _short(500)] = DocumentId("")
    publisher: Annotated[str | None, _short(MAX_SHORT)] = None
    author: Annotated[str | None, _short(MAX_SHORT)] = None
    url: Annotated[str | None, _short(8_000)] = None
    title: Annotated[str | None, _short(10_000)] = None
    text: Annotated[str | None, _short(MAX_TEXT)] = None
    lang: Annotated[str | None, _short(35)] = None
    fetched_at: Time | None = None
    subjects: tuple[str, ...] = ()
    repost_of: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    edited_at: Time | None = None
    v: int = 1

    @property
    def body(self) -> str:
        """Title and text as one string, the title first."""
        if self.title and self.text:
            return f"{self.title}\n{self.text}"
        return self.title or self.text or ""

    @property
    def voice(self) -> str:
        """Who speaks: the family its publisher belongs to (`extra.publisher_family`), else
        the author, else the publisher, else the source. For independence."""
        family = self.extra.get("publisher_family")
        if isinstance(family, str) and family:
            return family
        return self.author or self.publisher or self.source


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Calibrated probabilities that sum to one."""

    negative: float
    neutral: float
    positive: float

    @property
    def label(self) -> SentimentLabel:
        """The most probable class; ties go to the less exciting one."""
        if self.negative > self.neutral and self.negative > self.positive:
            return "negative"
        if self.positive > self.neutral and self.positive > self.negative:
            return "positive"
        return "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A company or instrument a document is about, `relevance` in 0..1.

    `sentiment` is the sentiment towards this subject where the model can tell; otherwise
    None, and the document's own sentiment counts.
    """

    id: SubjectId
    tickers: tuple[str, ...] = ()
    relevance: float = 1.0
    sentiment: Sentiment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Which story a document tells: `position` earlier documents told it before (0: none).

    A story is one text and its copies: reposts, quotes, syndicated articles. `voice` is whose
    words they are: the voice that told it first. Independent texts about the same event are
    stories of their own, joined for reading by `event`, the id of the first of them. `voices`
    and `first_seen` are of the event as it stood when this document came, itself included;
    `novelty` is what is new about it, 100 to 0 (`pipeline.stories.novelty`). None in a record
    written before there was such a field.
    """

    id: str
    position: int = 0
    voice: str | None = None
    event: str | None = None
    voices: int | None = None
    first_seen: Time | None = None
    novelty: int | None = None
    suspected_spam: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What the model said. `sentiment` is None with a `reason` where no model can tell."""

    model_version: str
    topic: str | None = None
    topic_probability: float = 0.0
    sentiment: Sentiment | None = None
    reason: str | None = None
    subject_sentiments: Mapping[SubjectId, Sentiment] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedDocument:
    """A document with its language, subjects, story and classification.

    `classified_at` is when, by the broker's time of the record where it does not say. `late`:
    it came further behind the newest document read before it than is allowed. `lang_apart`:
    it also counts in the series of its language alone.
    """

    document: Document
    lang: str
    subjects: tuple[Subject, ...]
    story: Story
    classification: Classification
    classified_at: Time | None = None
    late: bool = False
    lang_apart: bool = False
    v: int = 1

    @property
    def id(self) -> DocumentId:
        return self.document.id

    @property
    def voice(self) -> str:
        """Whose words these are: of a copy the one who told its story first, else the
        document's own voice. Documents with the same voice are not independent."""
        return self.story.voice or self.document.voice

    @property
    def novel(self) -> bool:
        """Whether it counts as new: the first to tell its story, and no suspected spam."""
        return self.story.position == 0 and not self.story.suspected_spam


def document_id(document: Document) -> DocumentId:
    """The given id, else a hash of source and the first of guid, url, or title and text."""
    if document.id:
        return document.id
    guid = document.extra.get("guid")
    name = guid if isinstance(guid, str) and guid else document.url or document.body
    digest = hashlib.sha256(f"{document.source}\n{name}".encode()).hexdigest()
    return DocumentId(f"{document.source[:100]}:{digest[:24]}")


def validated(document: Document, received_at: datetime) -> Document:
    """The document with its id, in UTC, a future publication time clamped to its arrival.

    `received_at` is the broker's timestamp of the record: it stands in for a missing
    `fetched_at`, so that a re-delivery gives the same value. Raises `Rejected` with the
    reason, naming the field.
    """
    if document.v != 1:
        raise Rejected(f"v: version {document.v} is not known, this reader knows 1")
    if not document.source.strip():
        raise Rejected("source: empty")
    title, text = document.title, document.text
    if not (title and title.strip()) and not (text and text.strip()):
        raise Rejected("text: title and text are both missing or empty")
    for name, value, most in (
        ("id", document.id, 500),
        ("source", document.source, 200),
        ("publisher", document.publisher, MAX_SHORT),
        ("author", document.author, MAX_SHORT),
        ("url", document.url, 8_000),
        ("title", title, 10_000),
        ("text", text, MAX_TEXT),
        ("lang", document.lang, 35),
        ("repost_of", document.repost_of, 500),
    ):
        if value is None:
            continue
        if len(value) > most:
            raise Rejected(f"{name}: {len(value):,} characters, {most:,} are allowed")
        if "\x00" in value:
            raise Rejected(f"{name}: holds a NUL character")
    if len(document.subjects) > MAX_SUBJECTS:
        raise Rejected(f"subjects: {len(document.subjects)}, {MAX_SUBJECTS} are allowed")
    for ticker in document.subjects:
        if "\x00" in ticker or len(ticker) > 100:
            raise Rejected("subjects: a ticker holds a NUL or is over 100 characters")
    if not 1 <= document.version <= MAX_VERSION:
        raise Rejected(f"version: {document.version}, from 1 to {MAX_VERSION:,} are allowed")
    edited = document.edited_at
    if edited is not None:
        edited = _in_range("edited_at", edited)
    published = _in_range("published_at", document.published_at)
    fetched = received_at
    if document.fetched_at is not None:
        fetched = _in_range("fetched_at", document.fetched_at)
    # A clock ahead of ours must not move the watermark of the whole stream. A fetch time in
    # the future is a wrong clock too, so the broker's time bounds both.
    arrival = min(fetched, received_at)
    if published > arrival:
        published = arrival
    # spelled out: this runs for every document, and `replace` costs twice as much
    return Document(
        source=document.source,
        published_at=published,
        id=document.id or document_id(document),
        publisher=document.publisher,
        author=document.author,
        url=document.url,
        title=title,
        text=text,
        lang=document.lang,
        fetched_at=fetched,
        subjects=document.subjects,
        repost_of=document.repost_of,
        extra=document.extra,
        version=document.version,
        edited_at=edited,
    )


def _in_range(name: str, at: datetime) -> datetime:
    if at.tzinfo is None:
        raise Rejected(f"{name}: has no time zone")
    # Compared before conversion: year 1 and 9999 overflow when shifted to UTC.
    if not 1970 <= at.year < LATEST_YEAR:
        raise Rejected(f"{name}: year {at.year} is outside 1970 to {LATEST_YEAR - 1}")
    utc = at.astimezone(UTC)
    return max(utc, EARLIEST)


def minute_of(at: datetime) -> datetime:
    """The start of the minute `at` lies in."""
    return at - timedelta(seconds=at.second, microseconds=at.microsecond)
