"""Who answers each endpoint: one function each, from checked parameters to an answer.

They block, so they run on the pool of `workers.web.reading`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import text
from sqlalchemy.engine import Engine

from alerts.lifecycle import ALERTS, Fingerprint
from pipeline.errors import Unavailable
from pipeline.ports import TrendStore
from pipeline.stores.database import reading
from pipeline.trends import SeriesKey
from pipeline.wire import CLASSIFIED, DEAD_LETTERS, DOCUMENTS, TRENDS
from workers.web.answers import (
    AlertHistory,
    AlertPage,
    DocumentPage,
    Health,
    SeriesList,
    SeriesPoints,
    Stats,
    Width,
)
from workers.web.overview import Overview, StreamFigures
from workers.web.parameters import BadRequest
from workers.web.queries import alert_history, list_alerts, list_documents
from workers.web.series import WIDTHS, series_points

TOPICS = {topic.name: topic for topic in (DOCUMENTS, CLASSIFIED, TRENDS, ALERTS, DEAD_LETTERS)}
SENTIMENTS = ("negative", "neutral", "positive")
# What /api/series/points answers when no range is given: a screenful of buckets.
USUAL_BUCKETS = 240


def no_figures() -> StreamFigures:
    """Where there is no broker to ask."""
    return StreamFigures()


@dataclass(slots=True)
class Sources:
    """Where answers come from. `figures` asks the broker, must answer at once and never raise;
    `clock` gives aware UTC times; `synthetic` marks the data as made up, on the page too."""

    engine: Engine
    store: TrendStore
    clock: Callable[[], datetime]
    synthetic: bool = False
    figures: Callable[[], StreamFigures] = no_figures
    overview: Overview = field(init=False)

    def __post_init__(self) -> None:
        self.overview = Overview(self.engine, self.store, self.clock, self.synthetic, self.figures)


def answer_alerts(sources: Sources, given: Mapping[str, Any]) -> AlertPage:
    return list_alerts(
        sources.engine,
        state=given["state"],
        severity=given["severity"],
        subject=given["subject"],
        topic=given["topic"],
        source=given["source"],
        rule=given["rule"],
        since=given["since"],
        limit=given["limit"],
        after=given["cursor"],
    )


def answer_alert(sources: Sources, given: Mapping[str, Any]) -> AlertHistory:
    name = Fingerprint(given["fingerprint"])
    found = alert_history(sources.engine, name, given["opened_at"])
    if found is None:
        raise BadRequest("no such alert", status=404)
    return found


def answer_series(sources: Sources, given: Mapping[str, Any]) -> SeriesList:
    return sources.overview.series(given["search"], given["limit"])


def answer_points(sources: Sources, given: Mapping[str, Any]) -> SeriesPoints:
    width = cast(Width, given["width"])
    now = sources.overview.now()
    # the running minute belongs to the picture
    end: datetime = given["to"] or now + timedelta(seconds=1)
    start: datetime = given["from"] or end - USUAL_BUCKETS * WIDTHS[width]
    key: SeriesKey = given["series"]
    return series_points(sources.engine, sources.store, key, start, end, width, now)


def answer_documents(sources: Sources, given: Mapping[str, Any]) -> DocumentPage:
    return list_documents(
        sources.engine,
        subject=given["subject"],
        topic=given["topic"],
        source=given["source"],
        lang=given["lang"],
        sentiment=given["sentiment"],
        search=given["search"],
        start=given["from"],
        end=given["to"],
        limit=given["limit"],
        after=given["cursor"],
    )


def answer_stats(sources: Sources, given: Mapping[str, Any]) -> Stats:
    return sources.overview.stats()


def answer_schema(sources: Sources, given: Mapping[str, Any]) -> dict[str, Any]:
    topic = TOPICS.get(given["topic"])
    if topic is None:
        raise BadRequest(f"no such topic; there are {', '.join(TOPICS)}", status=404)
    return topic.schema()


def answer_live(sources: Sources, given: Mapping[str, Any]) -> Health:
    return Health(ok=True, checks={})


def answer_ready(sources: Sources, given: Mapping[str, Any]) -> Health:
    """Asks each store; one that does not answer is named without its address."""
    checks = {"database": "ok", "redis": "ok"}
    try:
        with reading(sources.engine) as connection:
            connection.execute(text("SELECT 1 FROM alerts WHERE 1 = 0"))
    except Unavailable:
        checks["database"] = "does not answer"
    try:
        sources.store.now()
    except Unavailable:
        checks["redis"] = "does not answer"
    return Health(ok=all(word == "ok" for word in checks.values()), checks=checks)
