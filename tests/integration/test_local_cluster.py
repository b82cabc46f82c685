"""Everything at once: embedded services, every stage as a process, data through all of it."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from workers.demo import run_demo
from workers.embedded import EmbeddedServices

COMMAND = (sys.executable, "-m", "workers.cli")
DOCUMENTS = 300


def environment(folder: Path) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("BELLWETHER_")}
    return {**inherited, "BELLWETHER_DATA": str(folder), "BELLWETHER_WEB_PORT": "0"}


def document(number: int) -> str:
    return json.dumps(
        {
            "id": f"d{number}",
            "source": "rss:test",
            "title": f"Acme {number} profit falls and shares plunge",
            "published_at": f"2026-01-05T{9 + number // 60 % 10:02d}:{number % 60:02d}:00Z",
            "subjects": ["ACME"],
        }
    )


@pytest.mark.timeout(180)
def test_a_replay_on_embedded_services_accounts_for_every_line(tmp_path: Path):
    lines = [document(number) for number in range(DOCUMENTS)]
    # two that cannot be read, one without a required field, one sent twice
    lines[100:100] = ["not json", '{"id":"x","title":"no source"}', document(7)]
    file = tmp_path / "documents.jsonl"
    file.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe broken bytes\n")
    done = subprocess.run(
        [*COMMAND, "replay", str(file), "--embedded", "--speed", "max", "--wait", "--json"],
        env=environment(tmp_path / "data"),
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    seconds = outcome.pop("seconds")
    alerts = outcome.pop("alerts")
    assert outcome == {
        "documents": DOCUMENTS + 4,
        "classified": DOCUMENTS,
        "archived": DOCUMENTS,
        "dead_letters": 3,
        "redis_equals_sql": True,
    }
    assert seconds > 0
    assert isinstance(alerts, int)
    # its folder was its own and is gone
    assert list((tmp_path / "data").iterdir()) == []


def ran(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=settings, capture_output=True, text=True, timeout=50
    )


@pytest.mark.timeout(120)
def test_the_doctor_is_content_once_topics_and_schema_exist(tmp_path: Path):
    with EmbeddedServices(tmp_path) as services:
        settings = {**environment(tmp_path), **services.environment}
        before = ran(settings, "doctor")
        assert before.returncode == 1
        assert "run `bellwether topics create`" in before.stdout
        assert "run `bellwether db upgrade`" in before.stdout
        assert ran(settings, "topics", "create").returncode == 0
        assert ran(settings, "db", "upgrade").returncode == 0
        after = ran(settings, "doctor", "--json")
        verdicts = [json.loads(line)["verdict"] for line in after.stdout.splitlines()]
        assert after.returncode == 0, after.stdout
        assert "wrong" not in verdicts
        assert "(python on cpu)" in after.stdout
        checked = ran(settings, "db", "check", "--json")
        assert json.loads(checked.stdout.splitlines()[-1]) == {
            "documents": 0,
            "dead_letters": 0,
            "redis_equals_sql": True,
            "differences": [],
        }
        differing = ran({**settings, "BELLWETHER_PARTITIONS": "9"}, "topics", "create")
        assert differing.returncode == 0
        assert "4 partitions, 9 are configured" in differing.stdout


@pytest.mark.timeout(240)
def test_the_demo_finds_the_planted_surges_and_leaves_the_decoys_alone(tmp_path: Path):
    screen = io.StringIO()
    console = Console(file=screen, width=120)
    status = run_demo(tmp_path / "demo", console, threading.Event(), leave=True, seconds=25)
    shown = screen.getvalue()
    assert status == 0, shown
    assert "synthetic" in shown
    assert "Dashboard: http://127.0.0.1:" in shown
    assert shown.count("FIRING") >= 3
    for part in ("expected", "p = ", "negative share", "% negative  "):
        assert part in shown


@pytest.mark.timeout(120)
def test_ctrl_c_ends_the_demo_in_order_and_leaves_no_process(tmp_path: Path):
    demo = subprocess.Popen(
        [*COMMAND, "demo"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("documents in"):
                break
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
    assert demo.returncode == 0, rest
    assert "Traceback" not in rest
    left = [
        command
        for command in (path.read_bytes() for path in commands_running())
        if str(tmp_path).encode() in command
    ]
    assert left == []


def commands_running() -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
