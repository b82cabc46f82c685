"""Who needs to hear about an alert now, and why: one pure decision.

Subscriptions are YAML, read as strictly as rules. A decision is always a named reason, so
that "why did I not get this?" has an answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

from alerts.configuration import Setting, read_yaml
from alerts.lifecycle import Alert, Fingerprint
from pipeline.errors import ConfigurationError

MATCHERS = ("rule", "subject", "topic", "source", "lang")
# So much worse than what was last told is worth telling again, once for each such step.
WORSE_BY = 10


class Reason(Enum):
    """Why somebody is told, or is not."""

    FIRST = "FIRST"
    WORSE = "WORSE"
    REPEAT = "REPEAT"
    RESOLVED = "RESOLVED"
    SILENCED = "SILENCED"
    DUPLICATE = "DUPLICATE"
    NOT_MATCHED = "NOT_MATCHED"

    @property
    def tells(self) -> bool:
        """Whether this reason leads to a notification."""
        return self in (Reason.FIRST, Reason.WORSE, Reason.REPEAT, Reason.RESOLVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What one receiver wants to hear. `match` holds patterns by name; an absent name matches
    anything, a given one needs a value that fits."""

    name: str
    channel: str = "log"
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severity: int = 0
    repeat_interval: timedelta = timedelta(hours=4)
    send_resolved: bool = True

    def matches(self, alert: Alert) -> bool:
        """Whether the alert is of interest, whatever its state."""
        return alert.severity >= self.severity and matches(self.match, alert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nobody is told about matching alerts between `starts_at` and `ends_at`."""

    id: str
    match: Mapping[str, tuple[str, ...]]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str = ""

    def covers(self, alert: Alert, now: datetime) -> bool:
        """Whether the silence holds for the alert at `now`."""
        return self.starts_at <= now < self.ends_at and matches(self.match, alert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing to tell one receiver. (fingerprint, opened_at, key, subscription) is unique:
    whatever is decided twice is told once."""

    subscription: str
    reason: Reason
    alert: Alert
    created_at: datetime
    sequence: int = 0
    attempts: int = 0
    status: str = "pending"

    @property
    def key(self) -> str:
        """The reason with its number, where it may occur more than once in an episode."""
        return f"{self.reason.value} {self.sequence}" if self.sequence else self.reason.value

    @property
    def episode(self) -> tuple[Fingerprint, datetime]:
        return (self.alert.fingerprint, self.alert.opened_at)


def matches(patterns: Mapping[str, tuple[str, ...]], alert: Alert) -> bool:
    """Whether every given pattern list has one that fits the alert."""
    series = alert.series
    values = {
        "rule": (alert.rule,),
        "subject": (series.subject, *series.tickers),
        "topic": (series.topic,),
        "source": (series.source,),
        "lang": (series.lang,),
        "fingerprint": (alert.fingerprint,),
    }
    return all(
        any(
            value is not None and fnmatchcase(value, pattern)
            for value in values.get(name, ())
            for pattern in wanted
        )
        for name, wanted in patterns.items()
    )


def decide(
    alert: Alert,
    subscription: Subscription,
    last: Notification | None,
    silences: Sequence[Silence],
    now: datetime,
) -> Reason:
    """Why the subscription is told about `alert` now, or why not.

    `last` is the newest notification of the same episode to the same subscription.
    """
    if last is None:
        # Pending is not news yet, and who never heard of it needs no all-clear.
        if alert.state != "firing" or not subscription.matches(alert):
            return Reason.NOT_MATCHED
        reason = Reason.FIRST
    elif last.reason is Reason.RESOLVED or alert.revision <= last.alert.revision:
        return Reason.DUPLICATE
    elif alert.state == "resolved":
        if not subscription.send_resolved:
            return Reason.NOT_MATCHED
        # the all-clear goes to whoever was alarmed, silence or not
        return Reason.RESOLVED
    elif alert.severity >= last.alert.severity + WORSE_BY:
        reason = Reason.WORSE
    elif now - last.created_at >= subscription.repeat_interval and not alert.acknowledged_by:
        reason = Reason.REPEAT
    else:
        return Reason.DUPLICATE
    if any(silence.covers(alert, now) for silence in silences):
        return Reason.SILENCED
    return reason


def notification(
    alert: Alert, subscription: Subscription, reason: Reason, now: datetime
) -> Notification:
    """What to record for a reason that tells. The sequence follows from the alert and the
    interval alone, so that deciding again gives the same key."""
    sequence = 0
    if reason is Reason.WORSE:
        sequence = alert.severity
    elif reason is Reason.REPEAT:
        interval = max(subscription.repeat_interval, timedelta(seconds=1))
        sequence = int(now.timestamp() // interval.total_seconds())
    return Notification(
        subscription=subscription.name,
        reason=reason,
        alert=alert,
        created_at=now,
        sequence=sequence,
    )


def load_subscriptions(path: str, channels: Sequence[str]) -> tuple[Subscription, ...]:
    """The subscriptions in the file at `path`; `channels` are the names they may use.

    Raises `ConfigurationError` with `file:line: what`.
    """
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 at byte {error.start}") from error
    return parse_subscriptions(text, channels, path)


def parse_subscriptions(
    text: str, channels: Sequence[str], file: str = "subscriptions.yaml"
) -> tuple[Subscription, ...]:
    """The subscriptions in `text`; `file` is the name errors show."""
    root = read_yaml(text, file).mapping(("version", "subscriptions"), ("version", "subscriptions"))
    if root["version"].whole(1, 10**6) != 1:
        root["version"].wrong("only version 1 is known")
    found: list[Subscription] = []
    for item in root["subscriptions"].sequence():
        one = _subscription(item, channels)
        if any(one.name == other.name for other in found):
            item.wrong(f"a second subscription named {one.name}")
        found.append(one)
    return tuple(found)


def _subscription(item: Setting, channels: Sequence[str]) -> Subscription:
    section = item.mapping(
        ("name", "channel", "match", "severity", "repeat_interval", "send_resolved"),
        ("name", "channel"),
    )
    default = Subscription(name="")
    match = given.mapping(MATCHERS).values if (given := section.get("match")) else {}
    severity = section.get("severity")
    repeat = section.get("repeat_interval")
    resolved = section.get("send_resolved")
    return Subscription(
        name=section["name"].text(),
        channel=section["channel"].one_of(tuple(channels)),
        match={name: value.texts() for name, value in match.items()},
        severity=severity.whole(0, 100) if severity else default.severity,
        repeat_interval=repeat.duration(timedelta(minutes=1), timedelta(days=365))
        if repeat
        else default.repeat_interval,
        send_resolved=resolved.truth() if resolved else default.send_resolved,
    )
