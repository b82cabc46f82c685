"""Whether the command line knows a command as it is written somewhere, without running it."""

from collections.abc import Sequence
from typing import Any

import typer.main

from workers.cli import app
from workers.process import STAGES


def leaf_of(words: Sequence[str]) -> str:
    """The command that `bellwether WORDS` would run, its arguments and options parsed.

    A bare name, as prose mentions a command, only has to exist. Raises AssertionError
    saying what is wrong. `[optional]` and `…` are for people and left out.
    """
    written = f"bellwether {' '.join(words)}"
    command: Any = typer.main.get_command(app)
    context: Any = None
    path = ["bellwether"]
    rest = [word for word in words if word not in ("…", "...") and word[:1] not in ("[", "(")]
    try:
        while True:
            is_group = hasattr(command, "resolve_command")
            if not rest or "--help" in rest[:1]:
                return " ".join(path)
            context = command.make_context(path[-1], rest, parent=context)
            if not is_group:
                break
            remaining = [*context._protected_args, *context.args]
            name, command, rest = command.resolve_command(context, remaining)
            path.append(name)
    except Exception as error:
        raise AssertionError(f"{written}: {error}") from error
    for stage in context.params.get("stages", []):
        known = stage == "all" or stage in STAGES or stage.isupper() or stage.endswith("…")
        assert known, f"{written}: no stage {stage!r}"
    return " ".join(path)
