"""What the API answers: each type is the JSON body and, through msgspec, its JSON Schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from alerts.lifecycle import Alert
from pipeline.documents import SentimentLabel

Width = Literal["1m", "5m", "1h", "1d"]
Window = Literal["10m", "1h", "6h", "24h", "7d"]
# the same type to Python; to msgspec an aware time, which its schema says too
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no answer, in one line."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPage:
    """Alerts as they now are, last opened first. `next` is null on the last page."""

    alerts: list[Alert]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStep:
    """One change of an alert: the state it was then in. `id` grows with every change."""

    id: int
    revision: int
    state: str
    severity: int
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertHistory:
    """One alert, its changes, and the earlier episodes of the same rule and series."""

    alert: Alert
    steps: list[AlertStep]
    episodes: list[Instant]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSeries:
    """A series there is something to see of; `documents` in the last 24 hours of the stream."""

    series: str
    subject: str | None
    topic: str | None
    source: str | None
    lang: str | None
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesList:
    """The busiest series that match; `matching` counts all that do."""

    series: list[ListedSeries]
    matching: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One bucket of a series: [start, start + width).

    `negative_share` is of the documents with a sentiment, null without any; `share_low` and
    `share_high` are its 95 % credible interval. `novel` documents were the first of their
    story; alerts count those that lean to negative, which are more. `late` documents came
    behind the allowed lateness, `suspected` ones may be spam; `novelty_weighted` is the volume
    with each document by what was new about it. `stories` and `voices` are different ones, null
    where the bucket is added up by the history.
    """

    start: Instant
    documents: int
    negative: int
    neutral: int
    positive: int
    novel: int
    novel_negative: int
    negative_share: float | None
    share_low: float
    share_high: float
    late: int
    suspected: int
    novelty_weighted: float
    stories: int | None
    voices: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesMetrics:
    """What `series` did in [`start`, `end`), by the formulas of docs/trends.md.

    `velocity` is in documents per hour, `acceleration` in documents per hour per hour,
    `sentiment_index` between -1 and 1, with the half-life named. `live` is false while the
    counts of the last minutes cannot be read. Until `learning_until` no rule knows enough of the
    stream to alert on it; null: they do, or none watches it.
    """

    series: str
    window: Window
    window_seconds: int
    start: Instant
    end: Instant
    live: bool
    half_life_seconds: int
    documents: int
    negative_share: float | None
    share_low: float
    share_high: float
    sentiment_index: float
    velocity: float
    acceleration: float
    novelty_weighted: float
    stories: int
    voices: int
    late: int
    suspected: int
    learning_until: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoints:
    """The buckets of `series` in [`start`, `end`) that hold documents, oldest first.

    `live` is false while the counts of the last minutes cannot be read: what is shown then
    comes from the history, and may end early. `learning_until` as in `SeriesMetrics`.
    """

    series: str
    width: Width
    width_seconds: int
    start: Instant
    end: Instant
    live: bool
    points: list[Point]
    learning_until: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSubject:
    """A subject of a document and how much the document is about it, 0 to 1."""

    id: str
    relevance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDocument:
    """A document as archived; `excerpt` is the beginning of its text."""

    id: str
    source: str
    publisher: str | None
    author: str | None
    url: str | None
    title: str | None
    excerpt: str | None
    lang: str | None
    published_at: Instant
    topic: str | None
    sentiment: SentimentLabel | None
    negative: float | None
    neutral: float | None
    positive: float | None
    reason: str | None
    story: str | None
    suspected_spam: bool
    model_version: str | None
    subjects: list[ListedSubject]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """Documents, last published first. `next` is null on the last page."""

    documents: list[ListedDocument]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSource:
    """A source as it fares; null where it is not known. `silent` says in which way it is
    silent, `lag_seconds` how late its last news came, `pace_seconds` how often it is asked."""

    source: str
    silent: str | None
    retired: bool
    last_success_at: Instant | None
    last_item_at: Instant | None
    last_published_at: Instant | None
    next_poll_at: Instant | None
    last_error_at: Instant | None
    last_error: str | None
    items: int
    errors: int
    failures_in_a_row: int
    lag_seconds: float | None
    pace_seconds: float | None
    silent_after_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceList:
    """Every source that was ever polled, by name."""

    sources: list[ListedSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Documents archived in one minute of wall time."""

    minute: Instant
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The state of the whole cluster; null where it is not known.

    `stream_time` is the event-time now of the stream: wall time when it is live, the past
    during a replay. `lag` counts the records each stage has not read yet. From a million on,
    `documents` and `classified` are estimates.
    """

    at: Instant
    stream_time: Instant | None
    synthetic: bool
    documents: int
    classified: int
    dead_letters: int | None
    alerts: Mapping[str, int]
    throughput: list[Throughput]
    lag: Mapping[str, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`ok`, or what is wrong with each dependency."""

    ok: bool
    checks: Mapping[str, str]


ANSWERS: tuple[type[Any], ...] = (
    Failure,
    AlertPage,
    AlertHistory,
    SeriesList,
    SeriesPoints,
    SeriesMetrics,
    DocumentPage,
    SourceList,
    Stats,
    Health,
)


def answer_schemas() -> dict[str, Any]:
    """The JSON Schema of every answer and everything in it, by name, for OpenAPI."""
    _, components = msgspec.json.schema_components(
        ANSWERS, ref_template="#/components/schemas/{name}"
    )
    return {name: _plain(schema) for name, schema in components.items()}


def _plain(schema: Any) -> Any:
    """The schema as JSON has it: msgspec leaves tuples and dataclass defaults in."""
    return msgspec.json.decode(msgspec.json.encode(schema))
