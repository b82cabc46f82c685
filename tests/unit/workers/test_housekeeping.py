"""What time the sweep tells: that of the stream, unless the stream waits to be counted."""

from datetime import timedelta

from tests.unit.alerts.examples import OPENED
from workers.housekeeping import time_to_tell

HOUR = timedelta(hours=1)


def never() -> bool:
    raise AssertionError("nobody needs to know")


def test_while_documents_are_counted_it_is_the_time_of_the_stream() -> None:
    assert time_to_tell(OPENED, OPENED, HOUR, never) == OPENED
    assert time_to_tell(OPENED + HOUR, OPENED, HOUR, never) == OPENED + HOUR
    assert time_to_tell(OPENED, None, HOUR, never) == OPENED


def test_where_nothing_is_published_time_passes() -> None:
    later = OPENED + 9 * HOUR
    assert time_to_tell(later, OPENED, HOUR, lambda: False) == later


def test_while_documents_wait_none_of_them_becomes_too_late() -> None:
    assert time_to_tell(OPENED + 9 * HOUR, OPENED, HOUR, lambda: True) == OPENED + HOUR
