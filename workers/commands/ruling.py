"""`bellwether rules`: by which rules alerts come, and what those rules make of history."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigurationError
from workers.commands.terminal import (
    AsJson,
    command_settings,
    database_of,
    note,
    period_given,
    say,
    say_json,
    time_given,
)

if TYPE_CHECKING:
    from alerts.backtest import Backtest, Backtested
    from alerts.lifecycle import Alert
    from alerts.rules import RuleBook
    from pipeline.documents import ClassifiedDocument
    from workers.backtesting import WrongLine
    from workers.settings import Settings

rules_app = typer.Typer(no_args_is_help=True, help="The rules alerts come from.")

RulesFile = Annotated[
    str, typer.Option("--rules", help="Default: BELLWETHER_RULES, else what ships.")
]
# What a detector still remembers of its past; read before --from to learn from.
_LEARNED = timedelta(days=60)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC) + _LEARNED
_WEEK = timedelta(days=7)
_MOST_WRONG = 20


@rules_app.command(epilog="Example: bellwether rules check rules.yaml")
def check(
    file: Annotated[
        str, typer.Argument(metavar="[FILE]", help="Default: BELLWETHER_RULES, else what ships.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Read a rule file as the watch stage would; what is wrong is named by file and line."""
    from alerts.rules import load_rules

    path = file or command_settings().rules
    rules = load_rules(path).rules
    if as_json:
        say_json([{"id": rule.id, "version": rule.version} for rule in rules])
        return
    note(f"{path or 'the rules that ship'}: {len(rules)} rules")
    for rule in rules:
        parts = ", ".join(f"{name} {' or '.join(values)}" for name, values in rule.match.items())
        tiers = f", of tier {' or '.join(map(str, rule.tiers))}" if rule.tiers else ""
        say(f"{rule.id}  version {rule.version}  watches {parts or 'everything together'}{tiers}")


@rules_app.command(
    epilog="Example: bellwether rules backtest --documents documents.jsonl.gz --json alerts.jsonl"
)
def backtest(
    rules: RulesFile = "",
    documents: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSONL of documents, .gz or not.")
    ] = None,
    start: Annotated[
        str, typer.Option("--from", help="Or the archive in SQL, from this day or time (UTC),")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="to this one.")] = "",
    false_alarms: Annotated[
        float | None,
        typer.Option("--false-alarms-per-day", help="Instead of what the rules say.", min=1e-6),
    ] = None,
    json_file: Annotated[
        str, typer.Option("--json", metavar="OUT", help="One `alerts` v1 record a line; - prints.")
    ] = "",
    html_file: Annotated[
        str, typer.Option("--html", metavar="OUT", help="A page with a picture of each series.")
    ] = "",
) -> None:
    """What the rules would have said: the running pipeline's own code over history.

    Every alert appears once, as it was in the end. Exit status 1 if a line of the file is no
    document: it is named, the others count.
    """
    from alerts.backtest import Backtest
    from alerts.rules import load_rules
    from workers.backtest_text import backtest_lines

    settings = command_settings()
    book = load_rules(rules or settings.rules)
    if false_alarms is not None:
        book = replace(book, false_alarms_per_day=false_alarms)
    wrong: list[WrongLine] = []
    test = Backtest(book)
    with ExitStack() as stack:
        if documents is not None and not start and not end:
            batches = _of_file(documents, settings, wrong, stack)
            since = None
        elif documents is None and start:
            since = time_given("--from", start)
            until = time_given("--to", end) if end else datetime.now(UTC)
            batches = _of_archive(settings, since, until, stack)
        else:
            raise ConfigurationError("give either --documents FILE, or --from TIME [--to TIME]")
        found = _run(test, batches, since)
    for one in wrong[:_MOST_WRONG]:
        note(f"{documents}:{one.number}: {one.reason}")
    if len(wrong) > _MOST_WRONG:
        note(f"{documents}: {len(wrong) - _MOST_WRONG} more lines are no documents")
    if json_file:
        _write_records(json_file, found.alerts)
    if html_file:
        _write(html_file, _page(found, test, book))
    if json_file != "-":
        for line in backtest_lines(found):
            say(line)
    if wrong:
        raise typer.Exit(1)


@rules_app.command(epilog="Example: bellwether rules budget --from 2026-03-01 --to 2026-03-08")
def budget(
    rules: RulesFile = "",
    start: Annotated[
        str, typer.Option("--from", help="Day or time (UTC); default: a week before the end.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="Day or time (UTC); default: now.")] = "",
    as_json: AsJson = False,
) -> None:
    """False alarms a day as stated, against the alerts in SQL, per rule and for one series."""
    from alerts.budget import budget_lines, budget_of
    from alerts.rules import load_rules
    from alerts.store import fired_between

    settings = command_settings("DATABASE")
    book = load_rules(rules or settings.rules)
    since, until = period_given(start, end, datetime.now(UTC), lambda until: until - _WEEK)
    with database_of(settings) as engine:
        alerts = fired_between(engine, since, until)
    found = budget_of(alerts, book.false_alarms_per_day, since, until)
    if as_json:
        say_json(found)
        return
    for line in budget_lines(found):
        say(line)


def _of_file(
    path: Path, settings: "Settings", wrong: "list[WrongLine]", stack: ExitStack
) -> "Iterator[list[ClassifiedDocument]]":
    from models.load import load_classifier
    from pipeline.catalogue import load_catalogue
    from pipeline.subjects import CatalogueLinker
    from workers.backtesting import documents_of_file
    from workers.classification_cache import CachedClassifier

    if not path.is_file():
        raise ConfigurationError(f"--documents {path}: no such file")
    classifier = load_classifier(
        settings.model,
        settings.model_base,
        settings.model_labels,
        settings.model_languages,
        settings.model_runtime,
    )
    cached = stack.enter_context(CachedClassifier(classifier, settings.cache))
    linker = CatalogueLinker(load_catalogue(Path(settings.subjects) if settings.subjects else None))
    return documents_of_file(
        path, cached, linker, datetime.now(UTC), wrong.append, settings.trend_languages
    )


def _of_archive(
    settings: "Settings", since: datetime, until: datetime, stack: ExitStack
) -> "Iterator[list[ClassifiedDocument]]":
    from workers.backtesting import documents_of_archive

    if until <= since:
        raise ConfigurationError("--to must be later than --from")
    settings.require("DATABASE")
    engine = stack.enter_context(database_of(settings))
    earliest = max(since, _EARLIEST) - _LEARNED
    return documents_of_archive(engine, earliest, until)


def _run(
    test: "Backtest", batches: "Iterator[list[ClassifiedDocument]]", since: datetime | None
) -> "Backtested":
    """Everything fed, with progress on standard error; of the archive only what opened at
    `since` or later."""
    from rich.console import Console

    from pipeline.garbage import collector_at_rest
    from workers.progress import Progress

    documents = alerts = counted = 0
    # what is fed stays to the end and makes no cycles: looking for some is a third of the time
    with (
        collector_at_rest(),
        Progress(Console(stderr=True), ("documents", "alert states")) as progress,
    ):
        for batch in batches:
            alerts += len(test.feed(batch))
            documents += len(batch)
            counted += sum(since is None or one.document.published_at >= since for one in batch)
            at = f"event time {batch[-1].document.published_at:%Y-%m-%d}" if batch else ""
            progress.show({"documents": documents, "alert states": alerts}, note=at)
    found = test.finish()
    if since is None:
        return found
    began = None if found.began is None else max(found.began, since)
    return replace(
        found,
        documents=counted,
        began=began,
        # nothing came since then
        ended=None if found.ended is None or began is None else max(found.ended, began),
        alerts=tuple(alert for alert in found.alerts if alert.opened_at >= since),
    )


def _page(found: "Backtested", test: "Backtest", book: "RuleBook") -> str:
    from alerts.pictures import pictures
    from workers.backtest_page import page

    return page(found, pictures(found, test.buckets, book))


def _write_records(path: str, alerts: "tuple[Alert, ...]") -> None:
    from alerts.lifecycle import ALERTS

    lines = "".join(f"{ALERTS.encode(alert).value.decode()}\n" for alert in alerts)
    _write(path, lines)


def _write(path: str, text: str) -> None:
    if path == "-":
        typer.echo(text, nl=False)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error
