"""How well and how fast documents are put into stories.

    python -m benchmarks.stories [--data ../shared/data] [--json] [--joined 40]

Pairs of documents from a real stream, labelled without the code under test:

- *reposts*: documents that repost the same document within two days;
- *quotes*: a document that holds another's text after `@name:`, letter for letter;
- *strangers*: documents of one day about different companies;
- *neighbours*: of one day and company, sharing under four in ten of their words;
- *templates*: of one day, the same words about different companies, as machines post;
- *figures*: made by changing every number of a document (two hours later);
- *companies*: made by changing every ticker of a document (two hours later).

The first two are told once, the others are not. The stream is placed as the pipeline does,
with `repost_of` hidden, so that only words can tell; a pair is joined when both documents are
in one story. Then the cost of a document with a real Redis, and what is suspected of spam.
The data is not part of the project: `--data` or BELLWETHER_DATA says where it is.
"""

import argparse
import gzip
import json
import os
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec

from benchmarks.path import machine
from pipeline.catalogue import load_catalogue
from pipeline.documents import Document, DocumentId, Story, SubjectId
from pipeline.stores.memory_stories import MemoryStoryIndex
from pipeline.stores.redis_connection import connect_redis
from pipeline.stores.redis_stories import RedisStoryIndex
from pipeline.stories import STORY_SPAN, Telling, telling
from pipeline.subjects import CatalogueLinker
from workers.embedded import embedded_redis

STREAM = "tweets_2014-01_2015-06.jsonl.gz"
BURST = "2014-05-21"
BATCH = 2_000
_NOISE = re.compile(r"(?:https?://|www\.)\S*|[@$]\w+|&\w+;")
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"@\w+:\s*(.{25,})", re.DOTALL)
_NUMBER = re.compile(r"\d+")
_TICKER = re.compile(r"\$[A-Z]{1,5}\b")

Pair = tuple[DocumentId, DocumentId]


def stream(data: Path) -> list[Document]:
    decoder = msgspec.json.Decoder(Document)
    with gzip.open(data / "streams" / STREAM) as lines:
        return sorted(map(decoder.decode, lines), key=lambda one: one.published_at)


def words(document: Document) -> list[str]:
    return _WORD.findall(_NOISE.sub(" ", document.body).lower())


def letters(text: str) -> str:
    return "".join(_WORD.findall(re.sub(r"https?://\S*", " ", text).lower()))


def reposts(documents: Sequence[Document]) -> Iterator[Pair]:
    """Each repost with the one before it of the same document, or with that document."""
    latest = {one.id: one for one in documents}
    seen: dict[str, Document] = {}
    for one in documents:
        if not one.repost_of:
            continue
        before = seen.get(one.repost_of) or latest.get(DocumentId(one.repost_of))
        seen[one.repost_of] = one
        # a picture or a bare ticker has no words to be known by
        near = before and abs(one.published_at - before.published_at) <= STORY_SPAN
        if before and near and len(set(words(one))) >= 4:
            yield before.id, one.id


def quotes(documents: Sequence[Document]) -> Iterator[Pair]:
    """Each document that quotes another in full, with the latest such one."""
    by_letters: dict[str, Document] = {}
    for one in documents:
        quoted = None if one.body.startswith("RT @") else _QUOTED.search(one.body)
        if quoted:
            # the quote may be followed by a comment, so its beginning is compared
            name = letters(quoted[1])[:40]
            before = by_letters.get(name) if len(name) == 40 else None
            if before and one.published_at - before.published_at <= STORY_SPAN:
                yield before.id, one.id
        else:
            text = one.body.partition(": ")[2] if one.body.startswith("RT @") else one.body
            by_letters[letters(text)[:40]] = one


def same_day(documents: Sequence[Document], seed: int) -> dict[str, list[Pair]]:
    """Strangers, neighbours and templates among the documents of each day."""
    chance = random.Random(seed)
    days: dict[object, list[Document]] = defaultdict(list)
    for one in documents:
        if one.subjects:
            days[one.published_at.date()].append(one)
    found: dict[str, list[Pair]] = {"strangers": [], "neighbours": [], "templates": []}
    for day in days.values():
        for _ in range(20):
            one, other = chance.choice(day), chance.choice(day)
            shared = set(one.subjects) & set(other.subjects)
            if not shared:
                found["strangers"].append((one.id, other.id))
            elif one is not other and _share(one, other) < 0.4:
                found["neighbours"].append((one.id, other.id))
        told: dict[str, Document] = {}
        for one in day:
            text = " ".join(words(one))
            before = told.get(text) if text.count(" ") >= 3 else None
            if before and not set(before.subjects) & set(one.subjects):
                found["templates"].append((before.id, one.id))
            told[text] = one
    return found


def _share(one: Document, other: Document) -> float:
    first, second = set(words(one)), set(words(other))
    return len(first & second) / max(1, len(first | second))


def changed(
    documents: Sequence[Document], seed: int
) -> tuple[list[Document], dict[str, list[Pair]]]:
    """Documents made of others by changing their numbers or tickers, and the pairs."""
    chance = random.Random(seed)
    made: list[Document] = []
    pairs: dict[str, list[Pair]] = {"figures": [], "companies": []}
    sources = [one for one in documents if one.subjects and not one.repost_of]
    for kind, pattern in (("figures", _NUMBER), ("companies", _TICKER)):
        fit = [one for one in sources if pattern.search(_plain(one)) and len(set(words(one))) >= 3]
        for one in chance.sample(fit, 1_000):
            mapping: dict[str, str] = {}

            def other(match: re.Match[str], mapping: dict[str, str] = mapping) -> str:
                if match[0] not in mapping:
                    mapping[match[0]] = _another(chance, match[0])
                return mapping[match[0]]

            copy = replace(
                one,
                id=DocumentId(f"{kind}:{one.id}"),
                text=pattern.sub(other, _plain(one)),
                published_at=one.published_at + timedelta(hours=2),
                author="made",
                subjects=() if kind == "companies" else one.subjects,
            )
            made.append(copy)
            pairs[kind].append((one.id, copy.id))
    return made, pairs


def _plain(document: Document) -> str:
    return re.sub(r"https?://\S*", "", document.text or "")


def _another(chance: random.Random, old: str) -> str:
    if old[0] == "$":
        return "$" + "".join(chance.choices("BDFGKLMPQRTVXZ", k=4))
    while (new := "".join(chance.choices("123456789", k=len(old)))) == old:
        pass
    return new


def tellings(documents: Iterable[Document]) -> list[Telling]:
    linker = CatalogueLinker(load_catalogue())
    return [telling(one, [found.id for found in linker.read(one).subjects]) for one in documents]


def quality(documents: Sequence[Document], show: int) -> dict[str, object]:
    made, pairs = changed(documents, seed=1)
    pairs["reposts"] = list(reposts(documents))
    pairs["quotes"] = list(quotes(documents))
    pairs |= same_day(documents, seed=1)
    hidden = sorted(
        [replace(one, repost_of=None) for one in (*documents, *made)],
        key=lambda one: one.published_at,
    )
    placed = MemoryStoryIndex().place(tellings(hidden))
    story = {one.id: where.id for one, where in zip(hidden, placed, strict=True)}
    joined = {
        kind: sum(story[one] == story[other] for one, other in found)
        for kind, found in pairs.items()
    }
    told_once = ("reposts", "quotes")
    right = sum(joined[kind] for kind in told_once)
    wrong = sum(joined.values()) - right
    figures: dict[str, object] = {
        "pair_precision": round(right / max(1, right + wrong), 4),
        "pair_recall": round(right / max(1, sum(len(pairs[kind]) for kind in told_once)), 4),
    }
    for kind, found in pairs.items():
        figures[kind] = {"pairs": len(found), "joined": joined[kind]}
    if show:
        _show(hidden, placed, show)
    return figures


def _show(documents: Sequence[Document], placed: Sequence[Story], show: int) -> None:
    """Pairs for reading: copies that no repost says are ones, with the text they copy."""
    first: dict[str, Document] = {}
    pairs = []
    for one, where in zip(documents, placed, strict=True):
        if where.position == 0:
            first[where.id] = one
        elif not one.body.startswith("RT @"):
            pairs.append((first[where.id], one))
    for one, other in random.Random(5).sample(pairs, min(show, len(pairs))):
        print(f"= {one.body!r}\n  {other.body!r}")


def spam(documents: Sequence[Document]) -> dict[str, object]:
    placed = MemoryStoryIndex().place(tellings(documents))
    days: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    for one, where in zip(documents, placed, strict=True):
        day = one.published_at.date().isoformat()
        days[day] += 1
        marked[day] += where.suspected_spam
    return {
        "burst_day": {"documents": days[BURST], "marked": marked[BURST]},
        "other_days": {
            "documents": days.total() - days[BURST],
            "marked": marked.total() - marked[BURST],
        },
    }


def speed(documents: Sequence[Document]) -> dict[str, object]:
    """Documents a second of wording and placing, in batches, with Redis beside it."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as folder:
        server = embedded_redis(Path(folder))
        server.start()
        try:
            server.wait_ready()
            client = connect_redis(f"redis://{server.address}/0")
            index = RedisStoryIndex(client)
            empty = client.info("memory")["used_memory"]
            began, busy = time.perf_counter(), time.process_time()
            for first in range(0, len(documents), BATCH):
                batch = documents[first : first + BATCH]
                index.place([telling(one, [*map(SubjectId, one.subjects)]) for one in batch])
            took, worked = time.perf_counter() - began, time.process_time() - busy
            cpu = client.info("cpu")
            used = client.info("memory")["used_memory"] - empty
        finally:
            server.stop()
    count = len(documents)
    return {
        "documents_per_s": round(count / took),
        "process_us": round(worked / count * 1e6, 1),
        "redis_us": round((cpu["used_cpu_user"] + cpu["used_cpu_sys"]) / count * 1e6, 1),
        "redis_bytes": round(used / count),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = os.environ.get("BELLWETHER_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--joined", type=int, default=0, help="print so many joined pairs")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    arguments = parser.parse_args()
    if not (arguments.data / "streams" / STREAM).is_file():
        raise SystemExit(f"{arguments.data}: no streams/{STREAM}; say where the data is, --data")
    documents = stream(arguments.data)
    found = {
        "machine": machine(),
        **quality(documents, arguments.joined),
        **spam(documents),
        **speed(documents),
    }
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:18} {value}")


if __name__ == "__main__":
    main()
