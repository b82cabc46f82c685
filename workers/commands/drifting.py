"""`bellwether model robustness` and `bellwether model drift`: does the classifier still hold?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigurationError
from workers.commands.modelling import Labelled, Model, scorer_of
from workers.commands.terminal import AsJson, command_settings, database_of, note, say, say_json

if TYPE_CHECKING:
    from models.drift import Distribution


def robustness(files: Labelled, model: Model = "", as_json: AsJson = False) -> None:
    """How often the label moves under typos, case, missing cashtags, other numbers, negation.

    A negation flipped should move a sentiment; nothing else should move anything.
    """
    from models.data import read_examples
    from models.robustness import as_json as rows_json
    from models.robustness import robustness as measured

    rows = measured(scorer_of(model), read_examples(files))
    if as_json:
        say_json(rows_json(rows))
        return
    for row in rows:
        wish = "should move" if row.should_move else "should stay"
        say(
            f"{row.task:17} {row.change:17} n {row.n:5}  moved {row.moved:6.1%} ({wish})  "
            f"accuracy {row.accuracy:.3f} to {row.accuracy_after:.3f}"
        )


def drift(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="JSONL of documents, or gzipped; without: SQL."),
    ] = None,
    days: Annotated[
        int, typer.Option(help="Days of SQL history to look at.", min=1, max=3_650)
    ] = 7,
    reference: Annotated[
        Path | None, typer.Option(help="Reference distribution; else the artifact's own.")
    ] = None,
    write_reference: Annotated[
        Path | None, typer.Option(help="Write what FILE gives as a reference, compare nothing.")
    ] = None,
    model: Model = "",
    as_json: AsJson = False,
) -> None:
    """How far predictions, confidence and vocabulary are from what the model was made for.

    The population stability index of each: under 0.1, or no more than chance gives, is
    stable; over 0.25 has shifted. Exit status 1 where anything has.
    """
    from models import drift as drifting
    from models.texts import some_texts

    if write_reference is not None:
        if file is None:
            raise ConfigurationError("--write-reference needs a FILE to take it from")
        from models.evaluation_page import write_text

        made = drifting.reference_of(scorer_of(model), some_texts(file))
        note(f"written: {write_text(write_reference, drifting.reference_json(made))}")
        return
    chosen = _reference(reference, model)
    if file is None:
        now = _archived(chosen, days)
    else:
        now = drifting.observed(scorer_of(model), some_texts(file), chosen)
        if now.model != chosen.model:
            note(f"bellwether: the reference is of {chosen.model}, the answers of {now.model}")
    shifts = drifting.drift(chosen, now)
    if as_json:
        say_json(drifting.as_json(shifts))
    else:
        say(f"{now.model}: {now.texts:,} texts against {chosen.texts:,} of the reference")
        for one in shifts:
            most = ", ".join(
                f"{name} {before:.1%} to {after:.1%}" for name, before, after in one.most[:3]
            )
            say(
                f"{one.what:22} PSI {one.psi:6.3f}  {one.verdict:8} "
                f"(by chance up to {one.by_chance:.3f})  {most}"
            )
    if any(one.verdict == "shifted" for one in shifts):
        raise typer.Exit(1)


def _reference(given: Path | None, model: str) -> "Distribution":
    from models.drift import REFERENCE, read_reference
    from models.load import SHIPPED

    if given is not None:
        return read_reference(given)
    named = model or command_settings().model_measured
    path = (SHIPPED if named == "shipped" else Path(named).expanduser()) / REFERENCE
    if not path.is_file():
        raise ConfigurationError(
            f"{named} carries no {REFERENCE}: make one with --write-reference OUT.json from texts "
            "it is known to be good on, and give it with --reference"
        )
    return read_reference(path)


def _archived(reference: "Distribution", days: int) -> "Distribution":
    """What is in SQL of the model the reference is of."""
    from models.drift import Counting, told_apart
    from pipeline.stores.answers import answers_since, versions_since

    since = datetime.now(UTC) - timedelta(days=days)
    counting = Counting()
    with database_of(command_settings("DATABASE")) as engine:
        for one in answers_since(engine, reference.model, since):
            counting.text(one.text)
            if one.topic is not None:
                counting.answer("topic", one.topic, one.topic_probability)
            if (feeling := one.sentiment) is not None:
                sure = max(feeling.negative, feeling.neutral, feeling.positive)
                counting.answer("sentiment", feeling.label, sure)
        if not counting.texts:
            others = versions_since(engine, since)
            there = ", ".join(f"{name} ({count:,})" for name, count in others.items())
            raise ConfigurationError(
                f"no document of the last {days} days was classified by {reference.model}; "
                f"in SQL: {there or 'nothing'}"
            )
    return counting.over(reference.model, told_apart(reference))
