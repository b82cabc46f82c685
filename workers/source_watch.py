"""Looks at every source now and then, and says in `alerts` which of them are silent."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine

from alerts.lifecycle import ALERTS, Alert, Fingerprint
from alerts.ports import AlertStore, Conflict
from alerts.source_silence import advance, fingerprint_of
from alerts.tracking import Change
from pipeline import metrics
from pipeline.stores.source_health import source_health
from pipeline.wire import Outgoing

# A process that begins does not know what was sent: it sends again what is open, and what was
# resolved so lately that its record may be missing.
_RESEND = timedelta(days=1)


class SourceWatch:
    """The alerts of the rule `source-silent`: saved first, then sent, as those of `watch` are."""

    def __init__(
        self, engine: Engine, alerts: AlertStore, send: Callable[[list[Outgoing]], None]
    ) -> None:
        self._engine = engine
        self._alerts = alerts
        self._send = send
        self._sent: dict[Fingerprint, tuple[datetime, int]] = {}

    def look(self, now: datetime) -> int:
        """Bring the alerts up to `now`; how many records were sent. Raises `Unavailable`."""
        sources = source_health(self._engine)
        held = self._alerts.load([fingerprint_of(one.source) for one in sources])
        due: list[Alert] = []
        for source in sources:
            before = held.get(fingerprint_of(source.source))
            after = advance(before, source, now)
            if after is not None and after is not before and not self._saved(before, after):
                continue  # changed by somebody else: looked at again next time
            metrics.FEED_SILENT.labels(source.source).set(
                after is not None and after.state == "firing"
            )
            if after is not None and self._unsent(after, now):
                due.append(after)
        if due:
            self._send([ALERTS.encode(alert) for alert in due])
            self._sent.update((one.fingerprint, (one.opened_at, one.revision)) for one in due)
        return len(due)

    def _saved(self, before: Alert | None, after: Alert) -> bool:
        same = before is not None and before.opened_at == after.opened_at
        expected = before.revision if before is not None and same else 0
        try:
            self._alerts.save([Change(alerts=(after,), expected=expected)])
        except Conflict:
            return False
        return True

    def _unsent(self, alert: Alert, now: datetime) -> bool:
        if self._sent.get(alert.fingerprint) == (alert.opened_at, alert.revision):
            return False
        return alert.state != "resolved" or alert.updated_at >= now - _RESEND
