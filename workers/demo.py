"""`bellwether demo`: a whole cluster on the bundled sample, 48 hours of news in a minute."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from alerts.lifecycle import Alert, Fingerprint
from pipeline.errors import Unavailable
from workers.alert_feed import follow_alerts
from workers.alert_text import full_text, headline, moment
from workers.cluster import LocalCluster, clear_folder
from workers.completion import Flow, flow, wait_until_through
from workers.progress import Progress
from workers.replay import Line, Pace, Replayed, replay
from workers.sample import DECOYS, EXPECTED, LENGTH, sample_documents
from workers.supervisor import SERVICE_STAGES, STREAM_STAGES
from workers.verdicts import PlantVerdict, plant_verdicts

REPLAY_SECONDS = 60.0
# An alert fires before its documents are archived; titles come with its next state.
EVIDENCE_SECONDS = 3.0
STALL = timedelta(seconds=60)
_COUNTS = ("documents in", "classified", "archived", "alerts")
_POLL_SECONDS = 0.5


def run_demo(
    folder: Path,
    console: Console,
    stopping: threading.Event,
    leave: bool,
    seconds: float = REPLAY_SECONDS,
) -> int:
    """Run the demo in `folder`, emptied first; the exit status.

    With `leave` it ends after the replay, with 0 only if every planted surge was found and
    no decoy fired; otherwise it keeps the dashboard up until `stopping` is set. `seconds` is
    how long the 48 hours take.
    """
    clear_folder(folder)
    console.print("Bellwether demo: 48 hours of synthetic news, every company in it is invented.")
    began = time.monotonic()
    quiet = {"BELLWETHER_SYNTHETIC": "1"}
    with LocalCluster(folder, (*STREAM_STAGES, *SERVICE_STAGES), quiet) as cluster:
        console.print(f"Services and stages started in {time.monotonic() - began:.1f} s.")
        console.print(f"Dashboard: {cluster.web_address}")
        ends_at = datetime.now(UTC).replace(second=0, microsecond=0)
        show = _Show(cluster, console, stopping, seconds)
        show.run(_sample_lines(ends_at))
        if stopping.is_set():
            return 130 if leave else 0
        verdicts = plant_verdicts(show.alerts, EXPECTED, DECOYS, ends_at)
        console.print(_verdict_table(verdicts))
        good = all(verdict.as_expected for verdict in verdicts)
        if leave:
            return 0 if good else 1
        console.print(f"Dashboard: {cluster.web_address}   (Ctrl-C ends the demo)")
        while not stopping.wait(_POLL_SECONDS):
            cluster.check()
    return 0


def _sample_lines(ends_at: datetime) -> list[Line]:
    encode = msgspec.json.Encoder().encode
    return [
        Line(number, encode(record), record["id"], datetime.fromisoformat(record["published_at"]))
        for number, record in enumerate(sample_documents(ends_at=ends_at), 1)
    ]


class _Show:
    """The minute in which the sample passes: sending, following alerts, showing counts.

    Three threads: one sends, one follows the alerts topic, the caller's shows what both and
    the stages have reached.
    """

    def __init__(
        self,
        cluster: LocalCluster,
        console: Console,
        stopping: threading.Event,
        seconds: float,
    ) -> None:
        self._cluster = cluster
        self._kafka = cluster.settings.kafka
        self._stopping = stopping
        self._speed = LENGTH.total_seconds() / seconds
        self._done = threading.Event()
        self._failure: BaseException | None = None
        self._sent = 0
        self._event_time = ""
        self._alerts: dict[tuple[Fingerprint, datetime], Alert] = {}
        self._board = Progress(console, _COUNTS)

    @property
    def alerts(self) -> Iterable[Alert]:
        """The last state seen of every alert."""
        return list(self._alerts.values())

    def run(self, lines: list[Line]) -> None:
        """Return when everything has gone through, or when told to stop."""
        following = threading.Thread(target=self._guarded(self._follow), daemon=True)
        sending = threading.Thread(target=self._guarded(lambda: self._send(lines)), daemon=True)
        with self._board:
            following.start()
            sending.start()
            try:
                while sending.is_alive():
                    sending.join(_POLL_SECONDS)
                    self._refresh(len(lines))
                self._check()
                if not self._stopping.is_set():
                    wait_until_through(self._read_flow, STALL, progress=self._shown(len(lines)))
                    # the last states are in the topic, the follower has them a moment later
                    self._stopping.wait(1.0)
            finally:
                self._done.set()
                following.join()
        self._check()

    def _send(self, lines: list[Line]) -> None:
        def until_stopped() -> Iterator[Line]:
            for line in lines:
                if self._stopping.is_set():
                    return
                yield line

        def reached(replayed: Replayed, at: datetime | None) -> None:
            self._sent = replayed.sent
            self._event_time = "" if at is None else f"event time {moment(at)}"

        pace = Pace(speed=self._speed, sleep=lambda seconds: _nap(self._stopping, seconds))
        replay(until_stopped(), self._kafka, pace=pace, progress=reached)

    def _follow(self) -> None:
        waiting: dict[tuple[Fingerprint, datetime], float] = {}
        for alert in follow_alerts(self._kafka, self._done.is_set, from_start=True):
            now = time.monotonic()
            if alert is not None:
                name = (alert.fingerprint, alert.opened_at)
                known = self._alerts.get(name)
                if known is not None and known.revision > alert.revision:
                    continue
                if alert.state == "firing" and (known is None or known.state != "firing"):
                    waiting[name] = now + EVIDENCE_SECONDS
                if alert.state == "resolved" and known is not None and known.state == "firing":
                    self._board.say(headline(alert), style="green")
                self._alerts[name] = alert
            for name in [
                name
                for name, until in waiting.items()
                if now > until or any(piece.title for piece in self._alerts[name].evidence)
            ]:
                del waiting[name]
                self._print(self._alerts[name])

    def _print(self, alert: Alert) -> None:
        first, *rest = full_text(alert)
        self._board.say(first, style="bold red")
        for line in rest:
            self._board.say(line)

    def _refresh(self, total: int) -> None:
        self._check()
        # a broker that is busy for a moment only means no new numbers
        with suppress(Unavailable):
            self._shown(total)(flow(self._kafka))

    def _read_flow(self) -> Flow:
        self._check()
        if self._stopping.is_set():
            return Flow({}, {}, {})
        return flow(self._kafka)

    def _shown(self, total: int) -> Callable[[Flow], None]:
        def show(moment_now: Flow) -> None:
            counts = {
                "documents in": self._sent,
                "classified": moment_now.acknowledged.get("classify", 0),
                "archived": moment_now.acknowledged.get("archive", 0),
                "alerts": sum(alert.firing_at is not None for alert in self.alerts),
            }
            totals: Mapping[str, int] = dict.fromkeys(_COUNTS[:3], total)
            self._board.show(counts, totals, self._event_time)

        return show

    def _check(self) -> None:
        self._cluster.check()
        if self._failure is not None:
            raise self._failure

    def _guarded(self, work: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except Exception as error:  # raised again by `_check`, on the caller's thread
                self._failure = error

        return run


def _nap(stopping: threading.Event, seconds: float) -> None:
    stopping.wait(seconds)


def _verdict_table(verdicts: Iterable[PlantVerdict]) -> Table:
    table = Table(title="Planted in the sample (event time)", title_justify="left")
    for column in ("what", "expected", "fired", ""):
        table.add_column(column, no_wrap=True)
    for verdict in verdicts:
        expected = (
            f"{verdict.starts:%d %b %H:%M} to {verdict.ends:%d %b %H:%M}"
            if verdict.surge
            else "quiet"
        )
        fired = "quiet" if verdict.fired_at is None else f"{verdict.fired_at:%d %b %H:%M}"
        good = "yes" if verdict.as_expected else "NO"
        table.add_row(verdict.kind, expected, fired, good)
    return table


def run_up(cluster: LocalCluster, console: Console, stopping: threading.Event) -> int:
    """The configured feeds on a local cluster until `stopping` is set; its data stays."""
    with cluster:
        console.print(f"Dashboard: {cluster.web_address}   (Ctrl-C stops; the data stays)")
        console.print(f"Data and logs: {cluster.folder}")
        with suppress(KeyboardInterrupt):
            for alert in follow_alerts(cluster.settings.kafka, stopping.is_set):
                cluster.check()
                if alert is not None:
                    for line in full_text(alert) if alert.state == "firing" else [headline(alert)]:
                        console.print(line, markup=False, emoji=False, highlight=False)
    return 0
