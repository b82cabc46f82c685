"""The words an alert shows of its evidence."""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event

from models.load import load_classifier
from models.reasons import NegativeWords, WordsWhenReady
from pipeline.catalogue import load_catalogue
from pipeline.documents import SubjectId
from pipeline.errors import ConfigurationError
from pipeline.ports import Shown
from pipeline.subjects import CatalogueLinker

AT = datetime(2026, 3, 2, tzinfo=UTC)
APPLE = SubjectId("AAPL")


def words() -> NegativeWords:
    return NegativeWords(load_classifier("baseline"), CatalogueLinker(load_catalogue(None)))


def settled(given: WordsWhenReady, asked: Sequence[Shown]) -> Sequence[tuple[str, ...]]:
    found = None
    for _ in range(10_000_000):
        if (found := given(asked)) is not None:
            return found
    raise AssertionError("never ready")


def test_the_words_that_make_a_text_negative_come_strongest_first() -> None:
    told = words()(
        [
            ("Apple shares plunge after profit warning", APPLE, AT),
            ("Apple shares plunge after profit warning", None, AT),
            ("Apple opens a shop in Austin", APPLE, AT),
            ("股价暴跌", None, AT),
            ("L'action du groupe chute lourdement à Paris après un avertissement", None, AT),
            ("", None, AT),
        ]
    )
    assert "plunge" in told[0]
    assert "Apple" not in told[0]
    assert "plunge" in told[1]
    assert told[2] == ()
    assert told[3]
    # no model reads these
    assert told[4:] == [(), ()]
    assert all(len(some) <= 3 for some in told)


def test_nothing_is_known_until_the_model_is_there() -> None:
    ready = Event()

    def load() -> NegativeWords:
        ready.wait(30)
        return words()

    asked: list[Shown] = [("Shares plunge", None, AT)]
    given = WordsWhenReady(load)
    assert given(asked) is None
    ready.set()
    assert settled(given, asked) == [("plunge",)]


def test_a_long_title_is_read_as_far_as_it_is_shown_and_only_once() -> None:
    given, asked = words(), list[int]()

    def counting(shown: Sequence[Shown]) -> Sequence[tuple[str, ...]]:
        asked.append(len(shown))
        return given(shown)

    when_ready = WordsWhenReady(lambda: counting)
    long = "Shares plunge at noon " + "and a meeting " * 4_000
    first = settled(when_ready, [(long, None, AT), (long, None, AT)])
    assert first == [("plunge",), ("plunge",)]
    assert when_ready([(long, None, AT)]) == [("plunge",)]
    assert asked == [1]


def test_a_model_that_cannot_be_had_holds_no_alert_up() -> None:
    def missing() -> NegativeWords:
        raise ConfigurationError("no base")

    asked: list[Shown] = [("Shares plunge", None, AT)] * 2
    assert settled(WordsWhenReady(missing), asked) == [(), ()]

    def unloadable() -> NegativeWords:
        raise OSError("disk")

    assert settled(WordsWhenReady(unloadable), asked) == [(), ()]

    def broken(asked: Sequence[Shown]) -> Sequence[tuple[str, ...]]:
        raise RuntimeError("out of memory")

    assert settled(WordsWhenReady(lambda: broken), asked) == [(), ()]
