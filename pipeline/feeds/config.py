"""The feed file: strict YAML to sources, every error with its line.

::

    contact: ops@example.com        # optional, told to every server we ask
    feeds:
      - name: fed-press             # unique; documents carry the source `rss:fed-press`
        url: https://www.federalreserve.gov/feeds/press_all.xml
        publisher: Federal Reserve
        publisher_family: Federal Reserve   # optional, else the publisher
        tier: 1                     # 1 authorities and agencies … 3 aggregators and blogs
        lang: en
        interval: 5m                # 10s to 7d; how often at first
        fastest: 2m                 # optional, how often while news comes; half the interval
        slowest: 20m                # optional, how often while none does; four intervals
        silent_after: 6h            # optional, when no answer is worth an alert
        zone: America/New_York      # optional, of dates that name none; else UTC
        terms: public domain        # what the publisher permits
        allow_private: false        # true: may lie in the operator's own network
        robots: obey                # ignore: where the publisher has agreed to be asked
        headers:                    # optional, see pipeline.feeds.secrets
          Authorization: Bearer ${NEWS_TOKEN}
        full_text: false            # true: read each new item's own page
        enabled: true

A misspelt key, a name twice, a URL of another scheme: each is an error, never ignored.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from pipeline.errors import ConfigurationError, Unavailable
from pipeline.feeds.feed import SourceConfig
from pipeline.feeds.fetch import web_url
from pipeline.feeds.kind_options import ALL_KEYS, KINDS, OWN_SCHEMES, check_options, keys_of
from pipeline.feeds.plugins import plugin_names
from pipeline.feeds.presets import PRESETS
from pipeline.feeds.press_presets import PRESS_PRESETS
from pipeline.feeds.secrets import Lookup, WrongHeader, header, nothing

_KEYS = (
    "name", "kind", "url", "publisher", "publisher_family", "tier", "lang", "interval", "zone",
    "fastest", "slowest", "silent_after", "terms", "allow_private", "robots", "headers",
    "full_text", "enabled", *ALL_KEYS,
)  # fmt: skip
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_LANG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_CONTACT = re.compile(r"[\x21-\x7e]{3,200}")
_INTERVAL = re.compile(r"(\d{1,7})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHORTEST, _LONGEST = timedelta(seconds=10), timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    """The enabled sources in the file's order, and who may be written to about them."""

    sources: tuple[SourceConfig, ...]
    contact: str | None = None


def read_feeds(path: Path, variable: Lookup = nothing) -> FeedFile:
    """The feed file at `path`; `variable` looks into the environment, for secrets in headers.

    Raises `ConfigurationError`, `file:line: what is wrong`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read: {error.strerror}; BELLWETHER_FEEDS names the feed file"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 at byte {error.start}") from error
    return parse_feeds(text, str(path), variable)


def parse_feeds(text: str, name: str = "feeds.yaml", variable: Lookup = nothing) -> FeedFile:
    """The sources in `text`; `name` stands in errors. Raises `ConfigurationError`."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise ConfigurationError(f"{name}:{line}: {error.problem or 'not YAML'}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigurationError(f"{name}: not YAML: {' '.join(str(error).split())}") from error
    return _File(name, variable).read(root)


class _File:
    """Reads the nodes of one file, so that errors know its name."""

    def __init__(self, name: str, variable: Lookup) -> None:
        self._name = name
        self._variable = variable

    def read(self, root: Any) -> FeedFile:
        top = self._mapping(root, ("contact", "feeds"), "the file")
        contact = None
        if "contact" in top:
            contact = self._string(top["contact"], "contact")
            if not _CONTACT.fullmatch(contact):
                raise self._error(top["contact"], "contact: an address without spaces is needed")
        feeds = top.get("feeds")
        if not isinstance(feeds, yaml.SequenceNode):
            raise self._error(feeds or root, "feeds: a list is needed")
        sources: list[SourceConfig] = []
        lines: dict[str, int] = {}
        for node in feeds.value:
            source, enabled = self._source(node)
            if source.name in lines:
                raise self._error(
                    node, f"name: {source.name!r} is taken by the feed in line {lines[source.name]}"
                )
            lines[source.name] = node.start_mark.line + 1
            if enabled:
                sources.append(source)
        return FeedFile(sources=tuple(sources), contact=contact)

    def _source(self, node: Any) -> tuple[SourceConfig, bool]:
        entry = self._filled(self._mapping(node, _KEYS, "a feed"))
        for needed in ("name", "url"):
            if needed not in entry:
                raise self._error(node, f"{needed}: is missing")
        texts = {
            key: self._string(entry[key], key)
            for key in ("name", "kind", "url", "publisher", "publisher_family", "lang", "terms")
            if key in entry
        }
        if not _NAME.fullmatch(texts["name"]):
            raise self._error(
                entry["name"], f"name: {texts['name']!r}: lower-case letters, digits and .-_ only"
            )
        kind = texts.get("kind", "rss")
        if kind not in KINDS and kind not in plugin_names():
            known = ", ".join((*KINDS, *plugin_names()))
            raise self._error(entry["kind"], f"kind: {kind!r} is not one of {known}")
        if "lang" in texts and not _LANG.fullmatch(texts["lang"]):
            raise self._error(entry["lang"], f"lang: {texts['lang']!r} is not a tag such as en, zh")
        self._check_url(entry["url"], texts["url"], kind)
        readers: dict[str, Callable[[Any], Any]] = {
            "tier": self._tier,
            "zone": self._zone,
            "robots": self._robots,
            "headers": self._headers,
            **{
                key: partial(self._interval, key=key)
                for key in ("interval", "fastest", "slowest", "silent_after")
            },
        }
        values: dict[str, Any] = {
            **{str(key): text for key, text in texts.items()},
            **{key: reader(entry[key]) for key, reader in readers.items() if key in entry},
        }
        for key in ("allow_private", "full_text"):
            if key in entry:
                values[key] = self._bool(entry[key], key)
        values["options"] = self._options(entry, kind)
        enabled = "enabled" not in entry or self._bool(entry["enabled"], "enabled")
        source = SourceConfig(**values)
        fastest, slowest = source.fastest, source.slowest
        if fastest is not None and fastest > source.interval:
            raise self._error(entry["fastest"], "fastest: is longer than the interval")
        if slowest is not None and slowest < source.interval:
            raise self._error(entry["slowest"], "slowest: is shorter than the interval")
        return source, enabled

    def _filled(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The entry with what its preset says, where that is more than a mapping."""
        node = entry.get("preset")
        if node is None:
            return entry
        name = self._string(node, "preset")
        if name in PRESETS:
            return {"kind": yaml.ScalarNode(node.tag, "json", node.start_mark), **entry}
        if name not in PRESS_PRESETS:
            known = ", ".join((*PRESS_PRESETS, *PRESETS))
            raise self._error(node, f"preset: {name!r} is not one of {known}")
        told = self._mapping(yaml.compose(yaml.safe_dump(dict(PRESS_PRESETS[name]))), _KEYS, name)
        return {**told, **{key: value for key, value in entry.items() if key != "preset"}}

    def _options(self, entry: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
        """The keys that only this kind knows, as plain values."""
        given = [key for key in ALL_KEYS if key in entry]
        foreign = next((key for key in given if key not in keys_of(kind)), None)
        if foreign is not None:
            raise self._error(entry[foreign], f"{foreign}: is no key of the kind {kind}")
        options = {key: self._plain(entry[key]) for key in given}
        try:
            check_options(kind, options)
        except ConfigurationError as error:
            key = str(error).partition(":")[0]
            raise self._error(entry.get(key, entry["name"]), str(error)) from error
        return options.get("options", {}) if kind not in KINDS else options

    def _plain(self, node: Any) -> Any:
        # SafeConstructor builds nothing but plain values
        return yaml.SafeLoader("").construct_object(node, deep=True)

    def _check_url(self, node: Any, text: str, kind: str) -> None:
        if kind in OWN_SCHEMES and text.startswith(OWN_SCHEMES[kind]):
            return
        try:
            url = web_url(text)
        except Unavailable as error:
            raise self._error(node, f"url: {error.what}") from error
        if url.userinfo:
            raise self._error(node, "url: holds a user or password; secrets have no place here")

    def _tier(self, node: Any) -> int:
        if node.tag != "tag:yaml.org,2002:int" or node.value not in ("1", "2", "3"):
            raise self._error(node, "tier: 1, 2 or 3")
        return int(node.value)

    def _interval(self, node: Any, key: str) -> timedelta:
        text = self._string(node, key)
        match = _INTERVAL.fullmatch(text)
        interval = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
        if not _SHORTEST <= interval <= _LONGEST:
            raise self._error(node, f"{key}: {text!r} is not 10s to 7d, such as 30s, 5m, 2h, 1d")
        return interval

    def _robots(self, node: Any) -> bool:
        text = self._string(node, "robots")
        if text not in ("obey", "ignore"):
            raise self._error(node, f"robots: {text!r} is not obey or ignore")
        return text == "obey"

    def _headers(self, node: Any) -> dict[str, str]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, "headers: names with values are needed")
        found: dict[str, str] = {}
        for key, value in node.value:
            try:
                name, said = header(
                    str(key.value), self._string(value, f"headers: {key.value}"), self._variable
                )
            except WrongHeader as error:
                raise self._error(key, f"headers: {error}") from error
            if name.lower() in map(str.lower, found):
                raise self._error(key, f"headers: {name} is given twice")
            found[name] = said
        return found

    def _zone(self, node: Any) -> str:
        text = self._string(node, "zone")
        try:
            ZoneInfo(text)
        except (OSError, ValueError, ZoneInfoNotFoundError) as error:
            raise self._error(
                node, f"zone: {text!r} is not a zone such as Asia/Shanghai"
            ) from error
        return text

    def _bool(self, node: Any, key: str) -> bool:
        if getattr(node, "tag", "") != "tag:yaml.org,2002:bool":
            raise self._error(node, f"{key}: true or false")
        return str(node.value).lower() in ("true", "yes", "on")

    def _string(self, node: Any, key: str) -> str:
        # YAML reads `no` as a boolean and 1.0 as a number; unquoted names must not suffer
        text = node.value.strip() if isinstance(node, yaml.ScalarNode) else ""
        if not text or node.tag == "tag:yaml.org,2002:null":
            raise self._error(node, f"{key}: one line of text is needed")
        return text

    def _mapping(self, node: Any, allowed: tuple[str, ...], what: str) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{what} must be keys with values: {', '.join(allowed)}")
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)[:100]
            if name not in allowed:
                near = difflib.get_close_matches(name, allowed, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(allowed)}"
                raise self._error(key, f"{name}: unknown key; {hint}")
            if name in found:
                raise self._error(key, f"{name}: is given twice")
            found[name] = value
        return found

    def _error(self, node: Any, text: str) -> ConfigurationError:
        line = node.start_mark.line + 1 if node is not None else 1
        return ConfigurationError(f"{self._name}:{line}: {text}")
