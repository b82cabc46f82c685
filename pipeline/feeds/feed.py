"""A feed: one place documents come from, behind one method.

A source says where and how often; a `Feed` asks it once and returns what it found together
with what must be remembered for the next question. It stores nothing and knows no schedule,
so each further kind of source (pages, APIs, files) is one small class with `poll`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from pipeline.documents import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One entry of the feed file: what is asked, how often, and what it is known to be.

    `publisher_family` joins publishers under one roof, which count once where independent
    voices are counted. `tier` is 1 (authorities, agencies) to 3 (aggregators, blogs).
    `zone` is the time zone of dates that name none. `allow_private` permits addresses inside
    the operator's own network. `fastest` and `slowest` bound the pause between two polls,
    `silent_after` is how long it may not answer; `pipeline.feeds.schedule` has what holds where
    they are not said. `robots`: whether robots.txt is obeyed. `headers` go with each request to
    the host of `url`; they may hold secrets and are never shown.
    `full_text` has each new item's own page read. `options` are the keys
    that only its kind knows.
    """

    name: str
    url: str
    kind: str = "rss"
    publisher: str | None = None
    publisher_family: str | None = None
    tier: int = 2
    lang: str | None = None
    interval: timedelta = timedelta(minutes=5)
    zone: str = "UTC"
    terms: str = ""
    allow_private: bool = False
    fastest: timedelta | None = None
    slowest: timedelta | None = None
    silent_after: timedelta | None = None
    robots: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    full_text: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The `source` its documents carry, such as `rss:cnbc`."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What the source said last time, for a conditional request."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One answer: its documents in the source's order, and the state for the next question.

    `unchanged` says that the source had nothing to send again (HTTP 304). `skipped` counts
    items that hold neither title nor text.
    """

    documents: tuple[Document, ...]
    state: FeedState
    unchanged: bool = False
    skipped: int = 0


class Feed(Protocol):
    """One source that can be asked; a kind derives from this and has a `poll`."""

    source: SourceConfig

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """Ask once. Raises `Unavailable` with the reason, and `retry_after` where the source
        named one; nothing else, whatever the source sends."""

    def complete(self, documents: Sequence[Document]) -> Sequence[Document]:
        """Some of a poll's documents, those that are new, with what costs a request each.

        Same ids, same order. One that is left out had no turn: it is new again at the next
        poll. Raises nothing. Most kinds have nothing to add.
        """
        return documents
