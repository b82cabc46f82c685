"""One alert during one batch: as it was stored, the states it went through, what to send."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from alerts.lifecycle import Alert, AlertEvidence, AlertSeries, Fingerprint, series_key
from alerts.minutes import minute_number
from alerts.rules import Rule
from alerts.series import Series
from pipeline.documents import DocumentId, Sentiment
from pipeline.trends import MICRO, SeriesKey

EVIDENCE_KEPT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The states one episode went through, oldest first; the row held revision `expected`
    before (0: there was none)."""

    alerts: tuple[Alert, ...]
    expected: int


@dataclass(slots=True)
class Tracked:
    """The latest episode of one series under one rule, while a batch moves it."""

    rule: Rule
    fingerprint: Fingerprint
    series: SeriesKey
    now: Alert | None
    tickers: tuple[str, ...] = ()
    resend: bool = False
    gathered: tuple[AlertEvidence, ...] = ()
    """What speaks for the episode as it now is, the most negative first."""
    _stored: int = 0
    _steps: list[Alert] = field(default_factory=list)
    _done: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stored = 0 if self.now is None else self.now.revision
        self.gathered = () if self.now is None else self.now.evidence

    @property
    def open(self) -> bool:
        """Whether the alert is pending or firing."""
        return self.now is not None and self.now.state != "resolved"

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return bool(self._steps or self._done)

    def move(self, alert: Alert | None) -> None:
        """Take the next state. A new state or a new episode is a step of its own; numbers
        that changed several times within a batch are written once."""
        before = self.now
        if alert is before or alert is None:
            return
        if before is None or before.opened_at != alert.opened_at:
            self._steps = [
                replace(one, evidence=self.gathered, series=self._with_tickers(one.series))
                for one in self._steps
            ]
            self._close()
            self._stored, self.gathered = 0, ()
            self._steps = [alert]
        elif self._steps and self._steps[-1].state == alert.state:
            self._steps[-1] = alert
        else:
            self._steps.append(alert)
        self.now = alert

    def gather(self, state: Series) -> None:
        """Take in what the alert's window now holds: of a series only the latest voices are
        remembered, so this cannot wait for the end of a batch. Nothing is taken back while the
        episode lasts."""
        alert = self.now
        if alert is None:
            return
        end = minute_number(alert.arithmetic.at)
        first = end + 1 - alert.arithmetic.window_seconds // 60
        pieces = {piece.id: piece for piece in self.gathered}
        for voice in state.voices.values():
            if first <= voice.minute <= end and voice.document not in pieces:
                piece = _from_point(voice.document, voice.at, voice.story, voice.negative_micro)
                pieces[piece.id] = piece
        ranked = sorted(pieces.values(), key=_strength, reverse=True)
        self.gathered = tuple(ranked[:EVIDENCE_KEPT])

    def complete(self, evidence: tuple[AlertEvidence, ...], model_version: str) -> None:
        """Give every state of this batch the evidence; alone, it is a change of its own."""
        alert = self.now
        if alert is None:
            return
        series = self._with_tickers(alert.series)
        version = model_version or alert.model_version
        if (evidence, series, version) == (alert.evidence, alert.series, alert.model_version):
            return

        def completed(state: Alert) -> Alert:
            return replace(state, evidence=evidence, series=series, model_version=version)

        if not self._steps:
            self.move(replace(completed(alert), revision=alert.revision + 1))
            return
        self._steps = [completed(step) for step in self._steps]
        self.now = self._steps[-1]

    def _with_tickers(self, series: AlertSeries) -> AlertSeries:
        return replace(series, tickers=tuple(dict.fromkeys((*series.tickers, *self.tickers))))

    def changes(self) -> tuple[Change, ...]:
        """What to write, oldest episode first."""
        self._close()
        return tuple(self._done)

    def outgoing(self) -> Sequence[Alert]:
        """What to send: each state that was written, else the alert as it is when in doubt."""
        if self._done:
            return [alert for change in self._done for alert in change.alerts]
        return [self.now] if self.resend and self.now is not None else []

    def _close(self) -> None:
        if self._steps:
            self._done.append(Change(alerts=tuple(self._steps), expected=self._stored))
            self._stored = self._steps[-1].revision
            self._steps = []


def series_of(alerts: Iterable[Alert]) -> list[tuple[SeriesKey, tuple[str, ...]]]:
    """The series the alerts are about, each once, with its tickers."""
    return list({series_key(one.series): one.series.tickers for one in alerts}.items())


def _from_point(document: str, at: float, story: str, negative_micro: int) -> AlertEvidence:
    """What the trend point alone knows of a document."""
    rest = (MICRO - negative_micro) / MICRO
    return AlertEvidence(
        id=DocumentId(document),
        at=datetime.fromtimestamp(at, UTC),
        story=story,
        # how the rest divides is not known yet: the archive fills it in
        sentiment=Sentiment(negative_micro / MICRO, rest, 0.0),
    )


def _strength(piece: AlertEvidence) -> tuple[float, str]:
    return (piece.sentiment.negative if piece.sentiment else 0.0, piece.id)
