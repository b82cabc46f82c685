"""The mapping a source of the feed file asks for: a preset, its own, or a preset changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.feeds.json_mapping import FIELDS, JsonMapping, Next
from pipeline.feeds.json_paths import is_path
from pipeline.feeds.presets import PRESETS

KEYS = ("preset", "items", "fields", "extra", "markup", "next", "pages")
_MOST_PAGES = 10


def mapping_of(options: Mapping[str, Any]) -> JsonMapping:
    """The mapping. Raises `ConfigurationError`, `key: what is wrong`."""
    unknown = next((key for key in options if key not in KEYS), None)
    if unknown is not None:
        raise ConfigurationError(f"{unknown}: unknown key; known are {', '.join(KEYS)}")
    name = options.get("preset")
    if name is not None and name not in PRESETS:
        raise ConfigurationError(f"preset: {name!r} is not one of {', '.join(PRESETS)}")
    own = _paths(options, "fields")
    wrong = next((key for key in own if key not in FIELDS), None)
    if wrong is not None:
        raise ConfigurationError(f"fields: {wrong}: is not one of {', '.join(FIELDS)}")
    if name is None and own and not {"title", "text"} & own.keys():
        raise ConfigurationError("fields: neither title nor text is given")
    mapping = PRESETS[name or "common"]
    if own and name is None:
        mapping = JsonMapping(fields=own)
    elif own:
        mapping = replace(mapping, fields={**mapping.fields, **own})
    items = options.get("items", "" if own and name is None else None)
    if items is not None:
        if not isinstance(items, str) or (items and not is_path(items)):
            raise ConfigurationError(f"items: {items!r} is no path such as data.posts")
        mapping = replace(mapping, items=items)
    if "markup" in options:
        if not isinstance(options["markup"], bool):
            raise ConfigurationError("markup: true or false")
        mapping = replace(mapping, markup=options["markup"])
    if "next" in options:
        mapping = replace(mapping, next=_next(_paths(options, "next")))
    pages = options.get("pages", mapping.pages)
    if not isinstance(pages, int) or isinstance(pages, bool) or not 1 <= pages <= _MOST_PAGES:
        raise ConfigurationError(f"pages: 1 to {_MOST_PAGES}")
    return replace(mapping, pages=pages, extra={**mapping.extra, **_paths(options, "extra")})


def _paths(options: Mapping[str, Any], key: str) -> dict[str, str]:
    value = options.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{key}: names with paths are needed, such as title: headline")
    for name, path in value.items():
        if not isinstance(path, str) or not is_path(path):
            raise ConfigurationError(f"{key}: {name}: {path!r} is no path such as user.name")
    return dict(value)


def _next(told: Mapping[str, str]) -> Next:
    if told.keys() == {"url"}:
        return Next(url=told["url"])
    if told.keys() == {"param", "cursor"}:
        return Next(param=told["param"], cursor=told["cursor"])
    raise ConfigurationError("next: url, or param and cursor")
