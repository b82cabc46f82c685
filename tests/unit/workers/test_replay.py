"""Reading the file and keeping the pace, without a broker."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from workers.replay import (
    MAX_LINE_BYTES,
    Line,
    Pace,
    distinct_ids,
    lines_of,
    seconds_until_due,
    send_all,
)

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def written(folder: Path, text: bytes, name: str = "documents.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text)
    return path


def document(name: str, minute: int = 0) -> bytes:
    at = (START + timedelta(minutes=minute)).isoformat()
    return f'{{"id":"{name}","source":"t","title":"x","published_at":"{at}"}}'.encode()


def test_lines_carry_their_id_and_event_time(tmp_path):
    path = written(tmp_path, document("a") + b"\n" + document("b", 5) + b"\r\n")
    assert [(line.number, line.id, line.at) for line in lines_of(path)] == [
        (1, "a", START),
        (2, "b", START + timedelta(minutes=5)),
    ]


def test_a_gzipped_file_is_known_by_its_bytes_whatever_it_is_called(tmp_path):
    path = written(tmp_path, gzip.compress(document("a")), "documents.jsonl")
    assert [line.id for line in lines_of(path)] == ["a"]


def test_a_document_without_an_id_gets_the_one_the_pipeline_will_give_it(tmp_path):
    text = b'{"source":"t","title":"x","url":"https://e.example","published_at":"2026-01-05T09:00:00Z"}'
    (line,) = lines_of(written(tmp_path, text))
    assert line.id is not None
    assert line.id.startswith("t:")


@pytest.mark.parametrize(
    "damaged",
    [b"not json", b"{}", b"\xff\xfe", b'{"id":1}', b"[" * 5000, b'{"id":"a","published_at":"x"}'],
)
def test_a_line_that_is_no_document_is_passed_on_as_it_is(tmp_path, damaged):
    path = written(tmp_path, document("a") + b"\n" + damaged + b"\n" + document("b"))
    first, bad, last = lines_of(path)
    assert (first.id, last.id) == ("a", "b")
    assert (bad.value, bad.id, bad.number) == (damaged, None, 2)


def test_blank_lines_are_left_out_and_still_counted_as_lines(tmp_path):
    path = written(tmp_path, b"\n  \n" + document("a") + b"\n\n")
    assert [line.number for line in lines_of(path)] == [3]


def test_a_missing_file_and_a_folder_are_configuration_errors(tmp_path):
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            list(lines_of(path))


def test_a_gzip_file_cut_short_says_after_which_line(tmp_path):
    packed = gzip.compress(b"\n".join(document(f"d{n}") for n in range(2000)))
    path = written(tmp_path, packed[: len(packed) // 2])
    with pytest.raises(ConfigurationError, match=r"cannot be read after line \d+"):
        list(lines_of(path))


def test_ids_are_given_once_each():
    lines = [Line(n, b"", name, None) for n, name in enumerate(["a", "b", "a", None, "c", "b"])]
    assert list(distinct_ids(iter(lines))) == ["a", "b", "c"]


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def lines_at(*minutes: int | None) -> list[Line]:
    return [
        Line(n, b"{}", str(n), None if minute is None else START + timedelta(minutes=minute))
        for n, minute in enumerate(minutes)
    ]


def test_documents_are_sent_at_the_given_multiple_of_event_time():
    time, sent = FakeTime(), []
    send_all(
        iter(lines_at(0, 1, None, 4, 3)),
        lambda line: sent.append(time.now - 100.0),
        Pace(speed=60.0, clock=lambda: time.now, sleep=time.sleep),
        lambda replayed, at: None,
    )
    # a line without a time, or late, goes with what was due before it
    assert sent == pytest.approx([0.0, 1.0, 1.0, 4.0, 4.0])


def test_at_full_speed_nothing_sleeps():
    def never(seconds: float) -> None:
        raise AssertionError("slept")

    replayed = send_all(
        iter(lines_at(0, 600)), lambda line: None, Pace(sleep=never), lambda replayed, at: None
    )
    assert replayed.sent == 2


def test_lines_the_topic_would_refuse_are_named_and_left_out():
    sent: list[int] = []
    lines = [Line(1, b"a", "a", None), Line(2, b"x" * (MAX_LINE_BYTES + 1), "b", None)]
    replayed = send_all(
        iter(lines), lambda line: sent.append(line.number), Pace(), lambda replayed, at: None
    )
    assert sent == [1]
    assert (replayed.sent, replayed.too_long) == (1, [2])


@given(
    offset=st.floats(0, 1e6),
    speed=st.floats(0.01, 1e6),
    elapsed=st.floats(0, 1e6),
)
def test_waiting_as_long_as_told_leaves_nothing_to_wait(offset, speed, elapsed):
    at = START + timedelta(seconds=offset)
    wait = seconds_until_due(at, START, speed, elapsed)
    assert wait >= 0
    assert seconds_until_due(at, START, speed, elapsed + wait) == pytest.approx(0, abs=1e-3)
