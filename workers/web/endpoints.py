"""The endpoints, each once: where it is, what it takes, what it answers, who answers it.

Routes and the OpenAPI description are both made from `ENDPOINTS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.trends import SeriesKey
from workers.web.answers import (
    AlertHistory,
    AlertPage,
    DocumentPage,
    Health,
    SeriesList,
    SeriesMetrics,
    SeriesPoints,
    SourceList,
    Stats,
)
from workers.web.handlers import (
    TOPICS,
    Sources,
    answer_alert,
    answer_alerts,
    answer_documents,
    answer_live,
    answer_metrics,
    answer_points,
    answer_ready,
    answer_schema,
    answer_series,
    answer_sources,
    answer_stats,
)
from workers.web.measures import WINDOWS
from workers.web.parameters import Parameter, choice, cursor, instant, limit, text, whole
from workers.web.series import WIDTHS

SENTIMENTS = ("negative", "neutral", "positive")

Handle = Callable[[Sources, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One GET endpoint. `handle` blocks and runs on the pool; None: the app answers itself."""

    path: str
    name: str
    summary: str
    returns: str
    parameters: tuple[Parameter, ...] = ()
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    answer: type[Any] | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    media_type: str = "application/json"
    failures: tuple[str, ...] = ("400", "503")
    handle: Handle | None = None


def _series_key(name: str) -> Parameter:
    def read(value: str) -> SeriesKey:
        try:
            return SeriesKey.parse(value)
        except ValueError:
            raise ValueError("a series key such as * or subject=AAPL|topic=Earnings") from None

    plain = text(
        name, "The series: `*`, or parts as in `subject=AAPL|topic=Earnings`", longest=3_000
    )
    return Parameter(
        name=name,
        meaning=plain.meaning,
        read=read,
        schema=plain.schema,
        required=True,
        longest=plain.longest,
    )


_FROM = instant("from", "Not before this time, RFC 3339")
_TO = instant("to", "Before this time, RFC 3339")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        path="/api/alerts",
        name="listAlerts",
        summary="Alerts as they now are, last changed first",
        returns="A page of alerts",
        answer=AlertPage,
        handle=answer_alerts,
        parameters=(
            choice(
                "state",
                "Only alerts in this state; `open` is pending or firing",
                ("pending", "firing", "resolved", "open"),
            ),
            whole("severity", "Only alerts at least that severe", 0, 100),
            text("subject", "Only alerts on this subject, by its id"),
            text("topic", "Only alerts on this topic"),
            text("source", "Only alerts on this source"),
            text("rule", "Only alerts of this rule, by its id"),
            instant("since", "Only alerts that changed at or after this time, RFC 3339"),
            limit(50, 200),
            cursor(2),
        ),
    ),
    Endpoint(
        path="/api/alerts/{fingerprint}",
        name="getAlert",
        summary="One alert with its changes and earlier episodes",
        returns="The alert and its history",
        answer=AlertHistory,
        handle=answer_alert,
        path_parameters={"fingerprint": "The alert's fingerprint"},
        parameters=(instant("opened_at", "That episode; the last one otherwise"),),
        failures=("400", "404", "503"),
    ),
    Endpoint(
        path="/api/series",
        name="listSeries",
        summary="The series there are, busiest first",
        returns="The series that match",
        answer=SeriesList,
        handle=answer_series,
        parameters=(text("search", "Words that the key must contain"), limit(50, 500)),
    ),
    Endpoint(
        path="/api/series/points",
        name="getSeriesPoints",
        summary="Volume and negative share of one series over time",
        returns="The buckets that hold documents, oldest first",
        answer=SeriesPoints,
        handle=answer_points,
        parameters=(
            _series_key("series"),
            _FROM,
            _TO,
            choice("width", "Width of a bucket", tuple(WIDTHS), "1m"),
        ),
    ),
    Endpoint(
        path="/api/series/metrics",
        name="getSeriesMetrics",
        summary="What one series did in a window: volume, share, index, velocity, novelty",
        returns="The metrics, by the formulas of docs/trends.md",
        answer=SeriesMetrics,
        handle=answer_metrics,
        parameters=(
            _series_key("series"),
            choice("window", "Length of the window", tuple(WINDOWS), "1h"),
            instant("at", "The minute the window ends with, RFC 3339; the stream's now otherwise"),
        ),
    ),
    Endpoint(
        path="/api/documents",
        name="listDocuments",
        summary="Archived documents with their classification, last published first",
        returns=(
            "A page of documents. Where a condition has no index, a page looks at a bounded "
            "number of documents: it may be short, even empty, and still have a `next`"
        ),
        answer=DocumentPage,
        handle=answer_documents,
        parameters=(
            text("subject", "Only documents about this subject, by its id"),
            text("topic", "Only documents on this topic"),
            text("source", "Only documents of this source"),
            text("lang", "Only documents in this language"),
            choice("sentiment", "Only documents that feel so", SENTIMENTS),
            text("search", "Only documents with this in title or text, without case"),
            _FROM,
            _TO,
            limit(50, 200),
            cursor(1),
        ),
    ),
    Endpoint(
        path="/api/sources",
        name="listSources",
        summary="How each polled source fares, by name",
        returns="Every source that was ever polled",
        answer=SourceList,
        handle=answer_sources,
    ),
    Endpoint(
        path="/api/stats",
        name="getStats",
        summary="The figures of the whole cluster, a few seconds old at most",
        returns="The figures",
        answer=Stats,
        handle=answer_stats,
    ),
    Endpoint(
        path="/api/schemas/{topic}",
        name="getSchema",
        summary="The JSON Schema of the values of one Kafka topic",
        returns="A JSON Schema, draft 2020-12",
        schema={"type": "object"},
        handle=answer_schema,
        path_parameters={"topic": f"One of {', '.join(TOPICS)}"},
        failures=("400", "404"),
    ),
    Endpoint(
        path="/api/events",
        name="followAlerts",
        summary="Every change of an alert as a server-sent event, as it happens",
        returns=(
            "A stream of `alert` events whose data is an alert; send `Last-Event-ID` to go on "
            "behind that event, without it the stream begins with what comes next"
        ),
        media_type="text/event-stream",
        schema={"type": "string"},
    ),
    Endpoint(
        path="/api/openapi.json",
        name="getOpenapi",
        summary="This description",
        returns="OpenAPI 3.1",
        schema={"type": "object"},
        failures=(),
    ),
    Endpoint(
        path="/health/live",
        name="live",
        summary="The process answers",
        returns="Always ok",
        answer=Health,
        handle=answer_live,
        failures=("400",),
    ),
    Endpoint(
        path="/health/ready",
        name="ready",
        summary="The stores answer; 503 with the same body when one does not",
        returns="Every check is ok",
        answer=Health,
        handle=answer_ready,
        failures=("400", "503"),
    ),
)
