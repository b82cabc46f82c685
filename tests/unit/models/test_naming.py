"""A company is found in a text however its name is written there, and not where it is not named."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import lowered
from models.naming import spans_of


def found(text: str, name: str) -> list[str]:
    lower = lowered(text)
    return [text[start:end] for start, end in spans_of(lower, lowered(name))]


@pytest.mark.parametrize(
    ("text", "name", "named"),
    [
        ("Apple falls, Apple's rivals gain", "Apple", ["Apple", "Apple"]),
        ("Pineapple prices soar", "Apple", []),
        ("Microsoft soars", "Microsoft Corp", ["Microsoft"]),
        ("Microsoft soars", "Microsoft Corporation, Inc.", ["Microsoft"]),
        ("Microsoft soars", "The", []),
        ("Moody’s cuts its rating", "Moody's", ["Moody’s"]),
        ("Nestlé warns", "Nestle", ["Nestlé"]),
        ("Nestle\u0301 warns", "Nestlé", ["Nestle"]),
        ("Nestle warns", "Nestlé S.A.", ["Nestle"]),
        ("T-Mobile adds customers", "T Mobile", ["T-Mobile"]),
        ("TataMotors up, Tata Steel down", "Tata Motors", ["TataMotors"]),
        ("Tata Motors up, Tata Steel down", "TataMotors", ["Tata Motors"]),
        ("Bharti Airtel gains", "Bharti Airtel Africa", ["Bharti Airtel"]),
        # the first words alone are somebody else
        ("Bank of Japan holds rates", "Bank of America", []),
        ("General Motors cuts jobs", "General Electric", []),
        # letters in a word are no ticker
        ("Carrier shares slump; the outfit’s rivals surge", "T", []),
        ("AT&T cuts its payout", "T", ["T"]),
        ("Metals soar", "Meta", []),
        ("RelianceJio adds customers", "Reliance", ["Reliance"]),
        ("贵州茅台股价下跌", "茅台", ["茅台"]),
        ("anything", "", []),
        ("anything", "...", []),
    ],
)
def test_where_a_text_names_a_company(text: str, name: str, named: list[str]) -> None:
    assert found(text, name) == named


def test_a_name_made_to_take_long_does_not() -> None:
    text = "a " * 2_000
    began = perf_counter()
    for tail in range(1, 40):
        spans_of(text, "a" * 10 + "b" + " x" * tail)
        spans_of(text, "a " * 40 + "b" * tail)
    assert perf_counter() - began < 2.0


@given(st.text(max_size=60), st.text(max_size=20))
def test_what_is_found_lies_in_the_text_in_order(text: str, name: str) -> None:
    spans = spans_of(lowered(text), lowered(name))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


@given(st.text(alphabet="abc é'", min_size=1, max_size=12), st.text(max_size=12))
def test_a_name_that_stands_there_by_itself_is_found(name: str, before: str) -> None:
    if name.strip():
        assert spans_of(lowered(f"{before} {name.strip()}."), lowered(name.strip()))
