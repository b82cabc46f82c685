"""The schema's revisions: Alembic used as a library, the scripts in the package `migrations`.

No `alembic.ini` and no working folder is needed: an installed wheel upgrades a database.
"""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from pipeline.stores.database import reading, writing

# An arbitrary number all our processes agree on: one upgrades, the others wait for it.
_UPGRADE_LOCK = 0x62656C6C
LOCK_SECONDS = 10.0


def head() -> str:
    """The newest revision this program knows."""
    found = ScriptDirectory.from_config(configuration(None)).get_current_head()
    assert found is not None, "the package `migrations` holds no revision"
    return found


def revision(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one. Raises `Unavailable`."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, lock_seconds: float = LOCK_SECONDS) -> str:
    """Bring the database to `head` and return it; safe when several processes do so at once.

    All in one transaction: an upgrade that fails leaves what was there before. Raises
    `Unavailable` when the database does not answer, and on PostgreSQL when another session holds
    a table for `lock_seconds`: whoever wants it after the upgrade would wait behind that too.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            # another process's upgrade may take long, and ours
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = {round(1000 * lock_seconds)}"))
        command.upgrade(configuration(connection), "head")
    return head()


def configuration(connection: Connection | None) -> Config:
    """Alembic's configuration, for its commands on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
