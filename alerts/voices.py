"""Who spoke last of a series, and how: the evidence that negative documents are not one voice's."""

import msgspec

from pipeline.trends import Evidence

VOICES_KEPT = 20
# An author field of two thousand letters is no name; voices alike so far count as one.
_VOICE_LENGTH = 80


class Voice(msgspec.Struct, array_like=True, frozen=True):
    """The latest novel negative document of one voice."""

    at: float
    document: str
    story: str
    negative_micro: int

    @property
    def minute(self) -> int:
        return int(self.at // 60)


def hear(voices: dict[str, Voice], piece: Evidence) -> None:
    """Take in a novel negative document: the latest of each voice, of the latest voices."""
    at = piece.at.timestamp()
    name = piece.voice[:_VOICE_LENGTH]
    held = voices.get(name)
    if held is not None and (held.at, held.document) >= (at, piece.document):
        return
    voices[name] = Voice(at, piece.document, piece.story, piece.negative_micro)
    if len(voices) > VOICES_KEPT:
        # the latest of each voice, then the latest voices: no order of arrival matters
        del voices[min(voices, key=lambda other: (voices[other].at, other))]
