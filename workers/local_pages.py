"""Pages that are not fetched: the operator's own files, and answers that are at hand already."""

import mimetypes
import sys
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from pipeline.errors import Unavailable
from pipeline.feeds.decoding import Inflater
from pipeline.feeds.fetch import Fetches, Page

# a whole day of posts in one file, and no more than fits the memory of a small machine
_MOST_BYTES = 200_000_000


def local_path(address: str) -> Path | None:
    """The path that `address` names, by a `file` URL or as it is; None for other addresses."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    # one letter is a drive
    return Path(address) if len(parts.scheme) <= 1 else None


class Local:
    """Reads `file` URLs, and leaves others to `fetcher`."""

    def __init__(self, fetcher: Fetches) -> None:
        self._fetcher = fetcher

    def fetch(self, url: str, **asked: Any) -> Page:
        """The file, decompressed where its name ends in `.gz`; `-` is standard input, which
        is read once, to its end. `Unavailable` with the reason."""
        if url == "-":
            return Page(url="-", content=_whole(sys.stdin.buffer, "", "standard input"))
        path = local_path(url)
        if path is None or not url.startswith("file:"):
            return self._fetcher.fetch(url, **asked)
        try:
            facts = path.stat()
            version = f"{facts.st_size}-{facts.st_mtime_ns}"
            if asked.get("etag") == version:
                return Page(url=url, unchanged=True)
            with path.open("rb") as file:
                content = _whole(file, "gzip" if path.suffix == ".gz" else "", str(path))
        except OSError as error:
            raise Unavailable(f"{path}: cannot be read: {error.strerror}") from error
        kind = mimetypes.guess_type(path.name)[0]
        return Page(url=url, content=content, content_type=kind, etag=version)


def _whole(file: BinaryIO, encoding: str, name: str) -> bytes:
    body = Inflater(encoding, _MOST_BYTES)
    try:
        while piece := file.read(1_000_000):
            body.add(piece)
        return body.finish()
    except Unavailable as error:
        raise Unavailable(f"{name}: {error.what}") from error


class Fetched:
    """Gives `page` for its address, and leaves others to `fetcher`."""

    def __init__(self, url: str, page: Page, fetcher: Fetches) -> None:
        self._url = url
        self._page = page
        self._fetcher = fetcher

    def fetch(self, url: str, **asked: Any) -> Page:
        """The page at hand, or the fetcher's."""
        if url == self._url:
            return self._page
        return self._fetcher.fetch(url, **asked)
