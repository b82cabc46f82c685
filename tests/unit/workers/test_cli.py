"""The command line: names, help, exit codes, and what it does not import."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer.main

from workers.cli import app, status_of

HEAVY = ("torch", "transformers", "faust", "sqlalchemy", "kafka", "rich", "httpx", "redis")


def commands() -> dict[str, Any]:
    """Every command by its words, `db check` and so on."""
    found: dict[str, Any] = {}

    def walk(words: tuple[str, ...], command: Any) -> None:
        for name, sub in getattr(command, "commands", {}).items():
            walk((*words, name), sub)
        if not getattr(command, "commands", {}):
            found[" ".join(words)] = command

    walk((), typer.main.get_command(app))
    return found


def clean_environment(**values: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("BELLWETHER_")}
    return {**inherited, **values}


def bellwether(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workers.cli", *arguments],
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=50,
    )


@pytest.mark.parametrize("words", sorted(commands()))
def test_every_command_explains_itself_with_an_example_that_names_it(words):
    command = commands()[words]
    assert command.help
    assert command.epilog.startswith("Example: ")
    assert f"bellwether {words}" in command.epilog


def test_the_commands_of_the_contract_are_there():
    assert {
        "demo", "up", "run", "replay", "doctor", "rules check", "alerts list", "alerts tail",
        "alerts show", "alerts ack", "alerts silence", "db upgrade", "db check",
        "db rebuild-redis", "dead-letters list", "dead-letters retry", "feeds check",
        "feeds preview", "subjects link", "topics create", "model evaluate",
        "model compare", "model drift", "model explain",
        "model robustness", "model card",
    } <= set(commands())  # fmt: skip


def test_starting_imports_nothing_heavy():
    script = (
        "import sys, workers.cli\n"
        "workers.cli.status_of(['run', '--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == "[]"


MODEL_FREE = [
    ("alerts", "list"), ("alerts", "show", "x"), ("alerts", "tail"), ("db", "check"),
    ("db", "upgrade"), ("dead-letters", "list"), ("feeds", "check"), ("rules", "check"),
    ("topics", "create", "--wait", "0"), ("doctor",),
]  # fmt: skip


@pytest.mark.parametrize("arguments", MODEL_FREE, ids=" ".join)
def test_commands_that_need_no_model_never_import_torch(arguments, tmp_path):
    script = (
        "import sys, workers.cli\n"
        f"workers.cli.status_of({list(arguments)!r})\n"
        "print('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        # a database that answers, a broker that refuses: both kinds of command run to their end
        env=clean_environment(
            BELLWETHER_DATABASE=f"sqlite:///{tmp_path}/b.db",
            BELLWETHER_KAFKA="127.0.0.1:9",
            BELLWETHER_REDIS="redis://127.0.0.1:9/0",
            BELLWETHER_FEEDS=str(tmp_path / "none.yaml"),
            BELLWETHER_DATA=str(tmp_path),
        )
        | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=50,
        input="",
    )
    if arguments[0] == "topics":
        assert "does not answer" in done.stderr
    assert done.stdout.splitlines()[-1] == "False", done.stderr


def test_help_comes_within_a_second():
    began = time.monotonic()
    done = bellwether("--help")
    # measured at 0.15 s alone; the bound is for a machine that does much else
    assert time.monotonic() - began < 3
    assert done.returncode == 0
    assert "replay" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (("nonsense",), "nonsense"),
        (("db", "nonsense"), "nonsense"),
        (("topics", "create", "--nonsense"), "--nonsense"),
        (("topics", "create"), "BELLWETHER_KAFKA not set"),
        (("db", "check"), "BELLWETHER_DATABASE and BELLWETHER_REDIS not set"),
        (("run", "classify"), "not set"),
        (("run", "all"), "not set"),
        (("run", "nonsense"), "nonsense"),
        (("run",), "STAGE"),
        (("replay", "/nonexistent.jsonl"), "/nonexistent.jsonl"),
        (("rules", "check", "/nonexistent.yaml"), "/nonexistent.yaml"),
        (("alerts", "list", "--state", "loud"), "loud"),
        (("alerts", "list", "--since", "soon"), "soon"),
        (("alerts", "silence", "--match", "colour=red", "--by", "me"), "colour"),
    ],
    ids=" ".join,
)
def test_what_cannot_work_is_one_line_and_exit_code_two(arguments, phrase):
    done = bellwether(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("bellwether: ")
    assert phrase in line


def test_a_setting_that_cannot_be_is_one_line_naming_the_variable():
    done = bellwether("doctor", BELLWETHER_PARTITIONS="many")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "BELLWETHER_PARTITIONS='many'" in line


def test_a_group_without_a_command_shows_its_help():
    done = bellwether("db")
    assert done.returncode == 2
    assert "rebuild-redis" in done.stderr


def test_a_database_is_upgraded_once_and_says_so(tmp_path):
    database = f"sqlite:///{tmp_path}/b.db"
    first = bellwether("db", "upgrade", BELLWETHER_DATABASE=database)
    again = bellwether("db", "upgrade", BELLWETHER_DATABASE=database)
    assert (first.returncode, again.returncode) == (0, 0)
    assert "it was at nothing" in first.stdout
    assert "it was at" not in again.stdout


def test_a_database_without_the_schema_is_one_line_that_says_what_to_run(tmp_path):
    done = bellwether("alerts", "list", BELLWETHER_DATABASE=f"sqlite:///{tmp_path}/b.db")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "bellwether db upgrade" in line


def test_the_doctor_prints_json_lines_and_fails_when_something_is_wrong(tmp_path):
    done = bellwether("doctor", "--json", BELLWETHER_DATA=str(tmp_path))
    assert done.returncode == 1
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    assert {check["check"]: check["verdict"] for check in checks}["broker"] == "wrong"


def test_a_reader_that_has_seen_enough_ends_the_command_without_a_word(tmp_path):
    document = '{{"id":"{}","source":"t","title":"x","published_at":"2026-01-05T09:00:00Z"}}\n'
    file = tmp_path / "documents.jsonl"
    file.write_text("".join(document.format(number) for number in range(30_000)))
    linking = subprocess.Popen(
        [sys.executable, "-m", "workers.cli", "subjects", "link", str(file), "--json"],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with linking:
        assert linking.stdout is not None
        assert linking.stderr is not None
        assert linking.stdout.readline()
        linking.stdout.close()
        assert linking.stderr.read() == b""


def test_status_of_returns_what_the_command_exits_with(capsys: pytest.CaptureFixture[str]):
    assert status_of(["rules", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_the_version_of_the_module_is_importable_as_the_installed_command():
    assert Path(sys.executable).with_name("bellwether").exists()


def test_a_source_without_items_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    feed = tmp_path / "feed.xml"
    feed.write_text('<rss version="2.0"><channel><title>quiet</title></channel></rss>')
    assert status_of(["feeds", "preview", str(feed), "--kind", "rss"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "feed.xml: answers, and gives no documents" in told.err


def test_a_period_that_ends_before_it_begins_is_refused(capsys: pytest.CaptureFixture[str]):
    command = "db check --from 2026-02-01 --to 2026-01-01"
    assert status_of(command.split()) != 0
    assert "--to must be later than --from" in capsys.readouterr().err
