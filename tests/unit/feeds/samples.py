"""The sample feeds, pages and posts: real files that are not part of the project."""

import gzip
import json
import os
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest


def sample_feed(name: str) -> bytes:
    """The sample feed `name`; the test fails where the samples are absent."""
    return (sample_folder("feeds") / name).read_bytes()


def sample_page(name: str) -> bytes:
    """The sample page `name`, decompressed; the test fails where the samples are absent."""
    content = (sample_folder("pages") / name).read_bytes()
    return gzip.decompress(content) if name.endswith(".gz") else content


def sample_post(name: str) -> bytes:
    """The sample API answer `name`; the test fails where the samples are absent."""
    return (sample_folder("posts") / name).read_bytes()


def expected_article(name: str, version: str) -> tuple[str, str, datetime]:
    """Title, text and time that `name`.expected.json gives for a page."""
    article: Any = json.loads((sample_folder("pages") / name).read_bytes())[version]
    paragraphs = [*article["body"]["summary"]]
    for section in article["body"]["sections"]:
        paragraphs += [*section["headline"], *section["paragraphs"]]
    at = datetime.fromisoformat(article["publishing_date"])
    return article["title"], "\n".join(paragraphs), at


def token_f1(one: str, other: str) -> float:
    """2 PR / (P + R) of the words of two texts, each as often as it stands."""
    counts = [Counter(re.findall(r"\w+", text.lower())) for text in (one, other)]
    same = (counts[0] & counts[1]).total()
    return 2 * same / max(1, counts[0].total() + counts[1].total())


def sample_folder(name: str) -> Path:
    root = os.environ.get("BELLWETHER_DATA")
    data = Path(root) if root else Path(__file__).parents[4] / "shared" / "data"
    folder = data / "samples" / name
    if not folder.is_dir():
        pytest.fail(
            f"no samples at {folder}: set BELLWETHER_DATA to the folder that holds `samples`",
            pytrace=False,
        )
    return folder
