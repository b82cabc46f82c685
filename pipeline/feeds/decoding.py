"""Bytes to text: bounded decompression and the encoding a feed is really in."""

import codecs
import re
import zlib

from pipeline.errors import Unavailable

_PROLOG = re.compile(r"^\s*<\?xml\b[^>]*\?>")
_DECLARED = re.compile(rb"""^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9_.:-]+)["']""")
_META = re.compile(rb"""<meta\b[^>]*?\bcharset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
# Illegal in XML; one of them makes a strict parser refuse the whole feed.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What publishers mean when they say it, as browsers read it.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_LATIN = frozenset({"cp1252", "iso8859-15", "cp1250", "cp850"})
_MARKUP = re.compile(r"<[^<>]*>")
_BEYOND_ASCII = re.compile("[\x80-\uffff]+")
# what a text without spaces between its words becomes as Latin letters: long runs of accents
_RUN = re.compile("[\x80-\uffff]{4,}")
_TAGS = re.compile(rb"<[^<>]*>")
# characters of two bytes, the second of which may be ASCII, with what is between them
_BEYOND_BYTES = re.compile(
    rb"[\x80-\xff][\x40-\xff]?(?:[ ,.0-9A-Za-z]{0,12}[\x80-\xff][\x40-\xff]?)*"
)
_FEW = 8
_MOST_UNPACKED = 20_000_000
_SNIFFED = 20_000
_SNIFFABLE = ["gb18030", "big5", "cp932", "cp949", "cp1251", "koi8_r", "cp1252", "cp1250"]
# ASCII bytes that mean other characters; utf-7 is left out: nothing but attacks uses it.
_ESCAPING = frozenset({"iso2022_jp", "iso2022_kr", "hz"})


class Inflater:
    """Undoes gzip or deflate piece by piece, never holding more than `most` bytes.

    Raises `Unavailable` when there is more, unless it may be `cut`, when the data is damaged or,
    in `finish`, ends too early.
    """

    def __init__(self, encoding: str, most: int, *, cut: bool = False) -> None:
        self._most = most
        self._cut = cut
        self._body = bytearray()
        self._first = True
        self._pipe = None
        if encoding in ("gzip", "x-gzip", "deflate"):
            # 32 + 15: gzip or zlib, whichever the header says
            self._pipe = zlib.decompressobj(47)
        elif encoding not in ("", "identity"):
            raise Unavailable(f"the answer is in the encoding {encoding!r}, which was not asked")

    def add(self, piece: bytes) -> None:
        """Take the next piece as it came."""
        if self._pipe is None:
            self._body += piece
        else:
            try:
                self._inflate(piece)
            except zlib.error as error:
                raise Unavailable(f"the compressed answer is damaged: {error}") from error
        if self.full and not self._cut:
            raise Unavailable(f"the answer is longer than {self._most:,} bytes")

    @property
    def full(self) -> bool:
        """Whether there is more than may be."""
        return len(self._body) > self._most

    def so_far(self) -> bytes:
        """What came until now, up to the limit."""
        return bytes(self._body[: self._most])

    def finish(self) -> bytes:
        """The whole body; with `cut` its beginning."""
        if self._cut and self.full:
            return self.so_far()
        if self._pipe is not None and not self._first and not self._pipe.eof:
            raise Unavailable("the compressed answer is cut short")
        return bytes(self._body)

    def _inflate(self, piece: bytes) -> None:
        assert self._pipe is not None
        while piece and len(self._body) <= self._most:
            if self._pipe.eof:  # a gzip file may have several members
                self._pipe = zlib.decompressobj(47)
            room = self._most - len(self._body) + 1
            try:
                self._body += self._pipe.decompress(piece, room)
            except zlib.error:
                if not self._first:
                    raise
                # some servers send `deflate` without the zlib header it has by definition
                self._pipe = zlib.decompressobj(-15)
                self._body += self._pipe.decompress(piece, room)
            self._first = False
            piece = self._pipe.unconsumed_tail or self._pipe.unused_data


def decoded(body: bytes, content_type: str | None = None) -> str:
    """The text of a feed or page, whatever it claims to be encoded in.

    A byte-order mark decides; then valid UTF-8 is UTF-8, as other encodings hardly ever look
    like it; then the header's charset, the XML prolog's, the HTML's own, and last a guess that
    cannot fail. A claim of Latin letters is not believed where it gives nothing but accents:
    Chinese and Cyrillic pages make it. The prolog and characters illegal in XML are left out.
    """
    text = _text(_unpacked(body), content_type)
    return _CONTROLS.sub("", _PROLOG.sub("", text.lstrip("\ufeff"), count=1))


def _unpacked(body: bytes) -> bytes:
    """What a gzipped file holds that a server sent as it lies there."""
    if body[:3] != b"\x1f\x8b\x08":
        return body
    inflater = Inflater("gzip", _MOST_UNPACKED)
    try:
        inflater.add(body)
        return inflater.finish()
    except Unavailable as error:
        if "longer" in error.what:
            raise
        return body


def _text(body: bytes, content_type: str | None) -> str:
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, errors="replace")
    if body[:4] in (b"<\0?\0", b"<\0r\0", b"<\0f\0"):
        return body.decode("utf-16-le", errors="replace")
    if body[:4] in (b"\0<\0?", b"\0<\0r", b"\0<\0f"):
        return body.decode("utf-16-be", errors="replace")
    claims = _claims(body, content_type)
    escaping = next((claim for claim in claims if claim in _ESCAPING), None)
    if escaping is not None and body.isascii():
        return body.decode(escaping, errors="replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    for claim in claims:
        if claim == "utf-8":
            continue
        try:
            text = body.decode(claim)
        except (UnicodeDecodeError, LookupError):
            continue
        return (_sniffed(body) or text) if claim in _LATIN and _mangled(text) else text
    mended = body.decode("utf-8", errors="replace")
    beyond_ascii = sum(1 for character in mended if character > "\x7f")
    # a few damaged bytes in real UTF-8, against a text that never was UTF-8
    if mended.count("\ufffd") * 2 <= beyond_ascii:
        return mended
    fallback = next((claim for claim in claims if claim != "utf-8"), "cp1252")
    text = body.decode(fallback, errors="replace")
    return (_sniffed(body) or text) if fallback in _LATIN and _mangled(text) else text


def _mangled(text: str) -> bool:
    """True when more than three in ten characters are beyond ASCII, or most of those that are
    stand together, as in no Latin script: scripts and English around them do not hide it."""
    words = _MARKUP.sub("", text[: 10 * _SNIFFED])
    beyond = sum(map(len, _BEYOND_ASCII.findall(words)))
    if beyond < _FEW:
        return False
    # a row of dashes or dots is of few kinds
    together = sum(len(run) for run in _RUN.findall(words) if len(set(run)) > 2)
    return 2 * together > beyond or beyond > 3 * sum(map(len, words.split())) / 10


def _sniffed(body: bytes) -> str | None:
    """The text in the encoding its bytes look like; None when they look like none."""
    from charset_normalizer import from_bytes

    # what is ASCII in all of them only dilutes what there is to see
    words = b" ".join(_BEYOND_BYTES.findall(_TAGS.sub(b" ", body)))[:_SNIFFED]
    best = from_bytes(words, cp_isolation=_SNIFFABLE).best()
    return None if best is None else body.decode(best.encoding, errors="replace")


def _claims(body: bytes, content_type: str | None) -> list[str]:
    """The known encodings that header, prolog and page name, in that order, as they are meant."""
    named = []
    if content_type is not None and (charset := _CHARSET.search(content_type)):
        named.append(charset[1])
    if declared := _DECLARED.match(body[:1000]):
        named.append(declared[1].decode("ascii"))
    if meta := _META.search(body[:4_000]):
        named.append(meta[1].decode("ascii"))
    known = []
    for name in named:
        try:
            info = codecs.lookup(name)
        except LookupError:
            continue
        # codecs.lookup also knows transforms such as `zip` and `rot13`
        if getattr(info, "_is_text_encoding", True) and info.name != "utf-7":
            known.append(_MEANT.get(info.name, info.name))
    return known
