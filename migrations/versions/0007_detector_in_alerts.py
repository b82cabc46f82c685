"""`bi_alerts` says which detector and which signal its numbers are of, and the rest of what an
alert was when it was strongest."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# column, part of the record, its name there, type
MORE = (
    ("detector", "arithmetic", "detector", "text"),
    ("signal", "arithmetic", "signal", "text"),
    ("peak_window_seconds", "peak", "window_seconds", "integer"),
    ("peak_expected", "peak", "expected", "double precision"),
    ("peak_p_value", "peak", "p_value", "double precision"),
)
LAST = "\nFROM alerts a\n"


def text_of(more: tuple[tuple[str, str, str, str], ...]) -> str:
    script, dialect = op.get_context().script, op.get_bind().dialect.name
    assert script is not None
    # an earlier migration: what it wrote does not change any more, so it can be built on
    text: str = script.get_revision("0002").module.alerts(dialect)
    assert text.endswith(LAST)
    columns = ""
    for column, part, name, kind in more:
        value = f"CAST(a.record #>> '{{{part},{name}}}' AS {kind})"
        if dialect == "sqlite":
            value = f"json_extract(a.record, '$.{part}.{name}')"
        columns += f",\n       {value} AS {column}"
    return text.removesuffix(LAST) + columns + LAST


def upgrade() -> None:
    bind = op.get_bind()
    text = text_of(MORE)
    # in place: what was granted on the view, or built on it, stays
    if bind.dialect.name == "postgresql":
        text = text.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)
    else:
        op.execute("DROP VIEW bi_alerts")
    bind.exec_driver_sql(text)


def downgrade() -> None:
    op.execute("DROP VIEW bi_alerts")
    op.get_bind().exec_driver_sql(text_of(()))
