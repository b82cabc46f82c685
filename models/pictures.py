"""The figures of an evaluation as SVG, written by hand: reliability, confusion, abstention.

Plain shapes and text, no script, no font but the reader's; they stand alone as files and
inside a page, on light ground and on dark.
"""

from collections.abc import Iterable, Sequence
from html import escape

from models.evaluation import TaskReport

_SIDE = 300
_LEFT, _TOP = 52, 34
# Characters of a topic's name that fit beside its row.
_NAME = 28
_STYLE = (
    "<style>text{font:11px system-ui,sans-serif;fill:#333}.t{font-weight:600;font-size:13px}"
    ".axis{stroke:#888;fill:none}.grid{stroke:#8884;fill:none}.bar{fill:#2f6fb3}"
    ".before{fill:none;stroke:#c2571a;stroke-width:1.5;stroke-dasharray:3 2}"
    ".even{stroke:#888;stroke-dasharray:5 4}.line{fill:none;stroke:#2f6fb3;stroke-width:2}"
    ".dot{fill:#2f6fb3}.on{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.bar,.dot{fill:#6aa5e3}"
    ".line{stroke:#6aa5e3}}</style>"
)


def reliability_svg(report: TaskReport) -> str:
    """What confidence promised and accuracy kept, by bin; dashed: before scaling."""
    drawn = [_text(_LEFT, 18, f"{report.task}: reliability, ECE {report.ece:.3f}", "t")]
    drawn += _square_axes("confidence", "accuracy")
    before = {one.low: one for one in report.reliability_uncalibrated}
    for one in report.reliability:
        x, width = _LEFT + one.low * _SIDE, (one.high - one.low) * _SIDE
        if one.n:
            drawn.append(
                _box(x + 1, _y(one.accuracy), width - 2, one.accuracy * _SIDE, "bar").replace(
                    "/>", ">", 1
                )
                + f"<title>{one.n} texts, confidence {one.confidence:.3f}, "
                f"accuracy {one.accuracy:.3f}</title></rect>"
            )
        old = before[one.low]
        if old.n and (report.temperature, report.power) != (1.0, 1.0):
            drawn.append(_box(x + 1, _y(old.accuracy), width - 2, old.accuracy * _SIDE, "before"))
    drawn.append(_line(_LEFT, _TOP + _SIDE, _LEFT + _SIDE, _TOP, "even"))
    return _svg(_LEFT + _SIDE + 16, _TOP + _SIDE + 44, drawn)


def abstention_svg(report: TaskReport) -> str:
    """How accuracy grows as the least sure texts are left unanswered."""
    drawn = [_text(_LEFT, 18, f"{report.task}: accuracy of the surest", "t")]
    drawn += _square_axes("share answered", "accuracy")
    points = [(_LEFT + one.coverage * _SIDE, _y(one.accuracy)) for one in report.selective]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    drawn.append(f'<polyline class="line" points="{path}"/>')
    for (x, y), one in zip(points, report.selective, strict=True):
        drawn.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{one.coverage:.0%} '
            f"answered, {one.accuracy:.3f} right, confidence from {one.threshold:.3f}"
            "</title></circle>"
        )
    return _svg(_LEFT + _SIDE + 16, _TOP + _SIDE + 44, drawn)


def confusion_svg(report: TaskReport) -> str:
    """The confusion matrix: rows are what the texts are, columns what they were called, the
    darker the larger the share of the row."""
    labels = [_shortened(label) for label in report.labels]
    cell = 62 if len(labels) <= 5 else 27
    left, top = 16 + 6.2 * max(map(len, labels)), _TOP + (26 if cell > 40 else 130)
    drawn = [_text(12, 18, f"{report.task}: rows are, columns called", "t")]
    for column, label in enumerate(labels):
        x = left + (column + 0.5) * cell
        if cell > 40:
            drawn.append(_text(x, top - 8, label, anchor="middle"))
        else:
            drawn.append(_text(x + 4, top - 6, label, turn=-60))
    for row, counts in enumerate(report.confusion):
        y = top + row * cell
        drawn.append(_text(left - 8, y + cell / 2 + 4, labels[row], anchor="end"))
        total = max(1, sum(counts))
        for column, count in enumerate(counts):
            share, x = count / total, left + column * cell
            drawn.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{cell - 1}" height="{cell - 1}" '
                f'fill="#2f6fb3" fill-opacity="{0.04 + 0.96 * share:.3f}"><title>'
                f"{escape(report.labels[row])} called {escape(report.labels[column])}: {count} "
                f"({share:.1%})</title></rect>"
            )
            if count:
                middle = y + cell / 2 + 4
                strong = "on" if share > 0.5 else ""
                drawn.append(_text(x + cell / 2, middle, str(count), strong, "middle"))
    side = len(labels) * cell
    return _svg(left + side + (16 if cell > 40 else 90), top + side + 12, drawn)


def _square_axes(across: str, up: str) -> Iterable[str]:
    yield f'<rect class="axis" x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}"/>'
    for tenths in range(0, 11, 2):
        share = tenths / 10
        x, y = _LEFT + share * _SIDE, _y(share)
        yield _line(_LEFT, y, _LEFT + _SIDE, y, "grid")
        yield _text(_LEFT - 6, y + 4, f"{share:.1f}", anchor="end")
        yield _text(x, _TOP + _SIDE + 16, f"{share:.1f}", anchor="middle")
    yield _text(_LEFT + _SIDE / 2, _TOP + _SIDE + 34, across, anchor="middle")
    yield _text(14, _TOP + _SIDE / 2, up, anchor="middle", turn=-90)


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIDE


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    )


def _line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'


def _text(
    x: float, y: float, text: str, kind: str = "", anchor: str = "start", turn: int = 0
) -> str:
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    named = f' class="{kind}"' if kind else ""
    return (
        f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turned}>{escape(text)}</text>'
    )


def _shortened(label: str) -> str:
    return label if len(label) <= _NAME else f"{label[: _NAME - 1]}…"


def _svg(width: float, height: float, drawn: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">{_STYLE}{"".join(drawn)}</svg>\n'
    )
