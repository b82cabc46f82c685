"""Until when a series is said to be learning."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from alerts.beginning import Beginning
from alerts.rules import load_rules, parse_rules
from alerts.state_names import BEGINNING
from pipeline.documents import SubjectId
from pipeline.errors import Unavailable
from pipeline.stores.memory import MemorySeriesStates
from pipeline.trends import SeriesKey
from workers.web.learning import learning_by, nothing_learns

BEGAN = datetime(2026, 3, 2, 10, tzinfo=UTC)
COMPANY = SeriesKey(subject=SubjectId("AAPL"))


class Away:
    """Redis that does not answer."""

    def load(self, names: Sequence[str]) -> list[bytes | None]:
        raise Unavailable("redis")

    def save(self, states: Mapping[str, bytes]) -> None:
        raise Unavailable("redis")


def test_a_series_learns_as_long_as_its_rules_ask_from_the_beginning_of_the_stream() -> None:
    states = MemorySeriesStates()
    learning = learning_by(load_rules(""), states)
    # nothing was read yet
    assert learning(COMPANY, BEGAN) is None
    hour = int(BEGAN.timestamp()) // 3600
    states.save({BEGINNING: Beginning(hour, hour + 2).encode()})
    learned = BEGAN + timedelta(hours=12)
    assert learning(COMPANY, BEGAN + timedelta(hours=2)) == learned
    assert learning(COMPANY, learned - timedelta(minutes=1)) == learned
    assert learning(COMPANY, learned) is None


def test_what_no_rule_learns_is_not_learning() -> None:
    states = MemorySeriesStates()
    states.save({BEGINNING: Beginning(10, 10).encode()})
    rules = parse_rules(
        "version: 1\nrules:\n  - id: many\n    match: {subject: '*'}\n"
        "    condition: {kind: threshold, of: count, above: 5, window: 1h}\n"
    )
    assert learning_by(rules, states)(COMPANY, BEGAN) is None
    assert learning_by(load_rules(""), Away())(COMPANY, BEGAN) is None
    assert nothing_learns(COMPANY, BEGAN) is None
