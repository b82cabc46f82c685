"""What Alembic runs: revisions on the connection that `pipeline.stores.migrate` hands over."""

from alembic import context

from pipeline.stores import feed_tables, tables  # noqa: F401 - each adds its tables
from pipeline.stores.columns import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run `bellwether db upgrade`; the alembic command has no database here")

# The caller holds the transaction and the lock; no commit here.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=False)
context.run_migrations()
