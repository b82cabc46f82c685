"""One source in one line, for `bellwether feeds status`."""

from datetime import datetime

from alerts.source_silence import Wait
from pipeline.feeds.health import SourceHealth
from workers.alert_text import length


def source_line(source: SourceHealth, silent: Wait | None, now: datetime) -> str:
    """How the source fares: `rss:fed-press: ok, answered 3 min ago, 41 items, …`."""
    parts = [_state(source, silent)]
    if source.last_success_at is not None:
        parts.append(f"answered {length((now - source.last_success_at).total_seconds())} ago")
    parts.append(f"{source.items} items")
    if source.last_item_at is not None:
        parts.append(f"last news {length((now - source.last_item_at).total_seconds())} ago")
    if source.lag_seconds is not None:
        parts.append(f"{length(max(0.0, source.lag_seconds))} late")
    if source.errors:
        parts.append(f"{source.errors} errors")
    if source.retired_at is None and source.next_poll_at is not None:
        wait = (source.next_poll_at - now).total_seconds()
        parts.append("asked next " + (f"in {length(wait)}" if wait > 0 else "now"))
    line = f"{source.source}: {', '.join(parts)}"
    return f"{line}; {source.last_error}" if source.failures_in_a_row else line


def _state(source: SourceHealth, silent: Wait | None) -> str:
    if source.retired_at is not None:
        return "retired"
    if silent is not None:
        return f"SILENT ({silent.kind.replace('-', ' ')} for {length(silent.observed)})"
    if source.failures_in_a_row:
        return f"failing ({source.failures_in_a_row} in a row)"
    return "not asked yet" if source.last_attempt_at is None else "ok"
