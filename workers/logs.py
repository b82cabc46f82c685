"""Logging of a process: one line an event, as text or JSON, to standard error."""

import json
import logging
import sys
from datetime import UTC, datetime

from workers.settings import Settings

# Third parties that report every step at INFO; their warnings stay.
_CHATTY = ("aiokafka", "faust", "mode", "kafka", "apscheduler", "httpx", "alembic", "uvicorn")


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
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    if settings.log_level != "DEBUG":
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
