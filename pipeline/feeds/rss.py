"""RSS, RDF, Atom and JSON Feed behind `Feed`."""

from datetime import datetime

from pipeline.feeds.feed import Feed, FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetches
from pipeline.feeds.formats import read_items
from pipeline.feeds.items import documents_of

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/rdf+xml, application/feed+json;q=0.9,"
    " application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)


class RssFeed(Feed):
    """One RSS, RDF, Atom or JSON feed."""

    def __init__(self, source: SourceConfig, fetcher: Fetches) -> None:
        self.source = source
        self._fetcher = fetcher

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """Ask conditionally; the documents of the answer. Raises `Unavailable`."""
        page = self._fetcher.fetch(
            self.source.url,
            etag=state.etag,
            last_modified=state.last_modified,
            allow_private=self.source.allow_private,
            accept=ACCEPT,
            headers=self.source.headers,
            robots=self.source.robots,
        )
        if page.unchanged:
            return Poll(documents=(), state=state, unchanged=True)
        documents, skipped = documents_of(read_items(page), page, self.source, now)
        return Poll(
            documents=documents,
            state=FeedState(etag=page.etag, last_modified=page.last_modified),
            skipped=skipped,
        )
