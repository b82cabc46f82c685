"""robots.txt after RFC 9309: which paths of a host we may ask for, and how often.

The group that names us applies, else the one for `*`; of its rules the longest that matches,
and of two as long the one that allows. `*` and `$` are read as the RFC says, in time that
grows with the length of the path and never explodes. `Crawl-delay`, which is no part of the
RFC but means what it says, is kept too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

TOKEN = "bellwether"  # noqa: S105 - the product token of the RFC, no secret
# What has to be read; whatever comes behind it is not.
MOST_BYTES = 500 * 1024
_MOST_PATTERN = 2_000
# A host that wants less than this is asked this often: a longer pause is the source's interval.
_LONGEST_DELAY = timedelta(hours=1)
_ESCAPED = re.compile("%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: whether what matches `pattern` may be asked for."""

    allow: bool
    pattern: str

    def matches(self, path: str) -> bool:
        """Whether the path, as `normal` gives it, begins with what the pattern says."""
        pattern = self.pattern
        whole = pattern.endswith("$")
        first, *others = pattern.removesuffix("$").split("*")
        if not path.startswith(first):
            return False
        if not others:
            return not whole or path == first
        at = len(first)
        for part in others[:-1]:
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        last = others[-1]
        if whole:
            return path.endswith(last) and len(path) - len(last) >= at
        return path.find(last, at) >= 0


@dataclass(frozen=True, slots=True)
class Robots:
    """What applies to us at one host."""

    rules: tuple[Rule, ...] = ()
    delay: timedelta = timedelta(0)

    def allows(self, target: str) -> bool:
        """Whether `target`, a path with its query, may be asked for."""
        path = normal(target or "/")
        if path == "/robots.txt":
            return True
        matching = [rule for rule in self.rules if rule.matches(path)]
        best = max(matching, key=lambda rule: (len(rule.pattern), rule.allow), default=None)
        return best is None or best.allow


EVERYTHING = Robots()
NOTHING = Robots((Rule(False, "/"),))


def read(content: bytes, token: str = TOKEN) -> Robots:
    """What `content`, a robots.txt in whatever state, says to us."""
    if len(content) >= MOST_BYTES:
        # a line cut short could forbid everything
        content = content[:MOST_BYTES].rpartition(b"\n")[0]
    text = content.decode("utf-8-sig", errors="replace")
    found: dict[str, tuple[list[Rule], list[timedelta]]] = {}
    names: list[str] = []
    naming = False
    for key, value in _lines(text):
        if key == "user-agent":
            # several names in a row share the rules that follow
            names = [*names, value] if naming else [value]
            naming = True
            found.setdefault(_product(value), ([], []))
            continue
        naming = False
        for name in dict.fromkeys(map(_product, names)):
            rules, delays = found[name]
            if key in ("allow", "disallow") and value and len(value) <= _MOST_PATTERN:
                rules.append(Rule(key == "allow", normal(value)))
            elif key == "crawl-delay":
                delays += _delay(value)
    rules, delays = found.get(token) or found.get("*") or ([], [])
    return Robots(tuple(rules), max(delays, default=timedelta(0)))


def normal(path: str) -> str:
    """The path with what need not be escaped unescaped, and the rest escaped, in capitals."""

    def replaced(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()

    plain = _ESCAPED.sub(replaced, path)
    if plain.isascii():
        return plain
    return "".join(
        one if one.isascii() else "".join(f"%{byte:02X}" for byte in one.encode(errors="replace"))
        for one in plain
    )


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.replace("\r", "\n").split("\n"):
        key, separator, value = line.partition("#")[0].partition(":")
        if separator:
            yield key.strip().lower(), value.strip()


def _product(name: str) -> str:
    # `Bellwether/0.1` means us too
    return name.partition("/")[0].strip().lower()


def _delay(value: str) -> list[timedelta]:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value):
        return []
    return [min(timedelta(seconds=float(value)), _LONGEST_DELAY)]
