"""Reading catalogues, canonical tickers, and what is reported about a catalogue."""

import gc
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import Catalogue, Entry, load_catalogue, read_entries, shipped_catalogue
from pipeline.conflicts import Kind, check_catalogue, conflicts
from pipeline.documents import SubjectId
from pipeline.errors import ConfigurationError
from pipeline.garbage import collector_at_rest
from pipeline.tickers import canonical

YAML = """
- id: "0700.HK"
  names: [Tencent]
  former_names: [Shenzhen Penguin]
  zh_short: [腾讯]
  zh_full: [腾讯控股有限公司]
  tickers: {HKG: "700", OTCMKTS: [TCEHY, TCTZF]}
  cashtags: [TENC]
  codes: ["00700.HK"]
  valid_from: 2004-06-16
  ambiguous: false
"""
CSV = """id,names,former_names,zh_short,tickers,valid_to,ambiguous,context
TGT,Target|Target Corp,Dayton Hudson,塔吉特,NYSE:TGT,2040-01-31,true,walmart|retailer
"""


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("AAPL", "AAPL"),
        (" $aapl ", "AAPL"),
        ("NASDAQ:AAPL", "AAPL"),
        ("NYSE: BRK-B", "BRK.B"),
        ("BRK/B", "BRK.B"),
        ("LON:BARC", "BARC.L"),
        ("BARC.LN", "BARC.L"),
        ("LSE:JD.", "JD.L"),
        ("600519.SH", "600519.SS"),
        ("SH600519", "600519.SS"),
        ("sz000001", "000001.SZ"),
        ("00700.HK", "0700.HK"),
        ("HKG:700", "0700.HK"),
        ("HKG:0700", "0700.HK"),
        ("BTC.X", "BTC.X"),
        ("MARS:ROCK", "MARS:ROCK"),
        ("", ""),
    ],
)
def test_a_ticker_has_one_spelling(written, wanted):
    assert canonical(written) == wanted


@given(st.text(max_size=20))
def test_the_canonical_spelling_is_its_own(text):
    once = canonical(text)
    assert canonical(once) == once


def test_a_yaml_file_is_read_whole(tmp_path):
    path = tmp_path / "more.yaml"
    path.write_text(YAML, encoding="utf-8")
    (entry,) = read_entries(path)
    assert entry.id == "0700.HK"
    assert entry.names == ("Tencent", "腾讯", "腾讯控股有限公司", "Shenzhen Penguin")
    assert entry.tickers == ("0700.HK", "TCEHY", "TCTZF", "TENC")
    assert (entry.valid_from, entry.valid_to) == (date(2004, 6, 16), date.max)
    assert not entry.ambiguous


def test_a_csv_file_says_the_same_things(tmp_path):
    path = tmp_path / "more.csv"
    path.write_text(CSV, encoding="utf-8-sig")
    (entry,) = read_entries(path)
    assert entry.names == ("Target", "Target Corp", "塔吉特", "Dayton Hudson")
    assert entry.tickers == ("TGT",)
    assert entry.valid_to == date(2040, 1, 31)
    assert entry.ambiguous
    assert entry.context == ("walmart", "retailer")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.yaml", "- id: [1", "not YAML"),
        ("a.yaml", "hello", "list of subjects"),
        ("a.yaml", "- {id: A, valid_from: 2026-02-30}", "not YAML"),
        ("a.csv", 'id,names\nA,"x' + "y" * 140_000, "not CSV"),
        ("a.yaml", "- names: [x]", "id: missing"),
        ("a.yaml", '- {id: A, names: ["\\u200b"]}', "no letter and no digit"),
        ("a.yaml", '- {id: A, tickers: ["$"]}', "no letter and no digit"),
        ("a.yaml", "- id: 600519", "quote it"),
        ("a.yaml", "- {id: A, names: [no]}", "quote it"),
        ("a.yaml", "- {id: A, nmaes: [x]}", "'nmaes' is not a field"),
        ("a.yaml", "- {id: A, tickers: {MARS: A}}", "exchange 'MARS'"),
        ("a.yaml", "- {id: A, valid_from: soon}", "YYYY-MM-DD"),
        ("a.yaml", "- {id: A, ambiguous: perhaps}", "neither true nor false"),
        ("a.csv", "id,names\nA,x,y", "too many cells"),
        ("a.txt", "", "is a .csv, .yaml or .yml file"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path, name, content, complaint):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=complaint):
        read_entries(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_catalogue(tmp_path / "none.csv")


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,names\nA,Nestl\u00e9".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read_entries(path)


def test_the_shipped_catalogue_is_large_and_free_of_errors():
    catalogue = shipped_catalogue()
    assert len({entry.id for entry in catalogue.entries}) > 2_000
    assert [one.explanation for one in check_catalogue() if one.is_error] == []


def kinds(*entries: Entry, below: Iterable[Entry] = ()) -> list[Kind]:
    catalogue = Catalogue(words=frozenset({"target"})).extended(below)
    above = 1
    return [one.kind for one in conflicts(catalogue.extended(entries), above if below else 0)]


def entry(subject: str, **more: Any) -> Entry:
    return Entry(id=SubjectId(subject), **more)


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ([entry("A", tickers=("A",)), entry("B", tickers=("A",))], [Kind.TICKER_TWICE]),
        ([entry("A", names=("Polarin",)), entry("B", names=("POLARIN",))], [Kind.NAME_TWICE]),
        ([entry("A", names=("Target",))], [Kind.ORDINARY_WORD]),
        ([entry("A", names=("Target",), ambiguous=True)], []),
        ([entry("A", names=("Z",))], [Kind.TOO_SHORT]),
        ([entry("A")], [Kind.UNFINDABLE]),
        ([entry("600519.SH", names=("Moutai",))], [Kind.ODD_ID]),
        ([entry("A", names=("Polarin",)), entry("A", names=("Polarin",))], []),
    ],
)
def test_each_kind_of_conflict_is_explained(entries, wanted):
    assert kinds(*entries) == wanted


def test_a_ticker_used_again_later_is_no_conflict():
    old = entry("A", tickers=("S",), valid_to=date(2020, 4, 1))
    new = entry("B", tickers=("S",), valid_from=date(2021, 6, 30))
    assert kinds(old, new) == []
    assert kinds(old, entry("B", tickers=("S",), valid_from=date(2020, 4, 1))) == [
        Kind.TICKER_TWICE
    ]


def test_days_in_the_wrong_order_are_reported():
    wrong = entry("A", names=("Polarin",), valid_from=date(2020, 1, 2), valid_to=date(2020, 1, 1))
    assert kinds(wrong) == [Kind.NEVER_VALID]


def test_taking_something_over_from_below_is_a_remark():
    found = kinds(entry("B", tickers=("A",)), below=[entry("A", tickers=("A",))])
    assert found == [Kind.OVERRIDES]


def test_a_users_file_is_checked_against_what_ships(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("id,names,tickers\nname:mine,Microsoft,MSFT\n", encoding="utf-8")
    found = check_catalogue(path)
    assert {one.kind for one in found} == {Kind.OVERRIDES}
    assert all(one.origin == "mine.csv:2" for one in found)
    assert "MSFT" in " ".join(one.explanation for one in found)


def test_a_catalogue_is_loaded_with_the_collector_at_rest_and_leaves_it_as_it_was():
    assert gc.isenabled()
    with collector_at_rest():
        assert not gc.isenabled()
        with collector_at_rest():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize(("ending", "most"), [(".SS .SZ", 150), (".HK", 150), (".NS .BO", 150)])
def test_the_shipped_catalogue_knows_the_largest_companies_of_asia(ending, most):
    catalogue = shipped_catalogue()
    known = {
        one.id for one in catalogue.entries if one.id.endswith(tuple(ending.split())) and one.names
    }
    assert len(known) >= most
