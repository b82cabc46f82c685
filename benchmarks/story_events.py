"""Two texts about one event, in other words: how well the classifier's story vectors tell.

    python -m benchmarks.story_events [--data ../shared/data] [--model shipped] [--json] [--read 40]

Pairs of a real stream, labelled without the vectors:

- *same*: two documents within two days that share a company and lead to one article, and are no
  copies of each other;
- *other*: two documents that share a company, lead to different articles and are three to thirty
  days apart, and are no copies either.

For each share of signs that may differ: how many of the *same* pairs are joined, how many of the
*other* pairs, and how many of the links joined would be right if of a hundred pairs compared one
is of one event. `--read` prints pairs within two days that the set threshold joins, to be judged.
The data is not part of the project: `--data` or BELLWETHER_DATA says where it is.
"""

import argparse
import json
import os
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.stories import stream
from models.load import load_classifier
from pipeline.copies import figures_differ, is_copy, wording
from pipeline.documents import Document, DocumentId
from pipeline.ports import ClassifierInput, EmbeddingClassifier
from pipeline.stories import MOST_SIGNS_DIFFER, STORY_SPAN

Pair = tuple[Document, Document]

_LINK = re.compile(r"https?://\S*")
# An article has a few tellers; an address with more is a page of offers.
_MOST_TELLERS = 8
_MOST_PAIRS = 1_500
_LEAST_WORDS = 5
SHARES = (0.08, 0.1, 0.12, 0.15, 0.18, 0.2, 0.22, 0.25, 0.28, 0.3, 0.35)
_RARE = 0.01


def told(documents: Sequence[Document]) -> dict[str, list[Document]]:
    """The documents that lead to each article, those that pass others on left out."""
    found: dict[str, list[Document]] = defaultdict(list)
    for one in documents:
        links = one.extra.get("links")
        text = _LINK.sub(" ", one.text or "")
        if one.repost_of or not isinstance(links, list) or len(links) != 1:
            continue
        parts = urlsplit(str(links[0]))
        long_enough = len(re.findall(r"[^\W\d_]{2,}", text)) >= _LEAST_WORDS
        if len(parts.path) > 3 and long_enough and 1 <= len(one.subjects) <= 3:
            found[str(links[0])].append(one)
    return {
        link: some
        for link, some in found.items()
        if len(some) <= _MOST_TELLERS
        and abs(some[-1].published_at - some[0].published_at) <= STORY_SPAN
    }


def pairs(documents: Sequence[Document], seed: int = 4) -> dict[str, list[Pair]]:
    articles = told(documents)
    same = [pair for some in articles.values() for pair in combinations(some, 2) if _fits(*pair)]
    chance = random.Random(seed)
    by_company: dict[str, list[tuple[str, Document]]] = defaultdict(list)
    for link, some in articles.items():
        for one in some[:1]:
            by_company[one.subjects[0]].append((link, one))
    other: list[Pair] = []
    companies = [some for some in by_company.values() if len(some) > 10]
    while len(other) < _MOST_PAIRS:
        (_, one), (_, another) = chance.sample(chance.choice(companies), 2)
        apart = abs(one.published_at - another.published_at)
        if timedelta(days=3) <= apart <= timedelta(days=30) and _fits(one, another):
            other.append((one, another))
    return {"same": chance.sample(same, min(_MOST_PAIRS, len(same))), "other": other}


def _fits(one: Document, other: Document) -> bool:
    return bool(set(one.subjects) & set(other.subjects)) and not is_copy(
        wording(one, one.subjects), wording(other, other.subjects)
    )


def vectors(model: str, documents: Sequence[Document]) -> dict[DocumentId, int]:
    """The signs of each document's story vector, and how many there are, as one number."""
    classifier = load_classifier(model)
    if not isinstance(classifier, EmbeddingClassifier):
        raise SystemExit(f"{model}: gives no embeddings")
    inputs = [
        # an address that both give must not tell
        ClassifierInput(title="", text=_LINK.sub(" ", one.text or ""), lang="en", mentions={})
        for one in documents
    ]
    answers = classifier.answers(inputs)
    return {
        one.id: int.from_bytes(b"\1" + answer.embedding, "big")
        for one, answer in zip(documents, answers, strict=True)
        if answer.embedding
    }


def differing(one: int, other: int) -> float:
    """The share of signs that differ."""
    return (one ^ other).bit_count() / (one.bit_length() - 1)


def shares_joined(signs: dict[DocumentId, int], found: Sequence[Pair]) -> list[float]:
    """Of each pair the share of signs that differ; all of them where the figures do."""
    return [
        1.0
        if figures_differ(wording(one), wording(other))
        else differing(signs[one.id], signs[other.id])
        for one, other in found
    ]


def near(documents: Sequence[Document], seed: int = 9) -> Iterator[Pair]:
    """Pairs about one company within two days, which lead to different articles."""
    chance = random.Random(seed)
    firsts = [(link, some[0]) for link, some in told(documents).items()]
    by_company: dict[str, list[tuple[str, Document]]] = defaultdict(list)
    for link, one in firsts:
        by_company[one.subjects[0]].append((link, one))
    found = [
        (one, other)
        for some in by_company.values()
        for at, (_, one) in enumerate(some)
        for _, other in some[at + 1 : at + 17]
        if abs(one.published_at - other.published_at) <= STORY_SPAN and _fits(one, other)
    ]
    yield from chance.sample(found, min(4_000, len(found)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = os.environ.get("BELLWETHER_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--read", type=int, default=0, help="print so many pairs joined, to judge")
    arguments = parser.parse_args()
    documents = stream(arguments.data)
    found = {**pairs(documents), "near": list(near(documents))}
    wanted = {one.id: one for some in found.values() for pair in some for one in pair}
    signs = vectors(arguments.model, list(wanted.values()))
    shares = {kind: shares_joined(signs, some) for kind, some in found.items()}
    rows = []
    for most in SHARES:
        joined = {
            kind: sum(share <= most for share in some) / len(some) for kind, some in shares.items()
        }
        right = _RARE * joined["same"]
        wrong = (1 - _RARE) * joined["other"]
        rows.append({"differ": most, **joined, "precision": right / max(1e-9, right + wrong)})
    for row in rows:
        rounded = {name: round(value, 4) for name, value in row.items()}
        mark = "  <- set" if row["differ"] == MOST_SIGNS_DIFFER else ""
        print(json.dumps(rounded) if arguments.json else f"{rounded}{mark}")
    print({kind: len(some) for kind, some in found.items()})
    if arguments.read:
        joined_near = [
            pair
            for pair, share in zip(found["near"], shares["near"], strict=True)
            if share <= MOST_SIGNS_DIFFER
        ]
        chance = random.Random(2)
        for one, other in chance.sample(joined_near, min(arguments.read, len(joined_near))):
            print(f"= {one.text!r}\n  {other.text!r}")


if __name__ == "__main__":
    main()
