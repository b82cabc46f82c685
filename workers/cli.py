"""The command `bellwether`: one place where commands are named and errors become exit codes.

0 it worked; 1 it worked and something is wrong (a check, an expectation); 2 it could not
work: bad input, missing settings, a service that does not answer, each one line.
"""

import sys
from collections.abc import Sequence

import typer

from pipeline.errors import BellwetherError
from workers.commands import (
    alerting,
    database,
    drifting,
    explaining,
    health,
    letters,
    local,
    modelling,
    replaying,
    ruling,
    scoring,
    sources,
    stages,
    training,
)

app = typer.Typer(
    name="bellwether",
    help="Watches financial news: topics and feelings per company, and alerts with evidence.",
    no_args_is_help=True,
    add_completion=False,
    # plain help starts in a third of the time, and one error is one line
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command(epilog="Example: bellwether demo --exit")(local.demo)
app.command(epilog="Example: BELLWETHER_FEEDS=feeds.yaml bellwether up")(local.up)
app.command(epilog="Example: BELLWETHER_INSTANCE=classify-1 bellwether run classify")(stages.run)
app.command(
    epilog="Example: bellwether replay documents.jsonl.gz --embedded --speed max --wait --json"
)(replaying.replay)
app.command(epilog="Example: bellwether doctor --json")(health.doctor)
app.add_typer(alerting.alerts_app, name="alerts")
ruling.rules_app.command(epilog="Example: bellwether rules score counts.csv scores.csv")(
    scoring.score
)
app.add_typer(ruling.rules_app, name="rules")
app.add_typer(database.app, name="db")
app.add_typer(letters.app, name="dead-letters")
modelling.app.command(
    epilog="Example: bellwether model drift documents.jsonl.gz --reference reference.json"
)(drifting.drift)
modelling.app.command(
    epilog='Example: bellwether model explain "Shares of Acme plunge on a profit warning"'
)(explaining.explain)
modelling.app.command(epilog="Example: bellwether model robustness labelled.jsonl --json")(
    drifting.robustness
)
modelling.app.command(epilog="Example: bellwether model card artifact/ --out card.md")(
    explaining.card
)
modelling.app.command(
    epilog="Example: bellwether model train --data ../data/labelled --out artifact"
)(training.train)
modelling.app.command(epilog="Example: bellwether model search --data labelled --trials 20")(
    training.search
)
modelling.app.command(epilog="Example: bellwether model export exported --fp32")(training.export)
app.add_typer(modelling.app, name="model")
app.add_typer(sources.feeds_app, name="feeds")
app.add_typer(sources.subjects_app, name="subjects")
app.add_typer(stages.topics_app, name="topics")

CANNOT_WORK = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    sys.exit(status_of(sys.argv[1:] if arguments is None else arguments))


def status_of(arguments: Sequence[str]) -> int:
    """The exit status of `bellwether ARGUMENTS`; what goes wrong is one line on stderr."""
    try:
        status = app(list(arguments) or ["--help"], prog_name="bellwether", standalone_mode=False)
    except BellwetherError as error:
        return _cannot(str(error))
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        # bad usage: the reason and where help is, without the frame around it
        where = getattr(getattr(error, "ctx", None), "command_path", "bellwether")
        if not error.format_message() or "\n" in error.format_message():
            typer.echo(error.format_message(), err=True)  # a group without a command: its help
            return error.exit_code
        return _cannot(f"{error.format_message()} (see {where} --help)")
    except KeyboardInterrupt:
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def _cannot(reason: str) -> int:
    typer.echo(f"bellwether: {' '.join(reason.split())}", err=True)
    return CANNOT_WORK


if __name__ == "__main__":
    main()
