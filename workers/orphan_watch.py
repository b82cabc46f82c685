"""Ends alerts whose rule is gone: no `watch` moves them any more, so they would fire for ever."""

import logging
from collections.abc import Callable
from datetime import datetime

from alerts.lifecycle import ALERTS, Alert, ended, series_key
from alerts.ports import AlertStore, Conflict
from alerts.rules import RuleBook
from alerts.source_silence import RULE as SOURCE_SILENT
from alerts.tracking import Change
from pipeline.wire import Outgoing

log = logging.getLogger(__name__)


class OrphanWatch:
    """Open alerts against the rules of this process."""

    def __init__(
        self, alerts: AlertStore, rules: RuleBook, send: Callable[[list[Outgoing]], None]
    ) -> None:
        self._alerts = alerts
        self._rules = rules
        self._send = send

    def look(self, now: datetime) -> int:
        """Resolve at `now` what no rule watches: of a rule that was removed, renamed, or no
        longer matches the series. How many. Raises `Unavailable`."""
        done = 0
        for alert in self._alerts.open_alerts():
            if alert.rule == SOURCE_SILENT or self._is_watched(alert):
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
        return done

    def _is_watched(self, alert: Alert) -> bool:
        key = series_key(alert.series)
        return any(rule.id == alert.rule and rule.matches(key) for rule in self._rules.rules)
