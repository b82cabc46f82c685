"""The language of a document, as a lower-case ISO 639-1 code.

A source's own tag is a hint and often wrong, so the script decides where it is telling:
kana is Japanese, hangul Korean, other Han text Chinese.
"""

import re

from pipeline.documents import Document

_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTERS = re.compile(r"[^\W\d_]")
# a Chinese text quotes tickers and Latin names; an English one hardly ever quotes Han
_HAN_SHARE = 0.2


def language_of(document: Document) -> str:
    """The language by script where the script tells, else the source's tag, else `en`."""
    body = document.body[:2000]
    if not body.isascii():
        han = len(_HAN.findall(body))
        kana = len(_KANA.findall(body))
        hangul = len(_HANGUL.findall(body))
        letters = len(_LETTERS.findall(body))
        if letters and (han + kana + hangul) / letters >= _HAN_SHARE:
            if kana > 0.1 * han:
                return "ja"
            return "ko" if hangul > han else "zh"
    tag = (document.lang or "").strip().lower().replace("_", "-").partition("-")[0]
    return tag if 2 <= len(tag) <= 3 and tag.isalpha() else "en"
