"""Which of two states of one bucket is the later, where documents may be taken out again."""

from alerts.minutes import minute_number
from pipeline.trends import Bucket


def is_later(bucket: Bucket, revisions: dict[int, int], fewer: bool) -> bool:
    """Whether `bucket` is later than the state of it that is held, which has more documents where
    this one has `fewer`. `revisions` holds, by minute, those of buckets that were corrected.

    Counts of a bucket only grow, unless documents are taken out of it, by an edit or a
    correction: then it has more changes than documents, and is later than all that had not.
    """
    number = minute_number(bucket.start)
    revision = revisions.get(number, 0)
    if bucket.revision > max(bucket.totals.documents, revision):
        revisions[number] = bucket.revision
        return True
    return not (revision or fewer)
