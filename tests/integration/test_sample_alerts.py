"""The bundled sample through the real stages in memory: the planted surges fire, each in its
window, the decoys stay quiet, and hardly anything else speaks."""

from datetime import UTC, datetime

import pytest

from alerts.backtest import Backtest
from alerts.lifecycle import Alert
from alerts.rules import load_rules
from models.load import load_classifier
from pipeline.catalogue import load_catalogue
from pipeline.stages import Classify
from pipeline.stores.memory_stories import MemoryStoryIndex
from pipeline.subjects import CatalogueLinker
from pipeline.wire import CLASSIFIED, Record, encode_json
from workers.sample import DECOYS, EXPECTED, SEED, sample_documents

ENDS_AT = datetime(2026, 3, 4, 16, 27, 41, tzinfo=UTC)
# A detector at work on forty companies for two days may be wrong twice.
MOST_OTHERS = 2


def alerts_of(seed: int, batch: int = 500) -> list[Alert]:
    """Every alert that fired on the sample of `seed`, read in batches of `batch`."""
    classify = Classify(
        load_classifier("baseline"), CatalogueLinker(load_catalogue()), MemoryStoryIndex()
    )
    test = Backtest(load_rules(""))
    records = [
        Record(
            topic="documents",
            partition=0,
            offset=number,
            at=ENDS_AT,
            key=None,
            value=encode_json(one),
        )
        for number, one in enumerate(sample_documents(seed, ends_at=ENDS_AT))
    ]
    for first in range(0, len(records), batch):
        handled = classify(records[first : first + batch])
        assert handled.rejected == []
        test.feed([CLASSIFIED.decode(one.value) for one in handled.outgoing])
    return list(test.finish().fired)


@pytest.mark.parametrize("seed", [SEED, 1, 2])
def test_surges_fire_in_their_windows_and_decoys_stay_quiet(seed: int) -> None:
    fired = alerts_of(seed)
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


def test_alerts_do_not_depend_on_where_batches_end() -> None:
    def opened(alerts: list[Alert]) -> list[tuple[str, datetime]]:
        return sorted((one.fingerprint, one.opened_at) for one in alerts)

    assert opened(alerts_of(SEED, batch=500)) == opened(alerts_of(SEED, batch=137))
