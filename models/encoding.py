"""Texts to padded batches of token numbers, with the tokens of each company's name marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from models.data import readable
from models.network import Inputs


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text's token numbers, and for each name asked about the positions of its tokens.

    A name the text does not hold (or holds beyond the window) is asked about with all its
    tokens: the answer is then the sentiment of the text."""

    ids: tuple[int, ...]
    mentions: tuple[tuple[int, ...], ...] = ()


def encode(
    tokenizer: Any,
    texts: Sequence[str],
    names: Sequence[Sequence[Sequence[str]]],
    window: int,
) -> list[Encoded]:
    """Each text, cut at `window` tokens, with for every asked company (a sequence of the names
    it goes by) the tokens of all its mentions. `texts` are cleaned by `readable` here."""
    cleaned = [readable(text) for text in texts]
    encoded = tokenizer(
        cleaned, truncation=True, max_length=window, return_offsets_mapping=any(names)
    )
    found: list[Encoded] = []
    for row, ids in enumerate(encoded["input_ids"]):
        asked = names[row]
        if not asked:
            found.append(Encoded(tuple(ids)))
            continue
        offsets = encoded["offset_mapping"][row]
        lower = cleaned[row].lower()
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
    spans = [span for name in names if name for span in _spans(lower, name.lower())]
    found = tuple(
        place
        for place, (start, end) in enumerate(offsets)
        if start < end and any(start < last and first < end for first, last in spans)
    )
    return found or tuple(place for place, (start, end) in enumerate(offsets) if start < end)


def _spans(lower: str, name: str) -> list[tuple[int, int]]:
    """Where `name` stands as whole words; anywhere, if nowhere as whole words."""
    whole: list[tuple[int, int]] = []
    inside: list[tuple[int, int]] = []
    start = lower.find(name)
    while start >= 0 and len(inside) < 50:
        end = start + len(name)
        inside.append((start, end))
        before, after = lower[start - 1 : start], lower[end : end + 1]
        if not (before.isalnum() and name[0].isalnum()) and not (
            after.isalnum() and name[-1].isalnum()
        ):
            whole.append((start, end))
        start = lower.find(name, end)
    return whole or inside


def padded(rows: Sequence[Encoded], pad: int = 0, multiple: int = 1) -> Inputs:
    """The rows as one batch, padded with `pad` to the longest, rounded up to `multiple`."""
    longest = max((len(row.ids) for row in rows), default=1)
    longest = -(-max(longest, 1) // multiple) * multiple
    ids = torch.full((len(rows), longest), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.bool)
    asked = [(place, tokens) for place, row in enumerate(rows) for tokens in row.mentions]
    mentions = torch.zeros((len(asked), longest), dtype=torch.bool)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = torch.tensor(row.ids)
        mask[place, : len(row.ids)] = True
    for company, (_, tokens) in enumerate(asked):
        mentions[company, list(tokens)] = True
    return Inputs(ids, mask, torch.tensor([row for row, _ in asked], dtype=torch.long), mentions)
