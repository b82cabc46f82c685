"""The files of an artifact's folder: which there are, and whether they are whole."""

import hashlib
from pathlib import Path

from pipeline.errors import ConfigurationError

ABOUT, WEIGHTS, CHECKSUMS = "artifact.json", "weights.safetensors", "checksums.txt"
METRICS, REFERENCE, CARD = "metrics.json", "reference.json", "card.md"
NEEDED = (ABOUT, WEIGHTS)
_MOST_BYTES = 200_000_000


def seal(folder: Path) -> str:
    """Write `checksums.txt` over all files of the folder; the artifact's version."""
    names = sorted(
        path.name for path in folder.iterdir() if path.is_file() and path.name != CHECKSUMS
    )
    lines = [f"{digest(folder / name)}  {name}\n" for name in names]
    (folder / CHECKSUMS).write_text("".join(lines), "utf-8")
    return version_of(folder)


def put_in_place(new: Path, folder: Path) -> str:
    """Move the whole, sealed artifact in `new`, a folder on the same file system, to `folder`; its
    version. Of an artifact that lies there nothing is left, files of other names stay.

    The checksums go first and come last: where it is cut short, the folder is refused.
    """
    (folder / CHECKSUMS).unlink(missing_ok=True)
    made = {path.name for path in new.iterdir()} - {CHECKSUMS}
    for name in sorted(made):
        (new / name).replace(folder / name)
    for name in {ABOUT, WEIGHTS, METRICS, REFERENCE, CARD} - made:
        (folder / name).unlink(missing_ok=True)
    (new / CHECKSUMS).replace(folder / CHECKSUMS)
    new.rmdir()
    return version_of(folder)


def version_of(folder: Path) -> str:
    """`bellwether-` and twelve hex digits of everything that decides an answer."""
    return f"bellwether-{digest(folder / ABOUT)[:12]}"


def is_artifact(folder: Path) -> bool:
    """Whether the folder holds an artifact (perhaps a damaged one), not some other model."""
    return (folder / ABOUT).is_file() or (folder / CHECKSUMS).is_file()


def check(folder: Path) -> None:
    """Compare every file with `checksums.txt`; raises `ConfigurationError` at the first that
    is missing, different, or not named there."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder")
    listed: dict[str, str] = {}
    try:
        for line in (folder / CHECKSUMS).read_text("utf-8").splitlines():
            value, _, name = line.partition("  ")
            listed[name] = value
    except (OSError, UnicodeDecodeError) as error:
        raise refused(folder, f"no {CHECKSUMS} that can be read") from error
    for name in NEEDED:
        if name not in listed:
            raise refused(folder, f"{CHECKSUMS} does not name {name}")
    for name, value in listed.items():
        try:
            wrong = _wrong(folder, name, value)
        except (OSError, ValueError) as error:
            wrong = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        if wrong:
            raise refused(folder, f"{name[:100]} {wrong}")


def _wrong(folder: Path, name: str, listed: str) -> str:
    """What is wrong with a file that is listed; empty where nothing is."""
    path = folder / name
    if Path(name).name != name or not path.is_file():
        return "is missing"
    if path.stat().st_size > _MOST_BYTES:
        return f"has {path.stat().st_size:,} bytes"
    if digest(path) != listed:
        return "is damaged: its sha256 is not the one listed"
    return ""


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def refused(folder: Path, reason: str) -> ConfigurationError:
    """The one line that says why a folder is not read."""
    return ConfigurationError(f"{folder}: not a usable artifact: {' '.join(reason.split())[:300]}")
