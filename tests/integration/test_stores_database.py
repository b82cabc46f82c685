"""Databases misbehaving, schema revisions, and two processes at once."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from pipeline.errors import ConfigurationError, Unavailable
from pipeline.stores import feed_tables  # noqa: F401 - its tables join the metadata
from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import connect, reading, unavailable, writing
from pipeline.stores.migrate import configuration, head, revision, upgrade
from pipeline.stores.tables import (
    classifications,
    documents,
    metadata,
    models,
)
from tests.contracts.streams import T0, document
from tests.services import PostgresServer, free_port, open_folder

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)


def count(engine, table) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request, tmp_path) -> str:
    """A database without a schema; the folder of the SQLite file does not exist yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/not/yet/there.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


def test_the_migrated_schema_is_the_one_of_the_tables(engine):
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_an_empty_database_has_no_revision_and_comes_to_the_newest(empty_url):
    engine = connect(empty_url)
    assert revision(engine) is None
    assert upgrade(engine) == head() == revision(engine)
    assert upgrade(engine) == head()
    engine.dispose()


def test_several_processes_upgrading_at_once_all_succeed(empty_url):
    def process(_number: int) -> str:
        engine = connect(empty_url)
        try:
            return upgrade(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(process, range(4))) == {head()}


def test_a_new_file_that_another_process_writes_is_waited_for(tmp_path: Path):
    """Making it a file with a write-ahead log is refused at once, whatever the time to wait."""
    file = tmp_path / "new.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ends = threading.Timer(0.3, other.execute, ("COMMIT",))
    ends.start()
    engine = connect(f"sqlite:///{file}")
    with reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    ends.join()
    other.close()
    engine.dispose()


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(empty_url):
    engine = connect(empty_url)
    with engine.connect() as connection, connection.begin():
        # stands in the way of the second revision's last view
        connection.exec_driver_sql("CREATE TABLE bi_sources (x integer)")
    with pytest.raises(DBAPIError):
        upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {"bi_sources"}
    engine.dispose()


def test_an_upgrade_waits_only_so_long_for_a_table_another_session_holds(postgres_url):
    engine, other = connect(postgres_url), connect(postgres_url)
    upgrade(engine)
    with writing(engine) as connection:
        command.downgrade(configuration(connection), "0004")
    with other.connect() as holding, holding.begin():
        holding.execute(text("LOCK TABLE documents"))
        with pytest.raises(Unavailable, match="lock timeout"):
            upgrade(engine, lock_seconds=0.1)
        assert revision(engine) == "0004"
    assert upgrade(engine) == head()
    engine.dispose()
    other.dispose()


def test_an_upgrade_of_a_view_leaves_what_was_granted_and_built_on_it(postgres_url):
    engine = connect(postgres_url)
    upgrade(engine)
    with writing(engine) as connection:
        command.downgrade(configuration(connection), "0005")
        connection.exec_driver_sql("CREATE VIEW theirs AS SELECT id FROM bi_documents")
        connection.exec_driver_sql("CREATE VIEW theirs_too AS SELECT rule FROM bi_alerts")
        for view in ("bi_documents", "bi_alerts"):
            connection.exec_driver_sql(f"GRANT SELECT ON {view} TO PUBLIC")
    upgrade(engine)
    with reading(engine) as connection:
        for view in ("theirs", "theirs_too"):
            assert connection.scalar(text(f"SELECT count(*) FROM {view}")) == 0
        for view in ("bi_documents", "bi_alerts"):
            granted = f"SELECT relacl::text FROM pg_class WHERE relname = '{view}'"
            assert "=r/" in str(connection.scalar(text(granted)))
    engine.dispose()


def test_times_are_stored_in_utc_whatever_zone_they_come_in_and_naive_ones_are_refused(engine):
    shifted = datetime(2026, 1, 6, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    row = {"version": "m", "name": "m", "first_seen_at": shifted, "metadata": {}}
    with writing(engine) as connection:
        connection.execute(insert(models), [row])
        found = connection.scalar(select(models.c.first_seen_at))
        assert found == shifted
        assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="without a zone"), writing(engine) as connection:
        connection.execute(
            insert(models),
            [row | {"version": "n", "first_seen_at": datetime(2026, 1, 1)}],  # noqa: DTZ001
        )


def test_times_compare_as_times_with_and_without_microseconds(engine):
    archive = SqlArchive(engine)
    times = [T0, T0 + timedelta(microseconds=1), T0 + timedelta(seconds=1)]
    for at in times:
        archive.store([document(at.isoformat(), at)], NOW)
    with reading(engine) as connection:
        later = select(documents.c.published_at).where(documents.c.published_at > T0)
        assert sorted(connection.scalars(later)) == times[1:]


def test_a_missing_table_is_our_bug_and_stays_a_crash(engine):
    with pytest.raises(DBAPIError), reading(engine) as connection:
        connection.execute(text("SELECT * FROM no_such_table"))


def test_a_locked_sqlite_file_is_unavailable(sqlite_url, tmp_path):
    engine = connect(sqlite_url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(tmp_path / "bellwether.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        SqlArchive(engine).store([document("a")], NOW)
    other.execute("ROLLBACK")
    other.close()
    SqlArchive(engine).store([document("a")], NOW)
    assert count(engine, documents) == 1
    engine.dispose()


def test_a_full_disk_is_unavailable_and_nothing_is_written_by_halves(sqlite_url):
    engine = connect(sqlite_url)
    archive = SqlArchive(engine)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(Unavailable, match="full"):
        archive.store([document(f"d{n}", text="x" * 5_000) for n in range(50)], NOW)
    assert count(engine, documents) == 0
    engine.dispose()


def test_reading_first_and_writing_then_waits_for_the_other_writer(sqlite_url):
    engine = connect(sqlite_url)
    with writing(engine) as connection:
        # a deferred transaction would hold an old snapshot here and be refused below
        connection.execute(select(func.count()).select_from(documents))
        started = threading.Event()

        def other() -> None:
            started.set()
            SqlArchive(connect(sqlite_url)).store([document("other")], NOW)

        thread = threading.Thread(target=other)
        thread.start()
        started.wait()
        connection.execute(
            insert(models),
            [{"version": "m", "name": "m", "first_seen_at": NOW, "metadata": {}}],
        )
    thread.join()
    assert (count(engine, models), count(engine, documents)) == (2, 1)
    engine.dispose()


def test_a_postgres_that_is_not_there_is_unavailable_without_its_password():
    engine = connect(f"postgresql://user:secret@127.0.0.1:{free_port()}/db")
    with pytest.raises(Unavailable) as raised:
        SqlArchive(engine).store([document("a")], NOW)
    assert "secret" not in raised.value.what


def test_a_statement_that_takes_too_long_is_unavailable(postgres_url):
    engine = connect(postgres_url)
    with pytest.raises(Unavailable, match="timeout"), reading(engine) as connection:
        connection.execute(text("SET statement_timeout = 20"))
        connection.execute(text("SELECT pg_sleep(5)"))
    engine.dispose()


def test_a_postgres_that_went_away_and_came_back_serves_the_same_engine():
    with open_folder("bellwether-postgres-") as folder, PostgresServer(folder) as server:
        engine = connect(server.new_database())
        upgrade(engine)
        archive = SqlArchive(engine)
        archive.store([document("a")], NOW)
        server.stop()
        with pytest.raises(Unavailable):
            archive.store([document("b")], NOW)
        server.start()
        archive.store([document("b")], NOW)
        assert count(engine, documents) == 2
        engine.dispose()


def test_every_error_that_is_not_the_databases_passes_unchanged():
    with pytest.raises(ZeroDivisionError), unavailable():
        raise ZeroDivisionError


@pytest.mark.parametrize("url", ["no url", "mysql://user:secret@host/db"])
def test_a_url_that_cannot_work_is_refused_without_repeating_it(url):
    with pytest.raises(ConfigurationError) as raised:
        connect(url)
    assert "secret" not in str(raised.value)


def test_two_processes_archiving_the_same_documents_store_each_once(engine):
    stream = [document(f"d{n}") for n in range(300)]

    def process(order) -> None:
        archive = SqlArchive(engine)
        for first in range(0, len(order), 50):
            archive.store(order[first : first + 50], NOW)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(process, (stream, stream[::-1])))
    assert count(engine, documents) == 300
    with reading(engine) as connection:
        counted = select(func.count()).where(classifications.c.counted)
        assert connection.scalar(counted) == 300


def test_downgrading_to_nothing_and_up_again_works(empty_url):
    engine = connect(empty_url)
    upgrade(engine)
    with writing(engine) as connection:
        command.downgrade(configuration(connection), "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    upgrade(engine)
    engine.dispose()
