"""Alerts against what prices did: how many bad days were announced, at how many alerts.

An event is a day on which a ticker's return, less the mean of all tickers, is below -3 %, with
at least eight tweets on it (UTC day). It counts as announced when an alert on that ticker fired
from the evening before (20:00 UTC) to the end of the day; an alert counts as right when it fired
in such a time. The lead is from the first of them to the close (20:30 UTC, between the two
daylight times). The load is alerts per ticker and month.

    python -m benchmarks.events                          the rules that ship, over budgets
    python -m benchmarks.events --alerts a.jsonl b.jsonl  files of `rules backtest --json`

Data: `streams/` of BELLWETHER_DATA (default ../shared/data). The model is BELLWETHER_MODEL.
"""

import gzip
import json
import os
from argparse import ArgumentParser
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

DATA = Path(os.environ.get("BELLWETHER_DATA", "../shared/data")) / "streams"
FALL = -0.03
LEAST_TWEETS = 8
EVENING = timedelta(hours=4)
DAY = timedelta(days=1)
CLOSE = timedelta(hours=20, minutes=30)
MONTH = timedelta(days=365.25 / 12)
BUDGETS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# The baselines: one count of the voices in 24 hours, an alert at most once in 24 hours.
LEARNING = timedelta(days=7)
LEAST_VOICES = 3


@dataclass(frozen=True, slots=True)
class Event:
    """A bad day of one ticker."""

    ticker: str
    day: datetime


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert on one of the tickers."""

    ticker: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Score:
    """How the alerts did; `lead` in hours, None where nothing was announced."""

    alerts: int
    load: float
    recall: float
    precision: float
    lead: float | None

    def __str__(self) -> str:
        lead = "" if self.lead is None else f"{self.lead:.1f} h"
        return (
            f"{self.alerts:>6}  {self.load:>8.3f}  {self.recall:>6.2f}  {self.precision:>9.2f}"
            f"  {lead:>7}"
        )


def events_of(
    closes: Mapping[str, Mapping[str, float]], tweets: Mapping[tuple[str, str], int]
) -> list[Event]:
    """The events, from each ticker's closes by day and the tweets by ticker and day."""
    returns: dict[str, dict[str, float]] = defaultdict(dict)
    for ticker, by_day in closes.items():
        days = sorted(by_day)
        for before, day in pairwise(days):
            returns[day][ticker] = by_day[day] / by_day[before] - 1.0
    found = []
    for day, by_ticker in sorted(returns.items()):
        mean = sum(by_ticker.values()) / len(by_ticker)
        for ticker, value in sorted(by_ticker.items()):
            if value - mean < FALL and tweets.get((ticker, day), 0) >= LEAST_TWEETS:
                found.append(Event(ticker, datetime.fromisoformat(day).replace(tzinfo=UTC)))
    return found


def scored(
    fired: Sequence[Fired], events: Sequence[Event], tickers: int, length: timedelta
) -> Score:
    """Recall, precision, load and lead of these alerts."""
    by_ticker: dict[str, list[datetime]] = defaultdict(list)
    for one in sorted(fired, key=lambda one: one.at):
        by_ticker[one.ticker].append(one.at)
    right: set[tuple[str, datetime]] = set()
    leads = []
    for event in events:
        times = by_ticker[event.ticker]
        first, last = event.day - EVENING, event.day + DAY
        within = times[bisect_left(times, first) : bisect_left(times, last)]
        right.update((event.ticker, at) for at in within)
        if within:
            leads.append((event.day + CLOSE - within[0]) / timedelta(hours=1))
    return Score(
        alerts=len(fired),
        load=len(fired) / (tickers * (length / MONTH)),
        recall=len(leads) / max(1, len(events)),
        precision=len(right) / max(1, len(fired)),
        lead=median(leads) if leads else None,
    )


def fired_of(alerts: Iterable[Mapping[str, Any]], tickers: Iterable[str]) -> list[Fired]:
    """The alerts that fired on a company with one of the tickers, from `alerts` records."""
    known = set(tickers)
    found = []
    for alert in alerts:
        series = alert["series"]
        names = [name for name in (series["subject"], *series["tickers"]) if name in known]
        if alert["firing_at"] and names:
            found.append(Fired(names[0], datetime.fromisoformat(alert["firing_at"])))
    return found


def once_a_day(times: Iterable[tuple[str, datetime]]) -> list[Fired]:
    """At most one alert in 24 hours for each ticker."""
    last: dict[str, datetime] = {}
    found = []
    for ticker, at in times:
        if ticker not in last or at - last[ticker] >= DAY:
            last[ticker] = at
            found.append(Fired(ticker, at))
    return found


def baseline_counts(
    negatives: Iterable[tuple[str, datetime, str]], most_days: int = 7
) -> Iterator[tuple[str, datetime, int, float, float]]:
    """(ticker, time, voices in 24 hours, mean and deviation of up to `most_days` days before that)
    for each negative document (ticker, time, voice), in order of time, a week and a day after
    the first."""
    held: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    began: datetime | None = None
    for ticker, at, voice in negatives:
        began = began or at
        own = held[ticker]
        own.append((at, voice))
        while own[0][0] < at - DAY * (1 + most_days):
            own.pop(0)
        if at - began < DAY + LEARNING:
            continue
        known = min(most_days, (at - began) // DAY - 1)
        ended = [at - when for when, _ in own if DAY <= at - when < DAY * (known + 1)]
        days = Counter(since // DAY for since in ended)
        mean = sum(days.values()) / known
        spread = (sum((days[day] - mean) ** 2 for day in range(1, known + 1)) / known) ** 0.5
        yield ticker, at, len({who for when, who in own if at - when < DAY}), mean, spread


def read_closes(path: Path) -> dict[str, dict[str, float]]:
    closes: dict[str, dict[str, float]] = defaultdict(dict)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            closes[row["ticker"]][row["date"]] = row["close"]
    return closes


def read_tweets(path: Path) -> tuple[Counter[tuple[str, str]], datetime, datetime]:
    """Tweets by ticker and UTC day, and the times of the first and the last."""
    tweets: Counter[tuple[str, str]] = Counter()
    first = last = ""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            last = row["published_at"]
            first = first or last
            tweets.update((ticker, last[:10]) for ticker in set(row.get("subjects", ())))
    return tweets, datetime.fromisoformat(first), datetime.fromisoformat(last)


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", nargs="*", type=Path, help="files of rules backtest --json")
    parser.add_argument("--budgets", nargs="*", type=float, default=BUDGETS)
    given = parser.parse_args()
    stream = next(iter(sorted(DATA.glob("tweets_*.jsonl.gz"))), None)
    prices = next(iter(sorted(DATA.glob("prices_*.jsonl.gz"))), None)
    if stream is None or prices is None:
        raise SystemExit(f"{DATA}: no tweets_*.jsonl.gz and prices_*.jsonl.gz; set BELLWETHER_DATA")
    closes = read_closes(prices)
    tweets, first, last = read_tweets(stream)
    events = events_of(closes, tweets)
    print(f"{len(events)} events on {len(closes)} tickers, {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    print(f"{'':>24}  alerts      load  recall  precision     lead")

    def show(name: str, fired: Sequence[Fired]) -> None:
        print(f"{name:>24}  {scored(fired, events, len(closes), last - first)}", flush=True)

    for path in given.alerts or ():
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        show(path.name, fired_of(records, closes))
    if given.alerts is None:
        _ours(stream, closes, given.budgets, show)


def _ours(stream: Path, closes: Mapping[str, Any], budgets: Sequence[float], show: Any) -> None:
    from alerts.backtest import Backtest
    from alerts.lifecycle import ALERTS
    from alerts.rules import load_rules
    from alerts.surprise import count_surprise
    from models.load import load_classifier
    from pipeline.catalogue import load_catalogue
    from pipeline.subjects import CatalogueLinker
    from pipeline.trends import LEANING_MICRO, MICRO
    from workers.backtesting import documents_of_file
    from workers.classification_cache import CachedClassifier
    from workers.settings import read_settings

    settings = read_settings(
        {name: value for name, value in os.environ.items() if name != "BELLWETHER_DATA"}
    )
    classifier = load_classifier(settings.model, settings.model_base)
    with CachedClassifier(classifier, settings.cache) as cached:
        linker = CatalogueLinker(load_catalogue())
        documents = list(documents_of_file(stream, cached, linker, datetime.now(UTC), print))
    book = load_rules("")
    companies = tuple(rule for rule in book.rules if "subject" in rule.match)
    for budget in budgets:
        test = Backtest(replace(book, rules=companies, false_alarms_per_day=budget))
        for batch in documents:
            test.feed(batch)
        records = [json.loads(ALERTS.encode(one).value) for one in test.finish().fired]
        show(f"budget {budget:g} a day", fired_of(records, closes))
    negatives = [
        (name, one.document.published_at, one.voice)
        for batch in documents
        for one in batch
        for subject in one.subjects
        for name in [next((n for n in (subject.id, *subject.tickers) if n in closes), "")]
        for told in [subject.sentiment or one.classification.sentiment]
        if name and one.novel and told and told.negative * MICRO >= LEANING_MICRO
    ]
    counts = list(baseline_counts(negatives))
    for z in (8, 4, 2, 1):
        show(
            f"rolling z {z}",
            once_a_day(
                (ticker, at)
                for ticker, at, voices, mean, spread in counts
                if voices >= LEAST_VOICES and voices - mean >= z * max(1.0, spread)
            ),
        )
    for least in (8, 5, 4, LEAST_VOICES):
        show(
            f"3 x 7-day mean, {least} or more",
            once_a_day(
                (ticker, at)
                for ticker, at, voices, mean, _ in counts
                if voices >= least and voices >= 3.0 * mean
            ),
        )
    # the strongest plain rule found: one document a day more than the mean of four weeks, and a
    # negative binomial of dispersion 1/2
    surprises = [
        (ticker, at, count_surprise(voices, mean + 1.0, 0.5))
        for ticker, at, voices, mean, _ in baseline_counts(negatives, most_days=28)
        if voices >= LEAST_VOICES
    ]
    for bar in (2.0, 1.5, 1.2, 1.0, 0.8, 0.6):
        show(
            f"24 h to 28 days, {bar:g}",
            once_a_day((ticker, at) for ticker, at, surprise in surprises if surprise >= bar),
        )


if __name__ == "__main__":
    main()
