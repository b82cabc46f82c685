"""Logging of a process: one line an event, as text or JSON, to standard error."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

from workers.settings import Settings

# Third parties that report every step at INFO; their warnings stay.
_CHATTY = ("aiokafka", "faust", "mode", "kafka", "apscheduler", "httpx", "alembic", "uvicorn")
# These write addresses with their tokens, and passwords, once they may say all they do.
_TELLTALE = ("aiokafka", "kafka", "httpx", "httpcore")


class OncePerWhile(logging.Filter):
    """Lets a third party say the same thing once in `seconds`, however often it happens: a
    client whose broker is away reports fifty times a second."""

    def __init__(self, seconds: float = 30.0, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_CHATTY):
            return True
        # the unformatted message: the same words about another node are the same news
        name, now = (record.name, str(record.msg)[:200]), self._clock()
        if now - self._said.get(name, -self._seconds) < self._seconds:
            return False
        if len(self._said) > 1000:
            self._said.clear()
        self._said[name] = now
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, error."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(settings: Settings) -> None:
    """Log to standard error at the configured level and format."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    handler.addFilter(OncePerWhile())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in _TELLTALE if settings.log_level == "DEBUG" else (*_CHATTY, *_TELLTALE):
        logging.getLogger(name).setLevel(logging.WARNING)
