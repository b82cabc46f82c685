"""`bellwether alerts`: what fired and why."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from pipeline.errors import ConfigurationError
from workers.commands.terminal import AsJson, command_settings, database_of, say, say_json

alerts_app = typer.Typer(no_args_is_help=True, help="Alerts: from SQL, or live from Kafka.")

STATES = ("pending", "firing", "resolved")
MATCHERS = ("fingerprint", "rule", "subject", "topic", "source", "lang")
_SPAN = re.compile(r"(\d{1,6})\s*(m|h|d)")
_LONGEST = timedelta(days=36_500)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Fingerprint = Annotated[str, typer.Argument(metavar="FINGERPRINT", help="Or how it begins.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]


@alerts_app.command("list", epilog="Example: bellwether alerts list --state firing --since 24h")
def list_alerts(
    state: Annotated[str, typer.Option(help="pending, firing or resolved; all without.")] = "",
    since: Annotated[str, typer.Option(help="Changed within: 30m, 24h, 7d.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Alerts in SQL, the latest change first; with --json one `alerts` v1 record a line."""
    from alerts.lifecycle import ALERTS
    from alerts.store import list_alerts as stored
    from workers.alert_text import headline

    if state not in ("", *STATES):
        raise ConfigurationError(f"--state {state}: one of {', '.join(STATES)}")
    changed = datetime.now(UTC) - _span("--since", since) if since else None
    with database_of(command_settings("DATABASE")) as engine:
        # one of the texts checked above
        found = stored(engine, state or None, changed, limit)  # type: ignore[arg-type]
    for alert in found:
        if as_json:
            say(ALERTS.encode(alert).value.decode())
        else:
            say(f"{alert.fingerprint[:12]}  {headline(alert)}")


@alerts_app.command(epilog="Example: bellwether alerts show 3f9a")
def show(fingerprint: Fingerprint, as_json: AsJson = False) -> None:
    """Every episode of an alert with its arithmetic and evidence, the newest first."""
    from alerts.lifecycle import ALERTS
    from alerts.store import episodes
    from workers.alert_text import full_text

    with database_of(command_settings("DATABASE")) as engine:
        found = episodes(engine, fingerprint)
    if not found:
        raise ConfigurationError(f"no alert whose fingerprint begins with {fingerprint}")
    for alert in found:
        if as_json:
            say(ALERTS.encode(alert).value.decode())
            continue
        for line in full_text(alert, most_evidence=20):
            say(line)
        if alert.acknowledged_by:
            say(f"  acknowledged by {alert.acknowledged_by}")


@alerts_app.command(epilog="Example: bellwether alerts tail --json")
def tail(
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin with the oldest kept record.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Follow the alerts topic until Ctrl-C: every state as it is sent."""
    from alerts.lifecycle import ALERTS
    from workers.alert_feed import follow_alerts
    from workers.alert_text import full_text, headline

    settings = command_settings("KAFKA")
    for alert in follow_alerts(settings.kafka, lambda: False, from_start):
        if alert is None:
            continue
        if as_json:
            say(ALERTS.encode(alert).value.decode())
        else:
            for line in full_text(alert) if alert.state == "firing" else [headline(alert)]:
                say(line)


@alerts_app.command(epilog="Example: bellwether alerts ack 3f9a --by 'Night desk'")
def ack(fingerprint: Fingerprint, by: By, as_json: AsJson = False) -> None:
    """Say that somebody looks after an open alert; its next record carries the name."""
    from alerts.lifecycle import ALERTS
    from alerts.store import acknowledge, episodes

    if not by.strip():
        raise ConfigurationError("--by: a name is needed")
    with database_of(command_settings("DATABASE")) as engine:
        known = {alert.fingerprint for alert in episodes(engine, fingerprint)}
        if len(known) > 1:
            raise ConfigurationError(
                f"{len(known)} alerts begin with {fingerprint}: give more of it"
            )
        alert = acknowledge(engine, known.pop(), by.strip()) if known else None
    if alert is None:
        raise ConfigurationError(f"no open alert whose fingerprint begins with {fingerprint}")
    say(ALERTS.encode(alert).value.decode() if as_json else f"acknowledged by {by.strip()}")


@alerts_app.command(
    epilog="Example: bellwether alerts silence --match subject=AAPL --for 2h --by 'Night desk'"
)
def silence(
    match: Annotated[
        list[str],
        typer.Option("--match", help="NAME=PATTERN, all must fit: " + ", ".join(MATCHERS) + "."),
    ],
    by: By,
    lasting: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 7d.")] = "2h",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tell nobody about matching alerts for a while; they go on being recorded."""
    from alerts.notification_store import silence as silenced

    matchers: dict[str, list[str]] = {}
    for pair in match:
        name, separator, pattern = pair.partition("=")
        if not separator or name not in MATCHERS or not pattern:
            raise ConfigurationError(f"--match {pair}: NAME=PATTERN, NAME {', '.join(MATCHERS)}")
        matchers.setdefault(name, []).append(pattern)
    now = datetime.now(UTC)
    until = now + _span("--for", lasting)
    with database_of(command_settings("DATABASE")) as engine:
        made = silenced(engine, matchers, now, until, by, comment)
    if as_json:
        say_json(made)
    else:
        say(f"silence {made.id} until {made.ends_at:%Y-%m-%d %H:%M} UTC")


def _span(option: str, text: str) -> timedelta:
    match = _SPAN.fullmatch(text.strip())
    wrong = ConfigurationError(f"{option} {text}: a span such as 30m, 2h or 7d")
    if match is None or int(match[1]) == 0:
        raise wrong
    try:
        found = timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise wrong from None
    if found > _LONGEST:
        raise wrong
    return found
