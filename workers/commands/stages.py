"""`bellwether run` and `bellwether topics`: the processes of the cluster and their topics."""

import signal
import threading
from datetime import timedelta
from typing import Annotated

import typer

from pipeline.errors import ConfigurationError
from workers.commands.terminal import AsJson, command_settings, say, say_json

# Said before anything is started for a stage; each stage checks again what it opens.
NEEDS = {
    "ingest": ("KAFKA", "DATABASE"),
    "classify": ("KAFKA", "REDIS"),
    "archive": ("KAFKA", "DATABASE"),
    "aggregate": ("KAFKA", "REDIS"),
    "watch": ("KAFKA", "REDIS", "DATABASE"),
    "notify": ("KAFKA", "DATABASE"),
    "housekeeping": ("KAFKA", "REDIS", "DATABASE"),
    "web": ("REDIS", "DATABASE"),
}

topics_app = typer.Typer(no_args_is_help=True, help="The five topics.")


def run(
    stages: Annotated[
        list[str],
        typer.Argument(
            metavar="STAGE...",
            help="ingest, classify, archive, aggregate, watch, notify, housekeeping, web, or all.",
        ),
    ],
) -> None:
    """Run stages in this process until SIGTERM; `all` runs each in a process of its own."""
    from workers.settings import read_settings

    settings = read_settings()
    wanted = tuple(NEEDS) if stages == ["all"] else stages
    for stage in wanted:
        if stage not in NEEDS:
            raise ConfigurationError(f"no stage {stage!r}: the stages are {', '.join(NEEDS)}, all")
        settings.require(*NEEDS[stage])
    if stages == ["all"]:
        raise typer.Exit(_run_all())
    from workers.process import run_stages

    raise typer.Exit(run_stages(stages, settings))


def _run_all() -> int:
    """One supervised child per stage until a signal or until all have ended."""
    from workers.logs import set_up_logging
    from workers.settings import read_settings
    from workers.supervisor import ALL_STAGES, Supervisor, child_environment, stage_children

    settings = read_settings()
    set_up_logging(settings)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    children = stage_children(ALL_STAGES, child_environment({}))
    Supervisor(children, settings.data / "logs").run(stopping)
    return 0


@topics_app.command(epilog="Example: BELLWETHER_KAFKA=localhost:9092 bellwether topics create")
def create(
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for a broker that is not there yet.", min=0)
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Create the topics that are missing; report those that differ, never change them.

    A difference from BELLWETHER_PARTITIONS, _REPLICATION or _RETENTION_HOURS is no failure
    here, a deployment may run this every time; `bellwether doctor` calls it wrong.
    """
    from workers.topics import ensure_topics

    findings = ensure_topics(command_settings("KAFKA").kafka, timedelta(seconds=wait))
    if as_json:
        say_json([{"topic": f.topic, "state": f.state.value, "detail": f.detail} for f in findings])
    else:
        for finding in findings:
            say(str(finding))
