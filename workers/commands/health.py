"""`bellwether doctor`: what is missing or wrong, in one line each."""

import typer

from workers.commands.terminal import AsJson, command_settings, say, say_json


def doctor(as_json: AsJson = False) -> None:
    """Check every dependency: broker, topics, Redis, database, model, rules, feeds, disk.

    Exit status 1 if anything is wrong; warnings alone are no reason.
    """
    from workers.doctor import examine

    wrong = False
    for check in examine(command_settings()):
        wrong = wrong or check.verdict == "wrong"
        if as_json:
            say_json({"check": check.name, "verdict": check.verdict, "detail": check.detail})
        else:
            say(f"{check.verdict:<7}  {check.name}: {check.detail}")
    if wrong:
        raise typer.Exit(1)
