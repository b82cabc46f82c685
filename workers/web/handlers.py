"""Who answers each endpoint: one function each, from checked parameters to an answer.

They block, so they run on the pool of `workers.web.reading`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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
from workers.web.alert_queries import alert_history, list_alerts
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
    Width,
    Window,
)
from workers.web.document_queries import Wanted, list_documents
from workers.web.keeping import LiveMinutes
from workers.web.learning import LearningUntil, nothing_learns
from workers.web.measures import series_metrics
from workers.web.overview import Overview, StreamFigures
from workers.web.parameters import BadRequest
from workers.web.series import WIDTHS, series_points
from workers.web.source_queries import list_sources

logger = logging.getLogger(__name__)

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
    learning: LearningUntil = nothing_learns
    overview: Overview = field(init=False)
    live_minutes: LiveMinutes = field(init=False)

    def __post_init__(self) -> None:
        self.live_minutes = LiveMinutes(self.store)
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
    found = series_points(sources.engine, sources.live_minutes, key, start, end, width, now)
    return replace(found, learning_until=sources.learning(key, now))


def answer_metrics(sources: Sources, given: Mapping[str, Any]) -> SeriesMetrics:
    at: datetime = given["at"] or sources.overview.now()
    window = cast(Window, given["window"])
    found = series_metrics(sources.engine, sources.live_minutes, given["series"], window, at)
    return replace(found, learning_until=sources.learning(given["series"], at))


def answer_documents(sources: Sources, given: Mapping[str, Any]) -> DocumentPage:
    wanted = Wanted(
        subject=given["subject"],
        topic=given["topic"],
        source=given["source"],
        lang=given["lang"],
        sentiment=given["sentiment"],
        search=given["search"],
        start=given["from"],
        end=given["to"],
    )
    return list_documents(sources.engine, wanted, given["limit"], given["cursor"])


def answer_sources(sources: Sources, given: Mapping[str, Any]) -> SourceList:
    return list_sources(sources.engine, sources.clock())


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
    checks = {
        "database": _checked("database", lambda: _look_at_database(sources.engine)),
        "redis": _checked("redis", lambda: sources.store.now()),
    }
    return Health(ok=all(word == "ok" for word in checks.values()), checks=checks)


def _look_at_database(engine: Engine) -> None:
    with reading(engine) as connection:
        connection.execute(text("SELECT 1 FROM alerts WHERE 1 = 0"))


def _checked(name: str, look: Callable[[], object]) -> str:
    try:
        look()
    except Unavailable:
        return "does not answer"
    except Exception:
        # a schema that is not there yet, most of all: not ready, and nothing to crash for
        logger.exception("%s cannot be used", name)
        return "cannot be used"
    return "ok"
