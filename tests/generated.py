"""The files that are generated from the code, each with how: JSON Schemas, the settings page.

`make generate` (or `python -m tests.generated`) writes them; tests compare them with what
the code gives now, so a change of the contract shows up as a change of a file in review.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alerts.lifecycle import ALERTS
from pipeline.wire import CLASSIFIED, DEAD_LETTERS, DOCUMENTS, TRENDS, Topic
from workers.settings import PREFIX, SETTINGS

ROOT = Path(__file__).resolve().parent.parent
TOPICS: tuple[Topic[Any], ...] = (DOCUMENTS, CLASSIFIED, TRENDS, ALERTS, DEAD_LETTERS)

_PAGE = """\
# Settings

Generated from `workers/settings.py` by `make generate`; change it there.

Every setting is an environment variable. They are read once at start and checked together;
what cannot work ends the process with status 2 and one line that names the variable, its
value and what is allowed. A variable set to nothing counts as its default where the default
is empty, else as what it says.

A value may also come from a file: set the variable's name with `_FILE` appended to a path,
and the file's content, without white space around it, is the value. That works for every
setting and is meant for those marked *secret*, which never appear in logs.

Three are enough for a cluster: `BELLWETHER_KAFKA`, `BELLWETHER_REDIS` and
`BELLWETHER_DATABASE`. `bellwether demo` and `bellwether up` need none: they bring their own.

| variable | default | meaning |
|---|---|---|
"""


def settings_page() -> str:
    """`docs/settings.md`."""
    rows = []
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "(empty)"
        mark = " *(secret)*" if setting.secret else ""
        rows.append(f"| `{PREFIX}{setting.name}` | {default} | {setting.meaning}{mark} |\n")
    return _PAGE + "".join(rows)


def schema_text(topic: Topic[Any]) -> str:
    """The JSON Schema of a topic's values, as it lies in its package."""
    return json.dumps(topic.schema(), indent=2, ensure_ascii=False) + "\n"


def schema_path(topic: Topic[Any]) -> Path:
    """Where that is: beside the code that owns the values."""
    owner = topic.value_type.__module__.partition(".")[0]
    return ROOT / owner / "schemas" / f"{topic.name}.json"


def _schema_of(topic: Topic[Any]) -> Callable[[], str]:
    return lambda: schema_text(topic)


GENERATED: Mapping[Path, Callable[[], str]] = {
    **{schema_path(topic): _schema_of(topic) for topic in TOPICS},
    ROOT / "docs" / "settings.md": settings_page,
}


def main() -> None:
    for path, text in GENERATED.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text():
            path.write_text(text(), encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
