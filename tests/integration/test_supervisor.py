"""Supervised children: real processes that fail, end and refuse to end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from workers.supervisor import ChildSpec, Supervisor, child_environment, stage_children


def child(name: str, script: str) -> ChildSpec:
    return ChildSpec(name=name, command=("sh", "-c", script), environment=dict(os.environ))


def polled_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    """Poll until `condition` holds; fail after ten seconds."""
    deadline = time.monotonic() + 10
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        supervisor.poll()
        pause.wait(0.01)


def test_a_child_that_fails_is_started_again_and_counted(tmp_path: Path):
    marker = tmp_path / "tried"
    script = f"test -e {marker} && exec sleep 60; touch {marker}; exit 1"
    supervisor = Supervisor([child("moody", script)], tmp_path / "logs")
    supervisor.start()
    try:
        polled_until(supervisor, lambda: supervisor.restarts["moody"] == 1)
        assert list(supervisor.pids) == ["moody"]
    finally:
        supervisor.stop()


def test_a_child_that_is_killed_is_started_again(tmp_path: Path):
    supervisor = Supervisor([child("steady", "exec sleep 60")], tmp_path)
    supervisor.start()
    try:
        first = supervisor.pids["steady"]
        os.kill(first, signal.SIGKILL)
        polled_until(supervisor, lambda: supervisor.pids.get("steady", first) != first)
    finally:
        supervisor.stop()


def test_a_child_that_ends_well_is_not_started_again(tmp_path: Path):
    supervisor = Supervisor([child("done", "exit 0")], tmp_path)
    supervisor.start()
    polled_until(supervisor, lambda: supervisor.finished)
    assert supervisor.restarts["done"] == 0


def test_a_stage_is_never_done_and_started_again_however_it_ended(tmp_path: Path):
    spec = replace(child("stage", "trap 'exit 0' TERM; while :; do sleep 0.05; done"), lasting=True)
    supervisor = Supervisor([spec], tmp_path)
    supervisor.start()
    try:
        first = supervisor.pids["stage"]
        # somebody else asks it to end, as an operator or a guard of the machine's memory does
        polled_until(supervisor, lambda: supervisor.log_path("stage").exists())
        os.kill(first, signal.SIGTERM)
        polled_until(supervisor, lambda: supervisor.pids.get("stage", first) != first)
        assert not supervisor.finished
    finally:
        supervisor.stop()
    assert all(one.lasting for one in stage_children(["classify"], {}))


def test_settings_that_cannot_work_end_everything_with_the_childs_words(tmp_path: Path):
    supervisor = Supervisor(
        [child("good", "exec sleep 60"), child("bad", "echo 'the rules are wrong' >&2; exit 2")],
        tmp_path,
    )
    with pytest.raises(ConfigurationError, match="the rules are wrong"):
        supervisor.run(threading.Event())
    assert supervisor.pids == {}


def test_children_are_asked_to_end_and_killed_when_they_do_not(tmp_path: Path):
    polite = (
        f"trap 'echo asked; exit 0' TERM; touch {tmp_path}/polite; while :; do sleep 0.05; done"
    )
    deaf = f"trap '' TERM; touch {tmp_path}/deaf; while :; do sleep 0.05; done"
    supervisor = Supervisor(
        [child("polite", polite), child("deaf", deaf)], tmp_path, grace_seconds=1.0
    )
    supervisor.start()
    polled_until(
        supervisor, lambda: (tmp_path / "polite").exists() and (tmp_path / "deaf").exists()
    )
    began = time.monotonic()
    supervisor.stop()
    assert 1.0 <= time.monotonic() - began < 5
    assert supervisor.pids == {}
    assert "asked" in supervisor.log_path("polite").read_text()


def test_run_ends_when_told_and_leaves_nobody_behind(tmp_path: Path):
    supervisor = Supervisor([child("steady", "exec sleep 60")], tmp_path)
    stopping = threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(stopping,))
    thread.start()
    deadline = time.monotonic() + 10
    while not supervisor.pids:
        assert time.monotonic() < deadline
    pid = supervisor.pids["steady"]
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    assert not Path(f"/proc/{pid}").exists()


PARENT = """
import sys, threading
from pathlib import Path
from workers.supervisor import ChildSpec, Supervisor

spec = ChildSpec(name="c", command=("sleep", "60"), environment={})
supervisor = Supervisor([spec], Path(sys.argv[1]))
supervisor.start()
print(supervisor.pids["c"], flush=True)
threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a parent's death is signalled on Linux only")
def test_children_end_when_the_supervisor_is_killed(tmp_path: Path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    stat = Path(f"/proc/{pid}/stat")
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline


def test_a_file_variant_does_not_compete_with_a_value_of_ours(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BELLWETHER_REDIS_FILE", "/run/secrets/redis")
    monkeypatch.setenv("BELLWETHER_WEBHOOK_SECRET_FILE", "/run/secrets/webhook")
    environment = child_environment({"BELLWETHER_REDIS": "redis://127.0.0.1:1/0"})
    assert "BELLWETHER_REDIS_FILE" not in environment
    assert "BELLWETHER_WEBHOOK_SECRET_FILE" in environment
