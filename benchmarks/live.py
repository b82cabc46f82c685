"""The volume test of the running pipeline on plain series of counts, to stand beside the others.

Each count is told to `alerts.series` as the novel negative documents of one minute and judged by
`alerts.detection.judge`, the function the pipeline and the backtest judge with. Its statistic is
the -log10 of how many times a day the series exceeds what it holds, by its own return level. Left
out, since counts do not have them: independent voices, the negative share, episodes. Bins
without documents are not judged, as in the pipeline; neither are windows of fewer than three.
"""

from datetime import UTC, datetime, timedelta
from math import log10

import numpy as np
from numpy.typing import NDArray

from alerts.detection import judge
from alerts.rules import Detector, Rule
from alerts.series import Series
from benchmarks.worlds import World
from pipeline.documents import DocumentId
from pipeline.trends import MICRO, Bucket, Evidence, Totals

Array = NDArray[np.float64]
BEGINS = datetime(2026, 1, 5, tzinfo=UTC)
BIN = timedelta(minutes=5)
SILENT = -9.0
RULE = Rule(
    id="counts",
    match={},
    signal="negative_volume",
    detector=Detector(independent=False, per_voice=0),
)


def live(world: World) -> Array:
    """The statistic of each bin; `SILENT` where nothing is judged."""
    rows = zip(world.counts, world.begins, strict=True)
    return np.array([_row(row, int(at)) for row, at in rows])


def _row(counts: Array, first_bin: int) -> Array:
    begins = BEGINS + first_bin * BIN
    series = Series.begun(begins, begins)
    found = np.full(len(counts), SILENT)
    for number in np.flatnonzero(counts):
        # the last minute of the bin: what a bin holds is known when it ends
        at = begins + (int(number) + 1) * BIN - timedelta(minutes=1)
        series.observe(_bucket(at, int(counts[number])), at, 0)
        tests = judge(RULE, series, at).tests
        found[number] = max(
            [-log10(max(1e-300, one.returns.per_day(one.statistic))) for one in tests],
            default=SILENT,
        )
    return found


def _bucket(at: datetime, count: int) -> Bucket:
    piece = Evidence(
        document=DocumentId("counted"),
        story="",
        voice="",
        at=at,
        negative_micro=MICRO,
        novel=True,
    )
    totals = Totals(
        documents=count,
        negative=count,
        negative_micro=count * MICRO,
        novel=count,
        novel_negative=count,
    )
    return Bucket(start=at, totals=totals, evidence=(piece,))
