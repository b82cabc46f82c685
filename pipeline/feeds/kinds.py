"""The kinds of source there are, by the word the feed file uses."""

from collections.abc import Callable, Mapping

from pipeline.feeds.feed import Feed, SourceConfig
from pipeline.feeds.fetch import Fetches
from pipeline.feeds.full_text import FullText
from pipeline.feeds.page import PageFeed
from pipeline.feeds.rss import RssFeed

FEEDS: Mapping[str, Callable[[SourceConfig, Fetches], Feed]] = {"rss": RssFeed, "page": PageFeed}


def open_feed(source: SourceConfig, fetcher: Fetches) -> Feed:
    """The feed `source` describes; nothing is fetched yet."""
    feed = FEEDS[source.kind](source, fetcher)
    return FullText(feed, fetcher) if source.full_text else feed
