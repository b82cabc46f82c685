"""Alerts, notifications and silences in memory: the twin of `alerts/store.py` for tests,
backtests and anything that ends with its process."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from alerts.lifecycle import Alert, AlertEvidence, Fingerprint
from alerts.notify import Episode
from alerts.ports import Conflict, FoundDocument, Wanted
from alerts.routing import Notification, Silence
from alerts.tracking import Change, series_of
from pipeline.documents import ClassifiedDocument, DocumentId, Sentiment
from pipeline.trends import SeriesKey, leans

# A document without a title is shown by its beginning.
EXCERPT = 140


class MemoryAlertStore:
    """An `AlertStore` that keeps every episode and every event in lists."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Fingerprint, datetime], Alert] = {}
        self.events: list[Alert] = []

    def load(self, fingerprints: Sequence[Fingerprint]) -> Mapping[Fingerprint, Alert]:
        wanted = set(fingerprints)
        latest: dict[Fingerprint, Alert] = {}
        for (name, opened_at), alert in self.rows.items():
            if name in wanted and (name not in latest or latest[name].opened_at < opened_at):
                latest[name] = alert
        return latest

    def save(self, changes: Sequence[Change]) -> None:
        held = {name: alert.revision for name, alert in self.rows.items()}
        for change in changes:
            last = change.alerts[-1]
            name = (last.fingerprint, last.opened_at)
            if held.get(name, 0) != change.expected:
                raise Conflict([last.fingerprint])
            held[name] = last.revision
        for change in changes:
            last = change.alerts[-1]
            self.rows[last.fingerprint, last.opened_at] = last
            self.events.extend(change.alerts)

    def open_alerts(self) -> Sequence[Alert]:
        return [alert for alert in self.rows.values() if alert.state != "resolved"]

    def open_series(self) -> Sequence[tuple[SeriesKey, tuple[str, ...]]]:
        return series_of(self.open_alerts())


class MemoryEvidence:
    """An `EvidenceLookup` that remembers what leans to negative of the documents it was given."""

    def __init__(self) -> None:
        self._found: dict[DocumentId, FoundDocument] = {}
        self._towards: dict[Wanted, Sentiment] = {}
        self._told: dict[str, dict[DocumentId, str]] = {}
        """By story the voice of each telling."""

    def add(self, documents: Sequence[ClassifiedDocument]) -> None:
        """Remember what may become evidence, and how often each story was told."""
        for one in documents:
            sentiment = one.classification.sentiment
            about = [subject.sentiment for subject in one.subjects if subject.sentiment]
            document = one.document
            told = self._told.setdefault(one.story.id, {})
            told[one.id] = one.voice
            if not any(leans(found) for found in (sentiment, *about) if found):
                continue
            evidence = AlertEvidence(
                id=one.id,
                at=document.published_at,
                title=(document.title or document.text or "")[:EXCERPT],
                publisher=document.publisher or document.source,
                url=document.url,
                sentiment=sentiment,
                story=one.story.id,
            )
            self._found[one.id] = FoundDocument(
                evidence=evidence, model_version=one.classification.model_version
            )
            for subject in one.subjects:
                if subject.sentiment is not None:
                    self._towards[one.id, subject.id] = subject.sentiment

    def find(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, FoundDocument]:
        found = {}
        for name in wanted:
            if (one := self._found.get(name[0])) is not None:
                told = self._told[one.evidence.story]
                evidence = replace(
                    one.evidence,
                    sentiment=self._towards.get(name, one.evidence.sentiment),
                    story_size=len(told),
                    independent_publishers=len(set(told.values())),
                )
                found[name] = replace(one, evidence=evidence)
        return found


class MemoryNotificationLog:
    """A `NotificationLog` in a dictionary; safe for one `Notify` and many dispatchers."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Episode, str, str], Notification] = {}
        self._due: dict[tuple[Episode, str, str], datetime] = {}
        self._lock = Lock()

    def last(self, episodes: Sequence[Episode]) -> Mapping[tuple[Episode, str], Notification]:
        wanted = set(episodes)
        found: dict[tuple[Episode, str], Notification] = {}
        with self._lock:
            for one in self.rows.values():
                place = (one.episode, one.subscription)
                held = found.get(place)
                newer = held is None or one.alert.revision >= held.alert.revision
                if one.episode in wanted and newer:
                    found[place] = one
        return found

    def add(self, notifications: Sequence[Notification]) -> None:
        with self._lock:
            for one in notifications:
                if self.rows.setdefault(_name(one), one) is one:
                    self._due[_name(one)] = one.created_at

    def claim(self, subscription: str, now: datetime, lease: timedelta) -> Notification | None:
        with self._lock:
            pending = [
                one
                for name, one in self.rows.items()
                if name[2] == subscription and one.status == "pending"
            ]
            oldest: dict[Episode, datetime] = {}
            for one in pending:
                held = oldest.setdefault(one.episode, one.created_at)
                oldest[one.episode] = min(held, one.created_at)
            due = [
                (self._due[_name(one)], _name(one))
                for one in pending
                if self._due[_name(one)] <= now and one.created_at == oldest[one.episode]
            ]
            if not due:
                return None
            _, name = min(due, key=lambda item: item[0])
            self._due[name] = now + lease
            return self.rows[name]

    def sent(self, item: Notification, at: datetime) -> None:
        self._finish(item, "sent", None)

    def failed(self, item: Notification, error: str, again_at: datetime | None) -> None:
        self._finish(item, "failed" if again_at is None else "pending", again_at)

    def _finish(self, item: Notification, status: str, again_at: datetime | None) -> None:
        with self._lock:
            name = _name(item)
            attempts = self.rows[name].attempts + 1
            self.rows[name] = replace(self.rows[name], status=status, attempts=attempts)
            if again_at is not None:
                self._due[name] = again_at


class MemorySilences:
    """`Silences` in a list."""

    def __init__(self, silences: Sequence[Silence] = ()) -> None:
        self.silences = list(silences)

    def active(self, first: datetime, last: datetime) -> Sequence[Silence]:
        return [one for one in self.silences if one.starts_at <= last and first < one.ends_at]


def _name(item: Notification) -> tuple[Episode, str, str]:
    return (item.episode, item.key, item.subscription)
