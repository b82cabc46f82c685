"""How well and how fast subjects are linked.

    python -m benchmarks.subjects [--data ../shared/data] [--json] [--wrong 40]

Cashtags as the answer key: every cashtag is cut out of the text of tweets that have one to
three, the rest is linked, and what is found is compared with the tags. Then the cost per
document and of loading. The data is not part of the project: `--data` or BELLWETHER_DATA says
where it is. `benchmarks/judged_links.py` holds links judged by reading,
`benchmarks/entity_names.py` a catalogue of a user's own names.
"""

import argparse
import csv
import gzip
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pipeline.catalogue import Catalogue, Entry, load_catalogue, ordinary_words
from pipeline.documents import Document, Subject, SubjectId
from pipeline.subjects import CatalogueLinker

CASHTAG = re.compile(r"\$[A-Za-z][A-Za-z0-9._]*")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
# A subject this relevant is the one a short text is about, not one of several it names.
SURE = 0.8


@dataclass
class Score:
    """Links right, links made, links to find."""

    right: int = 0
    made: int = 0
    wanted: int = 0

    def add(self, made: set[str], wanted: set[str]) -> None:
        self.right += len(made & wanted)
        self.made += len(made)
        self.wanted += len(wanted)

    @property
    def precision(self) -> float:
        return self.right / max(1, self.made)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.wanted)


def tweets(data: Path) -> Iterator[Document]:
    decoder = msgspec.json.Decoder(Document)
    with gzip.open(data / "streams" / "tweets_2014-01_2015-06.jsonl.gz") as lines:
        for line in lines:
            yield decoder.decode(line)


def without_cashtags(document: Document) -> Document:
    """What is left to link by when neither the source nor the text names a ticker."""
    return replace(document, subjects=(), text=CASHTAG.sub("", document.text or ""))


def links_without_cashtags(
    linker: CatalogueLinker, documents: Iterable[Document]
) -> Iterator[tuple[Document, set[str], tuple[Subject, ...]]]:
    """(document, subjects of its tags, links of the text without them) of each document with
    one to three tags."""
    for document in documents:
        if 1 <= len(document.subjects) <= 3:
            day = replace(document, text=" ", title=None)
            wanted = {str(one.id) for one in linker.link(day)}
            yield document, wanted, linker.link(without_cashtags(document))


def by_cashtags(
    linker: CatalogueLinker, documents: list[Document], least: float = 0.0
) -> tuple[Score, list[tuple[Document, set[str], set[str]]]]:
    """(a): the score, and (document, made, wanted) of each with a link the tags do not have."""
    score, wrong = Score(), []
    for document, wanted, links in links_without_cashtags(linker, documents):
        made = {str(one.id) for one in links if one.relevance >= least}
        score.add(made, wanted)
        if made - wanted:
            wrong.append((document, made, wanted))
    return score, wrong


def listed_securities(data: Path, most: int) -> Catalogue:
    """A catalogue of the securities in `entities/`, for its size alone."""
    entries = []
    for name in ("nasdaq-listed.csv", "other-listed.csv", "constituents.csv"):
        with (data / "entities" / name).open(newline="", encoding="utf-8") as file:
            for cells in (row for row in csv.reader(file) if row[0] and row[1]):
                entries.append(
                    Entry(id=SubjectId(cells[0]), names=(cells[1],), tickers=(cells[0],))
                )
    for number in range(most - len(entries)):
        name = f"Company Number {number} Holdings"
        entries.append(Entry(id=SubjectId(f"name:{number}"), names=(name,)))
    return Catalogue(words=ordinary_words()).extended(entries[1:most])


def microseconds(work: Callable[[], object], times: int) -> float:
    """The best of five rounds, per call."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - start)
    return best / times * 1e6


def costs(data: Path, documents: list[Document]) -> dict[str, float]:
    """Microseconds per document and seconds to load, with the shipped and a large catalogue."""
    tweet = Document(
        source="tweets",
        published_at=NOON,
        subjects=("AAPL", "MSFT"),
        text="$AAPL $MSFT Small-cap stocks setting new 52-week high prices while yields fall "
        "#overvalued http://t.co/AjFmUWSoIy and then some more to read today",
    )
    start = time.process_time()
    linker = CatalogueLinker(load_catalogue())
    loading = time.process_time() - start
    sample = documents[::20]
    start = time.process_time()
    large = CatalogueLinker(listed_securities(data, 20_000))
    large_loading = time.process_time() - start
    return {
        "tweet_us": microseconds(lambda: linker.link(tweet), 5_000),
        "stream_us": microseconds(lambda: [linker.link(one) for one in sample], 1) / len(sample),
        "loading_s": loading,
        "stream_20000_us": microseconds(lambda: [large.link(one) for one in sample], 1)
        / len(sample),
        "loading_20000_s": large_loading,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("BELLWETHER_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--wrong", type=int, default=0, help="print so many links not tagged")
    arguments = parser.parse_args()
    linker = CatalogueLinker(load_catalogue())
    documents = list(tweets(arguments.data))
    score, wrong = by_cashtags(linker, documents)
    sure, _ = by_cashtags(linker, documents, least=SURE)
    print(f"precision {score.precision:.3f} recall {score.recall:.3f} {score}")
    print(f"    of relevance {SURE} or more: {sure.precision:.3f} recall {sure.recall:.3f}")
    extra = Counter(one for _, made, wanted in wrong for one in made - wanted)
    if arguments.wrong:
        print("most often not tagged:", extra.most_common(40))
        for document, made, wanted in random.Random(7).sample(wrong, arguments.wrong):
            print(sorted(made - wanted), sorted(wanted), "|", document.text)
    result = {
        "cashtag_precision": score.precision,
        "cashtag_recall": score.recall,
        "sure_precision": sure.precision,
        "sure_recall": sure.recall,
        **costs(arguments.data, documents),
    }
    rounded = {name: round(value, 4) for name, value in result.items()}
    if arguments.json:
        print(json.dumps(rounded))
    else:
        print("cost:", {name: value for name, value in rounded.items() if name.endswith("s")})


if __name__ == "__main__":
    main()
