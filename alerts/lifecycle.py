"""An alert's values: what is known about one surge, as every consumer of `alerts` sees it.

The alert is level-triggered: each record says what *is*, not what just happened, so a
consumer that missed any number of records is right again after the next one.

::

            breach              hold over, or urgent         calm for resolve_after
    (none) ────────▶ pending ──────────────────────▶ firing ────────────────────────▶ resolved
                        └───────── calm before ───────────────────────────────────────▲

A later breach opens a new episode: same fingerprint, new `opened_at`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NewType

from alerts.arithmetic import Arithmetic, arithmetic_of
from alerts.rules import MINUTE, Rule
from alerts.verdict import Verdict, WindowTest
from pipeline.documents import DocumentId, Sentiment, SubjectId, Time
from pipeline.trends import SeriesKey
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
class AlertEvidence:
    """One document behind an alert; title, publisher and url once it is in the archive. The
    sentiment is that towards the alert's company, where it is about one. `words` of the title
    speak most for its being negative, the strongest first; None where that was not asked."""

    id: DocumentId
    at: Time
    title: str | None = None
    publisher: str | None = None
    url: str | None = None
    sentiment: Sentiment | None = None
    story: str = ""
    story_size: int = 1
    independent_publishers: int = 1
    words: tuple[str, ...] | None = None


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
    opened_at: Time
    updated_at: Time
    arithmetic: Arithmetic
    peak: Arithmetic
    evidence: tuple[AlertEvidence, ...] = ()
    firing_at: Time | None = None
    resolved_at: Time | None = None
    model_version: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: str | None = None
    revision: int = 1
    v: int = 1


ALERTS = Topic("alerts", Alert, lambda alert: alert.fingerprint)


def fingerprint_of(rule: Rule, series: SeriesKey) -> Fingerprint:
    """What stays the same over all episodes of one series under one rule."""
    return Fingerprint(hashlib.sha256(f"{rule.id}\n{series}".encode()).hexdigest()[:24])


def alert_series(series: SeriesKey, tickers: tuple[str, ...] = ()) -> AlertSeries:
    """The series as an alert carries it."""
    return AlertSeries(
        subject=series.subject,
        topic=series.topic,
        source=series.source,
        lang=series.lang,
        tickers=tickers,
    )


def series_key(series: AlertSeries) -> SeriesKey:
    """The key of the series an alert is about."""
    return SeriesKey(series.subject, series.topic, series.source, series.lang)


def ended(alert: Alert, at: datetime) -> Alert:
    """An open alert resolved at `at`, whatever its rule would have said."""
    return _resolved(alert, max(at, alert.updated_at))


def advance(
    alert: Alert | None,
    verdict: Verdict,
    rule: Rule,
    now: datetime,
    series: SeriesKey,
) -> Alert | None:
    """The alert after `verdict`, or the same object where nothing changed.

    A minute that is still open at `now` can open an alert and, when urgent, fire it; what is known
    of an open alert, calm, `hold`, `peak` and severity are told by closed minutes alone, so they
    do not depend on how often points come: half a minute may look worse than all of it. `peak` and
    severity grow by what would open an alert: more documents that are no worse than usual are not
    worse news. A verdict that was taken into account before changes none of these.
    """
    if alert is None or alert.state == "resolved":
        test = verdict.breach
        if test is None or (alert is not None and verdict.at <= alert.updated_at):
            return alert
        opened = _opened(test, verdict.at, rule, series)
        return _fired(opened, verdict, rule, closed=verdict.at + MINUTE <= now)
    at, closed, breach = verdict.at, verdict.at + MINUTE <= now, verdict.breach
    test = verdict.loudest(_peak_scale(alert), rule.detector.close_below)
    if at < alert.updated_at:
        # late documents made an earlier minute louder: that belongs to the peak alone
        return _with_peak(alert, breach, rule, at) if closed else alert
    opening = at == alert.opened_at
    if breach is not None and (opening or breach.strength > alert.peak.strength):
        test = breach
    if alert.state == "pending" and closed:
        if test is None or (opening and breach is None):
            return _resolved(alert, at)
    elif test is None and closed and at - alert.arithmetic.at >= rule.resolve_after:
        return _resolved(alert, at)
    if test is None:
        return alert
    if not closed and not (opening and alert.state == "pending"):
        return _fired(alert, verdict, rule, closed)
    # what half of the opening minute said is replaced by the whole, unless it has fired on it
    anew = opening and closed and alert.state == "pending" and alert.peak.at == at
    worse = _with_peak(alert, breach, rule, at, anew)
    arithmetic = arithmetic_of(test, rule, at)
    if arithmetic != worse.arithmetic:
        changed = replace(worse, arithmetic=arithmetic, updated_at=at)
        worse = replace(changed, revision=alert.revision + 1)
    return _fired(worse, verdict, rule, closed)


def _opened(test: WindowTest, at: datetime, rule: Rule, series: SeriesKey) -> Alert:
    arithmetic = arithmetic_of(test, rule, at)
    return Alert(
        fingerprint=fingerprint_of(rule, series),
        rule=rule.id,
        rule_version=rule.version,
        series=alert_series(series),
        state="pending",
        severity=test.severity,
        opened_at=at,
        updated_at=at,
        arithmetic=arithmetic,
        peak=arithmetic,
        labels=_labels(rule, test.severity),
    )


def _fired(alert: Alert, verdict: Verdict, rule: Rule, closed: bool) -> Alert:
    """Firing, when the alert is pending and its time has come."""
    if alert.state != "pending":
        return alert
    urgent = [
        breach
        for breach in verdict.breaches
        if breach.statistic >= max(breach.threshold, _urgent_above(breach, rule))
        and breach.share_statistic >= max(rule.detector.share_above + 2.0, URGENT_SHARE)
    ]
    if not urgent and not (closed and verdict.at - alert.opened_at >= rule.hold):
        return alert
    at = verdict.at
    if urgent and not closed:
        # what it fires on is told, and stays, whatever the whole minute says
        loudest = max(urgent, key=lambda test: test.strength)
        alert = _with_peak(alert, loudest, rule, at)
        alert = replace(alert, arithmetic=arithmetic_of(loudest, rule, at))
    return replace(
        alert,
        state="firing",
        firing_at=at,
        updated_at=max(alert.updated_at, at),
        revision=alert.revision + 1,
    )


def _urgent_above(test: WindowTest, rule: Rule) -> float:
    """What fires at once: of a rarity less than of a chance, which grows faster than it is rare."""
    level = rule.detector.urgent_above
    return level if test.rarity is None else min(level, URGENT_RARITY)


def _resolved(alert: Alert, at: datetime) -> Alert:
    return replace(
        alert, state="resolved", resolved_at=at, updated_at=at, revision=alert.revision + 1
    )


def _with_peak(
    alert: Alert, test: WindowTest | None, rule: Rule, at: datetime, anew: bool = False
) -> Alert:
    """The alert with `test` as its peak where that is higher, or whatever it is (`anew`)."""
    if test is None or (not anew and test.strength <= alert.peak.strength):
        return alert
    peak = arithmetic_of(test, rule, at)
    severity = test.severity if anew else max(alert.severity, test.severity)
    if (peak, severity) == (alert.peak, alert.severity):
        return alert
    return replace(
        alert,
        peak=peak,
        severity=severity,
        labels=_labels(rule, severity),
        revision=alert.revision + 1,
    )


def _peak_scale(alert: Alert) -> int:
    """Minutes of the rule's window behind the peak: the natural length of this surge. Longer
    windows remember it for up to a day and must not keep the alert open so long."""
    return alert.peak.scale_seconds // 60


def _labels(rule: Rule, severity: int) -> dict[str, str]:
    return {**rule.labels, "level": rule.level(severity)}


# Such a share neutral documents later in the same minute can hardly take back.
URGENT_SHARE = 4.0
# Once in ten thousand days.
URGENT_RARITY = 4.5
