"""`bellwether rules score`: a file in, a file out, or one line that says what is wrong."""

from pathlib import Path

import pytest

from workers.cli import status_of


def scored(tmp_path: Path, text: str) -> tuple[int, Path]:
    given, out = tmp_path / "in.csv", tmp_path / "out.csv"
    given.write_text(text, encoding="utf-8")
    return status_of(["rules", "score", str(given), str(out)]), out


def test_each_row_comes_back_as_written_with_a_score(tmp_path):
    rows = [f"2026-03-02 {n // 12:02d}:{n % 12 * 5:02d}:00,{n % 7}" for n in range(60)]
    status, out = scored(tmp_path, "\n".join(["timestamp,value", *rows]) + "\n")
    written = out.read_text(encoding="utf-8").splitlines()
    assert status == 0
    assert written[0] == "timestamp,value,score"
    assert [line.rpartition(",")[0] for line in written[1:]] == rows
    assert all(0.0 <= float(line.rpartition(",")[2]) <= 1.0 for line in written[1:])


def test_columns_may_stand_in_any_order_among_others(tmp_path):
    status, out = scored(tmp_path, "id,value,timestamp\n1,5,2026-03-02T10:00:00Z\n")
    assert status == 0
    assert out.read_text(encoding="utf-8").splitlines()[1].startswith("2026-03-02T10:00:00Z,5,")


def test_rows_without_a_value_or_set_back_are_scored_and_said(tmp_path, capsys):
    times = ("01:50", "01:55", "01:00", "01:05", "02:00", "02:05")
    text = "\n".join(f"2026-10-25 {at}:00,{'' if at == '02:00' else 3}" for at in times)
    status, out = scored(tmp_path, f"timestamp,value\n \n,\n{text}\n")
    assert status == 0
    written = out.read_text(encoding="utf-8").splitlines()
    assert len(written) == 1 + len(times)
    assert written[5] == "2026-10-25 02:00:00,,0.000000"
    told = capsys.readouterr().err
    assert "in.csv: 2 rows earlier than one before: taken as of its time" in told
    assert "in.csv: 1 row without a value: 0, and nothing told" in told


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", ":1: the columns timestamp and value are needed"),
        ("time,count\n", ":1: the columns timestamp and value are needed"),
        ("timestamp,value\n2026-03-02 10:00:00\n", ":2: 1 columns, 2 expected"),
        ("timestamp,value\nyesterday,3\n", ":2: 'yesterday' is not a time"),
        (
            "timestamp,value\n0001-01-01T00:00:00+05:00,3\n",
            ":2: '0001-01-01T00:00:00+05:00' is not a time",
        ),
        ('timestamp,value\n"' + "x" * 140_000, ": not CSV"),
        ("timestamp,value\n2026-03-02 10:00:00,many\n", ":2: 'many' is not a count"),
        ("timestamp,value\n2026-03-02 10:00:00,nan\n", ":2: 'nan' is not a count"),
        ("timestamp,value\n2026-03-02 10:00:00,-1\n", ":2: '-1' is not a count"),
    ],
)
def test_a_file_that_is_not_as_needed_is_named_with_its_line(tmp_path, capsys, text, complaint):
    status, out = scored(tmp_path, text)
    assert status == 2
    assert f"in.csv{complaint}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / "in.csv"]
    assert not out.exists()


def test_a_file_that_is_not_there_is_one_line(tmp_path, capsys):
    assert status_of(["rules", "score", "/nonexistent.csv", str(tmp_path / "out.csv")]) == 2
    assert "/nonexistent.csv: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["", ".", "in.csv/x"])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path, capsys, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("timestamp,value\n2026-03-02,1\n")
    assert status_of(["rules", "score", "in.csv", out]) == 2
    assert "Traceback" not in capsys.readouterr().err
