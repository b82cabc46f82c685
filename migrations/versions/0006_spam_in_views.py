"""Suspected spam in the views: `bi_documents` says it, and it is no longer counted as novel,
as in the trends and by the watch."""

from types import ModuleType

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SUSPECTED = ",\n       coalesce(c.suspected_spam, false) AS suspected_spam"
FIRST = "c.story_position = 0 THEN"
FIRST_OF_NO_SPAM = "c.story_position = 0 AND NOT coalesce(c.suspected_spam, false) THEN"
WIDTHS = ("minute", "hour", "day")


def of(name: str) -> ModuleType:
    """An earlier migration: what it wrote does not change any more, so it can be built on."""
    script = op.get_context().script
    assert script is not None
    return script.get_revision(name).module


def views(documents_more: str, first: str, adding: bool) -> None:
    bind = op.get_bind()
    # in place where nothing is taken away: what was granted on a view, or built on it, stays
    in_place = adding and bind.dialect.name == "postgresql"
    if not in_place:
        for view in ("bi_documents", *(f"bi_sentiment_by_{width}" for width in WIDTHS)):
            op.execute(f"DROP VIEW {view}")

    def create(text: str) -> None:
        # the driver's own call: a colon in the text is a colon, not a parameter
        how = "CREATE OR REPLACE VIEW" if in_place else "CREATE VIEW"
        bind.exec_driver_sql(text.replace("CREATE VIEW", how, 1))

    feeds, before = of("0003"), of("0002")
    subjects = feeds.SUBJECTS[bind.dialect.name]
    create(feeds.DOCUMENTS.format(subjects=subjects, more=feeds.EDITIONS + documents_more))
    for width in WIDTHS:
        text = before.sentiment(bind.dialect.name, width)
        assert FIRST in text
        create(text.replace(FIRST, first))


def upgrade() -> None:
    views(SUSPECTED, FIRST_OF_NO_SPAM, adding=True)


def downgrade() -> None:
    views("", FIRST, adding=False)
