"""How one source fares, as ingest keeps it and as others judge it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One source as it fares; `items` counts new documents, `errors` failed polls.

    `lag_seconds` is from publication to our finding it, the median of its last news.
    `pace_seconds` is the time between two polls now, `usual_gap_seconds` that between two with
    news, over the last `gaps`. `retired_at` is set while no feed file names it.
    """

    source: str
    known_since: datetime | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    last_error_at: datetime | None
    last_error: str | None
    last_item_at: datetime | None
    last_published_at: datetime | None
    next_poll_at: datetime | None
    items: int
    errors: int
    failures_in_a_row: int
    lag_seconds: float | None
    pace_seconds: float | None
    usual_gap_seconds: float | None
    gaps: int
    silent_after_seconds: float | None
    retired_at: datetime | None
