"""What the demo concludes from the alerts it saw."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.arithmetic import Arithmetic
from alerts.lifecycle import Alert, AlertSeries, Fingerprint
from pipeline.documents import SubjectId
from workers.verdicts import plant_verdicts

ENDS = datetime(2026, 1, 7, tzinfo=UTC)


@dataclass(frozen=True)
class Planted:
    kind: str
    subject: str
    first: int
    last: int

    def window(self, ends_at: datetime) -> tuple[datetime, datetime]:
        start = ends_at - timedelta(hours=48)
        return start + timedelta(hours=self.first), start + timedelta(hours=self.last)


SURGE = Planted("shock", "ACME", 30, 34)
DECOY = Planted("spam", "SPAM", 30, 34)


def alert(subject: str | None, hour: float, fired: bool = True) -> Alert:
    at = ENDS - timedelta(hours=48) + timedelta(hours=hour)
    arithmetic = Arithmetic(
        detector="d", signal="s", at=at, window_seconds=600, observed=6, expected=0.5,
        interval=(0, 2), dispersion=1.0, statistic=9.0, p_value=1e-9, threshold=5.0,
        close_threshold=2.0, documents=7, share=0.9, usual_share=0.1, stories=6, voices=6,
    )  # fmt: skip
    return Alert(
        fingerprint=Fingerprint(f"{subject}{hour}"),
        rule="r",
        rule_version="1",
        series=AlertSeries(subject=None if subject is None else SubjectId(subject)),
        state="resolved" if fired else "pending",
        severity=50,
        opened_at=at,
        updated_at=at,
        arithmetic=arithmetic,
        peak=arithmetic,
        firing_at=at if fired else None,
    )


def expected(*alerts: Alert) -> tuple[bool, bool]:
    """Whether the surge and the decoy are as expected."""
    surge, decoy = plant_verdicts(alerts, [SURGE], [DECOY], ENDS)
    return surge.as_expected, decoy.as_expected


def test_a_surge_that_fires_within_its_window_and_a_quiet_decoy_are_as_expected():
    assert expected(alert("ACME", 31)) == (True, True)


def test_a_surge_that_fires_before_or_after_its_window_is_not():
    assert expected(alert("ACME", 29)) == (False, True)
    assert expected(alert("ACME", 35)) == (False, True)


def test_an_early_false_alarm_does_not_hide_that_the_surge_was_found():
    assert expected(alert("ACME", 10), alert("ACME", 32)) == (True, True)


def test_an_alert_that_never_left_pending_does_not_count():
    assert expected(alert("ACME", 31, fired=False), alert("SPAM", 31, fired=False)) == (False, True)


def test_a_decoy_that_fires_at_any_time_is_not_as_expected():
    assert expected(alert("ACME", 31), alert("SPAM", 47)) == (True, False)


def test_alerts_on_other_series_say_nothing_about_the_planted_ones():
    assert expected(alert(None, 31), alert("OTHER", 31)) == (False, True)
