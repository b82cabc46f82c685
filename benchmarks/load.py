"""Documents for tests and benchmarks: seeded, every text its own story unless it is meant not
to be. Vocabulary and templates are ours; tickers are invented, so they are unknown subjects.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

_WORDS = tuple(
    """
    quarter outlook margin supply channel storage pipeline factory retail regional segment
    demand partner contract platform season inventory wholesale customer product launch update
    schedule capacity logistics engineering campus office roadmap conference panel interview
    strategy committee committee board member filing paper report table chart week morning
    afternoon session trading floor volume range average index sector group industry market
    price target analyst coverage note comment view position holder fund manager desk europe
    asia america coast northern southern central digital cloud mobile energy carbon water metal
    timber grain cotton freight rail harbour airline hotel studio garden bridge
    """.split()
)
_BAD = (
    "{name} shares plunge after profit warning on {a} {b} {c} {d}",
    "{name} faces lawsuit and losses over {a} {b} {c} {d}",
    "Downgrade for {name}: weak {a} {b} {c} {d} misses estimates",
    "{name} slumps, investors fear fraud in {a} {b} {c} {d}",
    "{name} cuts jobs and warns of a loss in {a} {b} {c} {d}",
)
_PLAIN = (
    "{name} talks about {a} {b} {c} {d} {e} at a conference",
    "A note on {name} and its {a} {b} {c} {d} {e}",
    "{name} publishes the {a} {b} {c} {d} {e} schedule",
    "{name}: {a} {b} {c} {d} {e} as planned",
)


def text_of(random: Random, name: str, negative: bool) -> str:
    """A sentence about `name`; no two alike in practice."""
    words = {letter: random.choice(_WORDS) for letter in "abcde"}
    template = random.choice(_BAD if negative else _PLAIN)
    return template.format(name=name, **words)


def record(
    run: str, number: int, at: datetime, ticker: str, text: str, author: str
) -> tuple[str, bytes]:
    """Key and value of one `documents` v1 record."""
    key = f"{run}:{number}"
    value = {
        "v": 1,
        "id": key,
        "source": f"load:{number % 5}",
        "author": author,
        "text": text,
        "lang": "en",
        "published_at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "subjects": [ticker],
    }
    return key, json.dumps(value, separators=(",", ":")).encode()


def tweets(documents: int, run: str = "bench", seed: int = 7) -> Iterator[tuple[str, bytes]]:
    """Documents of about 300 bytes, a fifth of a second of event time apart, ending now."""
    random = Random(seed)
    start = datetime.now(UTC) - timedelta(seconds=documents / 5)
    for number in range(documents):
        name = f"Q{number % 300:03d}X"
        words = f"${name} " + text_of(random, name, number % 9 == 0)
        at = start + timedelta(seconds=number / 5)
        yield record(run, number, at, name, words, f"author{random.randrange(2000)}")


def history(tickers: Sequence[str], until: datetime, run: str) -> Iterator[tuple[str, bytes]]:
    """A calm day before `until`: detectors want to know a company before they judge it."""
    random = Random(11)
    rows = []
    for ticker in tickers:
        for _ in range(3):
            rows.append((until - timedelta(hours=1 + 22 * random.random()), ticker))
        rows.append((until - timedelta(hours=23, minutes=30), ticker))
    rows.sort()
    for number, (at, ticker) in enumerate(rows):
        text = f"${ticker} {text_of(random, ticker, False)}"
        yield record(run, number, at, ticker, text, f"h{number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A stretch of event time with background and surges; `subjects` are the surging ones."""

    run: str
    documents: int
    start: datetime
    length: timedelta
    surges: int = 1
    surge_documents: int = 40
    disorder: timedelta = timedelta(0)
    seed: int = 1

    def subject(self, surge: int) -> str:
        """The subject id of a surge: a ticker no catalogue knows."""
        return f"ticker:{self.ticker(surge)}"

    def ticker(self, surge: int) -> str:
        return f"Z{self.run.upper()}{surge}"

    def records(self) -> Iterator[tuple[str, bytes]]:
        """All records, in event-time order but for the disorder."""
        random = Random(self.seed)
        rows: list[tuple[datetime, str, bool, str]] = []
        for _ in range(self.documents - self.surges * self.surge_documents):
            at = self.start + self.length * random.random()
            ticker = f"Y{random.randrange(40):02d}Q"
            rows.append((at, ticker, random.random() < 0.1, f"a{random.randrange(800)}"))
        for surge in range(self.surges):
            # in the last two thirds, each within ten minutes
            begins = self.start + self.length * (0.35 + 0.55 * (surge + 0.5) / self.surges)
            for number in range(self.surge_documents):
                at = begins + timedelta(minutes=10) * random.random()
                rows.append((at, self.ticker(surge), True, f"s{surge}-{number}"))
        rows.sort(key=lambda row: row[0] + self.disorder * random.random())
        for number, (at, ticker, negative, author) in enumerate(rows):
            text = f"${ticker} {text_of(random, ticker, negative)}"
            yield record(self.run, number, at, ticker, text, author)


def live_tickers(seconds: int) -> list[str]:
    """The companies `live_surges` hits."""
    return [f"HIT{second // 2}" for second in range(5, seconds, 2)]


def live_surges(seconds: int, per_second: int, seed: int = 3) -> Iterator[tuple[str, bytes]]:
    """Documents stamped as they are taken: background, and every two seconds a new company
    hit by twelve negative documents of twelve authors within two seconds."""
    random = Random(seed)
    number = 0
    for second in range(seconds):
        for step in range(per_second):
            surging = second >= 5 and step % (per_second // 6) == 0
            ticker = f"HIT{second // 2}" if surging else f"Y{random.randrange(40):02d}Q"
            negative = surging or random.random() < 0.1
            text = f"${ticker} {text_of(random, ticker, negative)}"
            author = f"a{random.randrange(100_000)}"
            yield record("live", number, datetime.now(UTC), ticker, text, author)
            number += 1
