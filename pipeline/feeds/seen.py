"""What is remembered of the items a source showed: which they were, and what they said.

Two short hashes an item, `id:words`, so that an item is news once, and an edited one is seen
to be edited. An entry without words is from before they were kept: it is taken as unedited.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from pipeline.documents import Document

# A feed shows its latest tens of items. More than these are remembered only for a feed that
# shows more.
LEAST_REMEMBERED = 1_000


def mark(document_id: str) -> str:
    """What is remembered of an id: 16 hex digits."""
    return _hash(document_id, 8)


def words(document: Document) -> str:
    """What is remembered of the words of a document: 12 hex digits. Spaces do not count."""
    return _hash(" ".join(document.body.split()), 6)


def read(seen: Iterable[str]) -> dict[str, str]:
    """The entries as mark to words, the oldest first."""
    entries = (entry.partition(":") for entry in seen)
    return {name: said for name, _, said in entries}


def written(seen: Mapping[str, str]) -> list[str]:
    """The entries as they are stored."""
    return [f"{name}:{said}" if said else name for name, said in seen.items()]


def remembered(seen: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
    """`seen` with what the source shows now as the newest; at least twice what it shows is
    kept, so that an item that leaves the feed and comes back is not news."""
    merged = {name: said for name, said in seen.items() if name not in shown} | dict(shown)
    most = max(LEAST_REMEMBERED, 2 * len(shown))
    return dict(list(merged.items())[-most:])


def edited(documents: Sequence[Document], seen: Mapping[str, str]) -> list[Document]:
    """Those that were shown before with other words."""
    return [one for one in documents if seen.get(mark(one.id)) not in (None, "", words(one))]


def _hash(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=size).hexdigest()
