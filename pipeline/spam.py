"""What is suspected to be spam: bursts that only accounts nobody follows make.

Two signs, both rates. *One text, many accounts*: within half an hour different accounts give
the same words, and too few of those who give them have a name to lose. *One account, many
subjects*: an account without a name posts about many subjects within ten minutes, over
several posts. Neither looks at what is said.
"""

from collections.abc import Mapping
from datetime import timedelta

from pipeline.documents import Document

# An account known to have fewer readers is a nobody, with more it is somebody.
FEW_FOLLOWERS = 100
MANY_FOLLOWERS = 1_000

TEXT_WINDOW = timedelta(minutes=30)
# Nobodies that give one text within the window; what each teller weighs is `weight_of`.
SUSPECT_WEIGHT = 80
NOBODY, UNKNOWN, SOMEBODY = 10, 4, -30

ACCOUNT_WINDOW = timedelta(minutes=10)
SUSPECT_SUBJECTS = 15
# Of a text and of an account, the latest so many tellers or subjects are remembered.
REMEMBERED = 32


def weight_of(document: Document) -> int:
    """How much a telling speaks for spam. 10: of an account with under a hundred followers;
    -30: of a publisher, or of an account with over a thousand; 0: a repost by anyone else;
    4: the rest, of whom nothing is known."""
    if document.publisher:
        return SOMEBODY
    followers = _followers(document.extra)
    if followers is not None and followers < FEW_FOLLOWERS:
        return NOBODY
    if followers is not None and followers >= MANY_FOLLOWERS:
        return SOMEBODY
    reposted = document.repost_of or document.body[:3].lower() == "rt "
    return 0 if reposted else UNKNOWN


def _followers(extra: Mapping[str, object]) -> int | None:
    value = extra.get("followers")
    return value if isinstance(value, int) and not isinstance(value, bool) else None
