"""What a series did in the window that ends now, or ended at some time: its metrics."""

from datetime import datetime, timedelta

from sqlalchemy.engine import Engine

from pipeline.trend_metrics import metrics_of
from pipeline.trends import SeriesKey
from workers.web.answers import SeriesMetrics, Window
from workers.web.keeping import LiveMinutes
from workers.web.series import MINUTE, floor, minutes_of

WINDOWS: dict[Window, timedelta] = {
    "10m": timedelta(minutes=10),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}


def series_metrics(
    engine: Engine, live_minutes: LiveMinutes, key: SeriesKey, window: Window, at: datetime
) -> SeriesMetrics:
    """The metrics of the window that ends with the minute of `at`; the half-life of the
    sentiment index is a quarter of it. Raises `Unavailable` when SQL does not answer."""
    length = WINDOWS[window]
    end = floor(at, MINUTE) + MINUTE
    minutes, live = minutes_of(engine, live_minutes, key, end - 3 * length, end)
    found = metrics_of(list(minutes.values()), end, length, length / 4)
    return SeriesMetrics(
        series=str(key),
        window=window,
        window_seconds=int(length.total_seconds()),
        start=end - length,
        end=end,
        live=live,
        half_life_seconds=int((length / 4).total_seconds()),
        documents=found.volume,
        negative_share=found.negative_share.share,
        share_low=found.negative_share.low,
        share_high=found.negative_share.high,
        sentiment_index=found.sentiment_index,
        velocity=found.velocity,
        acceleration=found.acceleration,
        novelty_weighted=found.novelty_weighted_volume,
        stories=found.stories,
        voices=found.voices,
        late=found.late,
        suspected=found.suspected,
    )
