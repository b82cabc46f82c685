"""A catalogue file that changes while `classify` runs."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.catalogue import Catalogue, load_catalogue
from pipeline.documents import Document
from pipeline.subjects import CatalogueLinker
from workers.catalogue_watch import CatalogueWatch

HEADER = "id,names\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(HEADER + "name:one,Zorvex\n")
    return path


@pytest.fixture
def linked(path: Path) -> tuple[CatalogueWatch, Callable[[], list[str]]]:
    linker = CatalogueLinker(load_catalogue(path))
    document = Document(
        source="t", published_at=datetime(2024, 6, 3, tzinfo=UTC), text="Zorvex and Polarin rise"
    )
    return CatalogueWatch(path, linker.use), lambda: sorted(s.id for s in linker.link(document))


def test_a_changed_file_is_in_use_after_the_next_look(linked, path):
    watch, subjects = linked
    assert not watch.look()
    assert subjects() == ["name:one"]
    path.write_text(HEADER + "name:two,Polarin\n")
    assert watch.look()
    assert subjects() == ["name:two"]
    assert not watch.look()


def test_a_file_that_is_replaced_by_another_of_the_same_size_is_read(linked, path):
    watch, subjects = linked
    other = path.with_suffix(".new")
    other.write_text(HEADER + "name:six,Zorvex\n")
    other.replace(path)
    assert watch.look()
    assert subjects() == ["name:six"]


@pytest.mark.parametrize("broken", ["id,surname\nname:two,Polarin\n", "id,names\n,Polarin\n"])
def test_a_broken_file_is_reported_once_and_changes_nothing(linked, path, caplog, broken):
    watch, subjects = linked
    path.write_text(broken)
    assert not watch.look()
    assert not watch.look()
    assert subjects() == ["name:one"]
    assert ["own.csv:2" in one.getMessage() for one in caplog.records] == [True]


def test_the_watch_lives_through_a_fault_of_ours(path, caplog):
    class Breaks(CatalogueWatch):
        broken = True

        def _read(self):
            if self.broken:
                raise ZeroDivisionError
            return super()._read()

    used: list[object] = []
    watch = Breaks(path, used.append)
    path.write_text("id,names\nname:two,Polarin\n")
    assert not watch.look()
    assert "stays as it was" in caplog.text
    watch.broken = False
    path.write_text("id,names\nname:three,Zorvex\n")
    assert watch.look()
    assert len(used) == 1


def test_a_file_that_is_gone_for_a_while_changes_nothing(linked, path):
    watch, subjects = linked
    path.unlink()
    assert not watch.look()
    assert subjects() == ["name:one"]
    path.write_text(HEADER + "name:two,Polarin\n")
    assert watch.look()
    assert subjects() == ["name:two"]


def test_the_thread_ends_at_once_when_it_is_told(linked):
    watch, _ = linked
    watch.start()
    watch.close()
    assert not watch._thread.is_alive()


def test_an_entry_that_no_linker_can_be_made_of_ends_nothing(path, caplog):
    """What the file's reader lets through must not end its being followed either."""
    taken: list[int] = []

    def use(catalogue: Catalogue) -> None:
        if not taken:
            taken.append(0)
            raise IndexError("string index out of range")
        taken.append(len(catalogue.entries))

    watch = CatalogueWatch(path, use)
    path.write_text(HEADER + "name:two,Polarin\n")
    assert not watch.look()
    assert "the catalogue stays as it was" in caplog.text
    path.write_text(HEADER + "name:three,Polarin Group\n")
    assert watch.look()
    assert len(taken) == 2
