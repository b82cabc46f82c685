"""Files of JSON lines behind `Feed`, from disk, standard input or a server."""

import json
from datetime import datetime

from pipeline.errors import Unavailable
from pipeline.feeds.decoding import decoded
from pipeline.feeds.feed import Feed, FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetches
from pipeline.feeds.items import Item, Items, documents_of
from pipeline.feeds.json_mapping import item_of, records
from pipeline.feeds.mapping_options import mapping_of
from pipeline.feeds.presets import PRESETS, recognised

# the newest lines of a file that grows; what is before them was read before
_MOST_LINES = 20_000


class JsonlFeed(Feed):
    """One file of records, a line each; a line that is none is skipped and counted.

    The mapping is the source's, else the preset the first record looks like.
    """

    def __init__(self, source: SourceConfig, fetcher: Fetches) -> None:
        self.source = source
        self._fetcher = fetcher
        self._mapping = mapping_of(source.options) if source.options else None

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """The documents of the file's last lines. Raises `Unavailable`."""
        page = self._fetcher.fetch(
            self.source.url,
            etag=state.etag,
            last_modified=state.last_modified,
            allow_private=self.source.allow_private,
            headers=self.source.headers,
            robots=self.source.robots,
        )
        if page.unchanged:
            return Poll(documents=(), state=state, unchanged=True)
        text = decoded(page.content, page.content_type)
        lines = [line for line in text.split("\n") if line.strip()]
        broken = 0
        items: list[Item] = []
        mapping = self._mapping
        for line in lines[-_MOST_LINES:]:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                broken += 1
                continue
            if mapping is None:
                mapping = PRESETS[recognised(value) or "common"]
            found = [item_of(record, mapping) for record in records(value, mapping)]
            broken += not found
            items += found
        if lines and broken == len(lines[-_MOST_LINES:]):
            raise Unavailable("no line holds a record that the mapping finds")
        documents, skipped = documents_of(
            Items(items=tuple(items)), page, self.source, now, _MOST_LINES, last_stands=True
        )
        return Poll(
            documents=documents,
            state=FeedState(etag=page.etag, last_modified=page.last_modified),
            skipped=skipped + broken,
        )
