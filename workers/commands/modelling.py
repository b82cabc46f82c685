"""`bellwether model`: how good the classifier is, and why it says what it says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.commands.terminal import AsJson, command_settings, note, say, say_json

if TYPE_CHECKING:
    from models.evaluation import TaskReport
    from models.questions import Scorer

app = typer.Typer(no_args_is_help=True, help="The classifier: measure it, explain it, train it.")

Labelled = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="JSONL of text with sentiment, topic or entities."),
]
Model = Annotated[
    str, typer.Option("--model", help="baseline, a directory or a hub id; else BELLWETHER_MODEL.")
]
Html = Annotated[Path | None, typer.Option("--html", help="Write the page to this file.")]


@app.command(epilog="Example: bellwether model evaluate labelled.jsonl --json")
def evaluate(
    files: Labelled,
    model: Model = "",
    html: Html = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write page, JSON and pictures to this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How right and how honest the classifier is on labelled texts.

    With --json one object: {task: {"n", "accuracy", "macro_f1", "ece", "ece_uncalibrated",
    "per_class", …}} for the tasks the file has labels for; `ece` is after scaling.
    """
    from models.data import read_examples
    from models.evaluation import as_json as reports_json
    from models.evaluation import evaluate as measure
    from models.evaluation_page import page, write_report, write_text

    examples = read_examples(files)
    scorer = scorer_of(model)
    reports = measure(scorer, examples)
    title = f"{scorer.version} on {', '.join(path.name for path in files)}"
    if html is not None:
        note(f"written: {write_text(html, page(reports, title))}")
    if report is not None:
        for path in write_report(reports, title, report):
            note(f"written: {path}")
    if as_json:
        say_json(reports_json(reports))
        return
    say(title)
    for one in reports.values():
        _say_report(one)


@app.command(epilog="Example: bellwether model compare baseline ProsusAI/finbert labelled.jsonl")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="baseline, a directory or a hub id.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    files: Labelled,
    as_json: AsJson = False,
) -> None:
    """Whether B is better than A on the same texts: paired bootstrap, interval and p."""
    from models.comparison import as_json as comparisons_json
    from models.comparison import compare as compared
    from models.data import read_examples

    found = compared(scorer_of(a), scorer_of(b), read_examples(files))
    if as_json:
        say_json(comparisons_json(found))
        return
    for task, one in found.items():
        say(f"{task}: A {one.a}, B {one.b}, {one.n} labels")
        say(f"  right only for A {one.only_a}, only for B {one.only_b}")
        for figure in one.differences:
            few = f", too few texts differ ({figure.discordant})" if figure.too_few else ""
            say(
                f"  {figure.figure:16} A {figure.a:.3f}  B {figure.b:.3f}  B - A "
                f"{figure.difference:+.3f} [{figure.low:+.3f} to {figure.high:+.3f}]  "
                f"p {figure.p:.3f}{few}"
            )


def scorer_of(model: str) -> "Scorer":
    """The named classifier, else the one of the settings, ready to be measured."""
    from models.scorers import open_scorer

    settings = command_settings()
    return open_scorer(
        model or settings.model_measured,
        settings.model_base,
        settings.model_labels,
        settings.model_languages,
        settings.model_runtime,
    )


def _say_report(report: "TaskReport") -> None:
    span = report.intervals
    silent = f", {report.unanswered} without an answer" if report.unanswered else ""
    say(f"\n{report.task}: {report.n} labels{silent}")
    if report.negative_recall is not None:
        say(f"  negative recall {report.negative_recall:.3f}  {_between(span['negative_recall'])}")
    say(f"  accuracy        {report.accuracy:.3f}  {_between(span['accuracy'])}")
    say(f"  macro-F1        {report.macro_f1:.3f}  {_between(span['macro_f1'])}")
    say(
        f"  ECE             {report.ece:.3f}  {_between(span['ece'])}, "
        f"{report.ece_uncalibrated:.3f} before scaling by {report.temperature:.3f}"
        f" and power {report.power:.1f}"
    )
    for score in report.per_class:
        say(
            f"  {score.label:30} precision {score.precision:.3f}  recall {score.recall:.3f}  "
            f"F1 {score.f1:.3f}  n {score.n}"
        )
    answered = ", ".join(f"{one.coverage:.0%}: {one.accuracy:.3f}" for one in report.selective)
    say(f"  accuracy of the surest {answered}")
    for cut in report.slices:
        say(f"  {f'{cut.field} {cut.value}':42} n {cut.n:5}  accuracy {cut.accuracy:.3f}  "
            f"macro-F1 {cut.macro_f1:.3f}")  # fmt: skip


def _between(span: object) -> str:
    return f"[{getattr(span, 'low', 0):.3f} to {getattr(span, 'high', 0):.3f}]"
