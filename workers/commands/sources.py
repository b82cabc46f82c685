"""`bellwether feeds` and `bellwether subjects`: what sources give, whom texts are about."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from workers.commands.terminal import AsJson, command_settings, note, say, say_json

feeds_app = typer.Typer(no_args_is_help=True, help="The sources ingest asks.")
subjects_app = typer.Typer(no_args_is_help=True, help="The companies texts are about.")


@feeds_app.command(epilog="Example: BELLWETHER_FEEDS=feeds.yaml bellwether feeds check")
def check(as_json: AsJson = False) -> None:
    """Ask every source of the feed file once and say what it would give; nothing is stored.

    Exit status 1 if one does not work.
    """
    from pipeline.feeds.kinds import FEEDS
    from workers.feed_file import feed_file
    from workers.feeds import check as check_sources

    settings = command_settings()
    feeds = feed_file(settings)
    kinds = dict(FEEDS)
    if any(source.kind == "kafka" for source in feeds.sources):
        from workers.kafka_feed import kafka_opener

        kinds["kafka"] = kafka_opener(settings.kafka)
    results = check_sources(feeds.sources, contact=feeds.contact, kinds=kinds)
    for result in results:
        if as_json:
            say_json(
                {
                    "source": result.source.name,
                    "url": result.source.url,
                    "documents": len(result.documents),
                    "skipped": result.skipped,
                    "newest": result.newest,
                    "titles": result.titles,
                    "error": result.error,
                    "seconds": result.seconds,
                }
            )
        elif result.error is None:
            newest = "" if result.newest is None else f", newest {result.newest:%Y-%m-%d %H:%M}"
            title = "".join(f": {title}" for title in result.titles[:1])
            say(f"{result.source.name}: {len(result.documents)} documents{newest}{title}")
        else:
            say(f"{result.source.name}: {result.error}")
    broken = sum(result.error is not None for result in results)
    if broken:
        note(f"bellwether: {broken} of {len(results)} sources do not work")
        raise typer.Exit(1)


@feeds_app.command(epilog="Example: bellwether feeds status --json")
def status(as_json: AsJson = False) -> None:
    """How each source fares in the running cluster. Exit status 1 if one is silent."""
    from alerts.source_silence import waits
    from pipeline.stores.source_health import source_health
    from workers.commands.terminal import database_of
    from workers.source_lines import source_line
    from workers.wiring import now

    settings = command_settings("DATABASE")
    with database_of(settings) as engine:
        sources = source_health(engine)
    at, silent = now(), 0
    for source in sources:
        waited = next((wait for wait in waits(source, at) if wait.silent), None)
        silent += waited is not None
        if as_json:
            say_json({**asdict(source), "silent": waited and waited.kind})
        else:
            say(source_line(source, waited, at))
    if silent:
        note(f"bellwether: {silent} of {len(sources)} sources are silent")
        raise typer.Exit(1)


@feeds_app.command(epilog="Example: bellwether feeds preview https://example.com/rss --json")
def preview(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the source is, or a file's path.")
    ],
    kind: Annotated[
        str | None, typer.Option(help="The kind of source; guessed from the answer if left out.")
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Permit addresses of private networks.")
    ] = False,
    full_text: Annotated[
        bool, typer.Option("--full-text", help="Read each item's own page, as full_text does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What a source would give now; with --json one `documents` v1 record a line."""
    from pipeline.wire import DOCUMENTS
    from workers.feeds import preview as preview_source

    command_settings()
    found = preview_source(url, kind=kind, allow_private=allow_private, full_text=full_text)
    for document in found:
        if as_json:
            say(DOCUMENTS.encode(document).value.decode())
        else:
            say(f"{document.published_at:%Y-%m-%d %H:%M}  {' '.join(document.body.split())[:120]}")
    if not found:
        note(f"{url}: answers, and gives no documents: it has no items, or none with words")


@subjects_app.command(epilog="Example: bellwether subjects link documents.jsonl.gz --json")
def link(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSONL of documents, or gzipped.")],
    ignore_source: Annotated[
        bool, typer.Option("--ignore-source", help="Leave out the tickers the source gives.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Which companies each document is about, a line each, most relevant first."""
    from pipeline.catalogue import load_catalogue
    from pipeline.subjects import CatalogueLinker, link_file
    from pipeline.subjects import as_json as linked_json

    settings = command_settings()
    extension = Path(settings.subjects) if settings.subjects else None
    linker = CatalogueLinker(load_catalogue(extension))
    for name, subjects in link_file(file, ignore_source, linker):
        if as_json:
            say(linked_json(name, subjects))
        else:
            found = ", ".join(f"{subject.id} {subject.relevance:.2f}" for subject in subjects)
            say(f"{name}: {found or 'nothing'}")


@subjects_app.command("check", epilog="Example: bellwether subjects check companies.yaml")
def check_subjects(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A catalogue, YAML or CSV.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a catalogue, joined to the shipped one, contradicts. Exit status 1 on an error.

    Without FILE: the one in BELLWETHER_SUBJECTS, else the shipped catalogue alone.
    """
    from pipeline.conflicts import check_catalogue

    settings = command_settings()
    configured = Path(settings.subjects) if settings.subjects else None
    conflicts = check_catalogue(file or configured)
    for conflict in conflicts:
        if as_json:
            say_json(conflict)
        else:
            say(f"{conflict.origin}: {conflict.kind}: {conflict.explanation}")
    errors = sum(conflict.is_error for conflict in conflicts)
    if not as_json:
        say(f"{len(conflicts)} remarks, {errors} of them errors")
    if errors:
        raise typer.Exit(1)
