"""What is handed to operators: the compose file, its secrets, the image, the unit file.

No container engine is needed: the compose file is checked against the compose schema, and
tests/integration/test_compose.py runs every one of its commands with its settings.
"""

import configparser
import re
import subprocess
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from tests.command_line import leaf_of
from tests.compose import SECRETS_IN_CONTAINER, document, interpolated, services
from tests.documentation import ROOT, variables
from workers.process import STAGES
from workers.settings import PREFIX, SETTINGS, read_settings

COMPOSE = document()
OURS = services()
DEPLOY = ROOT / "deploy"
NAMES = {PREFIX + setting.name for setting in SETTINGS}
KNOWN = NAMES | {f"{name}_FILE" for name in NAMES}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def write_secrets(folder: Path) -> Path:
    subprocess.run(["sh", str(DEPLOY / "secrets.sh"), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `make secrets` writes, made by the very script."""
    return write_secrets(tmp_path_factory.mktemp("deploy") / "secrets")


def settings_of(name: str, secrets: Path) -> Any:
    environment = {
        key: value.replace(SECRETS_IN_CONTAINER, f"{secrets}/")
        for key, value in OURS[name].environment.items()
    }
    return read_settings(environment)


# --- docker-compose.yml ---


def test_compose_file_is_valid_by_the_compose_schema() -> None:
    # the library reads no merge keys, so it gets what they come to
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(COMPOSE, sort_keys=False)).validate()


def test_compose_schema_check_finds_a_misspelt_key() -> None:
    broken = yaml.safe_dump({"services": {"a": {"image": "x:1", "comand": ["y"]}}})
    with pytest.raises(ValueError, match="comand"):
        compose_spec.PyCompose.from_yaml(broken)


def test_every_stage_has_a_service_that_runs_it() -> None:
    expected = {stage: ("run", stage) for stage in STAGES}
    expected |= {"migrate": ("db", "upgrade"), "topics": ("topics", "create")}
    assert {name: service.command for name, service in OURS.items()} == expected


@pytest.mark.parametrize("name", OURS)
def test_command_of_the_service_is_one_the_command_line_knows(name: str) -> None:
    assert leaf_of(OURS[name].command)


@pytest.mark.parametrize("name", OURS)
def test_settings_of_the_service_are_known_and_work_together(name: str, secrets: Path) -> None:
    assert set(OURS[name].environment) - KNOWN == set()
    settings = settings_of(name, secrets)
    settings.require("KAFKA", "REDIS", "DATABASE")
    assert settings.health_port == 9100


def test_every_part_of_the_cluster_meets_at_the_same_addresses(secrets: Path) -> None:
    settings = settings_of("archive", secrets)
    kafka = COMPOSE["services"]["kafka"]["environment"]
    assert kafka["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{settings.kafka.servers}"
    postgres = COMPOSE["services"]["postgres"]["environment"]
    password = (secrets / "postgres-password").read_text(encoding="utf-8")
    assert settings.database == (
        f"postgresql+psycopg://{postgres['POSTGRES_USER']}:{password}"
        f"@postgres:5432/{postgres['POSTGRES_DB']}"
    )
    _, redis_password = (secrets / "redis-config").read_text(encoding="utf-8").split(" ")
    assert settings.redis == f"redis://:{redis_password}@redis:6379/0"


def test_health_checks_ask_the_port_the_stages_listen_on() -> None:
    for stage in STAGES:
        check = OURS[stage].whole["healthcheck"]["test"]
        port = OURS[stage].environment["BELLWETHER_HEALTH_PORT"]
        assert check[:3] == ["CMD", "python", "-c"]
        assert f"http://127.0.0.1:{port}/health/ready" in check[3]
        compile(check[3], "healthcheck", "exec")


def test_every_service_that_stays_has_a_health_check_and_comes_back() -> None:
    for name, service in COMPOSE["services"].items():
        if name in ("migrate", "topics"):
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        assert not service["healthcheck"].get("disable"), name


def test_stages_wait_for_what_they_stand_on() -> None:
    waits = {"migrate": "service_completed_successfully"} | dict.fromkeys(
        ("kafka", "redis", "postgres"), "service_healthy"
    )
    for stage in STAGES:
        on = OURS[stage].whole["depends_on"]
        assert {name: on[name]["condition"] for name in waits} == waits


def test_a_stage_can_run_any_number_of_times() -> None:
    for stage in STAGES:
        service = OURS[stage].whole
        assert "container_name" not in service
        assert "BELLWETHER_INSTANCE" not in OURS[stage].environment
        assert "ports" not in service or stage == "web"


def test_a_stage_is_given_the_time_it_needs_to_drain() -> None:
    from workers.process import HARD_EXIT_SECONDS

    for stage in STAGES:
        assert int(OURS[stage].whole["stop_grace_period"].removesuffix("s")) > HARD_EXIT_SECONDS


def test_only_the_dashboard_is_published_and_only_to_this_machine() -> None:
    published = {
        name: service["ports"]
        for name, service in COMPOSE["services"].items()
        if service.get("ports")
    }
    assert published == {"web": ["127.0.0.1:8080:8080"]}


def test_stores_and_inner_stages_have_no_way_out() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    outside = {
        name for name, service in COMPOSE["services"].items() if "outside" in service["networks"]
    }
    assert outside == {"ingest", "notify", "web"}


def test_our_containers_run_without_privileges() -> None:
    for service in OURS.values():
        assert service.whole["read_only"] is True
        assert service.whole["cap_drop"] == ["ALL"]
        assert service.whole["security_opt"] == ["no-new-privileges:true"]


def test_image_tags_are_pinned() -> None:
    for name, service in COMPOSE["services"].items():
        image, _, tag = service["image"].rpartition(":")
        assert image and re.match(r"\d+\.\d+", tag), name


def test_no_secret_is_written_in_the_file() -> None:
    mounted = {setting.name for setting in SETTINGS if setting.secret}
    for service in OURS.values():
        for name, value in service.environment.items():
            bare = name.removeprefix(PREFIX)
            assert bare not in mounted, f"{name} belongs into a file"
            if bare.removesuffix("_FILE") in mounted:
                secret = value.removeprefix(SECRETS_IN_CONTAINER)
                assert secret in service.whole["secrets"]
                assert secret in COMPOSE["secrets"]
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith(SECRETS_IN_CONTAINER), name


def test_the_script_writes_exactly_the_secrets_the_file_mounts(secrets: Path) -> None:
    written = {path.name for path in secrets.iterdir()} - {".gitignore"}
    assert written == set(COMPOSE["secrets"])
    assert {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()} == written
    assert secrets.stat().st_mode & 0o077 == 0


def test_the_script_keeps_what_it_wrote_before(secrets: Path) -> None:
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    write_secrets(secrets)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before


def test_two_installations_share_no_secret(secrets: Path, tmp_path: Path) -> None:
    other = write_secrets(tmp_path / "other")
    for name in ("postgres-password", "redis-config", "webhook-secret"):
        one = (secrets / name).read_text(encoding="utf-8")
        assert len(one) >= 40
        assert one != (other / name).read_text(encoding="utf-8")


def test_defaults_in_the_file_are_read_as_compose_reads_them() -> None:
    assert interpolated("${BELLWETHER_PARTITIONS:-8}") == "8"
    assert interpolated("${NOT_SET}") == ""


# --- Dockerfile ---


def test_image_runs_the_command_as_an_unprivileged_fixed_user() -> None:
    final = read("Dockerfile").rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert final.index("USER ") < final.index('ENTRYPOINT ["bellwether"]')
    for tool in ("apt-get", "pip install", "gcc"):
        assert tool not in final


def test_image_is_built_from_the_packages_and_nothing_else() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", read("Dockerfile"), re.MULTILINE))
    named = {word for line in copied for word in line.split()}
    let_in = {
        line.removeprefix("!") for line in read(".dockerignore").splitlines() if line[:1] == "!"
    }
    assert named == let_in
    assert all((ROOT / name).exists() for name in named)


def test_base_image_is_pinned() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+$", read("Dockerfile"), re.M)


# --- deploy/bellwether@.service ---


def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "bellwether@.service")
    return parser


def test_unit_file_knows_its_settings() -> None:
    assert variables(read("deploy/bellwether@.service")) - KNOWN == set()


def test_unit_file_lets_a_stage_drain_and_starts_it_again() -> None:
    service = unit()["Service"]
    assert service["Restart"] == "on-failure"
    assert float(service["TimeoutStopSec"]) >= 12


@pytest.mark.parametrize(
    ("instance", "stage"), [("archive", "archive"), ("classify-1", "classify"), ("web", "web")]
)
def test_unit_runs_the_stage_its_instance_names(instance: str, stage: str) -> None:
    line = unit()["Service"]["ExecStart"]
    # systemd's own escapes, and an `echo` in place of the program
    shell = line.replace("%i", instance).replace("%%", "%").replace("$$", "$")
    shell = shell.replace("/opt/bellwether/bin/bellwether", "echo")
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["run", stage]
