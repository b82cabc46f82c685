"""`bellwether db`: the schema, whether SQL and Redis agree, and repair."""

from typing import Annotated

import typer

from workers.commands.terminal import (
    AsJson,
    command_settings,
    database_of,
    note,
    period_given,
    say,
    say_json,
)

app = typer.Typer(no_args_is_help=True, help="The database: schema, consistency, repair.")


@app.command(epilog="Example: BELLWETHER_DATABASE=sqlite:///bellwether.db bellwether db upgrade")
def upgrade() -> None:
    """Bring the database to the newest schema; nothing to do is fine."""
    from pipeline.stores.database import connect
    from pipeline.stores.migrate import revision
    from pipeline.stores.migrate import upgrade as migrate

    engine = connect(command_settings("DATABASE").database)
    try:
        before = revision(engine)
        after = migrate(engine)
    finally:
        engine.dispose()
    say(f"database at {after}" + ("" if before == after else f", it was at {before or 'nothing'}"))


@app.command(epilog="Example: bellwether db check --json | tail -1")
def check(
    start: Annotated[
        str, typer.Option("--from", help="Only what was published at this day or time (UTC),")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="or later, and before this one.")] = "",
    as_json: AsJson = False,
) -> None:
    """Whether every count in Redis equals what SQL gives. Exit status 1 if not.

    It reads every document whose day Redis holds; --from and --to make it quick.

    With --json the last line is {"documents", "dead_letters", "redis_equals_sql",
    "differences"}. Dead letters are different records, counted from their topic; null
    without BELLWETHER_KAFKA.
    """
    from pipeline.stores.consistency import ALWAYS
    from pipeline.stores.spans import whole_minutes
    from workers.accounts import check_accounts

    period = whole_minutes(*period_given(start, end, ALWAYS.end, lambda _: ALWAYS.start))
    settings = command_settings("DATABASE", "REDIS")
    with database_of(settings) as engine:
        accounts = check_accounts(engine, settings, period)
    if as_json:
        say_json(accounts)
    else:
        letters = "unknown" if accounts.dead_letters is None else f"{accounts.dead_letters:,}"
        say(f"{accounts.documents:,} documents, dead letters: {letters}")
        for difference in accounts.differences:
            say("differs: " + ", ".join(f"{name} {value}" for name, value in difference.items()))
        say("Redis equals SQL" if accounts.redis_equals_sql else "Redis does not equal SQL")
    if not accounts.redis_equals_sql:
        note("`bellwether db rebuild-redis` restores the counts in Redis from SQL")
        raise typer.Exit(1)


@app.command("rebuild-redis", epilog="Example: bellwether db rebuild-redis")
def rebuild_redis() -> None:
    """Restore the counts in Redis from SQL. Safe while stages run; twice is as good as once."""
    from workers.accounts import rebuild

    settings = command_settings("DATABASE", "REDIS")
    with database_of(settings) as engine:
        counted = rebuild(engine, settings)
    say(f"{counted:,} documents counted again")
