"""An evaluation as one HTML page and as a folder of files: tables, pictures, the JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from models.evaluation import TaskReport, as_json
from models.pictures import abstention_svg, confusion_svg, reliability_svg
from pipeline.errors import ConfigurationError

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.6rem 0 1.4rem;font-variant-numeric:tabular-nums}
th,td{padding:.15rem .7rem;border-bottom:1px solid #8884;text-align:right}
th:first-child,td:first-child{text-align:left}
.pictures{display:flex;flex-wrap:wrap;gap:1.5rem}
.note{color:#777;font-size:.9em}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#ddd}}
"""


def page(reports: Mapping[str, TaskReport], title: str) -> str:
    """The whole page; it refers to nothing outside itself."""
    parts = [f"<h1>{escape(title)}</h1>"]
    for report in reports.values():
        parts += _task(report)
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def write_report(reports: Mapping[str, TaskReport], title: str, folder: Path) -> list[Path]:
    """`report.html`, `report.json` and three SVG per task in `folder`, made where it is
    missing; what was written. Raises `ConfigurationError` where it cannot be."""
    files = {
        "report.html": page(reports, title),
        "report.json": json.dumps(as_json(dict(reports)), indent=1, ensure_ascii=False) + "\n",
    }
    for task, report in reports.items():
        files[f"{task}-reliability.svg"] = reliability_svg(report)
        files[f"{task}-confusion.svg"] = confusion_svg(report)
        files[f"{task}-abstention.svg"] = abstention_svg(report)
    return [write_text(folder / name, text) for name, text in files.items()]


def write_text(path: Path, text: str) -> Path:
    """`text` in the file `path`, folders made; `ConfigurationError` where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _task(report: TaskReport) -> Iterable[str]:
    yield f"<h2>{escape(report.task)}</h2>"
    yield (
        f'<p class="note">Model {escape(report.model)}; {report.n:,} labels of '
        f"{report.texts:,} texts; {report.unanswered:,} without an answer; temperature "
        f"{report.temperature:.3f}, power {report.power:.1f}. "
        "Brackets: 95 % of 1,000 bootstrap draws by text.</p>"
    )
    figures = {
        "negative recall": ("negative_recall", report.negative_recall),
        "accuracy": ("accuracy", report.accuracy),
        "macro-F1": ("macro_f1", report.macro_f1),
        "calibration error": ("ece", report.ece),
    }
    rows = [
        (name, f"{value:.4f}", f"{span.low:.4f} to {span.high:.4f}")
        for name, (key, value) in figures.items()
        if value is not None and (span := report.intervals[key])
    ]
    rows.append(("calibration error before scaling", f"{report.ece_uncalibrated:.4f}", ""))
    yield _table(("figure", "measured", "interval"), rows)
    yield '<div class="pictures">'
    yield reliability_svg(report) + abstention_svg(report) + confusion_svg(report)
    yield "</div>"
    yield _table(
        ("class", "precision", "recall", "F1", "n", "called"),
        [
            (one.label, *(f"{v:.3f}" for v in (one.precision, one.recall, one.f1)),
             str(one.n), str(one.predicted))
            for one in report.per_class
        ],
    )  # fmt: skip
    yield _table(
        ("answered", "accuracy", "confidence from"),
        [
            (f"{one.coverage:.0%}", f"{one.accuracy:.3f}", f"{one.threshold:.3f}")
            for one in report.selective
        ],
    )
    yield _table(
        ("slice", "n", "accuracy", "macro-F1", "negative recall"),
        [
            (f"{one.field}: {one.value}", str(one.n), f"{one.accuracy:.3f}",
             f"{one.macro_f1:.3f}",
             "" if one.negative_recall is None else f"{one.negative_recall:.3f}")
            for one in report.slices
        ],
    )  # fmt: skip


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
