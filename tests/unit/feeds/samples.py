"""The sample feeds: real files that are not part of the project."""

import os
from pathlib import Path

import pytest


def sample_feed(name: str) -> bytes:
    """The sample feed `name`; the test fails where the samples are absent."""
    return (sample_folder() / name).read_bytes()


def sample_folder() -> Path:
    root = os.environ.get("BELLWETHER_DATA")
    data = Path(root) if root else Path(__file__).parents[4] / "shared" / "data"
    folder = data / "samples" / "feeds"
    if not folder.is_dir():
        pytest.fail(
            f"no sample feeds at {folder}: set BELLWETHER_DATA to the folder that holds `samples`",
            pytrace=False,
        )
    return folder
