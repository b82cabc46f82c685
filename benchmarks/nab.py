"""The Numenta Anomaly Benchmark's published scoring, on the tweet-volume series at hand.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", 2015, and the scorer NAB
ships: in each labelled window the earliest detection earns a sigmoid of its position, a window
without one costs `miss`, every detection outside costs `false_alarm` times a sigmoid of the
distance to the window before it; the first 15 % of the rows (at most 750) are not scored. One
threshold for all files is chosen to maximise the total, which is then put on a scale where a
detector that says nothing has 0 and a perfect one 100.

    python -m benchmarks.nab                   scores from `bellwether rules score`
    python -m benchmarks.nab --scores FOLDER   scores from FOLDER/*.csv (timestamp,value,score)
"""

import csv
import json
import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf
from pathlib import Path
from random import Random

from alerts.scoring import scored, timestamp_of

PROBATION_SHARE = 0.15
PROBATION_MOST_ROWS = 5000
Scores = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Profile:
    """What NAB's application profiles charge; a detection in a window earns at most 1."""

    name: str
    false_alarm: float
    miss: float


STANDARD = Profile("standard", 0.11, 1.0)
PROFILES = (STANDARD, Profile("low FP", 0.22, 1.0), Profile("low FN", 0.11, 2.0))


@dataclass(frozen=True, slots=True)
class Labelled:
    """One series: its timestamps and values, and the first and last row of each window."""

    name: str
    times: tuple[str, ...]
    values: tuple[float, ...]
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """The rows at the beginning that are not scored."""
        return int(PROBATION_SHARE * min(len(self.times), PROBATION_MOST_ROWS))


def scaled_sigmoid(position: float) -> float:
    """NAB's: 1 far before the end of a window, 0 at its end, -1 far behind it."""
    return -1.0 if position > 3.0 else 2.0 / (1.0 + exp(5.0 * position)) - 1.0


def credits(series: Labelled) -> tuple[list[int], list[float]]:
    """For each row the window it lies in (-1: none) and what a detection there earns, before
    the profile's charge for false alarms."""
    inside, earns = [-1] * len(series.times), [-1.0] * len(series.times)
    most = scaled_sigmoid(-1.0)
    for number, (first, last) in enumerate(series.windows):
        width = last - first + 1
        for row in range(first, last + 1):
            inside[row] = number
            earns[row] = scaled_sigmoid(-(last - row + 1) / width) / most
        later = series.windows[number + 1 :]
        for row in range(last + 1, later[0][0] if later else len(series.times)):
            earns[row] = scaled_sigmoid((row - last) / (width - 1))
    return inside, earns


@dataclass(frozen=True, slots=True)
class Swept:
    """Totals by falling threshold: `totals[i]` is the raw score of everything at or above
    `thresholds[i]`. The first threshold is infinite: no detection at all."""

    thresholds: list[float]
    totals: list[float]
    windows: int
    profile: Profile

    def normalised(self, total: float) -> float:
        null = -self.profile.miss * self.windows
        return 100.0 * (total - null) / (self.windows - null)

    def best(self) -> tuple[float, float]:
        """The best threshold and its normalised score."""
        at = max(range(len(self.totals)), key=self.totals.__getitem__)
        return self.thresholds[at], self.normalised(self.totals[at])

    def at(self, threshold: float) -> float:
        """The normalised score at a given threshold."""
        index = max(i for i, one in enumerate(self.thresholds) if one >= threshold)
        return self.normalised(self.totals[index])


def sweep(all_series: Sequence[Labelled], scores: Scores, profile: Profile = STANDARD) -> Swept:
    """Every threshold that makes a difference, over all files together."""
    points: list[tuple[float, str, int, float]] = []
    total, windows = 0.0, 0
    for series in all_series:
        inside, earns = credits(series)
        windows += len(series.windows)
        given = scores[series.name]
        if len(given) != len(series.times):
            raise ValueError(f"{series.name}: {len(given)} scores for {len(series.times)} rows")
        points.extend(
            (given[row], series.name, inside[row], earns[row])
            for row in range(series.probation, len(given))
        )
    total = -profile.miss * windows
    best: dict[tuple[str, int], float] = {}
    thresholds, totals = [inf], [total]
    points.sort(key=lambda point: -point[0])
    for score, name, window, earned in points:
        if window < 0:
            total += profile.false_alarm * earned
        else:
            held = best.get((name, window))
            now = earned if held is None else max(held, earned)
            total += now - (-profile.miss if held is None else held)
            best[name, window] = now
        if thresholds[-1] == score:
            totals[-1] = total
        else:
            thresholds.append(score)
            totals.append(total)
    return Swept(thresholds, totals, windows, profile)


def data_folder() -> Path:
    """Where the labelled series are: BELLWETHER_DATA, or ../shared/data beside the checkout."""
    root = os.environ.get("BELLWETHER_DATA", "")
    folder = Path(root) if root else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "anomalies" / "windows.json").is_file():
        raise SystemExit(f"{folder}/anomalies/windows.json is absent: set BELLWETHER_DATA")
    return folder


def labelled_series() -> list[Labelled]:
    """The series with their windows, in the order of their names."""
    folder = data_folder() / "anomalies"
    windows = json.loads((folder / "windows.json").read_text("utf-8"))
    found = []
    for name in sorted(windows):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        times = tuple(row["timestamp"] for row in rows)
        row_of = {time: number for number, time in enumerate(times)}
        spans = tuple(
            (row_of[first.partition(".")[0]], row_of[last.partition(".")[0]])
            for first, last in windows[name]
        )
        found.append(Labelled(name, times, tuple(float(row["value"]) for row in rows), spans))
    return found


def product_scores(all_series: Sequence[Labelled]) -> Scores:
    """What `bellwether rules score` gives for each row."""
    return {
        one.name: list(
            scored(
                (timestamp_of(at), value) for at, value in zip(one.times, one.values, strict=True)
            )
        )
        for one in all_series
    }


def stored_scores(all_series: Sequence[Labelled], folder: Path) -> Scores:
    """The column `score` of files of the same names."""
    found = {}
    for one in all_series:
        with (folder / one.name).open(encoding="utf-8", newline="") as file:
            found[one.name] = [float(row["score"]) for row in csv.DictReader(file)]
    return found


def without_each(all_series: Sequence[Labelled], scores: Scores, profile: Profile) -> float:
    """Each file at the threshold that is best for the others: the normalised total."""
    total = 0.0
    for one in all_series:
        others = [other for other in all_series if other is not one]
        threshold, _ = sweep(others, scores, profile).best()
        total += sweep([one], scores, profile).at(threshold) * len(one.windows)
    return total / sum(len(one.windows) for one in all_series)


def interval(
    all_series: Sequence[Labelled], scores: Scores, profile: Profile, threshold: float
) -> tuple[float, float]:
    """90 % of bootstrap samples of the series, 4,000 of them, at a fixed threshold."""
    random = Random(1)
    each = [(sweep([one], scores, profile).at(threshold), len(one.windows)) for one in all_series]
    means = []
    for _ in range(4000):
        some = random.choices(each, k=len(each))
        means.append(sum(s * w for s, w in some) / sum(w for _, w in some))
    means.sort()
    return means[200], means[3800]


def main() -> None:
    arguments = ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    arguments.add_argument("--scores", type=Path, help="folder of timestamp,value,score files")
    folder = arguments.parse_args().scores
    all_series = labelled_series()
    scores = stored_scores(all_series, folder) if folder else product_scores(all_series)
    print("profile    best (threshold)   leave one out   at 0.5 [90 %]")
    for profile in PROFILES:
        swept = sweep(all_series, scores, profile)
        threshold, best = swept.best()
        low, high = interval(all_series, scores, profile, 0.5)
        print(
            f"{profile.name:10s} {best:5.1f} ({threshold:.3f})      "
            f"{without_each(all_series, scores, profile):5.1f}           "
            f"{swept.at(0.5):5.1f} [{low:.1f}, {high:.1f}]"
        )
    for one in all_series:
        print(f"  {one.name:28s} standard, at 0.5: {sweep([one], scores).at(0.5):5.1f}")


if __name__ == "__main__":
    main()
