"""Long texts in windows: what each covers, and what it weighs."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import readable
from models.encoder import read_base
from models.windows import HEADLINE, MOST_WINDOWS, Window, pieces_of, windows_of
from tests.tiny_encoder import tiny_base


@given(st.integers(0, 3_000), st.integers(1, 300))
def test_windows_of_one_length_cover_the_beginning_and_weigh_one(tokens: int, length: int) -> None:
    pieces = pieces_of(tokens, length)
    if not tokens:
        assert pieces == []
        return
    assert sum(weight for *_, weight in pieces) == pytest.approx(1.0)
    assert {end - start for start, end, _ in pieces} == {min(tokens, length)}
    assert pieces[0][0] == 0
    assert pieces[-1][1] == min(tokens, MOST_WINDOWS * length)
    assert all(after[0] <= before[1] for before, after in pairwise(pieces))
    assert pieces[0][2] >= HEADLINE


def test_a_full_stop_too_many_hardly_changes_an_answer() -> None:
    (_, _, first), (_, _, second) = pieces_of(95, 94)
    assert second == pytest.approx(1 / 95)
    assert first > 0.98


@given(st.text(alphabet="&amp;#380lgtx26 ht:/w.", max_size=60))
def test_text_that_was_read_once_stays_as_it_is(text: str) -> None:
    assert readable(readable(text)) == readable(text)


def test_what_was_encoded_twice_is_decoded() -> None:
    assert readable("Profit at AT&amp;amp;T &amp;lt; 3 %") == "Profit at AT&T < 3 %"


def test_the_headline_of_a_long_document_is_read_by_itself_too(tmp_path: Path) -> None:
    tiny_base(tmp_path)
    tokenizer = read_base(tmp_path).tokenizer
    headline, body = "acme fell", " ".join(["bolt rise strong profit"] * 6)

    def windows(headlines: list[str], usual: int) -> list[Window]:
        names = [[("acme",), ("bolt",)]]
        texts = [f"{headline}\n{body}"]
        return windows_of(tokenizer, texts, names, 24, headlines=headlines, usual=usual)

    first, *rest = windows([headline], 8)
    tokens = tokenizer.encode(headline).ids
    assert list(first.encoded.ids) == tokens
    assert first.weight == HEADLINE
    # only the company it names is asked about there
    assert first.companies == (0,)
    assert rest[0].companies == (0, 1)
    assert sum(one.weight for one in (first, *rest)) == pytest.approx(1.0)
    plain = windows([""], 8)
    assert [one.encoded.ids for one in rest] == [one.encoded.ids for one in plain]
    # a document no longer than what was learned from is read as one
    assert windows([headline], 1_000) == plain
