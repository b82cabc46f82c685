"""The language of a document, as a lower-case ISO 639-1 code.

A source's own tag is a hint and often wrong. Where the script tells, it decides: kana is
Japanese, hangul Korean, other Han text mostly Chinese. Elsewhere the words decide (CLD2), and
the tag only where they say too little.
"""

import re

import pycld2

from pipeline.documents import Document

_READ = 1_000
_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTERS = re.compile(r"[^\W\d_]")
# a Chinese text quotes tickers and Latin names; an English one hardly ever quotes Han
_HAN_SHARE = 0.2
# the source says that it is of such a script, and some of it is: names are often left Latin
_HAN_SHARE_IF_SAID = 0.05
# a Chinese text may hold a の for style, no Japanese one of some length has so little kana
_KANA_SHARE = 0.1
# links, mentions, tickers and figures are of no language
_NOISE = re.compile(r"(?:https?://|www\.)\S*|[@$#]\w+|&\w+;|\bRT\b|\w*\d\w*|[…|•]+")
# Below so many letters of words the detector guesses.
_FEWEST_LETTERS = 4
# Of a short text CLD2 also gives languages that hardly anybody publishes in; these are taken
# from it, others only where the source says the same.
_USUAL = frozenset(
    "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt "
    "ro ru sk sl sr sv ta te th tr uk ur vi zh".split()
)
_TAG = re.compile("[a-z]{2,3}")
_ALSO_CALLED = {"iw": "he", "in": "id", "nb": "no", "nn": "no", "jp": "ja", "cn": "zh", "kr": "ko"}


def language_of(document: Document) -> str:
    """The language of title and text; where they do not tell, the source's tag, else `en`."""
    body = document.body[:_READ]
    hint = _code(document.lang or "")
    if not body.isascii():
        written = _by_script(body, hint)
        if written:
            return written
    words = " ".join(_NOISE.sub(" ", body).split())
    if len(words) < _FEWEST_LETTERS:
        return hint or "en"
    found, sure = _detected(words)
    if found in ("en", hint):
        return found or "en"
    if hint not in ("", "en") and _detected(words, hint)[0] == hint:
        # near languages are confused; the words allow what the source says
        return hint
    if sure or (found and not words.isascii()):
        return found
    # too little said: short English is taken for many a language
    return "en" if words.isascii() and found else hint or "en"


def _by_script(body: str, hint: str) -> str:
    """The language that the script of `body` tells, or nothing."""
    han = len(_HAN.findall(body))
    kana = len(_KANA.findall(body))
    hangul = len(_HANGUL.findall(body))
    if not han + kana + hangul:
        return ""
    least = _HAN_SHARE_IF_SAID if hint in ("zh", "ja", "ko") else _HAN_SHARE
    # a katakana dot is no letter: a text may have none
    if (han + kana + hangul) / max(1, len(_LETTERS.findall(body))) < least:
        return ""
    if hangul > han:
        return "ko"
    if kana > _KANA_SHARE * han and not (kana == 1 and han > 1 and hint != "ja"):
        return "ja"
    # Han alone: a Japanese headline may have no kana, and Japanese forms of its characters
    if hint == "ja" and _detected(body)[0] == "ja":
        return "ja"
    return "zh"


def _detected(words: str, hint: str = "") -> tuple[str, bool]:
    """The language CLD2 finds, "" if none that is usual, and whether it is sure."""
    text = words.encode("utf-8", "ignore")
    options = {"hintLanguage": hint} if hint else {}
    try:
        sure, _, found = pycld2.detect(text, isPlainText=True, **options)
        if not sure:
            _, _, found = pycld2.detect(text, isPlainText=True, bestEffort=True, **options)
    except pycld2.error:
        # control characters, or a language it does not know as a hint
        return "", False
    code = _code(found[0][1])
    return (code, sure) if code in _USUAL or code == hint else ("", False)


def _code(tag: str) -> str:
    """`en` of `en-US`; "" of what is no language."""
    code = tag.strip().lower().replace("_", "-").partition("-")[0]
    code = _ALSO_CALLED.get(code, code)
    return code if _TAG.fullmatch(code) and code != "und" else ""
