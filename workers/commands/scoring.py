"""`bellwether rules score`: the detector on a series of counts out of a CSV file."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import ConfigurationError
from workers.commands.terminal import note


def score(
    file: Annotated[str, typer.Argument(metavar="IN.csv", help="timestamp,value; by time.")],
    out: Annotated[str, typer.Argument(metavar="OUT.csv", help="timestamp,value,score.")],
) -> None:
    """Give each row of a series of counts a score from 0 to 1: 0.5 and above begins an episode.

    Rows are scored one by one, each from itself and those before it. Times without a zone are
    UTC. A row without a value scores 0 and tells nothing, one earlier than the row before counts
    as of that one's time. OUT.csv is written when all rows are.
    """
    target = Path(out)
    if not target.name or (target.exists() and not target.is_file()):
        raise ConfigurationError(f"{out!r}: no file that can be written")
    part = target.with_name(target.name + ".part")
    odd: Counter[str] = Counter()
    try:
        with (
            Path(file).open(encoding="utf-8-sig", newline="") as rows,
            part.open("w", encoding="utf-8", newline="") as scores,
        ):
            writer = csv.writer(scores, lineterminator="\n")
            writer.writerow(("timestamp", "value", "score"))
            number = 0
            for number, row in enumerate(_scored(csv.reader(rows), file, odd), 1):  # noqa: B007
                writer.writerow(row)
        part.replace(target)
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: not UTF-8 at byte {error.start}") from error
    except csv.Error as error:
        raise ConfigurationError(f"{file}: not CSV: {error} (a quote left open?)") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    note(f"{out}: {number} rows scored")
    for what, many in odd.items():
        note(f"{file}: {many} {'row' if many == 1 else 'rows'} {what}")


def _scored(
    rows: Iterable[Sequence[str]], file: str, odd: Counter[str]
) -> Iterator[tuple[str, str, str]]:
    from alerts.scoring import Scorer, timestamp_of

    scorer = Scorer()
    lines = enumerate(rows, 1)
    header = [name.strip().lower() for name in next(lines, (0, []))[1]]
    if "timestamp" not in header or "value" not in header:
        raise ConfigurationError(f"{file}:1: the columns timestamp and value are needed")
    when, what = header.index("timestamp"), header.index("value")
    latest = None
    for line, row in lines:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(when, what):
            raise ConfigurationError(f"{file}:{line}: {len(row)} columns, {len(header)} expected")
        try:
            at = timestamp_of(row[when])
        except (ValueError, OverflowError):
            raise ConfigurationError(f"{file}:{line}: {row[when]!r} is not a time") from None
        if latest is not None and at < latest:
            odd["earlier than one before: taken as of its time"] += 1
        latest = at if latest is None else max(at, latest)
        if not row[what].strip():
            odd["without a value: 0, and nothing told"] += 1
            yield row[when], row[what], f"{0.0:.6f}"
            continue
        try:
            value = float(row[what])
        except ValueError:
            value = float("nan")
        if not isfinite(value) or value < 0.0:
            raise ConfigurationError(f"{file}:{line}: {row[what]!r} is not a count")
        try:
            found = scorer.score(at, value)
        except (ValueError, OverflowError) as error:
            raise ConfigurationError(f"{file}:{line}: {row[when]} is {error}") from None
        yield row[when], row[what], f"{found:.6f}"
