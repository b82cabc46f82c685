"""Alerts to route, store and send, with every field filled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.arithmetic import Arithmetic
from alerts.lifecycle import (
    ALERTS,
    Alert,
    AlertEvidence,
    AlertSeries,
    Fingerprint,
)
from alerts.routing import Notification, Reason
from pipeline.documents import DocumentId, Sentiment, SubjectId
from pipeline.wire import Record

OPENED = datetime(2026, 3, 2, 10, 2, tzinfo=UTC)

NUMBERS = Arithmetic(
    detector="negative-binomial",
    signal="negative_volume",
    at=OPENED,
    window_seconds=3600,
    observed=9,
    expected=0.7,
    interval=(0.0, 3.0),
    dispersion=0.8,
    statistic=5.2,
    p_value=6.3e-6,
    threshold=4.0,
    close_threshold=2.0,
    documents=12,
    share=0.75,
    usual_share=0.15,
    stories=9,
    voices=8,
    share_p_value=1e-5,
    windows=4,
    scale_seconds=3600,
)


def alert(**changes: Any) -> Alert:
    """A firing alert about Apple, with the given fields changed."""
    made = Alert(
        fingerprint=Fingerprint("f" * 24),
        rule="company-negative-surge",
        rule_version="0123456789ab",
        series=AlertSeries(subject=SubjectId("AAPL"), tickers=("AAPL", "AAPL.O")),
        state="firing",
        severity=70,
        opened_at=OPENED,
        updated_at=OPENED + timedelta(minutes=1),
        arithmetic=NUMBERS,
        peak=NUMBERS,
        evidence=(
            AlertEvidence(
                id=DocumentId("rss:one"),
                at=OPENED,
                title='Phones – 回收 "all" of them',
                publisher="The Wire",
                url="https://example.org/1",
                sentiment=Sentiment(0.9, 0.08, 0.02),
                story="s1",
                story_size=4,
                independent_publishers=3,
            ),
        ),
        firing_at=OPENED + timedelta(minutes=1),
        model_version="baseline-1",
        labels={"level": "high"},
        revision=2,
    )
    return replace(made, **changes)


def told(reason: Reason = Reason.FIRST, **changes: Any) -> Notification:
    """A notification to the desk about `alert(**changes)`."""
    return Notification(
        subscription="desk", reason=reason, alert=alert(**changes), created_at=OPENED
    )


def record(value: Alert, received_at: datetime = OPENED, offset: int = 0) -> Record:
    """The alert as it comes from the broker."""
    out = ALERTS.encode(value)
    return Record(
        topic="alerts", partition=0, offset=offset, at=received_at, key=out.key, value=out.value
    )
