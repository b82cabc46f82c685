"""Minutes counted from 1970, and what is counted in one: two counts in one number."""

from datetime import UTC, datetime

from pipeline import buckets
from pipeline.trends import Bucket

# Both counts of a bucket share one integer, so that a window is one sum: novel documents
# above, novel negative documents in the lower half.
HALF = 32
LOWER = (1 << HALF) - 1
MINUTES_A_DAY = 24 * 60


def packed(documents: int, negatives: int) -> int:
    """Both counts as one addable number."""
    return documents << HALF | negatives


def unpacked(counts: int) -> tuple[int, int]:
    """(documents, negatives) of a packed number or of a sum of them."""
    return counts >> HALF, counts & LOWER


def leaning(bucket: Bucket) -> int:
    """Its novel documents that lean to negative (`pipeline.buckets.leaning`), no more than are
    novel, whoever wrote the bucket."""
    return min(bucket.totals.novel, buckets.leaning(bucket.totals, bucket.evidence))


def minute_number(at: datetime) -> int:
    """The minutes from 1970 to `at`, rounded down."""
    return int(at.timestamp() // 60)


def minute_start(number: int) -> datetime:
    """The time minute `number` begins."""
    return datetime.fromtimestamp(number * 60, UTC)
