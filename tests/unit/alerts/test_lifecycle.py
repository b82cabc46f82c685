"""The alert's states, one verdict at a time."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Alert, advance, fingerprint_of
from alerts.rules import Rule
from alerts.verdict import RarityNumbers, Verdict, WindowTest
from pipeline.documents import SubjectId
from pipeline.trends import SeriesKey
from tests.unit.alerts.timeline import COMPANY, at

MINUTE = timedelta(minutes=1)
RULE = Rule(
    id="test",
    match={"subject": ("*",)},
    hold=3 * MINUTE,
    resolve_after=10 * MINUTE,
    severity={"low": 0, "high": 60},
)


NUMBERS = RarityNumbers(
    scales=6.0,
    scales_per_day=0.2,
    scales_excess=1.0,
    multiple=12.0,
    multiple_per_day=0.3,
    multiple_excess=1.0,
)


def window(statistic: float, scale: int = 60, share: float = 5.0) -> WindowTest:
    return WindowTest(
        scale_minutes=scale,
        window_minutes=scale,
        observed=10,
        expected=1.0,
        dispersion=0.5,
        statistic=statistic,
        threshold=4.0,
        documents=12,
        share=0.8,
        usual_share=0.1,
        share_statistic=share,
        stories=9,
        voices=9,
    )


def verdict(minute: int, *tests: WindowTest) -> Verdict:
    breaches = tuple(test for test in tests if test.statistic >= 4 and test.share_statistic >= 2)
    return Verdict(at=at(minute), tests=tests, breaches=breaches)


def step(
    alert: Alert | None, minute: int, *tests: WindowTest, open_minute: bool = False
) -> Alert | None:
    now = at(minute) if open_minute else at(minute + 1)
    return advance(alert, verdict(minute, *tests), RULE, now, COMPANY)


def firing() -> Alert:
    alert = None
    for minute in range(4):
        alert = step(alert, minute, window(5))
    assert alert is not None and alert.state == "firing"
    return alert


def test_quiet_stays_quiet():
    assert step(None, 0) is None
    assert step(None, 0, window(3.9)) is None
    assert step(None, 0, window(50, share=1.9)) is None


def test_a_breach_is_pending_until_the_hold_is_over():
    alert = None
    for minute, state in enumerate(["pending", "pending", "pending", "firing", "firing"]):
        alert = step(alert, minute, window(5))
        assert alert is not None
        assert alert.state == state
    assert alert is not None
    assert (alert.opened_at, alert.firing_at) == (at(0), at(3))


def test_an_urgent_breach_fires_at_once_even_inside_its_minute():
    alert = step(None, 0, window(8), open_minute=True)
    assert alert is not None
    assert (alert.state, alert.firing_at) == ("firing", at(0))


def test_an_urgent_count_with_a_doubtful_share_waits():
    alert = step(None, 0, window(8, share=3.9), open_minute=True)
    assert alert is not None
    assert alert.state == "pending"


def test_what_is_no_breach_when_its_minute_ends_never_was_one():
    early = step(None, 0, window(5), open_minute=True)
    late = step(early, 0, window(5, share=1.0))
    assert late is not None
    assert (late.state, late.resolved_at, late.firing_at) == ("resolved", at(0), None)


def test_a_pending_alert_that_calms_down_is_over():
    alert = step(step(None, 0, window(5)), 1, window(1.4))
    assert alert is not None
    assert (alert.state, alert.firing_at) == ("resolved", None)


def test_between_both_levels_an_alert_stays_as_it_is():
    alert = firing()
    for minute in range(4, 40):
        after = step(alert, minute, window(2.1))
        assert after is not None
        assert after.state == "firing"
        alert = after


def test_a_calm_as_long_as_the_rule_says_resolves():
    alert = firing()
    for minute in range(4, 13):
        assert step(alert, minute, window(1.4)) is alert
    resolved = step(alert, 13, window(1.4))
    assert resolved is not None
    assert (resolved.state, resolved.resolved_at) == ("resolved", at(13))


def test_an_open_minute_resolves_nothing():
    alert = firing()
    assert step(alert, 60, open_minute=True) is alert


def test_longer_windows_than_the_peaks_do_not_keep_an_alert_open():
    alert = firing()
    assert step(alert, 13, window(4.9, scale=1440)) != alert
    resolved = step(alert, 13, window(4.9, scale=1440))
    assert resolved is not None
    assert resolved.state == "resolved"


def test_a_stronger_longer_window_becomes_the_peak():
    alert = step(firing(), 13, window(9, scale=1440))
    assert alert is not None
    assert (alert.state, alert.peak.scale_seconds) == ("firing", 86400)
    assert alert.labels["level"] == "high"


def test_severity_never_falls_within_an_episode():
    alert = step(step(firing(), 4, window(20)), 5, window(3))
    assert alert is not None
    assert alert.severity == window(20).severity
    assert alert.arithmetic.statistic == 3
    assert alert.peak.statistic == 20


def test_how_bad_it_is_waits_for_the_end_of_its_minute():
    alert = firing()
    louder = step(alert, 5, window(7), open_minute=True)
    assert louder == alert
    # the minute ends less loud than half of it was
    ended = step(louder, 5, window(6))
    assert ended is not None and ended.peak.statistic == 6
    # and half of it comes again, after a crash, at once or when the next minute is over
    for before in (ended, step(ended, 6, window(5))):
        repeated = advance(before, verdict(5, window(7)), RULE, at(5), COMPANY)
        assert repeated is not None and repeated.peak.statistic == 6


def test_half_a_minute_that_looks_bad_does_not_put_off_the_end():
    alert = step(firing(), 5, window(6))
    assert alert is not None
    half = step(alert, 12, window(6), open_minute=True)
    for before in (alert, half):
        calm = step(step(before, 12), 14)
        assert calm is not None and calm.state == "firing"
        ended = step(calm, 15)
        assert ended is not None and ended.resolved_at == at(15)


def test_louder_without_being_worse_raises_neither_peak_nor_severity():
    alert = firing()
    loud = Verdict(at=at(5), tests=(window(30),))
    after = advance(alert, loud, RULE, at(6), COMPANY)
    assert after is not None and after.arithmetic.statistic == 30
    assert (after.peak, after.severity) == (alert.peak, alert.severity)
    # nor does such a minute told late
    late = advance(after, Verdict(at=at(4), tests=(window(40),)), RULE, at(6), COMPANY)
    assert late is not None and late.peak == alert.peak


def test_what_an_urgent_alert_fires_on_is_told_and_stays():
    alert = step(None, 0, window(5))
    fired = step(alert, 1, window(20), open_minute=True)
    assert fired is not None and (fired.state, fired.firing_at) == ("firing", at(1))
    assert (fired.updated_at, fired.arithmetic.at) == (at(1), at(1))
    assert fired.arithmetic.statistic == fired.peak.statistic == 20
    ended = step(fired, 1, window(6))
    assert ended is not None and ended.peak.statistic == 20


def test_a_later_minute_that_becomes_less_loud_is_no_new_peak():
    alert = step(step(None, 0, window(6)), 1, window(7))
    again = step(alert, 1, window(4.5))
    assert again is not None and (again.state, again.peak.statistic) == ("pending", 7)


def test_a_rarity_counts_twice_where_it_is_compared():
    rare = replace(window(4.6), rarity=NUMBERS)
    both = step(None, 0, rare, window(8), open_minute=True)
    assert both is not None and both.peak.rarity == NUMBERS and both.state == "firing"


def test_what_half_of_the_opening_minute_said_is_replaced_by_the_whole():
    half = step(None, 0, window(9, share=3.0), open_minute=True)
    assert half is not None and (half.state, half.peak.statistic) == ("pending", 9)
    whole = step(half, 0, window(5))
    assert whole is not None and whole.peak.statistic == 5
    assert whole.severity == window(5).severity < half.severity


def test_an_alert_that_fired_in_half_a_minute_keeps_what_it_fired_on():
    urgent = step(None, 0, window(11), open_minute=True)
    assert urgent is not None and urgent.state == "firing"
    wholes = (
        step(urgent, 0, window(5)),
        step(urgent, 0),
        step(urgent, 0, window(13), open_minute=True),
    )
    for whole in wholes:
        assert whole is not None and (whole.peak, whole.severity) == (urgent.peak, urgent.severity)


def test_a_rarity_is_urgent_and_calm_at_levels_of_its_own():
    def rare(statistic: float) -> WindowTest:
        return replace(window(statistic, 1440), rarity=NUMBERS, close=1.0)

    alert = step(None, 0, rare(4.6), open_minute=True)
    assert alert is not None and alert.state == "firing"
    assert step(None, 0, rare(4.4), open_minute=True).state == "pending"  # type: ignore[union-attr]
    # its window is no longer than any, and 1.0 is its end whatever the rule says
    assert alert.arithmetic.close_threshold == 1.0
    for minute in range(1, 12):
        alert = step(alert, minute, rare(1.2 if minute < 3 else 0.9))
    assert alert is not None and alert.state == "firing"
    alert = step(alert, 12, rare(0.9))
    assert alert is not None and alert.state == "resolved"


def test_a_breach_after_the_end_is_a_new_episode_and_one_before_it_is_nothing():
    resolved = step(firing(), 13)
    assert resolved is not None
    assert step(resolved, 13, window(9)) is resolved
    assert step(resolved, 12, window(9)) is resolved
    again = step(resolved, 14, window(5))
    assert again is not None
    assert (again.state, again.opened_at, again.revision) == ("pending", at(14), 1)
    assert again.fingerprint == resolved.fingerprint


@given(st.lists(st.tuples(st.floats(0, 12), st.floats(0, 8), st.booleans()), max_size=60))
def test_whatever_comes_states_and_revisions_only_go_forward(verdicts):
    order = {"pending": 0, "firing": 1, "resolved": 2}
    alert: Alert | None = None
    for minute, (statistic, share, open_minute) in enumerate(verdicts):
        after = step(alert, minute, window(statistic, share=share), open_minute=open_minute)
        repeated = step(after, minute, window(statistic, share=share), open_minute=open_minute)
        assert repeated is after or (repeated is not None and repeated.state == "resolved")
        if after is None or after is alert:
            continue
        if alert is not None and alert.opened_at == after.opened_at:
            assert after.revision > alert.revision
            assert order[after.state] >= order[alert.state]
            assert after.severity >= alert.severity
        else:
            assert statistic >= 4
            assert share >= 2
        alert = after


def test_a_fingerprint_is_of_rule_and_series_alone():
    other = SeriesKey(subject=SubjectId("MSFT"))
    assert fingerprint_of(RULE, COMPANY) == fingerprint_of(replace(RULE, hold=MINUTE), COMPANY)
    assert fingerprint_of(RULE, COMPANY) != fingerprint_of(RULE, other)
