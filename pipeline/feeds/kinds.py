"""The kinds of source there are, by the word the feed file uses."""

from collections.abc import Mapping

from pipeline.errors import ConfigurationError
from pipeline.feeds.feed import Feed, SourceConfig
from pipeline.feeds.fetch import Fetches
from pipeline.feeds.full_text import FullText
from pipeline.feeds.json_feed import JsonFeed
from pipeline.feeds.jsonl import JsonlFeed
from pipeline.feeds.listing import ListingFeed
from pipeline.feeds.page import PageFeed
from pipeline.feeds.plugins import Opener, plugin, plugin_names
from pipeline.feeds.rss import RssFeed
from pipeline.feeds.sitemap import SitemapFeed

FEEDS: Mapping[str, Opener] = {
    "rss": RssFeed,
    "page": PageFeed,
    "sitemap": SitemapFeed,
    "listing": ListingFeed,
    "json": JsonFeed,
    "jsonl": JsonlFeed,
}


def open_feed(source: SourceConfig, fetcher: Fetches, feeds: Mapping[str, Opener] = FEEDS) -> Feed:
    """The feed `source` describes; nothing is fetched yet. Raises `ConfigurationError` for a
    kind that is neither in `feeds` nor a plugin's, and where its options do not fit it."""
    opener = feeds.get(source.kind) or plugin(source.kind)
    if opener is None:
        known = ", ".join((*feeds, *plugin_names()))
        raise ConfigurationError(f"no kind of source {source.kind!r}: {known}")
    feed = opener(source, fetcher)
    return FullText(feed, fetcher) if source.full_text else feed
