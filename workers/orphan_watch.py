"""Ends alerts whose rule is gone: no `watch` moves them any more, so they would fire for ever."""

import logging
from collections.abc import Callable
from datetime import datetime
from time import monotonic

from alerts.lifecycle import ALERTS, Alert, Fingerprint, ended, series_key
from alerts.ports import AlertStore, Conflict
from alerts.rules import RuleBook
from alerts.source_silence import RULE as SOURCE_SILENT
from alerts.tracking import Change
from pipeline.wire import Outgoing

PATIENCE = 600.0

log = logging.getLogger(__name__)


class OrphanWatch:
    """Open alerts against the rules of this process."""

    def __init__(
        self,
        alerts: AlertStore,
        rules: RuleBook,
        send: Callable[[list[Outgoing]], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._alerts = alerts
        self._rules = rules
        self._send = send
        self._clock = clock
        self._still: dict[tuple[Fingerprint, datetime], tuple[int, float]] = {}
        """Of each orphan the revision it has, and since when it has had it."""

    def look(self, now: datetime) -> int:
        """Resolve at `now` what no rule watches: of a rule that was removed, renamed, or no
        longer matches the series, and that nobody has moved for `PATIENCE`: a `watch` may know
        newer rules, or older ones. How many. Raises `Unavailable`."""
        done, seen = 0, self._clock()
        still: dict[tuple[Fingerprint, datetime], tuple[int, float]] = {}
        for alert in self._alerts.open_alerts():
            if alert.rule == SOURCE_SILENT or self._is_watched(alert):
                continue
            name = (alert.fingerprint, alert.opened_at)
            revision, since = self._still.get(name, (alert.revision, seen))
            if revision != alert.revision:
                since = seen
            still[name] = (alert.revision, since)
            if seen - since < PATIENCE:
                continue
            after = ended(alert, now)
            # sent first: who is ended between the two sends it again
            self._send([ALERTS.encode(after)])
            try:
                self._alerts.save([Change(alerts=(after,), expected=alert.revision)])
            except Conflict:
                continue  # changed by somebody else: looked at again next time
            log.info("alert %s of %s resolved: no rule watches it", alert.fingerprint, alert.rule)
            done += 1
        self._still = still
        return done

    def _is_watched(self, alert: Alert) -> bool:
        key = series_key(alert.series)
        return any(rule.id == alert.rule and rule.matches(key) for rule in self._rules.rules)
