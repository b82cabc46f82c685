"""Bytes on the wire: versioned UTF-8 JSON to frozen dataclasses and back.

`Topic[T]` joins a topic's name, how its key is made and its value type. Decoding a damaged
value raises `Rejected` with a reason a person can act on; decode(encode(x)) == x.
"""

import base64
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from pipeline.documents import ClassifiedDocument, Document, Time
from pipeline.errors import Rejected
from pipeline.trends import TrendPoint

T = TypeVar("T")

# A record larger than this is refused unread. Kafka's own default limit is 1 MiB; a broker
# configured for more must not make us parse a gigabyte.
MAX_VALUE_BYTES = 8 * 1024 * 1024
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as it came from the broker, untouched."""

    topic: str
    partition: int
    offset: int
    at: datetime
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to send: an unprefixed topic name, key and value bytes.

    `partition` None leaves the choice to `partition_of(key)`; a number is taken modulo the
    topic's partitions.
    """

    topic: str
    key: bytes
    value: bytes
    partition: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What could not be handled: where it stood, its bytes (base64) and why.

    `error` is the class of the error, `reason` one line. `topic`, `partition` and `offset`
    identify the record: a letter written twice after a crash is recognised by them.
    """

    stage: str
    topic: str
    partition: int
    offset: int
    key: str | None
    value: str
    reason: str
    error: str
    at: Time
    attempts: int = 1
    v: int = 1

    @property
    def value_bytes(self) -> bytes:
        return base64.b64decode(self.value)

    @property
    def key_bytes(self) -> bytes | None:
        return None if self.key is None else base64.b64decode(self.key)


def dead_letter(
    record: Record, stage: str, error: Exception, at: datetime, attempts: int = 1
) -> DeadLetter:
    """The letter for `record`. Key and value travel as base64: they may be any bytes."""
    reason = error.reason if isinstance(error, Rejected) else " ".join(str(error).split())[:500]
    return DeadLetter(
        stage=stage,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=None if record.key is None else base64.b64encode(record.key).decode(),
        value=base64.b64encode(record.value or b"").decode(),
        reason=reason,
        error=type(error).__name__,
        at=at,
        attempts=attempts,
    )


_encoder = msgspec.json.Encoder()
encode_json: Callable[[Any], bytes] = _encoder.encode
"""Compact UTF-8 JSON of any wire value; times as RFC 3339, UTC as `Z`."""


class Topic(Generic[T]):
    """One topic: its unprefixed name, its value type and how a value's key is made."""

    def __init__(
        self,
        name: str,
        value_type: type[T],
        key: Callable[[T], str],
        rules: Mapping[str, Any] | None = None,
    ) -> None:
        """`rules` are further JSON Schema keywords that the types cannot say."""
        self._rules = dict(rules or {})
        self.name = name
        self.value_type = value_type
        self.key = key
        self._decoder = msgspec.json.Decoder(value_type)

    def decode(self, value: bytes | None) -> T:
        """The value in `value`. Raises `Rejected` naming the field or byte that is wrong."""
        if value is None:
            raise Rejected("value: empty record (a tombstone means nothing here)")
        if len(value) > MAX_VALUE_BYTES:
            raise Rejected(f"value: {len(value):,} bytes, {MAX_VALUE_BYTES:,} are allowed")
        try:
            decoded = self._decoder.decode(value)
        except UnicodeDecodeError as error:
            raise Rejected(f"value: not UTF-8 at byte {error.start}") from error
        except msgspec.ValidationError as error:
            raise Rejected(f"value: {error}") from error
        except msgspec.DecodeError as error:
            raise Rejected(f"value: {_damage(value) or f'not JSON: {error}'}") from error
        except RecursionError as error:
            raise Rejected("value: nested too deeply") from error
        version = getattr(decoded, "v", 1)
        if version != 1:
            raise Rejected(f"v: version {version} is not known, this reader knows 1")
        return decoded

    def encode(self, value: T) -> Outgoing:
        """The record that carries `value`."""
        return Outgoing(self.name, self.key(value).encode(), encode_json(value))

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of this topic's values."""
        (schema,), components = msgspec.json.schema_components([self.value_type])
        name = schema["$ref"].rsplit("/", 1)[1]
        root = components.pop(name)
        root["properties"]["v"] = {"const": 1, "default": 1}
        text = msgspec.json.encode(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": f"{self.name} v1",
                **{key: item for key, item in root.items() if key != "title"},
                **self._rules,
                "$defs": components,
            }
        )
        decoded: dict[str, Any] = msgspec.json.decode(
            text.replace(b"#/$defs/" + name.encode() + b'"', b'#"')
        )
        return decoded


def _damage(value: bytes) -> str | None:
    """What is wrong with bytes the decoder refuses, where its own words would mislead."""
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    if _LONE_SURROGATE.search(text):
        return "not JSON: holds half a character (a lone surrogate escape)"
    return None


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` on the topics that only our own processes write.

    CRC-32 runs in C; Kafka's murmur2 in Python costs more than decoding the document. Every
    repeat of a key lands in one partition, which is all these topics promise.
    """
    return zlib.crc32(key) % partitions


_ANY_TEXT = [
    {"required": [name], "properties": {name: {"type": "string", "pattern": "\\S"}}}
    for name in ("title", "text")
]
DOCUMENTS = Topic("documents", Document, lambda document: document.id, {"anyOf": _ANY_TEXT})
CLASSIFIED = Topic("classified", ClassifiedDocument, lambda classified: classified.id)
TRENDS = Topic("trends", TrendPoint, lambda point: str(point.series))
DEAD_LETTERS = Topic(
    "dead-letters",
    DeadLetter,
    lambda letter: (letter.key_bytes or b"").decode(errors="replace"),
)
