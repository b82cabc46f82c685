"""`bellwether dead-letters`: look at what could not be handled, and put it back."""

from typing import Annotated

import typer

from workers.commands.terminal import AsJson, command_settings, say, say_json

app = typer.Typer(no_args_is_help=True, help="What could not be handled, and why.")

Stage = Annotated[str, typer.Option(help="Only letters of this stage.")]
Reason = Annotated[str, typer.Option(help="Only letters whose reason holds this text.")]


@app.command("list", epilog="Example: bellwether dead-letters list --stage classify --json")
def list_letters(
    stage: Stage = "",
    reason: Reason = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Every dead letter, oldest first in each partition; --json holds the bytes as base64."""
    from pipeline.wire import encode_json
    from workers.letters import read_letters

    settings = command_settings("KAFKA")
    shown = 0
    for found in read_letters(settings.kafka):
        letter = found.letter
        if letter is None or stage not in ("", letter.stage) or reason not in letter.reason:
            continue
        if as_json:
            say(encode_json(letter).decode())
        else:
            say(
                f"{letter.at:%Y-%m-%d %H:%M:%S}  {letter.stage}  "
                f"{letter.topic}[{letter.partition}]@{letter.offset}  {letter.reason}"
            )
        shown += 1
        if shown >= limit:
            break


@app.command(epilog="Example: bellwether dead-letters retry --reason 'no time zone'")
def retry(stage: Stage = "", reason: Reason = "", as_json: AsJson = False) -> None:
    """Send what the letters hold to the topics they came from, each record once.

    For letters whose cause has been mended. What is still wrong comes back as a new letter;
    the old ones stay in their topic as history.
    """
    from workers.letters import put_back, read_letters

    settings = command_settings("KAFKA")
    chosen = (
        found
        for found in read_letters(settings.kafka)
        if found.letter is not None
        and stage in ("", found.letter.stage)
        and reason in found.letter.reason
    )
    count = put_back(settings.kafka, chosen)
    if as_json:
        say_json({"retried": count})
    else:
        say(f"{count} records put back")
