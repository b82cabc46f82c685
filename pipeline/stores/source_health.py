"""How each source fares, read from `feed_state`."""

from sqlalchemy import Engine, select

from pipeline.feeds.health import SourceHealth
from pipeline.stores.database import reading
from pipeline.stores.feed_tables import feed_state

_COLUMNS = tuple(SourceHealth.__dataclass_fields__)


def source_health(engine: Engine) -> list[SourceHealth]:
    """Every source ever polled or configured, by name. Raises `Unavailable`."""
    columns = [feed_state.c[name] for name in _COLUMNS]
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).order_by(feed_state.c.source)).all()
    return [SourceHealth(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]
