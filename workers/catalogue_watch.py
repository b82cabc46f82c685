"""Follows the catalogue file of the `classify` stage, so that a change needs no restart."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from pipeline.catalogue import Catalogue, load_catalogue
from pipeline.errors import ConfigurationError

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0

# What changes whenever a file is written or replaced: time, size and inode.
Mark = tuple[int, int, int]


class CatalogueWatch:
    """Hands on the catalogue anew whenever the file at `path` has changed.

    A file that cannot be used is reported once, in one line, and changes nothing: whatever
    was read before stays in use. The file is only compared, not read, while it stays as it is.
    """

    def __init__(self, path: Path, use: Callable[[Catalogue], None]) -> None:
        self._path = path
        self._use = use
        self._seen = self._mark()
        self._stop = Event()
        self._thread = Thread(target=self._follow, name="catalogue", daemon=True)

    def start(self) -> None:
        """Look every few seconds, on a thread of its own, until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """Whether the file had changed and is in use now."""
        mark = self._mark()
        if mark == self._seen:
            return False
        self._seen = mark
        if mark is None:
            log.warning("%s is gone: the catalogue read from it stays in use", self._path)
            return False
        try:
            catalogue = self._read()
            self._use(catalogue)
        except ConfigurationError as error:
            log.warning("the catalogue stays as it was: %s", error)
            return False
        except Exception:
            # this thread must live: the next file may be right
            log.exception("the catalogue stays as it was: %s", self._path)
            return False
        log.info("%s read again: %d entries", self._path, len(catalogue.entries))
        return True

    def _read(self) -> Catalogue:
        return load_catalogue(self._path)

    def _mark(self) -> Mark | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _follow(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()
