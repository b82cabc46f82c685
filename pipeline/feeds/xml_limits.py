"""A look at XML before a real parser reads it: no feed needs what breaks parsers.

feedparser's time grows with the square of the attributes of one tag, and other parsers have
other weak places. Expat reads a megabyte in some milliseconds and stops at the first excess.
"""

from collections.abc import Mapping
from xml.parsers import expat

from pipeline.errors import Unavailable

MAX_ATTRIBUTES = 200
MAX_DEPTH = 200
MAX_TAGS = 200_000
MAX_ENTITIES = 300


def check_xml(content: bytes) -> None:
    """Raise `Unavailable` naming the excess; broken XML passes up to where it breaks."""
    _Look().read(content)


class _Look:
    def __init__(self) -> None:
        self._depth = self._tags = self._entities = 0

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._entity
        try:
            parser.Parse(content, True)
        except expat.ExpatError:
            # Broken XML, which a forgiving parser may still read. Expat also refuses here
            # what entities blow up.
            return

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self._tags += 1
        _bounded(len(attributes), MAX_ATTRIBUTES, "attributes in one tag")
        _bounded(self._depth, MAX_DEPTH, "tags inside each other")
        _bounded(self._tags, MAX_TAGS, "tags")

    def _end(self, name: str) -> None:
        self._depth -= 1

    def _entity(self, *declaration: object) -> None:
        self._entities += 1
        _bounded(self._entities, MAX_ENTITIES, "entities")


def _bounded(count: int, most: int, what: str) -> None:
    if count > most:
        raise Unavailable(f"refused: more than {most:,} {what}, which no feed needs")
