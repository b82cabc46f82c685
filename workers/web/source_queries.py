"""The polled sources as the web stage shows them."""

from datetime import datetime

from sqlalchemy.engine import Engine

from alerts.source_silence import waits
from pipeline.feeds.health import SourceHealth
from pipeline.stores.source_health import source_health
from workers.web.answers import ListedSource, SourceList


def list_sources(engine: Engine, now: datetime) -> SourceList:
    """Every source that was ever polled, by name. Raises `Unavailable`."""
    return SourceList(sources=[_listed(source, now) for source in source_health(engine)])


def _listed(source: SourceHealth, now: datetime) -> ListedSource:
    silent = next((wait.kind for wait in waits(source, now) if wait.silent), None)
    return ListedSource(
        source=source.source,
        silent=silent,
        retired=source.retired_at is not None,
        last_success_at=source.last_success_at,
        last_item_at=source.last_item_at,
        last_published_at=source.last_published_at,
        next_poll_at=source.next_poll_at,
        last_error_at=source.last_error_at,
        last_error=source.last_error,
        items=source.items,
        errors=source.errors,
        failures_in_a_row=source.failures_in_a_row,
        lag_seconds=source.lag_seconds,
        pace_seconds=source.pace_seconds,
        silent_after_seconds=source.silent_after_seconds,
    )
