"""The volume test of the pipeline on plain counts: loud in a surge, silent in silence."""

import numpy as np

from benchmarks.live import SILENT, live
from benchmarks.worlds import BINS_A_DAY, World


def test_a_surge_stands_out_and_empty_bins_are_not_judged():
    counts = np.tile([0.0, 2.0], (1, 9 * BINS_A_DAY // 2))
    surge = slice(8 * BINS_A_DAY, 8 * BINS_A_DAY + 12)
    counts[0, surge] = 20.0
    found = live(World("surge", counts, counts.mean(axis=1), ()))[0]
    assert surge.start <= int(found.argmax()) < surge.stop
    assert found[surge].min() > found[: surge.start].max()
    assert set(found[: surge.start : 2]) == {SILENT}
