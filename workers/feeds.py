"""Trying sources without storing or sending anything, for `bellwether feeds`."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.documents import Document
from pipeline.errors import ConfigurationError, Unavailable
from pipeline.feeds.feed import FeedState, SourceConfig
from pipeline.feeds.fetch import Fetcher, Fetches, Limits, agent
from pipeline.feeds.guess import guess_kind
from pipeline.feeds.kinds import FEEDS, open_feed
from pipeline.feeds.plugins import Opener, plugin_names
from workers.local_pages import Fetched, Local, local_path

# two of one host at most are asked at once, so this many find hosts of their own
_AT_ONCE = 16
# somebody waits for the answer, and sources of one host take turns
_PATIENT = Limits(patience=timedelta(minutes=2))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    """What one source would give now; `error` is one line, None when it works."""

    source: SourceConfig
    documents: tuple[Document, ...] = ()
    skipped: int = 0
    error: str | None = None
    seconds: float = 0.0

    @property
    def newest(self) -> datetime | None:
        """The publication time of its newest item."""
        return max((document.published_at for document in self.documents), default=None)

    @property
    def titles(self) -> list[str]:
        """What its three newest say, in a line each."""
        newest = sorted(self.documents, key=lambda one: one.published_at, reverse=True)
        return [" ".join((one.title or one.body).split())[:120] for one in newest[:3]]


def preview(
    url: str,
    *,
    kind: str | None = None,
    allow_private: bool = False,
    full_text: bool = False,
    contact: str | None = None,
    fetcher: Fetches | None = None,
) -> tuple[Document, ...]:
    """The documents a source at `url` would give now, in its order.

    `url` may be a file's path or a `file` URL: it is the operator's own. The kind is guessed
    from the answer when it is not given. Each document is a `documents` v1 record
    (`pipeline.wire.DOCUMENTS.encode`). Raises `Unavailable` with the reason,
    `ConfigurationError` for an unknown kind.
    """
    if kind is not None and kind not in FEEDS and kind not in plugin_names():
        known = ", ".join((*FEEDS, *plugin_names()))
        raise ConfigurationError(f"no kind of source {kind!r}: {known}")
    shared: Fetches = fetcher or Fetcher(agent=agent(contact))
    path = None if url == "-" else local_path(url)
    if path is not None:
        url = path.resolve().as_uri()
    if path is not None or url == "-":
        shared = Local(shared)
    options: Mapping[str, Any] = {}
    if kind is None:
        page = shared.fetch(url, allow_private=allow_private, robots=False)
        kind, options = guess_kind(page)
        shared = Fetched(url, page, shared)
    source = SourceConfig(
        name=_name(url),
        kind=kind,
        url=url,
        allow_private=allow_private,
        full_text=full_text,
        options=options,
        # a person asks, once: robots.txt is for those who come again by themselves
        robots=False,
    )
    feed = open_feed(source, shared)
    return tuple(feed.complete(feed.poll(FeedState(), datetime.now(UTC)).documents))


def _name(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or Path(parts.path).name or "preview")[:80]
    except ValueError:
        return "preview"


def check(
    sources: Sequence[SourceConfig],
    *,
    contact: str | None = None,
    fetcher: Fetches | None = None,
    kinds: Mapping[str, Opener] = FEEDS,
) -> list[SourceCheck]:
    """Each source asked once, several at a time, in the given order; raises nothing."""
    shared: Fetches = Local(fetcher or Fetcher(_PATIENT, agent=agent(contact)))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda source: _checked(source, shared, kinds), sources))


def _checked(source: SourceConfig, fetcher: Fetches, kinds: Mapping[str, Opener]) -> SourceCheck:
    began = time.monotonic()
    try:
        poll = open_feed(source, fetcher, kinds).poll(FeedState(), datetime.now(UTC))
    except Exception as error:  # one source, whatever it sends, is not the others
        reason = error.what if isinstance(error, Unavailable) else repr(error)
        return SourceCheck(source=source, error=reason, seconds=round(time.monotonic() - began, 3))
    return SourceCheck(
        source=source,
        documents=poll.documents,
        skipped=poll.skipped,
        seconds=round(time.monotonic() - began, 3),
    )
