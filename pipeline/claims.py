"""Who is meant by a name or a ticker, and when: the claims of the catalogue's entries.

A ticker is used again after a merger and a name changes hands, so a claim has days. Claims
that collide are ranked: a form a catalogue states beats one derived from a longer name, a
later file beats an earlier one.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from pipeline.documents import SubjectId
from pipeline.names import Case, Form

ALWAYS = (date.min.toordinal(), date.max.toordinal())


class Claim(NamedTuple):
    """One subject's right to a form or ticker from day `first` to day `last` (ordinals).

    A tuple: a catalogue makes 100,000 at once.
    """

    subject: SubjectId
    first: int
    last: int
    layer: int
    form: Form | None = None

    @property
    def rank(self) -> tuple[bool, int]:
        """Higher wins."""
        return (self.form is None or not self.form.derived, self.layer)

    @property
    def always(self) -> bool:
        return (self.first, self.last) == ALWAYS


def ranked(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The claims, strongest first; equals keep their order."""
    claims = tuple(claims)
    # nearly every name has one owner
    if len(claims) < 2:
        return claims
    return tuple(sorted(claims, key=lambda claim: claim.rank, reverse=True))


def sole_claim(claims: tuple[Claim, ...]) -> Claim | None:
    """The claim that decides on every day and for every text, where one does."""
    top = claims[0]
    if not top.always:
        return None
    if top.form is not None and (top.form.needs_support or top.form.case is not Case.FREE):
        return None
    if len(claims) == 1:
        return top
    rivals = any(claim.rank == top.rank and claim.subject != top.subject for claim in claims)
    return None if rivals else top


def strongest_on(claims: Iterable[Claim], day: int) -> list[Claim]:
    """Of the ranked `claims` that hold on `day`, those of the highest rank."""
    best: list[Claim] = []
    for claim in claims:
        if claim.first <= day <= claim.last:
            if best and claim.rank != best[0].rank:
                break
            best.append(claim)
    return best
