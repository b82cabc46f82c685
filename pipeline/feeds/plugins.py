"""Kinds of source that other packages bring: entry points of the group `bellwether.feeds`.

::

    [project.entry-points."bellwether.feeds"]
    ftp = "my_package:FtpFeed"

The class is called with a `SourceConfig` and a fetcher and has a `poll`; it derives from
`pipeline.feeds.feed.Feed`. What is installed here is trusted: it runs in our processes.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from pipeline.errors import ConfigurationError
from pipeline.feeds.feed import Feed, SourceConfig
from pipeline.feeds.fetch import Fetches

GROUP = "bellwether.feeds"
Opener = Callable[[SourceConfig, Fetches], Feed]


def plugin_names() -> tuple[str, ...]:
    """The kinds that installed packages bring."""
    return tuple(sorted(entry_points(group=GROUP).names))


def plugin(name: str) -> Opener | None:
    """What opens a source of kind `name`; None when no package brings it. Raises
    `ConfigurationError` when the package cannot be loaded."""
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    return None if found is None else loaded(found)


def loaded(point: EntryPoint) -> Opener:
    """The class of an entry point. Raises `ConfigurationError`."""
    try:
        opener = point.load()
    except Exception as error:  # whatever a foreign package does on import
        raise ConfigurationError(
            f"kind {point.name!r}: {point.value} cannot be loaded: {error!r}"
        ) from error
    if not callable(opener) or not callable(getattr(opener, "poll", None)):
        raise ConfigurationError(f"kind {point.name!r}: {point.value} is no class with a poll")
    return cast(Opener, opener)
