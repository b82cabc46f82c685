"""Texts without labels: the title and text of each line of a JSONL file of documents."""

import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from models.data import MOST_LINE_BYTES, json_of
from pipeline.errors import ConfigurationError

_GZIP_MAGIC = b"\x1f\x8b"


def read_texts(path: Path) -> Iterator[str]:
    """What each line says, title first, gzipped or not; blank lines are left out.

    `documents` v1 records and labelled lines both will do. Raises `ConfigurationError` naming
    file and line for a line that is not JSON or has neither `title` nor `text`.
    """
    number = 0
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            lines: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
            while line := lines.readline(MOST_LINE_BYTES + 1):
                number += 1
                if number == 1:
                    line = line.removeprefix(BOM_UTF8)
                if line.strip():
                    yield _text(line, f"{path}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        where = f" after line {number}" if number else ""
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path}: cannot be read{where}: {reason}") from error


def some_texts(path: Path) -> Iterator[str]:
    """The same, refusing a file without a single text."""
    texts = read_texts(path)
    first = next(texts, None)
    if first is None:
        raise ConfigurationError(f"{path}: no text in it")
    return chain((first,), texts)


def _text(line: bytes, where: str) -> str:
    if len(line) > MOST_LINE_BYTES:
        raise ConfigurationError(f"{where}: over {MOST_LINE_BYTES:,} bytes")
    row = json_of(line, where)
    parts = [row.get("title"), row.get("text")] if isinstance(row, dict) else []
    said = [part for part in parts if isinstance(part, str) and part.strip()]
    if not said:
        raise ConfigurationError(f"{where}: a JSON object with `title` or `text` is needed")
    return "\n".join(said)
