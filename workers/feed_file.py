"""The configured feed file, the one place where secrets of its headers meet the environment."""

import os
from pathlib import Path

from pipeline.feeds.config import FeedFile, read_feeds
from workers.settings import Settings


def feed_file(settings: Settings) -> FeedFile:
    """What `BELLWETHER_FEEDS` names. Raises `ConfigurationError`, `file:line: what is wrong`."""
    return read_feeds(Path(settings.feeds), os.environ.get)
