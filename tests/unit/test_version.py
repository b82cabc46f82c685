"""One version, said in three places."""

import re
import tomllib
from importlib import metadata

from tests.documentation import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION: str = PROJECT["version"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASES = re.findall(r"^## \[([^\]]+)\](.*)$", CHANGELOG, re.MULTILINE)


def test_changelog_begins_with_the_version_of_the_project() -> None:
    assert RELEASES[0][0] == VERSION


def test_every_release_is_named_once_and_says_when() -> None:
    names = [name for name, _ in RELEASES]
    assert len(set(names)) == len(names)
    for name, rest in RELEASES:
        assert re.fullmatch(r" - (unreleased|\d{4}-\d{2}-\d{2})", rest), name


def test_only_the_newest_release_may_be_unreleased() -> None:
    assert all("unreleased" not in rest for _, rest in RELEASES[1:])


def test_the_installed_package_has_the_version_of_the_project() -> None:
    assert metadata.version("bellwether") == VERSION


def test_the_image_carries_the_version_of_the_project() -> None:
    for name in ("Dockerfile", "docker-compose.yml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"\bbellwether:([\w.]+)", text)) == {VERSION}, name
