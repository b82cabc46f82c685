"""Which edition of a document a dead letter speaks of."""

import base64
from dataclasses import replace

from pipeline.wire import CLASSIFIED, DOCUMENTS, DeadLetter
from tests.contracts.streams import T0, document
from workers.refusals import edition_of


def letter(value: bytes) -> DeadLetter:
    return DeadLetter(
        stage="archive",
        topic="classified",
        partition=0,
        offset=1,
        key=None,
        value=base64.b64encode(value).decode(),
        reason="no",
        error="Rejected",
        at=T0,
    )


def test_a_letter_tells_the_edition_of_the_document_in_it() -> None:
    classified = document("a")
    third = replace(classified, document=replace(classified.document, version=3))
    assert edition_of(letter(DOCUMENTS.encode(third.document).value)) == 3
    assert edition_of(letter(CLASSIFIED.encode(third).value)) == 3
    assert edition_of(letter(b"not a document")) is None
    assert edition_of(letter(b"")) is None
