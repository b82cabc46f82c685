"""Reading our own documents: their code blocks, links, commands and settings."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What an operator reads; generated and third-party texts are left out.
PAGES = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
)

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\(([^)\s]+)\)")
_IMAGE = re.compile(r'(?:src|srcset)="([^"]+)"')
_VARIABLE = re.compile(r"\bBELLWETHER_[A-Z0-9_]+\b")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: the words behind the fence, and its text."""

    page: str
    info: str
    text: str


def blocks(page: Path, language: str) -> list[Block]:
    """The fenced blocks of `page` in `language`, in order."""
    text = page.read_text(encoding="utf-8")
    found = [Block(page.name, info.strip(), body) for info, body in _FENCE.findall(text)]
    return [block for block in found if block.info.split()[:1] == [language]]


def links(page: Path) -> list[str]:
    """Where the page points to, in prose and in images."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [*_LINK.findall(text), *_IMAGE.findall(text)]


def variables(text: str) -> set[str]:
    """Every `BELLWETHER_…` name in `text`."""
    return set(_VARIABLE.findall(text))


def commands(page: Path) -> Iterator[list[str]]:
    """Every `bellwether …` line of the page's shell blocks and inline code, as words."""
    text = page.read_text(encoding="utf-8")
    for info, body in _FENCE.findall(text):
        if info.strip() in ("sh", "console"):
            yield from _commands_in(body.replace("\\\n", " ").splitlines())
    yield from _commands_in(_INLINE.findall(_FENCE.sub("", text)))


def _commands_in(lines: list[str]) -> Iterator[list[str]]:
    for line in lines:
        # `…` and [optional] are for people; a comment ends the command
        plain = line.removeprefix("$ ").partition(" #")[0]
        words = shlex.split(plain) if plain.count("'") % 2 == 0 else []
        while words and "=" in words[0]:
            words = words[1:]
        if words[:1] == ["bellwether"]:
            yield words[1:]
