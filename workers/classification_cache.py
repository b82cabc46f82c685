"""Classifications kept on disk, so that a second backtest need not wait for the model.

One SQLite file: a key of 16 bytes, hashed from everything the classifier is given and from
its version, and the classification as msgpack. What one interrupted run has written is there
for the next; a file that cannot be read is set aside and begun anew.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType

import msgspec

from pipeline.documents import Classification
from pipeline.errors import ConfigurationError
from pipeline.ports import Classifier, ClassifierInput

log = logging.getLogger(__name__)

FILE = "classifications.sqlite"
_WAIT_SECONDS = 60.0

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Classification)


READING = 2
"""Which way the models of this code read texts: the answers of another are not taken. The version
of a model says what it is, not how it is asked (windows, names, cleaning)."""


def cache_key(version: str, one: ClassifierInput) -> bytes:
    """16 bytes that differ wherever the classifier might answer differently."""
    mentions = sorted((subject, tuple(names)) for subject, names in one.mentions.items())
    content = _encode((READING, version, one.title, one.text, one.lang, mentions))
    return blake2b(content, digest_size=16).digest()


class CachedClassifier:
    """A `Classifier` that asks `classifier` only for what the file in `folder` lacks.

    A context manager: leaving it closes the file. `asked` counts the texts the classifier
    had to read, `answered` all. Raises `ConfigurationError` where the folder cannot be used.
    """

    def __init__(self, classifier: Classifier, folder: Path) -> None:
        self._classifier = classifier
        self._path = folder / FILE
        self.asked = 0
        self.answered = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self._file = self._opened()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._set_aside()
                self._file = self._opened()
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"BELLWETHER_CACHE: {self._path} cannot be used: {error}"
            ) from error

    @property
    def version(self) -> str:
        return self._classifier.version

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        """One classification per input, in order; new ones are on disk on return."""
        keys = [cache_key(self._version_for(one.lang), one) for one in inputs]
        held = self._read(keys)
        missing = {key: one for key, one in zip(keys, inputs, strict=True) if key not in held}
        if missing:
            answers = self._classifier.classify(list(missing.values()))
            fresh = dict(zip(missing, answers, strict=True))
            self._write(fresh)
            held.update(fresh)
        self.asked += len(missing)
        self.answered += len(inputs)
        return [held[key] for key in keys]

    def _version_for(self, lang: str) -> str:
        """What decides the answer to a text in `lang`: its own model, or that there is none."""
        models = getattr(self._classifier, "models", None)
        if models is None:
            return self.version
        return models[lang].version if lang in models else f"no model, {self.version}"

    def __enter__(self) -> "CachedClassifier":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _opened(self) -> sqlite3.Connection:
        file = sqlite3.connect(self._path, timeout=_WAIT_SECONDS)
        try:
            # readers and a writer side by side; a lost last batch is only classified again
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            with file:
                file.execute(
                    "CREATE TABLE IF NOT EXISTS classifications"
                    " (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
                )
        except sqlite3.Error:
            file.close()
            raise
        return file

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Classification]:
        try:
            return self._found(keys)
        except sqlite3.OperationalError as error:
            log.warning("%s is not read: %s", self._path, error)
        except sqlite3.DatabaseError as error:
            log.warning("%s is damaged and begun anew: %s", self._path, error)
            self._file.close()
            self._set_aside()
            self._file = self._opened()
        return {}

    def _set_aside(self) -> None:
        self._path.replace(self._path.with_suffix(".damaged"))
        for rest in ("-wal", "-shm"):
            self._path.with_name(self._path.name + rest).unlink(missing_ok=True)

    def _found(self, keys: Sequence[bytes]) -> dict[bytes, Classification]:
        found: dict[bytes, Classification] = {}
        for key in keys:
            row = self._file.execute(
                "SELECT value FROM classifications WHERE key = ?", (key,)
            ).fetchone()
            # one written by another version of this code is classified again
            with suppress(msgspec.MsgspecError):
                if row is not None:
                    found[key] = _decoder.decode(row[0])
        return found

    def _write(self, fresh: dict[bytes, Classification]) -> None:
        rows = [(key, _encode(value)) for key, value in fresh.items()]
        try:
            with self._file:
                self._file.executemany("INSERT OR REPLACE INTO classifications VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            # a full disk costs the next run its time, not this one its answers
            log.warning("%d classifications are not kept in %s: %s", len(rows), self._path, error)
