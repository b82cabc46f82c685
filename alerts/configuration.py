"""Strict YAML: every value knows its line, every mistake is one `file:line: what` message.

Nothing is guessed: unknown keys, keys given twice, wrong types, values out of range and YAML
tags are all refused, because a rule that is silently not what it says costs money.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import NoReturn

import yaml

from pipeline.errors import ConfigurationError

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TRUTH = {"true": True, "false": False}
_YAML = "tag:yaml.org,2002:"
_NULL = f"{_YAML}null"
_PLAIN = frozenset("str int float bool null timestamp map seq merge value".split())


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of the file with its place; the methods check and convert it."""

    node: yaml.Node
    file: str
    name: str
    key: yaml.Node | None = None
    """What it is called by in the file: its key in a mapping."""

    def wrong(self, what: str) -> NoReturn:
        """Raise `ConfigurationError` for this value, naming file, line and key."""
        raise ConfigurationError(
            f"{self.file}:{self.node.start_mark.line + 1}: {self.name}: {what}"
        )

    def misnamed(self, what: str) -> NoReturn:
        """The same of what it is called by: where its value begins on a later line, there is
        nothing wrong."""
        replace(self, node=self.key or self.node).wrong(what)

    def mapping(self, allowed: tuple[str, ...], required: tuple[str, ...] = ()) -> "Section":
        """The value as a mapping with no key but the allowed ones."""
        values = {}
        for key, value in self.items():
            if key not in allowed:
                near = get_close_matches(key, allowed, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(allowed)}"
                value.misnamed(f"unknown key, {hint}")
            values[key] = value
        for key in required:
            if key not in values:
                self.wrong(f"{key} is missing")
        return Section(values)

    def items(self) -> Iterator[tuple[str, "Setting"]]:
        """The pairs of a mapping with keys of any name."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong("a mapping is needed")
        seen: set[str] = set()
        for key_node, value_node in self.node.value:
            key = Setting(key_node, self.file, self.name).text()
            name = f"{self.name}.{key}" if self.name else key
            found = Setting(value_node, self.file, name, key_node)
            if key in seen:
                found.misnamed("given twice")
            seen.add(key)
            yield key, found

    def sequence(self) -> list["Setting"]:
        """The items of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.wrong("a list is needed")
        return [
            Setting(node, self.file, f"{self.name}[{index}]")
            for index, node in enumerate(self.node.value)
        ]

    def text(self) -> str:
        """A non-empty string; numbers and dates are taken as they are written."""
        if not isinstance(self.node, yaml.ScalarNode) or self.node.tag == _NULL:
            self.wrong("a text is needed")
        if not self.node.value.strip():
            self.wrong("must not be empty")
        return str(self.node.value)

    def one_of(self, allowed: tuple[str, ...]) -> str:
        """One of the given words."""
        value = self.text()
        if value not in allowed:
            self.wrong(f"{value!r} is not one of {', '.join(allowed)}")
        return value

    def texts(self) -> tuple[str, ...]:
        """One text, or a list of at least one."""
        return tuple(item.text() for item in self._some())

    def number(self, least: float, most: float) -> float:
        """A number from `least` to `most`."""
        written = self.text()
        try:
            value = float(written)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            self.wrong(f"{written!r}: a number from {least:g} to {most:g} is needed")
        return value

    def whole(self, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        value = self.number(least, most)
        if value != int(value):
            self.wrong(f"{value:g}: a whole number is needed")
        return int(value)

    def wholes(self, least: int, most: int) -> tuple[int, ...]:
        """One whole number, or a list of at least one."""
        return tuple(item.whole(least, most) for item in self._some())

    def _some(self) -> list["Setting"]:
        if not isinstance(self.node, yaml.SequenceNode):
            return [self]
        if not self.node.value:
            self.wrong("an empty list names nothing: leave the key out, or name one")
        return self.sequence()

    def truth(self) -> bool:
        """`true` or `false`."""
        return _TRUTH[self.one_of(tuple(_TRUTH))]

    def duration(self, least: timedelta, most: timedelta) -> timedelta:
        """A time span such as `30s`, `10m`, `6h`, `1d`; 0 needs a unit too."""
        written = self.text()
        match = _DURATION.match(written)
        if match is None:
            self.wrong(f"{written!r}: a time span such as 30s, 10m, 6h or 1d is needed")
        try:
            value = timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
        except OverflowError:
            value = timedelta.max
        if not least <= value <= most:
            self.wrong(f"{written!r}: must be from {_span(least)} to {_span(most)}")
        return value


@dataclass(frozen=True, slots=True)
class Section:
    """The checked keys of one mapping."""

    values: Mapping[str, Setting]

    def __getitem__(self, key: str) -> Setting:
        return self.values[key]

    def get(self, key: str) -> Setting | None:
        """The value of an optional key."""
        return self.values.get(key)


def read_yaml(text: str, file: str) -> Setting:
    """The root value of one YAML document; `file` is the name to show in errors."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{file}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file}:1: not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file}:1: nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{file}:1: not YAML: {error}") from error
    if root is None:
        raise ConfigurationError(f"{file}:1: the file is empty")
    _refuse_tags(root, file)
    return Setting(root, file, "")


def _refuse_tags(root: yaml.Node, file: str) -> None:
    """Raise `ConfigurationError` for a value that is tagged to be something else."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.tag.rpartition(":")[2] not in _PLAIN or not node.tag.startswith(_YAML):
            line = node.start_mark.line + 1
            raise ConfigurationError(f"{file}:{line}: the tag {node.tag!r} is not known here")
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            waiting.extend(one for pair in node.value for one in pair)


def _span(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:g}{unit}"
    return f"{seconds:g}s"
