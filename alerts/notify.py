"""Notify: decides who is told, and makes sure it is said, once.

Two halves with a durable log between them. `Notify` reads alerts and records what is to be
said; it never waits for a receiver. One `Dispatcher` a subscription takes what is due and
sends it: a dead or slow receiver delays its own notifications and nobody else's.

::

    alerts ──▶ Notify ──▶ notification log ──▶ Dispatcher(subscription) ──▶ channel
               decide     pending, unique      claim with a lease, send, record
"""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Protocol

from alerts.lifecycle import ALERTS, Alert, Fingerprint
from alerts.routing import Notification, Reason, Silence, Subscription, decide, notification
from pipeline import metrics
from pipeline.errors import Rejected, Unavailable
from pipeline.stages import Handled
from pipeline.wire import Record

log = logging.getLogger(__name__)

Episode = tuple[Fingerprint, datetime]
_NEXT = timedelta(microseconds=1)


class NotificationLog(Protocol):
    """What was said to whom, or is still to be said. Durable on return."""

    def last(self, episodes: Sequence[Episode]) -> Mapping[tuple[Episode, str], Notification]:
        """The newest notification of each (episode, subscription), sent or not."""

    def add(self, notifications: Sequence[Notification]) -> None:
        """Record them as pending; what is there already under the same key stays as it is."""

    def claim(self, subscription: str, now: datetime, lease: timedelta) -> Notification | None:
        """The oldest pending notification that is due and nobody holds, held until `lease`
        from now; None when there is none. Of one episode none is due before those that were
        decided before it are sent or given up."""

    def sent(self, item: Notification, at: datetime) -> None:
        """It was delivered."""

    def failed(self, item: Notification, error: str, again_at: datetime | None) -> None:
        """It was not; try again at `again_at`, or give up where that is None."""


class Silences(Protocol):
    """What operators want quiet."""

    def active(self, first: datetime, last: datetime) -> Sequence[Silence]:
        """The silences that hold at any time from `first` to `last`."""


class PermanentFailure(Exception):
    """The receiver refused the message for good: trying again cannot help."""


class Channel(Protocol):
    """A way to reach a receiver."""

    def send(self, item: Notification) -> None:
        """Deliver, within seconds. Raises `Unavailable` to be tried again, with the time the
        receiver asked for if any, or `PermanentFailure`. Nothing else by intention."""


class Notify:
    """`alerts` to the notification log: one pending row for each reason to tell somebody."""

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        notifications: NotificationLog,
        silences: Silences,
    ) -> None:
        self._subscriptions = tuple(subscriptions)
        self._log = notifications
        self._silences = silences

    def __call__(self, records: Sequence[Record]) -> Handled:
        """Nothing to send to Kafka; everything decided is recorded on return.

        `now` is the broker's time of each record: a redelivery decides as before.
        """
        alerts: list[tuple[Alert, datetime]] = []
        rejected: list[tuple[Record, Rejected]] = []
        for record in records:
            try:
                alerts.append((ALERTS.decode(record.value), record.at))
            except Rejected as error:
                rejected.append((record, error))
        if alerts and self._subscriptions:
            self._decide(alerts)
        return Handled((), rejected)

    def _decide(self, alerts: Sequence[tuple[Alert, datetime]]) -> None:
        episodes = [(alert.fingerprint, alert.opened_at) for alert, _ in alerts]
        last = dict(self._log.last(list(dict.fromkeys(episodes))))
        times = [now for _, now in alerts]
        # a backlog is decided as it would have been when it came
        silences = self._silences.active(min(times), max(times))
        decided: list[Notification] = []
        for (alert, now), episode in zip(alerts, episodes, strict=True):
            for subscription in self._subscriptions:
                place = (episode, subscription.name)
                reason = decide(alert, subscription, last.get(place), silences, now)
                if reason.tells:
                    held = last.get(place)
                    # of two at the same moment the later decided is the later told
                    at = now if held is None else max(now, held.created_at + _NEXT)
                    last[place] = notification(alert, subscription, reason, at)
                    decided.append(last[place])
                elif reason is Reason.SILENCED:
                    log.info("silenced for %s: %s", subscription.name, alert.fingerprint)
        if decided:
            self._log.add(decided)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a receiver is given. Waits double from `first` to `most`, each shortened by
    up to a half at random so that many senders do not knock at once."""

    first: timedelta = timedelta(seconds=2)
    most: timedelta = timedelta(minutes=10)
    attempts: int = 12
    lease: timedelta = timedelta(seconds=60)
    idle: timedelta = timedelta(seconds=0.5)

    def wait(self, attempts: int, chance: random.Random) -> timedelta:
        """The wait after so many failed attempts (from 1)."""
        full = min(self.most, self.first * (1 << min(attempts - 1, 30)))
        return full * (0.5 + chance.random() / 2)


class Dispatcher:
    """Sends one subscription's pending notifications, oldest first, on a thread of its own.

    Sent twice only where the process dies between the receiver's answer and its record; the
    channel carries the notification's key, so that the receiver can tell.
    """

    def __init__(
        self,
        subscription: Subscription,
        channel: Channel,
        notifications: NotificationLog,
        clock: Callable[[], datetime],
        seed: int = 0,
        patience: Patience | None = None,
    ) -> None:
        self._name = subscription.name
        self._channel = channel
        self._log = notifications
        self._clock = clock
        self._chance = random.Random(seed)  # noqa: S311 -- spreads retries, guards nothing
        self._patience = patience or Patience()
        for result in ("sent", "retried", "lost"):
            # there before the first of them: what does not exist yet does not grow
            metrics.NOTIFICATIONS.labels(self._name, result)

    def run(self, stop: Event) -> None:
        """Send what is due until `stop`; an outage of the log is waited out."""
        while not stop.is_set():
            try:
                if self.step():
                    continue
                pause = self._patience.idle
            except Unavailable as error:
                log.warning("notifications of %s wait: %s", self._name, error)
                pause = error.retry_after or self._patience.first
            except Exception:
                # a thread that ended would leave its subscription silent and the process healthy
                log.exception("notifications of %s wait", self._name)
                pause = self._patience.lease
            stop.wait(pause.total_seconds())

    def start(self, stop: Event) -> Thread:
        """`run` on a new daemon thread."""
        thread = Thread(target=self.run, args=(stop,), name=f"notify-{self._name}", daemon=True)
        thread.start()
        return thread

    def step(self) -> bool:
        """Send one notification that is due; whether there was one.

        Raises `Unavailable` where the log itself does not answer.
        """
        item = self._log.claim(self._name, self._clock(), self._patience.lease)
        if item is None:
            return False
        try:
            self._channel.send(item)
        except PermanentFailure as error:
            self._give_up(item, str(error))
        except Unavailable as error:
            self._put_off(item, error)
        except Exception as error:
            # a fault of ours in one channel must not end the others' process
            log.exception("channel of %s broke", self._name)
            self._put_off(item, Unavailable(f"{type(error).__name__} in the channel"))
        else:
            self._log.sent(item, self._clock())
            self._count("sent")
        return True

    def _put_off(self, item: Notification, error: Unavailable) -> None:
        attempts = item.attempts + 1
        if attempts >= self._patience.attempts:
            self._give_up(item, f"given up after {attempts} attempts: {error.what}")
            return
        wait = max(error.retry_after or timedelta(), self._patience.wait(attempts, self._chance))
        self._log.failed(item, error.what, self._clock() + min(wait, timedelta(hours=1)))
        self._count("retried")

    def _give_up(self, item: Notification, error: str) -> None:
        log.error(
            "notification lost: %s to %s about %s since %s: %s",
            item.key, self._name, item.alert.fingerprint, item.alert.opened_at, error,
        )  # fmt: skip
        self._log.failed(item, error, None)
        self._count("lost")

    def _count(self, result: str) -> None:
        metrics.NOTIFICATIONS.labels(self._name, result).inc()
