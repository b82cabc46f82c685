"""How well articles are read out of pages: words, titles, times and refusals of the samples.

    python -m benchmarks.extraction            # BELLWETHER_DATA, else ../shared/data

A page is described by `NAME.expected.json` beside `NAME_*.html.gz`: of its versions the one
with the page's own title is taken. F1 counts words as often as they stand; `trafilatura` is
the library's own answer on the same page.
"""

import gzip
import json
import logging
import os
import re
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import Unavailable
from pipeline.feeds.article import read_article
from pipeline.feeds.fetch import Page


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def f1(found: str, expected: str) -> float:
    ours, theirs = words(found), words(expected)
    return 2 * (ours & theirs).total() / max(1, ours.total() + theirs.total())


def body(version: dict[str, Any]) -> str:
    paragraphs = [*version["body"]["summary"]]
    for section in version["body"]["sections"]:
        paragraphs += [*section["headline"], *section["paragraphs"]]
    return "\n".join(paragraphs)


def described(page: Path) -> list[dict[str, Any]]:
    expected = page.with_name(page.name.partition("_2")[0] + ".expected.json")
    return list(json.loads(expected.read_bytes()).values()) if expected.exists() else []


def main() -> None:
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    data = Path(os.environ.get("BELLWETHER_DATA", "../shared/data"))
    pages = sorted((data / "samples" / "pages").glob("*.html*"))
    if not pages:
        sys.exit(f"no pages at {data}: set BELLWETHER_DATA to the folder that holds `samples`")
    spent = 0.0
    for path in pages:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        began = time.process_time()
        try:
            article = read_article(Page(url=f"https://{path.name}.example/", content=content))
        except Unavailable as error:
            print(f"{path.name}: {error.what}")
            continue
        finally:
            spent += time.process_time() - began
        at = "no time" if article.published_at is None else f"{article.published_at:%F %R}"
        print(f"{path.name}: {article.title!r}, {at}, {len(words(article.text))} words")
        versions = described(path)
        best = max(versions, key=lambda one: f1(article.text, body(one)), default=None)
        if best is not None and f1(article.text, body(best)) > 0.5:
            alone = trafilatura.extract(content, include_comments=False) or ""
            meant = datetime.fromisoformat(best["publishing_date"])
            off = abs((article.published_at or meant) - meant).total_seconds()
            print(
                f"    F1 {f1(article.text, body(best)):.3f}"
                f" (trafilatura alone {f1(alone, body(best)):.3f}),"
                f" title {'exact' if article.title == best['title'] else 'differs'},"
                f" {off:.0f} s off"
            )
    print(f"{1000 * spent / len(pages):.0f} ms of CPU a page")


if __name__ == "__main__":
    main()
