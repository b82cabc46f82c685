"""Recall and delay of planted bursts at a fixed rate of false alarms, beside simpler detectors.

    python -m benchmarks.detection --seed 101 --series 40 --real

All detectors get one threshold for all series of a world, such that false alarms outside the
bursts come to the stated number per series-day; an alarm is the first bin at the threshold
after an hour below it. A burst is found when an alarm begins between its start and half an
hour after its end; the delay counts to the end of that bin. Intervals: bootstrap over series.
"bellwether" is the rarity itself; "as scored" the column that `bellwether rules score` writes, in
which an episode is told once; "pipeline" the volume test of the running pipeline.
`kept` is the number of false alarms a series-day at the rarity that states 0.1 and 0.01.
"""

from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.scoring import Episodes
from benchmarks.compiled import compiled
from benchmarks.live import live
from benchmarks.peers import PEERS, oracle
from benchmarks.worlds import BINS_A_DAY, FAMILIES, WARM_UP, World, real

Array = NDArray[np.float64]
MERGED = 12
AFTER = 6
EXCUSED_AFTER = 36


@dataclass(frozen=True, slots=True)
class Found:
    """What a detector finds at one rate of false alarms."""

    recall: float
    low: float
    high: float
    delay: float
    threshold: float


def recent_highest(statistic: Array) -> Array:
    """The highest of the hour before each bin."""
    found = np.full_like(statistic, -np.inf)
    for back in range(1, MERGED + 1):
        np.maximum(found[:, back:], statistic[:, :-back], out=found[:, back:])
    return found


def quiet_bins(world: World) -> NDArray[np.bool_]:
    """The bins in which an alarm is a false one."""
    quiet = np.zeros(world.counts.shape, bool)
    quiet[:, WARM_UP:] = True
    for one in world.bursts:
        quiet[one.row, one.start : one.start + one.length + EXCUSED_AFTER] = False
    if world.excused is not None:
        quiet &= ~world.excused
    return quiet


def found_at(world: World, statistic: Array, rate: float) -> Found:
    """Recall at `rate` false alarms per series-day."""
    before, quiet = recent_highest(statistic), quiet_bins(world)
    rising = quiet & (statistic > before)
    ends, begins = np.sort(statistic[rising]), np.sort(before[rising])
    allowed = rate * quiet.sum() / BINS_A_DAY
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        at = ends[middle]
        alarms = (len(ends) - np.searchsorted(ends, at)) - (
            len(begins) - np.searchsorted(begins, at)
        )
        if alarms <= allowed:
            high = middle
        else:
            low = middle + 1
    threshold = float(ends[low])
    hits: dict[int, list[bool]] = {}
    delays = []
    for one in world.bursts:
        if world.excused is not None and world.excused[one.row, one.start]:
            continue
        span = slice(one.start, one.start + one.length + AFTER)
        alarms = np.flatnonzero(
            (statistic[one.row, span] >= threshold) & (before[one.row, span] < threshold)
        )
        hits.setdefault(one.row, []).append(len(alarms) > 0)
        if len(alarms):
            delays.append(5.0 * (alarms[0] + 1))
    rows = list(hits.values())
    random = np.random.default_rng(1)
    means = []
    for _ in range(400):
        some = [rows[i] for i in random.integers(0, len(rows), len(rows))]
        means.append(sum(map(sum, some)) / sum(map(len, some)))
    recall = sum(map(sum, rows)) / sum(map(len, rows))
    delay = float(np.median(delays)) if delays else float("nan")
    return Found(
        recall, float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975)), delay, threshold
    )


def realised(world: World, rarity: Array, stated: float) -> float:
    """False alarms a series-day where the rarity states `stated` of them."""
    bar = -np.log10(stated)
    quiet = quiet_bins(world)
    alarms = quiet & (rarity >= bar) & (recent_highest(rarity) < bar)
    return float(alarms.sum() / (quiet.sum() / BINS_A_DAY))


def readings(world: World) -> tuple[Array, Array]:
    """Our own statistics, rarity and opening: the very code of `bellwether rules score`."""
    run = compiled()
    both = np.array(
        [
            run(row, int(at), float(BINS_A_DAY))
            for row, at in zip(world.counts, world.begins, strict=True)
        ]
    )
    return both[:, 0], both[:, 1]


def scores(rarity: Array, opening: Array) -> Array:
    """What `bellwether rules score` makes of the readings of each bin: the column it writes."""
    found = np.zeros_like(rarity)
    width = timedelta(days=1) / BINS_A_DAY
    begins = datetime(2026, 1, 5, tzinfo=UTC)
    for rare, opens, out in zip(rarity, opening, found, strict=True):
        episodes = Episodes()
        for number, both in enumerate(zip(opens.tolist(), rare.tolist(), strict=True)):
            episodes.pass_time(width)
            out[number] = episodes.score(*both, begins + number * width, number * width)
    return found


def report(world: World, rates: tuple[float, float], running: bool = False) -> None:
    """One line for each detector; with `running` also for that of the pipeline."""
    own, opening = readings(world)
    print(f"{world.name}: {len(world.counts)} series, {len(world.bursts)} bursts")
    told = {"bellwether": own, "as scored": scores(own, opening)}
    statistics = {**told, **{name: peer(world) for name, peer in PEERS.items()}}
    if running:
        statistics["pipeline"] = live(world)
    if world.rates is not None:
        statistics["rate known"] = oracle(world)
    for name, statistic in statistics.items():
        line = f"  {name:20s}"
        for rate in rates:
            found = found_at(world, statistic, rate)
            line += (
                f"  {rate:g}: {found.recall:.3f} [{found.low:.3f}, {found.high:.3f}]"
                f" {found.delay:.0f} min"
            )
        print(line)
    kept = ", ".join(f"{realised(world, own, stated):.4f} where {stated}" for stated in (0.1, 0.01))
    print(f"  false alarms a series-day: {kept} are stated", flush=True)


def main() -> None:
    arguments = ArgumentParser(description="Bursts found at a fixed rate of false alarms.")
    arguments.add_argument("--seed", type=int, default=101)
    arguments.add_argument("--series", type=int, default=100, help="series of each family")
    arguments.add_argument("--days", type=int, default=28)
    arguments.add_argument("--real", action="store_true", help="thinned real backgrounds too")
    arguments.add_argument("--pipeline", action="store_true", help="the pipeline's too, slow")
    given = arguments.parse_args()
    random = np.random.default_rng(given.seed)
    for family in FAMILIES.values():
        report(family(random, given.series, given.days * BINS_A_DAY), (0.1, 0.01), given.pipeline)
    if given.real:
        report(real(random, max(1, given.series // 10)), (0.1, 0.03), given.pipeline)
        report(real(random, max(1, given.series // 5), streams=False), (0.1, 0.03), given.pipeline)


if __name__ == "__main__":
    main()
