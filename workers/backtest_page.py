"""A backtest as one page that needs nothing else: a picture of each series, every alert."""

from collections.abc import Iterator, Sequence
from html import escape

from alerts.backtest import Backtested
from alerts.lifecycle import Alert, alert_series
from alerts.pictures import Picture, Step
from workers.alert_text import arithmetic_lines, evidence_line, headline, moment, series_name
from workers.backtest_text import counted, life, load_lines

WIDTH = 960
HEIGHT = 150
_MARGIN = 34
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}
h2{font-size:1.1em;margin:2em 0 .3em}pre{background:#f6f6f4;padding:.8em;overflow-x:auto}
svg{width:100%;height:auto;display:block}summary{cursor:pointer}details{margin:.2em 0}
.all{fill:#d9d9d4}.negative{fill:#b3402a}.band{fill:#3b6ea5;opacity:.22}
.expected{fill:none;stroke:#3b6ea5}.fired{stroke:#111;stroke-width:1.5}.calm{stroke:#999}
text{font:11px system-ui,sans-serif;fill:#555}.key span{display:inline-block;margin-right:1.5em}
.key i{display:inline-block;width:12px;height:12px;margin-right:.4em;vertical-align:-1px}
"""
_KEY = """<p class="key"><span><i style="background:#d9d9d4"></i>novel documents</span>
<span><i style="background:#b3402a"></i>those that lean to negative</span>
<span><i style="background:#3b6ea5;opacity:.4"></i>of those to expect, 95 %</span>
<span><i style="background:#111;width:2px"></i>an alert fired</span></p>"""


def page(found: Backtested, pictures: Sequence[Picture]) -> str:
    """The page, with its style and pictures inside."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>Backtest: {counted(len(found.fired), 'alert')}</title>",
        f"<style>{_STYLE}</style></head><body><h1>Backtest</h1>",
        f"<pre>{escape(chr(10).join(load_lines(found)))}</pre>",
        _KEY,
    ]
    for picture in pictures:
        parts.extend(_section(picture))
    left = len({str(alert.series) for alert in found.alerts}) - len(pictures)
    if left > 0:
        parts.append(f"<p>{left} more series have alerts and no picture here.</p>")
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _section(picture: Picture) -> Iterator[str]:
    tickers = picture.alerts[-1].series.tickers if picture.alerts else ()
    name = series_name(alert_series(picture.series, tickers))
    step = "hour" if picture.width.total_seconds() < 86_400 else "day"
    fired = sum(alert.firing_at is not None for alert in picture.alerts)
    yield f"<h2>{escape(name)}</h2>"
    yield f"<p>{counted(fired, 'alert')} fired; one bar is one {step}.</p>"
    yield _drawing(picture)
    for alert in picture.alerts:
        yield "<details>" + _alert(alert) + "</details>"


def _alert(alert: Alert) -> str:
    lines = [life(alert), *arithmetic_lines(alert.peak), ""]
    lines.extend(evidence_line(piece) for piece in alert.evidence)
    summary = escape(f"{alert.rule}: {headline(alert)}")
    return f"<summary>{summary}</summary><pre>{escape(chr(10).join(lines))}</pre>"


def _drawing(picture: Picture) -> str:
    """The series as SVG: bars of counts, the expected band behind them, lines for alerts."""
    steps = picture.steps
    if not steps:
        return ""
    # one flood must not flatten everything else: bars beyond are cut at the edge
    top = max(1.0, *(float(step.negative) for step in steps), *(step.high for step in steps))
    left, bottom = _MARGIN, HEIGHT - 18
    wide = (WIDTH - left) / len(steps)

    def x(at: float) -> float:
        return round(left + at * wide, 1)

    def y(value: float) -> float:
        return round(bottom - min(value, top) / top * (bottom - 6), 1)

    parts = [f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>"]
    bar = max(0.7, wide * 0.8)
    for name, value in (("all", _documents), ("negative", _negative)):
        parts.extend(
            f"<rect class='{name}' x='{x(at)}' y='{y(value(step))}' width='{bar:.1f}' "
            f"height='{max(0.0, bottom - y(value(step))):.1f}'/>"
            for at, step in enumerate(steps)
            if value(step)
        )
    upper = [f"{x(at + 0.5)},{y(step.high)}" for at, step in enumerate(steps)]
    lower = [f"{x(at + 0.5)},{y(step.low)}" for at, step in enumerate(steps)]
    parts.append(f"<polygon class='band' points='{' '.join(upper + lower[::-1])}'/>")
    middle = " ".join(f"{x(at + 0.5)},{y(step.expected)}" for at, step in enumerate(steps))
    parts.append(f"<polyline class='expected' points='{middle}'/>")
    began = steps[0].start
    for alert in picture.alerts:
        at = x((alert.opened_at - began) / picture.width)
        kind = "calm" if alert.firing_at is None else "fired"
        title = escape(f"{moment(alert.opened_at)}, severity {alert.severity}")
        parts.append(
            f"<line class='{kind}' x1='{at}' x2='{at}' y1='0' y2='{bottom}'>"
            f"<title>{title}</title></line>"
        )
    parts.append(f"<text x='0' y='12'>{top:g}</text><text x='0' y='{bottom}'>0</text>")
    parts.append(f"<text x='{left}' y='{HEIGHT - 4}'>{began:%Y-%m-%d}</text>")
    last = f"{steps[-1].start:%Y-%m-%d}"
    parts.append(f"<text x='{WIDTH}' y='{HEIGHT - 4}' text-anchor='end'>{last}</text></svg>")
    return "".join(parts)


def _documents(step: Step) -> float:
    return float(step.documents)


def _negative(step: Step) -> float:
    return float(step.negative)
