"""The kinds of source there are, by the word the feed file uses."""

from collections.abc import Callable, Mapping

from pipeline.feeds.feed import Feed, SourceConfig
from pipeline.feeds.fetch import Fetcher
from pipeline.feeds.rss import RssFeed

FEEDS: Mapping[str, Callable[[SourceConfig, Fetcher], Feed]] = {"rss": RssFeed}


def open_feed(source: SourceConfig, fetcher: Fetcher) -> Feed:
    """The feed `source` describes; nothing is fetched yet."""
    return FEEDS[source.kind](source, fetcher)
