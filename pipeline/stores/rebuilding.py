"""Make Redis hold what SQL says it should."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from pipeline.stores.consistency import CountedDays
from pipeline.stores.recount import counted_between, days_archived_since
from pipeline.stores.spans import DAY


def rebuild(engine: Engine, store: CountedDays, now: datetime, retention: timedelta) -> int:
    """Count in Redis every day with a document archived within `retention`; how many documents
    were read.

    Whole days, so that no bucket holds less than it did. Through the same script as ever: what
    is counted stays as it is, so it may run twice, and while aggregate runs. Raises
    `Unavailable`; what was counted until then stays.
    """
    documents = 0
    for day in sorted(days_archived_since(engine, now - retention)):
        store.reopen(day)
        for batch in counted_between(engine, day, day + DAY):
            store.add([document for document, _ in batch])
            documents += len(batch)
    return documents
