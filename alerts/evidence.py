"""What speaks for an alert, completed from the archive."""

from collections.abc import Sequence
from dataclasses import replace

from alerts.lifecycle import AlertEvidence, Fingerprint
from alerts.ports import EvidenceLookup
from alerts.tracking import Tracked
from pipeline.ports import SHOWN_CHARACTERS, Shown, Words

EXPLAINED = 5
"""The strongest pieces of an alert, whose words are told."""
EXPLAINED_AT_ONCE = 2_000
"""Characters explained in one batch: half a second or a second of a model's time. In a crash of
everything alerts come first, most words later."""

Pieces = dict[Fingerprint, tuple[AlertEvidence, ...]]


def fill_in(tracked: Sequence[Tracked], lookup: EvidenceLookup, words: Words | None = None) -> None:
    """Complete the alerts' evidence, as far as it is in the archive by now: of those that have
    changed, and of those still open that lack a title, or words where these are told."""
    pieces: Pieces = {}
    for one in tracked:
        if one.now is None:
            continue
        if one.changed:
            pieces[one.fingerprint] = one.gathered
        elif one.open and _lacks(one.now.evidence, words):
            pieces[one.fingerprint] = one.now.evidence
    changing = [one for one in tracked if one.fingerprint in pieces]
    wanted = {
        (piece.id, one.series.subject)
        for one in changing
        for piece in pieces[one.fingerprint]
        if piece.title is None
    }
    found = lookup.find(sorted(wanted, key=str)) if wanted else {}
    versions = {}
    for one in changing:
        some = [
            (piece, found.get((piece.id, one.series.subject))) for piece in pieces[one.fingerprint]
        ]
        pieces[one.fingerprint] = tuple(
            piece if there is None else there.evidence for piece, there in some
        )
        versions[one.fingerprint] = max(
            (there.model_version for _, there in some if there is not None), default=""
        )
    if words is not None:
        _explain(changing, pieces, words)
    for one in changing:
        one.complete(pieces[one.fingerprint], versions[one.fingerprint])


def _lacks(evidence: Sequence[AlertEvidence], words: Words | None) -> bool:
    if any(piece.title is None for piece in evidence):
        return True
    return words is not None and any(piece.words is None for piece in evidence[:EXPLAINED])


def _explain(tracked: Sequence[Tracked], pieces: Pieces, words: Words) -> None:
    """Add the words of the strongest pieces that have a title, some of them at a time."""
    asked: dict[Shown, tuple[str, ...] | None] = {}
    left = EXPLAINED_AT_ONCE
    for one in tracked:
        for piece in pieces[one.fingerprint][:EXPLAINED]:
            if piece.words is None and piece.title and left > 0:
                asked[piece.title, one.series.subject, piece.at] = None
                left -= min(len(piece.title), SHOWN_CHARACTERS)
    told = words(list(asked)) if asked else None
    if told is None:
        return
    asked.update(zip(asked, told, strict=True))
    for one in tracked:
        pieces[one.fingerprint] = tuple(
            replace(piece, words=asked.get((piece.title or "", one.series.subject, piece.at)))
            if piece.words is None
            else piece
            for piece in pieces[one.fingerprint]
        )
