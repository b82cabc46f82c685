"""Texts in which companies fare differently, made of those that are labelled.

Most headlines are about one company, so a network learns the feeling of the whole text and gives
it to every company named. Two kinds of made text show it the difference:

- *exchanged*: "Gold shines, silver dull" says with its names exchanged the opposite of both;
- *joined*: two headlines about different companies, one after the other, say of each what they
  said.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from models.data import Example

_BETWEEN = ("; ", ". ", ", while ", " as ", " - ", ", but ")
# Joined texts that would not fit the window teach nothing about their second half.
_LONGEST = 110


def contrasts(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """Made texts: every exchanged one, and joined ones up to `share` of the texts that name a
    company. The same for the same texts and seed; topic and sentiment as a whole are not told."""
    if not share:
        return []
    naming = [one for one in examples if one.entities]
    found = [made for one in naming if (made := exchanged(one)) is not None]
    short = [one for one in naming if len(one.text) <= _LONGEST]
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    wanted = int(share * len(naming))
    for _ in range(4 * wanted):
        if len(found) >= wanted or not short:
            break
        one = joined(chance.choice(short), chance.choice(short), chance.choice(_BETWEEN))
        if one is not None:
            found.append(one)
    return found


def exchanged(example: Example) -> Example | None:
    """The text with two of its names exchanged, and what is said of them; None where no two
    names that fare differently can be told apart in it."""
    for (one, said), (other, replied) in combinations(example.entities, 2):
        if said == replied or one in other or other in one:
            continue
        if example.text.count(one) != 1 or example.text.count(other) != 1:
            continue
        text = other.join(one.join(part.split(other)) for part in example.text.split(one))
        told = {**dict(example.entities), one: replied, other: said}
        return replace(example, text=text, sentiment=None, topic=None, entities=tuple(told.items()))
    return None


def joined(first: Example, second: Example, between: str) -> Example | None:
    """Both texts as one; None where they name the same company, or all in them fare alike."""
    told = dict(first.entities) | dict(second.entities)
    if len(told) != len(first.entities) + len(second.entities) or len(set(told.values())) < 2:
        return None
    if any(name in second.text for name, _ in first.entities):
        return None
    if any(name in first.text for name, _ in second.entities):
        return None
    return Example(
        text=f"{first.text.rstrip(' .;')}{between}{second.text}",
        where=f"{first.where} and {second.where}",
        entities=tuple(told.items()),
    )
