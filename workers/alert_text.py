"""An alert in words: what happened, the arithmetic behind it, and the evidence."""

from collections.abc import Iterator
from datetime import UTC, datetime

from alerts.arithmetic import Arithmetic
from alerts.lifecycle import Alert, AlertEvidence, AlertSeries
from alerts.source_silence import SIGNAL
from alerts.verdict import SHARE
from alerts.voices import VOICES_KEPT

_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def _strongest(alert: Alert) -> Iterator[str]:
    """What opened an alert whose latest numbers would not."""
    now, peak = telling(alert), alert.peak
    opens = peak.statistic >= peak.threshold and peak.signal != "sentiment_index"
    if now.statistic >= now.threshold or not opens:
        return
    of = f" of {peak.documents}" if peak.signal == SHARE else ""
    yield (
        f"  at its strongest, {moment(peak.at)}: {peak.observed:g}{of} negative in "
        f"{span(peak.window_seconds)}, {peak.expected:.2f} expected, statistic "
        f"{peak.statistic:.1f} against {peak.threshold:.1f}"
    )


def span(seconds: float) -> str:
    """`7200` as `2 h`: the largest unit that divides it."""
    whole = round(seconds)
    for size, unit in _SPANS:
        if whole >= size and whole % size == 0:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def moment(at: datetime) -> str:
    """A time as people read it, in UTC to the minute."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def series_name(series: AlertSeries) -> str:
    """What the alert is about: `ACME, topic Earnings`; `everything` where nothing is fixed."""
    parts: list[str] = [] if series.subject is None else [series.subject]
    for name in ("topic", "source", "lang"):
        value = getattr(series, name)
        if value is not None:
            parts.append(f"{name} {value}")
    return ", ".join(parts) or "everything"


def headline(alert: Alert) -> str:
    """One line: state, severity, series, since when, and the essential numbers."""
    numbers = telling(alert)
    if numbers.signal == SIGNAL:
        return (
            f"{alert.state.upper()} {alert.severity:>3}  {series_name(alert.series)}: "
            f"{wait_line(alert)}, since {moment(alert.opened_at)}"
        )
    of = f" of {numbers.documents}" if numbers.signal == SHARE else ""
    what = f"{numbers.observed:g}{of} negative in {span(numbers.window_seconds)}"
    usual = f"{numbers.expected:.2f} expected"
    if numbers.signal == "sentiment_index":
        what = f"sentiment {numbers.observed / 100:+.2f} in {span(numbers.window_seconds)}"
        usual = f"usually {numbers.expected / 100:+.2f}"
    return (
        f"{alert.state.upper()} {alert.severity:>3}  {series_name(alert.series)}: "
        f"{what}, {usual}, since {moment(alert.opened_at)}"
    )


def telling(alert: Alert) -> Arithmetic:
    """The numbers to show: of what is over its peak, as the last verdict was harmless."""
    return alert.peak if alert.state == "resolved" else alert.arithmetic


def wait_line(alert: Alert) -> str:
    """How long a silent source has been waited for, at most where that is over, against how
    long it usually takes."""
    numbers = telling(alert)
    kind = alert.labels.get("kind", "").replace("-", " ")
    return f"{kind} for {length(numbers.observed)}, usually every {length(numbers.expected)}"


def wait_arithmetic(numbers: Arithmetic) -> str:
    """The verdict on a silent source so that it can be checked by hand."""
    return (
        f"waited {numbers.observed:.0f} s where {numbers.expected:.0f} s are usual: "
        f"p = {numbers.p_value:.2g}, statistic {numbers.statistic:.1f} against "
        f"{numbers.threshold:.1f} to open ({numbers.detector})"
    )


def length(seconds: float) -> str:
    """`7510` as `2 h 5 min`: the two largest units."""
    left = round(seconds)
    parts: list[str] = []
    for size, unit in _SPANS:
        if left >= size and len(parts) < 2:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts) or "0 s"


def arithmetic_lines(numbers: Arithmetic) -> Iterator[str]:
    """The verdict so that it can be checked by hand."""
    low, high = numbers.interval
    if numbers.signal == "sentiment_index":
        yield (
            f"sentiment index {numbers.observed / 100:+.2f} in {span(numbers.window_seconds)} up "
            f"to {moment(numbers.at)}, usually {numbers.expected / 100:+.2f}"
        )
        yield _opening(numbers)
        return
    yield (
        f"observed {numbers.observed:g} novel negative documents in "
        f"{span(numbers.window_seconds)} up to {moment(numbers.at)}"
    )
    how = f"dispersion {numbers.dispersion:.2f}"
    if numbers.signal == SHARE and numbers.share_weight is not None:
        how = f"of {numbers.documents}, a share known from {numbers.share_weight:.0f}"
    yield f"expected {numbers.expected:.2f}, 95 % of the time {low:g} to {high:g} ({how})"
    yield _opening(numbers)
    yield (
        f"negative share {numbers.share:.0%}, usually {numbers.usual_share:.0%}; "
        f"{numbers.documents} documents, {_told(numbers.stories)} stories, "
        f"{_told(numbers.voices)} voices"
    )


def _told(number: int) -> str:
    return f"{number} or more" if number >= VOICES_KEPT else str(number)


def _opening(numbers: Arithmetic) -> str:
    chance = "" if numbers.p_value >= 1.0 else f"p = {numbers.p_value:.2g}, "
    if numbers.rarity is not None and numbers.per_day:
        days = 1.0 / numbers.per_day
        chance = f"as rare as once in {days:,.0f} days, " if days >= 10 else ""
    return (
        f"{chance}statistic {numbers.statistic:.1f} against {numbers.threshold:.1f} to open and "
        f"{numbers.close_threshold:.1f} to close ({numbers.detector})"
    )


def evidence_line(piece: AlertEvidence) -> str:
    """One document: when, how negative, title and publisher, how far its story has spread, and the
    words that speak most for its being negative."""
    negative = "" if piece.sentiment is None else f"  {piece.sentiment.negative:.0%} negative"
    publisher = "" if piece.publisher is None else f" ({piece.publisher})"
    title = " ".join((piece.title or f"document {piece.id}").split())[:110]
    spread = "" if piece.story_size < 2 else f", told {piece.story_size} times"
    words = f" [{', '.join(piece.words)}]" if piece.words else ""
    return f"{moment(piece.at)}{negative}  {title}{publisher}{spread}{words}"


def full_text(alert: Alert, most_evidence: int = 5) -> Iterator[str]:
    """Headline, arithmetic, then the strongest evidence, a line each."""
    yield headline(alert)
    if alert.arithmetic.signal == SIGNAL:
        yield f"  {wait_arithmetic(telling(alert))}"
        if "reason" in alert.labels:
            yield f"  {alert.labels['reason']}"
        return
    for line in arithmetic_lines(telling(alert)):
        yield f"  {line}"
    yield from _strongest(alert)
    for piece in alert.evidence[:most_evidence]:
        yield f"    {evidence_line(piece)}"
    left = len(alert.evidence) - most_evidence
    if left > 0:
        yield f"    and {left} more"
