"""Which state of a document counts, when it was classified more than once or was edited.

Of everything known about one document the **newest** counts, and only that:

1. the highest `version` of the text: an edited document is newer than what it said before,
   whatever is classified later;
2. of that, the classification made last, by the broker's time of its `classified` record: a
   newer model, a longer catalogue of subjects, or the model an operator went back to;
3. of two made in the same millisecond, the one whose model has the higher checksum.

This is a total order that Redis and SQL compute alike from the record alone, so both end with
the same one in whatever order, and however often, the records come. Model versions are content
hashes: they have no order of their own, hence the time.
"""

import struct
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from pipeline.documents import EARLIEST, ClassifiedDocument, DocumentId

# What 16 bytes hold; of two the greater is the newer. Byte order is the order of the parts.
_PARTS = struct.Struct(">IQI")
_MICROSECOND = timedelta(microseconds=1)
OLDEST = bytes(_PARTS.size)


def edition(text_version: int, classified_at: datetime | None, model_version: str) -> bytes:
    """16 bytes, comparable; a classification of unknown time is older than any other."""
    at = 0 if classified_at is None else (classified_at - EARLIEST) // _MICROSECOND
    return _PARTS.pack(text_version, max(0, at), zlib.crc32(model_version.encode()))


def edition_of(classified: ClassifiedDocument) -> bytes:
    """The edition of one `classified` record."""
    return edition(
        classified.document.version,
        classified.classified_at,
        classified.classification.model_version,
    )


def newest_of(batch: Iterable[ClassifiedDocument]) -> dict[DocumentId, ClassifiedDocument]:
    """The newest edition of each document; of equal ones the first."""
    newest: dict[DocumentId, ClassifiedDocument] = {}
    for one in batch:
        held = newest.setdefault(one.id, one)
        if held is not one and edition_of(one) > edition_of(held):
            newest[one.id] = one
    return newest
