"""The form in which texts and names are compared: never shown, never stored.

Full-width letters and digits, letters of mathematical alphabets, compatibility characters
and traditional Chinese characters stand for the same things as their plain forms. Each is
replaced by one character, so a place found in the form is the same place in the text.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# Where Unicode keeps characters that NFKC makes plain; most have one plain character.
_COMPATIBILITY = (
    (0x00A0, 0x00BF),  # no-break space, superscript digits
    (0x2000, 0x214F),  # spaces, super- and subscripts, letterlike symbols
    (0x2460, 0x24FF),  # circled digits and letters
    (0x2E80, 0x2FDF),  # radicals
    (0x3000, 0x3000),  # the ideographic space
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFE30, 0xFE6B),  # forms for vertical text
    (0xFF01, 0xFFEE),  # full and half width
    (0x1D400, 0x1D7FF),  # mathematical letters: 𝗕𝘂𝘆
)


def matching_form(text: str) -> str:
    """`text` for comparing, of the same length: character n stands for character n.

    Case is kept. What has no plain form of one character ("㈱", "™", "ﬁ") is kept too.
    """
    if text.isascii():
        return text
    return text.translate(_plain_forms())


@cache
def _plain_forms() -> Mapping[int, str]:
    table = Path(__file__).with_name("catalogue_data") / "traditional.txt"
    simplified = {
        line[0]: line[1]
        for line in table.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    }
    forms = {
        ord(character): simplified.get(plain, plain) for character, plain in simplified.items()
    }
    for first, last in _COMPATIBILITY:
        for point in range(first, last + 1):
            plain = unicodedata.normalize("NFKC", chr(point))
            if len(plain) == 1 and plain != chr(point):
                forms[point] = simplified.get(plain, plain)
    return forms
