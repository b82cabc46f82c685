"""The keys of the feed file that only one kind of source knows."""

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.feeds.listing import selectors_of
from pipeline.feeds.mapping_options import KEYS as MAPPING_KEYS
from pipeline.feeds.mapping_options import mapping_of

KINDS = ("rss", "page", "sitemap", "listing", "json", "jsonl", "kafka")
KEYS: Mapping[str, tuple[str, ...]] = {
    "json": MAPPING_KEYS,
    "jsonl": MAPPING_KEYS,
    "kafka": MAPPING_KEYS,
    "listing": ("select",),
}
# Addresses that are not fetched from the web: the operator's own files (`-` is standard
# input) and brokers.
OWN_SCHEMES: Mapping[str, tuple[str, ...]] = {"jsonl": ("file:///", "-"), "kafka": ("kafka://",)}
# a plugin's own keys stand together
PLUGIN_KEYS = ("options",)
ALL_KEYS = tuple(dict.fromkeys(key for keys in (*KEYS.values(), PLUGIN_KEYS) for key in keys))
_CHECKS: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "json": mapping_of,
    "jsonl": mapping_of,
    "kafka": mapping_of,
    "listing": selectors_of,
}


def keys_of(kind: str) -> tuple[str, ...]:
    """The keys a source of this kind may have beside those of every source."""
    return KEYS.get(kind, () if kind in KINDS else PLUGIN_KEYS)


def check_options(kind: str, options: Mapping[str, Any]) -> None:
    """Raise `ConfigurationError`, `key: what is wrong`, where they cannot work."""
    check = _CHECKS.get(kind)
    if check is not None:
        check(options)
