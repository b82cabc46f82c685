"""The bundled sample through the real stages in memory: the planted surges fire, each in its
window, the decoys stay quiet, and hardly anything else speaks."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from alerts.backtest import Backtest
from alerts.lifecycle import Alert
from alerts.rules import load_rules
from models.load import load_classifier
from pipeline.catalogue import load_catalogue
from pipeline.documents import ClassifiedDocument
from pipeline.stages import Classify
from pipeline.stores.memory_stories import MemoryStoryIndex
from pipeline.subjects import CatalogueLinker
from pipeline.wire import CLASSIFIED, Record, encode_json
from workers.sample import DECOYS, EXPECTED, SEED, sample_documents

ENDS_AT = datetime(2026, 3, 4, 16, 27, 41, tzinfo=UTC)
# A detector at work on forty companies for two days may be wrong twice.
MOST_OTHERS = 2


def documents_of(seed: int, disorder: timedelta = timedelta()) -> list[ClassifiedDocument]:
    """The sample of `seed`, classified, each document up to `disorder` later than its time."""
    chance = random.Random(seed)
    given = list(sample_documents(seed, ends_at=ENDS_AT))
    if disorder:
        arrivals = {
            str(one["id"]): datetime.fromisoformat(str(one["published_at"]))
            + chance.random() * disorder
            for one in given
        }
        given = sorted(given, key=lambda one: arrivals[str(one["id"])])
    classify = Classify(
        load_classifier("baseline"), CatalogueLinker(load_catalogue()), MemoryStoryIndex()
    )
    handled = classify(
        [
            Record(
                topic="documents",
                partition=0,
                offset=number,
                at=ENDS_AT,
                key=None,
                value=encode_json(one),
            )
            for number, one in enumerate(given)
        ]
    )
    assert handled.rejected == []
    return [CLASSIFIED.decode(one.value) for one in handled.outgoing]


def alerts_of(documents: Sequence[ClassifiedDocument], batch: int = 500) -> list[Alert]:
    """Every alert that fired on the documents, read in batches of `batch`."""
    test = Backtest(load_rules(""))
    for first in range(0, len(documents), batch):
        test.feed(documents[first : first + batch])
    return list(test.finish().fired)


@pytest.mark.parametrize("seed", [SEED, 1, 2])
def test_surges_fire_in_their_windows_and_decoys_stay_quiet(seed: int) -> None:
    fired = alerts_of(documents_of(seed))
    explained: set[tuple[str, datetime]] = set()
    for planted in EXPECTED:
        starts, ends = planted.window(ENDS_AT)
        subjects = (planted.subject, *planted.related)
        hits = [
            one
            for one in fired
            if one.series.subject in subjects and one.firing_at and starts <= one.firing_at < ends
        ]
        assert planted.subject in [one.series.subject for one in hits], planted.kind
        explained.update((one.fingerprint, one.opened_at) for one in hits)
    for decoy in DECOYS:
        assert decoy.subject not in [one.series.subject for one in fired], decoy.kind
    others = [one for one in fired if (one.fingerprint, one.opened_at) not in explained]
    assert len(others) <= MOST_OTHERS, [str(one.series) for one in others]


@pytest.mark.parametrize("disorder", [timedelta(), timedelta(minutes=10)])
def test_alerts_do_not_depend_on_where_batches_end(disorder: timedelta) -> None:
    documents = documents_of(SEED, disorder)

    # an urgent alert may fire within the minute or at its end: by then the same is known
    def essence(batch: int) -> list[tuple[str, datetime, int]]:
        return sorted(
            (one.fingerprint, one.opened_at, one.severity) for one in alerts_of(documents, batch)
        )

    whole = essence(500)
    assert whole
    assert essence(137) == whole
    assert essence(7) == whole
