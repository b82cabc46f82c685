"""Alembic revisions of the SQL schema."""
