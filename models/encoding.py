"""Texts to padded batches of token numbers, with the tokens of each company's name marked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.data import lowered, readable
from models.naming import spans_of


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text's token numbers, and for each name asked about the positions of its tokens.

    A name the text does not hold (or holds beyond the window) is asked about with all its
    tokens: the answer is then the sentiment of the text."""

    ids: tuple[int, ...]
    mentions: tuple[tuple[int, ...], ...] = ()


def encode(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    names: Sequence[Sequence[Sequence[str]]],
    window: int,
) -> list[Encoded]:
    """Each text, cut at `window` tokens, with for every asked company (a sequence of the names
    it goes by) the tokens of all its mentions. `texts` are cleaned by `readable` here."""
    cleaned = [readable(text) for text in texts]
    found: list[Encoded] = []
    for row, one in enumerate(tokenizer.encode_batch(cleaned)):
        # the last token closes the text, wherever it is cut
        ids = one.ids if len(one.ids) <= window else [*one.ids[: window - 1], one.ids[-1]]
        asked = names[row]
        if not asked:
            found.append(Encoded(tuple(ids)))
            continue
        offsets = one.offsets[: len(ids) - 1]
        lower = lowered(cleaned[row])
        found.append(
            Encoded(
                tuple(ids),
                tuple(
                    mention_tokens(lower, [readable(name) for name in company], offsets)
                    for company in asked
                ),
            )
        )
    return found


def mention_tokens(
    lower: str, names: Sequence[str], offsets: Sequence[tuple[int, int]]
) -> tuple[int, ...]:
    """The positions of the tokens that lie in any mention of any of the names; of all tokens
    of the text where none is found. Special tokens (empty offsets) are never among them."""
    spans = [span for name in names if name for span in spans_of(lower, lowered(name))]
    found = tuple(
        place
        for place, (start, end) in enumerate(offsets)
        if start < end and any(start < last and first < end for first, last in spans)
    )
    return found or tuple(place for place, (start, end) in enumerate(offsets) if start < end)


def padded_arrays(
    rows: Sequence[Encoded], pad: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_]]:
    """The rows as one batch, padded with `pad` to the longest: token numbers and their mask
    (texts, tokens), the text of each company, and the tokens of its name (companies, tokens)."""
    longest = max((len(row.ids) for row in rows), default=1)
    ids = np.full((len(rows), longest), pad, np.int64)
    mask = np.zeros((len(rows), longest), np.bool_)
    asked = [(place, tokens) for place, row in enumerate(rows) for tokens in row.mentions]
    mentions = np.zeros((len(asked), longest), np.bool_)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = row.ids
        mask[place, : len(row.ids)] = True
    for company, (_, tokens) in enumerate(asked):
        mentions[company, list(tokens)] = True
    return ids, mask, np.array([row for row, _ in asked], np.int64), mentions
