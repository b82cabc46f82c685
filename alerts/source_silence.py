"""Silent sources: when one that should give news gives none, an alert says so.

A source is silent in one of two ways, told apart by the label `kind`:

- `no-answer`: no poll has worked for `silent_after`;
- `no-news`: polls work, and none has given anything new for twenty times the usual time
  between two that did, and for a day at least; told once twenty such times are known.

The arithmetic is that of waiting: if answers, or news, came at random with the usual time
`expected` between them, a wait of `observed` or more seconds has the chance p = exp(-observed /
expected). The `threshold` is the same of the wait allowed, so the alert fires exactly when
`observed` exceeds that. Times are wall time: a source that is silent moves no event time.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import exp, log

from alerts.arithmetic import Arithmetic
from alerts.lifecycle import Alert, AlertSeries, Fingerprint
from pipeline.feeds.health import SourceHealth

RULE = "source-silent"
SIGNAL = "source_silence"
DETECTOR = "exponential-wait"
GAPS_ALLOWED = 20
GAPS_NEEDED = 20
LEAST_WITHOUT_NEWS = timedelta(days=1)
RULE_VERSION = hashlib.sha256(
    f"{RULE} {DETECTOR} {GAPS_ALLOWED} {GAPS_NEEDED} {LEAST_WITHOUT_NEWS}".encode()
).hexdigest()[:12]
# An alert that goes on is told anew when it got so much worse, not with every look at it.
_WORSE_BY = 10
SAID_AGAIN = timedelta(hours=1)
"""A record so often, though nothing is worse: who was silenced, or wants to be reminded, is told
only when one comes."""
# 95 % of exponential waits lie between these shares of the mean.
_LOW, _HIGH = -log(0.975), -log(0.025)
_MOST_STATISTIC = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long a source has been waited for, in seconds: usually, at most, and now."""

    kind: str
    observed: float
    expected: float
    allowed: float

    @property
    def silent(self) -> bool:
        return self.observed >= self.allowed


def fingerprint_of(source: str) -> Fingerprint:
    """What stays the same over all episodes of one source."""
    return Fingerprint(hashlib.sha256(f"{RULE}\nsource={source}".encode()).hexdigest()[:24])


def waits(source: SourceHealth, now: datetime) -> tuple[Wait, ...]:
    """What the source is waited for now, by what is known of it; nothing while it is retired."""
    if source.retired_at is not None:
        return ()
    found = []
    answered = source.last_success_at or source.known_since
    if answered is not None and source.silent_after_seconds is not None:
        expected = source.pace_seconds or source.silent_after_seconds
        allowed = source.silent_after_seconds
        found.append(_wait("no-answer", answered, now, expected, allowed))
    if (
        source.last_item_at is not None
        and source.usual_gap_seconds
        and (source.gaps >= GAPS_NEEDED)
    ):
        allowed = max(
            GAPS_ALLOWED * source.usual_gap_seconds,
            LEAST_WITHOUT_NEWS.total_seconds(),
            source.silent_after_seconds or 0.0,
        )
        found.append(_wait("no-news", source.last_item_at, now, source.usual_gap_seconds, allowed))
    return tuple(found)


def advance(alert: Alert | None, source: SourceHealth, now: datetime) -> Alert | None:
    """The alert on `source` as it is at `now`, or the same object where nothing changed."""
    found = waits(source, now)
    silent = next((wait for wait in found if wait.silent), None)
    if alert is None or alert.state == "resolved":
        return alert if silent is None else _fired(source, silent, now)
    if silent is None:
        kind = alert.labels.get("kind")
        last = next((wait for wait in found if wait.kind == kind), None)
        return replace(
            alert,
            state="resolved",
            resolved_at=now,
            updated_at=now,
            arithmetic=alert.arithmetic if last is None else arithmetic_of(last, now),
            revision=alert.revision + 1,
        )
    severity = max(alert.severity, severity_of(silent))
    labels = _labels(source, silent)
    same = severity < alert.severity + _WORSE_BY and labels["kind"] == alert.labels.get("kind")
    if same and now - alert.updated_at < SAID_AGAIN:
        return alert
    arithmetic = arithmetic_of(silent, now)
    peak = max(alert.peak, arithmetic, key=lambda one: one.statistic)
    return replace(
        alert,
        severity=severity,
        updated_at=now,
        arithmetic=arithmetic,
        peak=peak,
        labels=labels,
        revision=alert.revision + 1,
    )


def severity_of(wait: Wait) -> int:
    """100 × (1 − 2^(−observed / allowed)): 50 when it fires, 75 after twice that."""
    left: float = 2.0 ** (-wait.observed / wait.allowed)
    return round(100 * (1 - left))


def arithmetic_of(wait: Wait, now: datetime) -> Arithmetic:
    """The numbers behind the verdict, in seconds."""
    threshold = _statistic(wait.allowed, wait.expected)
    statistic = _statistic(wait.observed, wait.expected)
    return Arithmetic(
        detector=DETECTOR,
        signal=SIGNAL,
        at=now,
        window_seconds=round(wait.observed),
        observed=round(wait.observed, 3),
        expected=round(wait.expected, 3),
        interval=(round(_LOW * wait.expected, 3), round(_HIGH * wait.expected, 3)),
        dispersion=0.0,
        statistic=statistic,
        p_value=exp(-min(wait.observed / wait.expected, 700.0)),
        threshold=threshold,
        close_threshold=threshold,
        documents=0,
        share=0.0,
        usual_share=0.0,
        stories=0,
        voices=0,
    )


def _wait(kind: str, since: datetime, now: datetime, expected: float, allowed: float) -> Wait:
    observed = max(0.0, (now - since).total_seconds())
    return Wait(kind=kind, observed=observed, expected=max(1.0, expected), allowed=allowed)


def _statistic(seconds: float, expected: float) -> float:
    """-log10 of the chance of so long a wait."""
    return min(seconds / expected / log(10), _MOST_STATISTIC)


def _fired(source: SourceHealth, wait: Wait, now: datetime) -> Alert:
    arithmetic = arithmetic_of(wait, now)
    return Alert(
        fingerprint=fingerprint_of(source.source),
        rule=RULE,
        rule_version=RULE_VERSION,
        series=AlertSeries(source=source.source),
        state="firing",
        severity=severity_of(wait),
        opened_at=now,
        updated_at=now,
        firing_at=now,
        arithmetic=arithmetic,
        peak=arithmetic,
        labels=_labels(source, wait),
    )


def _labels(source: SourceHealth, wait: Wait) -> Mapping[str, str]:
    labels = {"kind": wait.kind, "level": "low"}
    if wait.kind == "no-answer" and source.last_error:
        labels["reason"] = source.last_error
    return labels
