"""The training texts as numbers: encoded once, labels per task, batches of like length."""

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.data import LABELS, SENTIMENTS, TOPICS, Example
from models.encoding import Encoded, encode, padded_arrays
from models.network import Inputs
from models.recipe import Recipe

NO_LABEL = -100
# A text that shares more of its word triples with another is a near-copy of it.
NEAR = 0.3
_CASHTAG = re.compile(r"\$[A-Za-z][A-Za-z.]{0,6}\b")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Encoded texts with labels: `NO_LABEL` where a text has none. Companies are numbered
    through all texts; text i has companies `first[i]` to `first[i + 1]`."""

    examples: tuple[Example, ...]
    encoded: tuple[Encoded, ...]
    sentiment: Tensor
    topic: Tensor
    entity: Tensor
    first: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.encoded)

    def inputs(self, rows: Sequence[int], pad: int) -> Inputs:
        """The rows as one padded batch."""
        arrays = padded_arrays([self.encoded[row] for row in rows], pad)
        return Inputs(*(torch.from_numpy(part) for part in arrays))

    def companies(self, rows: Sequence[int]) -> list[int]:
        """The numbers of the companies of these rows, in the order of `inputs`."""
        return [n for row in rows for n in range(self.first[row], self.first[row + 1])]

    def labels(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Each task's labels for these rows."""
        chosen = torch.tensor(list(rows))
        return {
            "sentiment": self.sentiment[chosen],
            "topic": self.topic[chosen],
            "entity_sentiment": self.entity[torch.tensor(self.companies(rows), dtype=torch.long)],
        }


def corpus_of(examples: Sequence[Example], tokenizer: Tokenizer, window: int) -> Corpus:
    """The examples, encoded."""
    encoded = encode(
        tokenizer,
        [one.text for one in examples],
        [[(name,) for name, _ in one.entities] for one in examples],
        window,
    )
    first = [0]
    for one in examples:
        first.append(first[-1] + len(one.entities))
    return Corpus(
        tuple(examples),
        tuple(encoded),
        _numbers([one.sentiment for one in examples], SENTIMENTS),
        _numbers([one.topic for one in examples], TOPICS),
        _numbers([label for one in examples for _, label in one.entities], SENTIMENTS),
        tuple(first),
    )


def _numbers(labels: Sequence[str | None], known: Sequence[str]) -> Tensor:
    return torch.tensor(
        [NO_LABEL if label is None else known.index(label) for label in labels], dtype=torch.long
    )


def divided(examples: Sequence[Example], recipe: Recipe) -> tuple[list[Example], list[Example]]:
    """(training, development) texts: by a hash of the text, so that every seed and every file
    order gives the same, and copies of a text stay on one side."""
    train: list[Example] = []
    development: list[Example] = []
    for example in examples:
        place = place_of(example.text)
        if place < recipe.development:
            development.append(example)
        elif (place - recipe.development) < recipe.fraction * (1.0 - recipe.development):
            train.append(example)
    return train, development


def unlike(held: Sequence[Example], training: Sequence[Example]) -> list[Example]:
    """Those of `held` that share few word triples with every text of `training`.

    A near-copy of a text that was trained on is answered with the confidence of a text known
    by heart: temperatures fitted on many of them are too low for news.
    """
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, example in enumerate(training):
        for triple in _triples(example.text):
            holders[triple].append(number)
    found = []
    for example in held:
        triples = _triples(example.text)
        shared = Counter(number for one in triples for number in holders.get(one, ()))
        if max(shared.values(), default=0) <= NEAR * len(triples):
            found.append(example)
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _triples(text: str) -> set[tuple[str, ...]]:
    """Neighbouring words by threes; of a shorter text all of it."""
    words = _words(text)
    return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}


def place_of(text: str) -> float:
    """A number in [0, 1) that the words alone decide."""
    words = " ".join(_words(text))
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:6], "big") / 2**48


def widened(example: Example, recipe: Recipe) -> Example:
    """The example with the labels that follow from those it has, as the recipe allows."""
    told = {label for _, label in example.entities}
    if recipe.headline_sentiment and example.sentiment is None and len(told) == 1:
        return replace(example, sentiment=next(iter(told)))
    if recipe.cashtag_entities and example.sentiment is not None and not example.entities:
        tags = {tag.upper(): tag for tag in _CASHTAG.findall(example.text)}
        if len(tags) == 1:
            return replace(
                example, entities=tuple((tag, example.sentiment) for tag in tags.values())
            )
    return example


def batches(corpus: Corpus, size: int, seed: int) -> Iterator[list[int]]:
    """All rows once, in random batches of texts of about one length (less padding)."""
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    rows = list(range(len(corpus)))
    chance.shuffle(rows)
    pool = size * 50
    found: list[list[int]] = []
    for first in range(0, len(rows), pool):
        part = sorted(rows[first : first + pool], key=lambda row: len(corpus.encoded[row].ids))
        found.extend(part[start : start + size] for start in range(0, len(part), size))
    chance.shuffle(found)
    yield from found


def class_weights(labels: Tensor, task: str, power: float) -> Tensor:
    """One weight per class, mean one over the texts: rare classes weigh more as `power` grows."""
    known = labels[labels >= 0]
    counts = torch.bincount(known, minlength=len(LABELS[task])).clamp(min=1).float()
    weights = (counts / counts.sum()) ** -power
    return weights / (weights * counts).sum() * counts.sum()
