"""Documents as the network reads them: cut in windows, the headline's the heaviest.

A text beyond one window is cut in up to `MOST_WINDOWS`; the answers are averaged. The first
window begins with the headline and weighs as much as all others together; a company is asked
about only in the windows that name it, and in all of them where none does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from models.data import lowered, readable
from models.encoding import Encoded, mention_tokens

# Characters of a document that are read at all: enough for every window.
MOST_CHARACTERS = 4_000
MOST_WINDOWS = 6
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


def windows_of(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    names: Sequence[Sequence[Sequence[str]]],
    window: int,
) -> list[Window]:
    """The windows of all texts, in order. An empty text has none. `names[i]` holds for each
    company asked about in text i the names it goes by there."""
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
        pieces = [ids[start : start + inner] for start in range(0, len(ids), inner)]
        pieces = pieces[:MOST_WINDOWS]
        asked = names[row][:MOST_COMPANIES]
        marked: list[tuple[int, ...]] = []
        if asked:
            offsets = one.offsets[1 : 1 + inner * MOST_WINDOWS]
            lower = lowered(cleaned[row])
            marked = [
                mention_tokens(lower, [readable(name) for name in company], offsets)
                for company in asked
            ]
        for number, piece in enumerate(pieces):
            start = number * inner
            companies, mentions = [], []
            for company, tokens in enumerate(marked):
                # one place further on: the window begins with a token of its own
                here = tuple(t - start + 1 for t in tokens if start <= t < start + len(piece))
                if here:
                    companies.append(company)
                    mentions.append(here)
            weight = 1.0 if len(pieces) == 1 else 0.5 if number == 0 else 0.5 / (len(pieces) - 1)
            found.append(
                Window(
                    row,
                    Encoded((first, *piece, last), tuple(mentions)),
                    tuple(companies),
                    weight,
                )
            )
    return found
