"""What was refused of the documents that were sent: the dead letters, by document and edition."""

from pipeline.errors import Rejected
from pipeline.wire import CLASSIFIED, DEAD_LETTERS, DOCUMENTS, DeadLetter
from workers.letters import read_letters
from workers.settings import KafkaSettings


class Refusals:
    """The ids of dead letters, each told once, with the edition that was refused: None where the
    letter does not tell. Where reading stopped is remembered."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._next: dict[tuple[str, int], int] = {}

    def __call__(self) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        topic = f"{self._settings.prefix}{DEAD_LETTERS.name}"
        for letter in read_letters(self._settings, self._next, timeout_seconds=20):
            self._next[(topic, letter.partition)] = letter.offset + 1
            key = letter.letter.key_bytes if letter.letter is not None else None
            if letter.letter is not None and key is not None:
                name, edition = key.decode(errors="replace"), edition_of(letter.letter)
                known = found.get(name, 0)
                found[name] = None if edition is None or known is None else max(known, edition)
        return found


def edition_of(letter: DeadLetter) -> int | None:
    """The edition of the document the letter holds, as found or as classified; None where it
    holds neither."""
    value = letter.value_bytes
    try:
        return DOCUMENTS.decode(value).version
    except Rejected:
        pass
    try:
        return CLASSIFIED.decode(value).document.version
    except Rejected:
        return None
