"""docker-compose.yml as values: which service runs which command with which settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.documentation import ROOT

FILE = ROOT / "docker-compose.yml"
SECRETS_IN_CONTAINER = "/run/secrets/"
_INTERPOLATED = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Service:
    """One service that runs our image: its words after `bellwether`, and its settings."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    whole: Mapping[str, Any]


def document() -> dict[str, Any]:
    """The file with its anchors resolved, as a compose engine sees it."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def services() -> dict[str, Service]:
    """Our own services, by name, in the order of the file."""
    return {
        name: Service(
            name,
            tuple(service["command"]),
            {key: interpolated(value) for key, value in service["environment"].items()},
            service,
        )
        for name, service in document()["services"].items()
        if service["image"].startswith("bellwether:")
    }


def interpolated(value: str) -> str:
    """`value` as compose makes it with nothing set: `${NAME:-default}` is its default."""
    return _INTERPOLATED.sub(lambda found: found[2] or "", value)
