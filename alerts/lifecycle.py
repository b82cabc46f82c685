"""An alert's values: what is known about one surge, as every consumer of `alerts` sees it.

The alert is level-triggered: each record says what *is*, not what just happened, so a
consumer that missed any number of records is right again after the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

from pipeline.documents import DocumentId, Sentiment, SubjectId
from pipeline.wire import Topic

Fingerprint = NewType("Fingerprint", str)
State = Literal["pending", "firing", "resolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSeries:
    """The series an alert is about; `tickers` are all the subject is or was known by."""

    subject: SubjectId | None = None
    topic: str | None = None
    source: str | None = None
    lang: str | None = None
    tickers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """The numbers behind a verdict. Counts are of novel documents (first of their story).

    `observed` in the `window_seconds` up to `at` against `expected` with its 95 % interval;
    `statistic` is -log10 of `p_value`, the chance of so many or more by the model named in
    `detector`; the alert opens above `threshold` (of the statistic) and closes below
    `close_threshold`. `share` is the negative share of the window, `usual_share` its history.
    """

    detector: str
    signal: str
    at: datetime
    window_seconds: int
    observed: float
    expected: float
    interval: tuple[float, float]
    dispersion: float
    statistic: float
    p_value: float
    threshold: float
    close_threshold: float
    documents: int
    share: float
    usual_share: float
    stories: int
    voices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvidence:
    """One document behind an alert; title, publisher and url once it is in the archive."""

    id: DocumentId
    at: datetime
    title: str | None = None
    publisher: str | None = None
    url: str | None = None
    sentiment: Sentiment | None = None
    story: str = ""
    story_size: int = 1
    independent_publishers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """`alerts` v1: one surge of one series under one rule, as it now is.

    `revision` grows with every change: of two records of one (fingerprint, opened_at) the
    higher revision is the later state. `peak` is the strongest arithmetic so far.
    """

    fingerprint: Fingerprint
    rule: str
    rule_version: str
    series: AlertSeries
    state: State
    severity: int
    opened_at: datetime
    updated_at: datetime
    arithmetic: Arithmetic
    peak: Arithmetic
    evidence: tuple[AlertEvidence, ...] = ()
    firing_at: datetime | None = None
    resolved_at: datetime | None = None
    model_version: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: str | None = None
    revision: int = 1
    v: int = 1


ALERTS = Topic("alerts", Alert, lambda alert: alert.fingerprint)
