"""Made-up and real backgrounds with bursts planted in them: what detectors are measured on.

None of the noise families is the detector's own model. Each series has a mean between 0.05 and
60 per five minutes and a profile of its own over day and week:

- `negative binomial`: independent bins with a drawn dispersion;
- `cox`: Poisson with a log-normal rate that wanders (AR(1), correlated over hours);
- `hawkes`: events that excite further events, half of them gone within a drawn time;
- `real`: tweet counts of the streams and the tweet-volume series, thinned at random.

A burst multiplies the rate by 2, 3 or 5 for 10, 30 or 120 minutes (in `real`, events are added
as a Poisson number of the local mean). About one in three days, none in the first week.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.nab import data_folder, labelled_series

Array = NDArray[np.float64]
BINS_A_DAY = 288
WARM_UP = 7 * BINS_A_DAY
MEANS = (0.05, 0.2, 0.6, 2.0, 6.0, 20.0, 60.0)
FACTORS = (2.0, 3.0, 5.0)
LENGTHS = (2, 6, 24)


@dataclass(frozen=True, slots=True)
class Burst:
    """`length` bins from bin `start` of series `row`, `factor` times the usual rate."""

    row: int
    start: int
    length: int
    factor: float


@dataclass(frozen=True, slots=True)
class World:
    """Counts of shape (series, bins); the first bin begins the week of `hour_of_week` 0.

    `rates` is what an oracle knows: the rate of each bin without the bursts, and `dispersion`
    of each series around it (0 where the rate is all there is to know). `quiet` marks bins
    where an alert is a false alarm.
    """

    name: str
    counts: Array
    means: Array
    bursts: tuple[Burst, ...]
    rates: Array | None = None
    dispersion: Array | None = None
    first_bins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    excused: NDArray[np.bool_] | None = None

    @property
    def begins(self) -> NDArray[np.int64]:
        """The bin of the week each series begins with."""
        return self.first_bins if len(self.first_bins) else np.zeros(len(self.counts), np.int64)


def seasonal(random: np.random.Generator, series: int, bins: int) -> Array:
    """Profiles with mean 1: a day of two harmonics, and weekends of another level."""
    at = np.arange(bins)
    day = 2 * np.pi * (at % BINS_A_DAY) / BINS_A_DAY
    weekend = (at // BINS_A_DAY) % 7 >= 5
    depth, phase = random.uniform(0, 1.2, series), random.uniform(0, 2 * np.pi, series)
    second, other = random.uniform(0, 0.4, series), random.uniform(0, 2 * np.pi, series)
    level = np.where(weekend, np.log(random.uniform(0.3, 1.0, series))[:, None], 0.0)
    shape = np.exp(
        depth[:, None] * np.sin(day + phase[:, None])
        + second[:, None] * np.sin(2 * day + other[:, None])
        + level
    )
    return np.asarray(shape / shape.mean(axis=1, keepdims=True))


def planted(random: np.random.Generator, series: int, bins: int) -> tuple[Burst, ...]:
    """Bursts at random times, at least twelve hours apart, about one in three days."""
    found = []
    for row in range(series):
        at = WARM_UP + int(random.exponential(3 * BINS_A_DAY))
        while at < bins - BINS_A_DAY:
            length = int(random.choice(LENGTHS))
            found.append(Burst(row, at, length, float(random.choice(FACTORS))))
            at += length + BINS_A_DAY // 2 + int(random.exponential(2.5 * BINS_A_DAY))
    return tuple(found)


def _with_bursts(rates: Array, bursts: tuple[Burst, ...]) -> Array:
    burst = rates.copy()
    for one in bursts:
        burst[one.row, one.start : one.start + one.length] *= one.factor
    return burst


def negative_binomial(random: np.random.Generator, series: int, bins: int) -> World:
    means = random.choice(MEANS, series)
    rates = means[:, None] * seasonal(random, series, bins)
    bursts = planted(random, series, bins)
    dispersion = random.choice([0.02, 0.1, 0.3, 0.8], series)
    shape = 1.0 / dispersion[:, None]
    counts = random.poisson(
        _with_bursts(rates, bursts) * random.gamma(shape, 1 / shape, rates.shape)
    )
    return World("negative binomial", counts.astype(float), means, bursts, rates, dispersion)


def cox(random: np.random.Generator, series: int, bins: int) -> World:
    means = random.choice(MEANS, series)
    spread = random.uniform(0.1, 0.6, series)
    memory = 0.5 ** (1.0 / random.choice([6, 24, 72], series))
    shocks = random.standard_normal((series, bins)) * np.sqrt(1 - memory**2)[:, None]
    wander = np.empty_like(shocks)
    state = random.standard_normal(series)
    for at in range(bins):
        state = memory * state + shocks[:, at]
        wander[:, at] = state
    rates = means[:, None] * seasonal(random, series, bins)
    rates = rates * np.exp(spread[:, None] * wander - spread[:, None] ** 2 / 2)
    bursts = planted(random, series, bins)
    counts = random.poisson(_with_bursts(rates, bursts))
    return World("cox", counts.astype(float), means, bursts, rates, np.zeros(series))


def hawkes(random: np.random.Generator, series: int, bins: int) -> World:
    """Rate = (1 - b) base + b (1 - m) sum of m^age: each event brings b more, on average."""
    means = random.choice(MEANS, series)
    branching = random.uniform(0.2, 0.7, series)
    memory = 0.5 ** (1.0 / random.choice([1, 3, 12], series))
    base = means[:, None] * seasonal(random, series, bins)
    bursts = planted(random, series, bins)
    factor = _with_bursts(np.ones_like(base), bursts)
    counts, rates = np.empty_like(base), np.empty_like(base)
    excited = means / (1 - memory)
    for at in range(bins):
        rate = (1 - branching) * base[:, at] + branching * (1 - memory) * excited
        counts[:, at] = random.poisson(np.minimum(rate * factor[:, at], 1e5))
        rates[:, at] = rate
        excited = memory * excited + np.minimum(counts[:, at], 10 * rate + 10)
    return World("hawkes", counts, means, bursts, rates, np.zeros(series))


def real(random: np.random.Generator, copies: int, streams: bool = True) -> World:
    """Thinned copies of the labelled tweet volumes and, with `streams`, of the busiest tickers'
    tweets, which are so few that half of the bursts planted are one document or none."""
    sources: list[tuple[Array, int, NDArray[np.bool_]]] = []
    for one in labelled_series():
        values = np.array(one.values)
        spared = np.zeros(len(values), bool)
        for first, last in one.windows:
            spared[first : last + 1] = True
        sources.append((values, _bin_of_week(datetime.fromisoformat(one.times[0])), spared))
    if streams:
        sources += [(values, 0, np.zeros(len(values), bool)) for values in ticker_counts()]
    bins = min(len(values) for values, _, _ in sources)
    counts, first_bins, spare = [], [], []
    for _ in range(copies):
        for values, begins, spared in sources:
            values = values[:bins]
            wanted = [m for m in MEANS if m <= values.mean()] or [values.mean()]
            keep = min(1.0, float(random.choice(wanted)) / values.mean())
            counts.append(random.binomial(values.astype(int), keep).astype(float))
            first_bins.append(begins)
            spare.append(spared[:bins])
    background = np.array(counts)
    bursts = planted(random, len(background), bins)
    for burst in bursts:
        usual = background[burst.row, max(0, burst.start - 144) : burst.start].mean()
        extra = random.poisson((burst.factor - 1) * usual, burst.length)
        counts[burst.row][burst.start : burst.start + burst.length] += extra
    return World(
        "real" if streams else "real, tweet volumes alone",
        np.array(counts), background.mean(axis=1), bursts,
        first_bins=np.array(first_bins), excused=np.array(spare),
    )  # fmt: skip


def ticker_counts(most: int = 5) -> list[Array]:
    """Tweets per five minutes, of all tickers and of the busiest, over the streams' days."""
    path = data_folder() / "streams" / "tweets_2014-01_2015-06.jsonl.gz"
    begins = datetime(2014, 1, 6, tzinfo=UTC)
    everything: dict[str, list[int]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            tweet: dict[str, Any] = json.loads(line)
            at = datetime.fromisoformat(tweet["published_at"]) - begins
            number = int(at / timedelta(minutes=5))
            if number >= 0:
                for name in ("all", *tweet["subjects"]):
                    everything.setdefault(name, []).append(number)
    busiest = sorted(everything.values(), key=len, reverse=True)[:most]
    bins = 400 * BINS_A_DAY
    return [np.bincount(one, minlength=bins)[:bins].astype(float) for one in busiest]


def _bin_of_week(at: datetime) -> int:
    return at.weekday() * BINS_A_DAY + (at.hour * 60 + at.minute) // 5


FAMILIES: dict[str, Callable[[np.random.Generator, int, int], World]] = {
    "negative binomial": negative_binomial,
    "cox": cox,
    "hawkes": hawkes,
}
