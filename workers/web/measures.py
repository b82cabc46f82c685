"""What a series did in the window that ends now, or ended at some time: its metrics."""

from datetime import datetime, timedelta

from sqlalchemy.engine import Engine

from pipeline.trend_metrics import metrics_of
from pipeline.trends import Bucket, SeriesKey
from workers.web.answers import SeriesMetrics, Window
from workers.web.keeping import LiveMinutes
from workers.web.series import LIVE_SPAN, MINUTE, floor, minutes_of, summed_by

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
    start = end - length
    # what is older has long been in SQL; of the windows before only the volume is asked, which
    # SQL adds up, without tallies
    live_from = floor(at - LIVE_SPAN, MINUTE)
    seam = min(max(live_from, start - 2 * length), start)
    minutes, live = minutes_of(engine, live_minutes, key, seam, end, live_from)
    older = [
        Bucket(start=begins, totals=totals)
        for begins, totals in summed_by(engine, key, start - 2 * length, seam, MINUTE).items()
    ]
    found = metrics_of([*older, *minutes.values()], end, length, length / 4)
    return SeriesMetrics(
        series=str(key),
        window=window,
        window_seconds=int(length.total_seconds()),
        start=start,
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
