"""How one text of the sample is written: slots filled, a voice and a place chosen."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from workers import sample_companies as world
from workers import sample_texts as texts
from workers.sample_companies import COMPANIES, Company


@dataclass(slots=True)
class Draft:
    """A document before it has an id; `repost_of` is another draft."""

    at: timedelta
    source: str
    tickers: tuple[str, ...]
    title: str | None = None
    text: str | None = None
    publisher: str | None = None
    author: str | None = None
    lang: str = "en"
    repost_of: "Draft | None" = None
    planted: str | None = None
    id: str = field(default="")


def news(
    rng: random.Random,
    at: timedelta,
    headline: str,
    leads: Sequence[str],
    about: tuple[Company, ...],
    planted: str | None = None,
) -> Draft:
    """A newsroom's story: the headline as title, one of `leads` as text."""
    slots = slots_for(rng, about)
    publisher, source = rng.choice(world.PUBLISHERS)
    return Draft(
        at,
        source,
        tuple(company.ticker for company in about),
        title=headline.format_map(slots),
        text=rng.choice(leads).format_map(slots),
        publisher=publisher,
        author=person(rng),
        planted=planted,
    )


def post(
    rng: random.Random,
    at: timedelta,
    text: str,
    about: tuple[Company, ...],
    planted: str | None = None,
    tails: Sequence[str] = (),
) -> Draft:
    """A post, with one of `tails` behind it where there are any."""
    if tails:
        text = f"{text} {rng.choice(tails)}".strip()
    return Draft(
        at,
        rng.choice(world.NETWORKS),
        tuple(company.ticker for company in about),
        text=text.format_map(slots_for(rng, about)),
        author=handle(rng),
        planted=planted,
    )


def foreign(rng: random.Random, at: timedelta, company: Company, mood: int) -> Draft:
    """A post in Chinese or French."""
    chinese = rng.random() < 0.7
    text = rng.choice(texts.CHINESE[mood] if chinese else texts.FRENCH)
    draft = post(rng, at, text, (company,))
    draft.lang = "zh" if chinese else "fr"
    return draft


def slots_for(rng: random.Random, about: tuple[Company, ...]) -> dict[str, Any]:
    company = about[0] if about else rng.choice(COMPANIES)
    other = about[-1] if about else company
    return {
        "c": company.name,
        "t": company.ticker,
        "s": other.name,
        "u": other.ticker,
        "p": rng.choice(company.products),
        "q": rng.choice(("first", "second", "third", "fourth")),
        "b": rng.choice(world.BROKERS),
        "who": person(rng),
        "city": rng.choice(world.CITIES),
        "day": rng.choice(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")),
        "pct": rng.randint(2, 14),
        "m": rng.randint(12, 480),
        "n": rng.randint(3, 9),
    }


def person(rng: random.Random) -> str:
    return f"{rng.choice(world.FIRST_NAMES)} {rng.choice(world.LAST_NAMES)}"


def handle(rng: random.Random) -> str:
    word, ending = rng.choice(world.HANDLE_WORDS), rng.choice(world.HANDLE_ENDINGS)
    return f"{word}_{ending}{rng.randint(1, 99)}"
