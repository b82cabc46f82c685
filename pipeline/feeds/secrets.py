"""Header values of the feed file: what is secret comes from the environment or from a file.

::

    headers:
      Accept: application/json
      Authorization: Bearer ${NEWS_TOKEN}     # the variable, or the file NEWS_TOKEN_FILE names
      X-Api-Key_file: /run/secrets/api-key    # the content of that file

A name that sounds like a secret with its value written out is refused: feed files are shown,
copied and committed. No error repeats a value.
"""

import re
from collections.abc import Callable
from pathlib import Path

# The value of a variable of the environment, None where it is not set.
Lookup = Callable[[str], str | None]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SOUNDS_SECRET = re.compile(r"auth|cookie|key|token|secret|password|session", re.IGNORECASE)
# Ours to say: who asks, what we can read, and what makes one request into two.
_OURS = frozenset(
    "user-agent host content-length transfer-encoding connection accept-encoding te upgrade"
    " if-none-match if-modified-since expect trailer".split()
)
_FILE = "_file"


class WrongHeader(Exception):
    """One line saying what is wrong with a header, for the line of the feed file it is in."""


def nothing(name: str) -> str | None:
    """An environment that holds nothing."""
    return None


def header(name: str, value: str, variable: Lookup) -> tuple[str, str]:
    """The header as it is sent. Raises `WrongHeader`."""
    from_file = name.lower().endswith(_FILE)
    if from_file:
        name = name[: -len(_FILE)]
    if not _TOKEN.fullmatch(name):
        raise WrongHeader(f"{name[:50]!r} is no name of a header")
    if name.lower() in _OURS:
        raise WrongHeader(f"{name}: is set by the fetcher itself")
    if from_file:
        said = _content(Path(value), name)
    elif _SOUNDS_SECRET.search(name) and not _VARIABLE.search(value):
        raise WrongHeader(
            f"{name}: a secret has no place in this file; write ${{NAME}} for a variable of the "
            f"environment, or {name}{_FILE}: PATH"
        )
    else:
        said = _VARIABLE.sub(lambda found: _value(found[1], variable), value)
    if not said or not said.isascii() or not said.isprintable():
        raise WrongHeader(f"{name}: its value is not one line of ASCII")
    return name, said


def _value(name: str, variable: Lookup) -> str:
    value = variable(name)
    if value is not None:
        return value.strip()
    file = variable(f"{name}_FILE")
    if file is None:
        raise WrongHeader(f"the variable {name} is not set, nor {name}_FILE")
    return _content(Path(file), f"{name}_FILE")


def _content(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise WrongHeader(f"{what}: {path} cannot be read: {reason}") from error
