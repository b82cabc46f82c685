"""A backtest in words: every alert with its arithmetic and evidence, then the load."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from alerts.backtest import Backtested
from alerts.lifecycle import Alert
from workers.alert_text import full_text, moment

_BAR = 40
# The share of documents without a name from which on it is worth saying.
_MANY = 0.5


def backtest_lines(found: Backtested, most_evidence: int = 3) -> Iterator[str]:
    """Alerts by day and rule, oldest first, then how many per rule, day and hour (UTC)."""
    days: dict[str, dict[str, list[Alert]]] = defaultdict(lambda: defaultdict(list))
    for alert in found.alerts:
        days[f"{alert.opened_at:%Y-%m-%d}"][alert.rule].append(alert)
    for day, rules in days.items():
        for rule, alerts in rules.items():
            yield f"{day}  {rule}  {counted(len(alerts), 'alert')}"
            for alert in alerts:
                for line in full_text(alert, most_evidence):
                    yield f"  {line}"
                yield f"    {life(alert)}"
        yield ""
    yield from load_lines(found)


def load_lines(found: Backtested) -> Iterator[str]:
    """How much there was, and how many alerts it gave."""
    if found.began is None or found.ended is None:
        yield "no documents"
        return
    yield (
        f"{counted(found.documents, 'document')}, {found.series:,} series, "
        f"{moment(found.began)} to {moment(found.ended)} ({found.days:.1f} days)"
    )
    unfired = [alert for alert in found.alerts if alert.firing_at is None]
    calm = sum(alert.state == "resolved" for alert in unfired)
    yield (
        f"{counted(len(found.fired), 'alert')} fired, {len(found.fired) / found.days:.3g} a day; "
        f"{calm} more calmed down before"
        + (f", {len(unfired) - calm} still pending" if calm < len(unfired) else "")
    )
    by_rule = Counter(alert.rule for alert in found.fired)
    for rule, count in sorted(by_rule.items()):
        yield f"  {rule}: {count} fired, {count / found.days:.3g} a day"
    yield from doubts(found)
    if found.fired:
        yield "fired by hour of the day (UTC)"
        by_hour = Counter(alert.firing_at.hour for alert in found.fired if alert.firing_at)
        most = max(by_hour.values())
        for hour in range(24):
            bar = "#" * -(-by_hour[hour] * _BAR // most)
            yield f"  {hour:02d}  {by_hour[hour]:>5}  {bar}".rstrip()


def doubts(found: Backtested) -> Iterator[str]:
    """What of the history kept alerts from opening that another would have had."""
    if found.late:
        yield (
            f"note: {found.late:,} of {counted(found.documents, 'document')} came further behind "
            "the newest before them than the rules wait: they opened nothing (sort by published_at)"
        )
    if found.unsigned > found.documents * _MANY:
        yield (
            f"note: {found.unsigned:,} of {counted(found.documents, 'document')} name neither "
            "author nor publisher: all of one source are one voice, and alerts ask for several"
        )
    if found.since is not None and not found.late:
        yield (
            f"note: watched since {moment(found.since)} only: before, the stream was still for "
            "three days and more at a time"
        )


def life(alert: Alert) -> str:
    """When it opened, fired and ended."""
    fired = "never fired" if alert.firing_at is None else f"fired {moment(alert.firing_at)}"
    ended = "still open" if alert.resolved_at is None else f"resolved {moment(alert.resolved_at)}"
    return f"opened {moment(alert.opened_at)}, {fired}, {ended}"


def counted(number: int, name: str) -> str:
    """`1 alert`, `2 alerts`."""
    return f"{number:,} {name}{'' if number == 1 else 's'}"
