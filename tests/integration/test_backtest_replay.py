"""The running pipeline and `rules backtest` say the same of the same file.

The sample goes through every stage as processes, over a real broker with several partitions,
at full speed and with sweeps ten times a second, and through a backtest: same alerts by rule,
series, opening minute and severity, in order and with ten minutes of disorder.
"""

import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.wire import encode_json
from workers.cluster import LocalCluster
from workers.sample import sample_documents
from workers.supervisor import STREAM_STAGES

COMMAND = (sys.executable, "-m", "workers.cli")
ENDS_AT = datetime(2026, 3, 4, 16, 27, 41, tzinfo=UTC)
DISORDER = timedelta(minutes=10)


def sample_file(path: Path, disorder: timedelta) -> Path:
    """The sample, each document published up to `disorder` later than it should have been."""
    chance = random.Random(7)
    documents = sample_documents(ends_at=ENDS_AT)

    def arrival(document: dict[str, object]) -> datetime:
        at = datetime.fromisoformat(str(document["published_at"]))
        return at + chance.random() * disorder

    ranked = sorted(documents, key=arrival) if disorder else documents
    path.write_bytes(b"\n".join(encode_json(one) for one in ranked))
    return path


def ran(settings: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*COMMAND, *arguments], env=settings, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def essence(lines: str) -> list[tuple[str, str, str, int]]:
    """(rule, series, opening minute, severity) of each alert that fired."""
    alerts = [json.loads(line) for line in lines.splitlines()]
    return sorted(
        (
            one["rule"],
            "|".join(str(one["series"][part]) for part in ("subject", "topic", "source", "lang")),
            one["opened_at"],
            one["severity"],
        )
        for one in alerts
        if one["firing_at"] is not None
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("disorder", [timedelta(), DISORDER], ids=["in order", "in disorder"])
def test_a_replay_gives_the_alerts_of_a_backtest(tmp_path: Path, disorder: timedelta) -> None:
    file = sample_file(tmp_path / "documents.jsonl", disorder)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("BELLWETHER_")}
    own = {"BELLWETHER_SWEEP_SECONDS": "0.1", "BELLWETHER_CACHE": str(tmp_path / "cache")}
    stages = (*STREAM_STAGES, "housekeeping")
    with LocalCluster(tmp_path / "data", stages, own) as cluster:
        settings = {**inherited, **own, **cluster.services.environment}
        ran(settings, "replay", str(file), "--speed", "max", "--wait", "--json")
        live = essence(ran(settings, "alerts", "list", "--limit", "10000", "--json"))
    backtested = ran(
        {**inherited, **own}, "rules", "backtest", "--documents", str(file), "--json", "-"
    )
    assert live == essence(backtested)
    assert live
