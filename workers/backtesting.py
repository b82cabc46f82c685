"""What a backtest runs over: a file of documents, classified here, or the archive in SQL."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine

from pipeline.documents import ClassifiedDocument
from pipeline.ports import Classifier, SubjectLinker
from pipeline.stages import Classify
from pipeline.stores.memory_stories import MemoryStoryIndex
from pipeline.stores.recount import classified_between
from pipeline.wire import CLASSIFIED, DOCUMENTS, Record
from workers.replay import MAX_LINE_BYTES, Line, lines_of

# What one pass of the stages takes; what they answer does not depend on it.
BATCH = 500


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line of the file that is no document: its number and the reason."""

    number: int
    reason: str


def documents_of_file(
    path: Path,
    classifier: Classifier,
    linker: SubjectLinker,
    now: datetime,
    wrong: Callable[[WrongLine], None],
    languages: Sequence[str] = (),
) -> Iterator[list[ClassifiedDocument]]:
    """The documents of a JSONL file, gzipped or not, in its order, as the running pipeline
    would classify them on arrival at `now`; `languages` are those that are counted apart.

    A line that is no document goes to `wrong`, as a replay would make it a dead letter.
    Raises `ConfigurationError` for a file that cannot be read.
    """
    classify = Classify(classifier, linker, MemoryStoryIndex(), languages)
    lines = lines_of(path)
    while batch := list(islice(lines, BATCH)):
        handled = classify([_record(line, now) for line in _readable(batch, now, wrong)])
        for record, error in sorted(handled.rejected, key=lambda pair: pair[0].offset):
            wrong(WrongLine(record.offset, error.reason))
        yield [CLASSIFIED.decode(one.value) for one in handled.outgoing]


def documents_of_archive(
    engine: Engine, start: datetime, end: datetime
) -> Iterator[list[ClassifiedDocument]]:
    """The archived documents published in [start, end), in that order, with the
    classification the trends counted. Raises `Unavailable`."""
    for documents in classified_between(engine, start, end):
        for first in range(0, len(documents), BATCH):
            yield documents[first : first + BATCH]


def _readable(
    lines: Sequence[Line], now: datetime, wrong: Callable[[WrongLine], None]
) -> Iterator[Line]:
    for line in lines:
        if len(line.value) > MAX_LINE_BYTES:
            size = f"{len(line.value):,} bytes, {MAX_LINE_BYTES:,} are allowed"
            wrong(WrongLine(line.number, f"too long: {size}"))
        elif line.at is not None and line.at > now:
            # taken as of now, as on arrival, it would make the rest of a history months late
            wrong(WrongLine(line.number, f"published_at: {line.at:%Y-%m-%d} is in the future"))
        else:
            yield line


def _record(line: Line, now: datetime) -> Record:
    """The line as the broker would hand it over; its number stands for the offset."""
    return Record(
        topic=DOCUMENTS.name,
        partition=0,
        offset=line.number,
        at=now,
        key=None,
        value=line.value,
    )
