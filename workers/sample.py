"""The bundled sample: 48 hours of invented news and posts, with planted surges and decoys.

Everything is synthetic, and says so in `extra`. The same seed gives the same texts at the
same offsets; `ends_at` only says where on the calendar they lie. Day one is ordinary, so
that a detector can learn it; day two holds what `EXPECTED` and `DECOYS` name::

    hours  0 ................. 24 ......... 27.5 28 ..... 31 .. 33 ............. 48
           ordinary all along                shock  build-up      supplier
                                         positive day, re-posts, spam
"""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from workers import sample_companies as world
from workers import sample_stories as stories
from workers import sample_texts as texts
from workers.sample_companies import BY_TICKER, COMPANIES
from workers.sample_stories import DECOYS, EXPECTED, LENGTH, Planted
from workers.sample_world import GENERAL
from workers.sample_writing import Draft, foreign, handle, news, post

__all__ = ["DECOYS", "EXPECTED", "LENGTH", "SEED", "Planted", "sample_documents"]

SEED = 20260101
BACKGROUND = 5_300
# Of ordinary texts: about companies (the rest is about the world), and of those, posts.
COMPANY_SHARE = 0.66
POST_SHARE = 0.42
# How ordinary news feels; bad news is the rarer kind.
MOOD_WEIGHTS = (0.11, 0.57, 0.32)
# A company story is taken up by others within the half hour, at times.
ECHO_SHARE = 0.10
# The sample begins at six in the morning of its own day.
FIRST_HOUR = 6.0
# Texts an hour, relative, at 0, 2, 4, … o'clock: the desks open, the markets close.
RHYTHM = (0.35, 0.25, 0.25, 0.6, 1.3, 1.7, 1.5, 1.6, 1.8, 1.4, 0.9, 0.6)


def sample_documents(seed: int = SEED, *, ends_at: datetime) -> Iterator[dict[str, Any]]:
    """`documents` v1 records in event-time order, about 6,000, the last just before
    `ends_at` (aware). Ids are unique within a sample and differ between end times."""
    # the same texts for everyone is the point
    rng = random.Random(seed)  # noqa: S311
    starts_at = ends_at.astimezone(UTC) - LENGTH
    drafts = [
        *_background(rng),
        *_shock(rng),
        *_build_up(rng),
        *_supplier(rng),
        *_positive_day(rng),
        *_spam(rng),
        *_reposts(rng),
    ]
    drafts.sort(key=lambda draft: draft.at)
    stamp = f"{starts_at:%Y%m%d%H%M%S}"
    for number, draft in enumerate(drafts):
        draft.id = f"sample-{seed}-{stamp}-{number:05d}"
    for draft in drafts:
        yield _record(draft, starts_at, ends_at, rng)


def _record(
    draft: Draft, starts_at: datetime, ends_at: datetime, rng: random.Random
) -> dict[str, Any]:
    at = starts_at + draft.at
    seen = min(at + timedelta(seconds=rng.uniform(0.5, 20)), ends_at)
    site = draft.source.partition(":")[2]
    record: dict[str, Any] = {
        "v": 1,
        "id": draft.id,
        "source": draft.source,
        "publisher": draft.publisher,
        "author": draft.author,
        "url": f"https://{site}.example/{draft.id}",
        "title": draft.title,
        "text": draft.text,
        "lang": draft.lang,
        "published_at": at.isoformat(timespec="milliseconds"),
        "fetched_at": seen.isoformat(timespec="milliseconds"),
        "subjects": list(draft.tickers),
        "repost_of": draft.repost_of.id if draft.repost_of else None,
        "extra": {"synthetic": True},
    }
    return {name: value for name, value in record.items() if value is not None}


def _background(rng: random.Random) -> Iterator[Draft]:
    weights = list(accumulate(company.weight for company in COMPANIES))
    topics = list(texts.COMPANY_NEWS)
    # product news is what companies make most
    topic_weights = [3.0 if "Product" in topic else 1.0 for topic in topics]
    for at in _moments(rng, BACKGROUND):
        mood = rng.choices(range(3), MOOD_WEIGHTS)[0]
        if rng.random() >= COMPANY_SHARE:
            topic = rng.choice(list(GENERAL))
            yield news(rng, at, rng.choice(GENERAL[topic][mood]), texts.LEADS[mood], ())
            continue
        company = rng.choices(COMPANIES, cum_weights=weights)[0]
        chance = rng.random()
        if chance < 0.025:
            yield foreign(rng, at, company, mood)
        elif chance < POST_SHARE:
            yield post(rng, at, rng.choice(texts.POSTS[mood]), (company,), tails=texts.TAILS[mood])
        else:
            topic = rng.choices(topics, topic_weights)[0]
            headline = rng.choice(texts.COMPANY_NEWS[topic][mood])
            yield news(rng, at, headline, texts.LEADS[mood], (company,))
            if rng.random() < ECHO_SHARE:
                later = at + timedelta(minutes=rng.uniform(1, 30))
                if later < LENGTH:
                    yield post(
                        rng,
                        later,
                        rng.choice(texts.POSTS[mood]),
                        (company,),
                        tails=texts.TAILS[mood],
                    )


def _shock(rng: random.Random) -> Iterator[Draft]:
    """Everybody at once, then a tail: half of it within fifty minutes."""
    company = BY_TICKER[_ticker(stories.SHOCK)]
    for _ in range(70):
        at = stories.SHOCK.starts + timedelta(hours=min(5.5, rng.expovariate(1 / 1.2)))
        if rng.random() < 0.55:
            opening = rng.choice(stories.SHOCK_OPENINGS)
            yield news(rng, at, opening, stories.SHOCK_REACTIONS, (company,), "shock")
        else:
            yield post(rng, at, rng.choice(stories.SHOCK_POSTS), (company,), "shock")


def _build_up(rng: random.Random) -> Iterator[Draft]:
    """Complaints from two an hour to fifteen an hour, over nine hours."""
    company = BY_TICKER[_ticker(stories.BUILD_UP)]
    for _ in range(80):
        # the root makes the rate grow in a straight line
        at = stories.BUILD_UP.starts + timedelta(hours=9 * math.sqrt(rng.random()))
        if rng.random() < 0.3:
            headline = rng.choice(stories.BUILD_NEWS)
            yield news(rng, at, headline, stories.BUILD_DETAILS, (company,), "build-up")
        else:
            yield post(
                rng,
                at,
                rng.choice(stories.BUILD_POSTS),
                (company,),
                "build-up",
                stories.BUILD_TAILS,
            )


def _supplier(rng: random.Random) -> Iterator[Draft]:
    """The supplier burns, the customer bleeds: every text names both."""
    company = BY_TICKER[_ticker(stories.SUPPLIER)]
    supplier = BY_TICKER[stories.SUPPLIER.related[0].removeprefix("ticker:")]
    both = (company, supplier)
    for _ in range(60):
        at = stories.SUPPLIER.starts + timedelta(hours=min(5.5, rng.expovariate(1 / 1.6)))
        if rng.random() < 0.65:
            headline = rng.choice(stories.SUPPLIER_NEWS)
            yield news(rng, at, headline, stories.SUPPLIER_DETAILS, both, "supplier")
        else:
            yield post(rng, at, rng.choice(stories.SUPPLIER_POSTS), both, "supplier")


def _positive_day(rng: random.Random) -> Iterator[Draft]:
    company = BY_TICKER[_ticker(stories.POSITIVE_DAY)]
    for _ in range(160):
        at = stories.POSITIVE_DAY.starts + timedelta(hours=rng.triangular(0, 11, 3))
        # even on the best of days a few see it otherwise
        mood = rng.choices((0, 1, 2), (0.05, 0.2, 0.75))[0]
        if mood != 2:
            yield post(rng, at, rng.choice(texts.POSTS[mood]), (company,), "positive day")
        elif rng.random() < 0.45:
            headline = rng.choice(stories.PRAISE_NEWS)
            yield news(rng, at, headline, stories.PRAISE_DETAILS, (company,), "positive day")
        else:
            yield post(rng, at, rng.choice(stories.PRAISE_POSTS), (company,), "positive day")


def _spam(rng: random.Random) -> Iterator[Draft]:
    """One text from many accounts; only links, cashtags and numbers differ."""
    company = BY_TICKER[_ticker(stories.SPAM)]
    for _ in range(170):
        at = stories.SPAM.starts + timedelta(minutes=rng.uniform(5, 50))
        others = [one for one in rng.sample(COMPANIES, rng.randint(1, 3)) if one is not company]
        noise = " ".join(f"${one.ticker}" for one in others) + f" {rng.randint(10, 999)}"
        link = f"https://lnk.example/{rng.getrandbits(40):010x}"
        text = stories.SPAM_TEXT.format(noise=noise, t=company.ticker, link=link)
        yield Draft(
            at,
            rng.choice(world.NETWORKS),
            (company.ticker, *(one.ticker for one in others)),
            text=text,
            author=f"promo{rng.randint(1000, 9999)}",
            planted="spam",
        )


def _reposts(rng: random.Random) -> Iterator[Draft]:
    """One bad story, told once and passed on a hundred and fifty times."""
    company = BY_TICKER[_ticker(stories.REPOSTS)]
    text = stories.REPOSTED.format(c=company.name)
    first = Draft(
        stories.REPOSTS.starts + timedelta(minutes=7),
        world.NETWORKS[0],
        (company.ticker,),
        text=text,
        author="warehouse_whistle",
        planted="re-posts",
    )
    yield first
    for _ in range(150):
        yield Draft(
            first.at + timedelta(minutes=min(300, 1 + rng.expovariate(1 / 60))),
            rng.choice(world.NETWORKS),
            (company.ticker,),
            text=f"RT @{first.author}: {text} https://lnk.example/{rng.getrandbits(32):08x}",
            author=handle(rng),
            repost_of=first,
            planted="re-posts",
        )


def _moments(rng: random.Random, count: int) -> list[timedelta]:
    """Offsets over the two days by the rhythm of the day, unsorted."""
    steps = 48 * 2
    rates = [_rate((FIRST_HOUR + step / 2) % 24) for step in range(steps)]
    chosen = rng.choices(range(steps), rates, k=count)
    return [timedelta(hours=(step + rng.random()) / 2) for step in chosen]


def _rate(hour: float) -> float:
    before = int(hour // 2)
    share = hour / 2 - before
    return RHYTHM[before] * (1 - share) + RHYTHM[(before + 1) % len(RHYTHM)] * share


def _ticker(planted: Planted) -> str:
    return planted.subject.removeprefix("ticker:")
