"""What speaks for an alert, completed from the archive."""

from collections.abc import Sequence

from alerts.lifecycle import AlertEvidence, Fingerprint
from alerts.ports import EvidenceLookup
from alerts.tracking import Tracked


def fill_in(tracked: Sequence[Tracked], lookup: EvidenceLookup) -> None:
    """Complete the alerts' evidence, as far as it is in the archive by now: of those that have
    changed, and of those still open that lack a title."""
    pieces: dict[Fingerprint, tuple[AlertEvidence, ...]] = {}
    for one in tracked:
        if one.now is None:
            continue
        if one.changed:
            pieces[one.fingerprint] = one.gathered
        elif one.open and any(piece.title is None for piece in one.now.evidence):
            pieces[one.fingerprint] = one.now.evidence
    wanted = [piece.id for some in pieces.values() for piece in some if piece.title is None]
    found = lookup.find(list(dict.fromkeys(wanted))) if wanted else {}
    for one in tracked:
        if one.fingerprint in pieces:
            some = pieces[one.fingerprint]
            versions = [found[piece.id].model_version for piece in some if piece.id in found]
            one.complete(
                tuple(found[p.id].evidence if p.id in found else p for p in some),
                max(versions, default=""),
            )
