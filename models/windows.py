"""Documents as the network reads them: cut in windows, the headline's the heaviest.

A text beyond one window is cut in up to `MOST_WINDOWS` of the same length, which overlap so that
none is a stub, and the answers are averaged. A window weighs by the tokens it adds to those before
it, the first, which begins with the headline, as much as all others together at least; a company
is asked about only in the windows that name it, and in all of them where none does.

The network learned from headlines and posts. Of a document longer than those, with a headline, the
headline is read by itself too, and weighs as much as the whole.

    tokens   |----- 1 -----|                weight  tokens of 1 / all, at least 0.5
                       |----- 2 -----|              the rest by what is new in each
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tokenizers import Tokenizer

from models.data import lowered, readable
from models.encoding import Encoded, mention_tokens

# Characters of a document that are read at all: enough for every window.
MOST_CHARACTERS = 4_000
MOST_WINDOWS = 6
# More than any network reads at once.
MOST_TOKENS = 1 << 16
# The least the first window weighs; what the headline does where it is read by itself.
HEADLINE = 0.5
# Companies of one text that are asked about by themselves; a list of forty is spam.
MOST_COMPANIES = 12


@dataclass(frozen=True, slots=True)
class Window:
    """One piece of text `row`: its tokens, with the mentions of the companies `companies`
    (by place) that it names, and the part it has in the text's answer."""

    row: int
    encoded: Encoded
    companies: tuple[int, ...]
    weight: float
    first: int = 0
    """Which of the text's tokens it begins with."""


def windows_of(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    names: Sequence[Sequence[Sequence[str]]],
    window: int,
    most_companies: int = MOST_COMPANIES,
    headlines: Sequence[str] = (),
    usual: int = MOST_TOKENS,
) -> list[Window]:
    """The windows of all texts, in order. An empty text has none. `names[i]` holds for each
    company asked about in text i the names it goes by there, `headlines[i]` what it begins with
    where more follows; `usual` is how many tokens the network learned to read."""
    # more is read than is kept: links and blanks may be most of it
    cleaned = [readable(text.lstrip()[: 4 * MOST_CHARACTERS])[:MOST_CHARACTERS] for text in texts]
    spoken = [row for row, text in enumerate(cleaned) if text]
    if not spoken:
        return []
    encoded = tokenizer.encode_batch([cleaned[row] for row in spoken])
    inner = window - 2
    found: list[Window] = []
    for row, one in zip(spoken, encoded, strict=True):
        # what opens and closes a text does so in each of its windows
        first, *ids, last = one.ids
        pieces = pieces_of(len(ids), inner)
        if headlines and headlines[row] and len(one.ids) > usual:
            ends = len(readable(headlines[row]))
            until = sum(end <= ends for _, end in one.offsets[1 : 1 + inner])
            if 0 < until < len(ids):
                rest = [(a, b, (1.0 - HEADLINE) * weight) for a, b, weight in pieces]
                pieces = [(0, until, HEADLINE), *rest]
        asked = names[row][:most_companies]
        marked: list[tuple[int, ...]] = []
        if asked:
            offsets = one.offsets[1 : 1 + inner * MOST_WINDOWS]
            lower = lowered(cleaned[row])
            marked = [
                mention_tokens(lower, [readable(name) for name in company], offsets)
                for company in asked
            ]
        for start, end, weight in pieces:
            companies, mentions = [], []
            for company, tokens in enumerate(marked):
                # one place further on: the window begins with a token of its own
                here = tuple(t - start + 1 for t in tokens if start <= t < end)
                if here:
                    companies.append(company)
                    mentions.append(here)
            found.append(
                Window(
                    row,
                    Encoded((first, *ids[start:end], last), tuple(mentions)),
                    tuple(companies),
                    weight,
                    start,
                )
            )
    return found


def pieces_of(tokens: int, length: int) -> list[tuple[int, int, float]]:
    """The windows of a text of so many tokens, none longer than `length`: (first token, the one
    after the last, weight); the weights add up to one."""
    if not tokens:
        return []
    if tokens <= length:
        return [(0, tokens, 1.0)]
    count = min(MOST_WINDOWS, -(-tokens // length))
    read = min(tokens, count * length)
    starts = [number * (read - length) // (count - 1) for number in range(count)]
    first = max(HEADLINE, length / read)
    weights = [first]
    weights += [(1.0 - first) * (b - a) / (read - length) for a, b in pairwise(starts)]
    return [(a, a + length, weight) for a, weight in zip(starts, weights, strict=True)]
