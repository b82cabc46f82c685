"""The shape of the code: what the import fences of `make check` do not say."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.documentation import ROOT

PACKAGES = ("pipeline", "models", "alerts", "workers")
MOST_LINES = 300
# Over the limit on purpose, each with its reason. Splitting is preferred to a new line here.
LONGER = {
    "workers/settings.py": "the one table of settings and its checks",
}
VAGUE = {"utils", "util", "helpers", "helper", "core", "common", "base", "misc", "shared"}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_a_file_is_one_concept_of_readable_length() -> None:
    long = {name_of(path) for path in sources(*PACKAGES) if lines_of(path) > MOST_LINES}
    assert long - LONGER.keys() == set(), "split it, or list it with a reason that convinces"
    assert LONGER.keys() - long == set(), "short again or gone: take it off the list"


def test_no_module_or_folder_has_a_name_that_says_nothing() -> None:
    names = {
        part
        for path in sources(*PACKAGES, "tests")
        for part in path.relative_to(ROOT).with_suffix("").parts
    }
    assert names & VAGUE == set()


def test_a_package_file_holds_a_docstring_and_no_code() -> None:
    package_files = [path for path in sources(*PACKAGES) if path.name == "__init__.py"]
    assert package_files
    for path in package_files:
        for statement in tree_of(path).body:
            documents = isinstance(statement, ast.Expr) and isinstance(
                statement.value, ast.Constant
            )
            assert documents, f"{name_of(path)}:{statement.lineno}"


def test_every_module_says_what_it_is_for() -> None:
    assert [
        name_of(path) for path in sources(*PACKAGES) if not ast.get_docstring(tree_of(path))
    ] == []


def test_every_package_is_shipped_and_typed() -> None:
    shipped = re.search(r"^packages = \[(.*)\]$", read("pyproject.toml"), re.MULTILINE)
    assert shipped
    assert set(re.findall(r'"(\w+)"', shipped[1])) == {*PACKAGES, "migrations"}
    assert all((ROOT / package / "py.typed").is_file() for package in PACKAGES)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def imported_by(statement: str) -> set[str]:
    """The top-level modules a new interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_the_command_line_starts_without_model_store_or_stream() -> None:
    heavy = {"torch", "transformers", "numpy", "sqlalchemy", "redis", "faust", "aiokafka", "httpx"}
    assert imported_by("import workers.cli") & heavy == set()


def test_the_baseline_classifier_needs_no_torch() -> None:
    loaded = imported_by("import models.load, models.baseline")
    assert loaded & {"torch", "transformers", "numpy"} == set()


# What a decision may stand on beside the standard library: decoding, matching, rule files.
ALLOWED = {"msgspec", "ahocorasick_rs", "pycld2", "yaml", *PACKAGES, *sys.stdlib_module_names}
# The rim of pipeline/ and alerts/, where stores and HTTP clients are spoken to.
RIM_FOLDERS = {"stores", "feeds", "catalogue_data"}
RIM_FILES = {
    "alerts/channels.py",
    "alerts/notification_store.py",
    "alerts/store.py",
    "pipeline/metrics.py",
}


def decisions() -> list[Path]:
    return [
        path
        for path in sources("pipeline", "alerts")
        if not RIM_FOLDERS & set(path.relative_to(ROOT).parts) and name_of(path) not in RIM_FILES
    ]


def imports_of(path: Path) -> set[str]:
    """The top-level names of everything the module imports, lazily too."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


def test_a_decision_imports_nothing_but_values() -> None:
    foreign = {name_of(path): imports_of(path) - ALLOWED for path in decisions()}
    assert {name: modules for name, modules in foreign.items() if modules} == {}


CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}


def test_a_decision_reads_no_clock_and_no_environment() -> None:
    read = [
        f"{name_of(path)}:{node.lineno}"
        for path in decisions()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and ((node.value.id, node.attr) in CLOCKS or node.value.id == "os")
    ]
    assert read == []
