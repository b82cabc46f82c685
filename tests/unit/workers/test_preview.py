import gzip
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError, Unavailable
from tests.unit.feeds.server import body, item, rss, serving
from workers.feeds import preview

PAGE = b"""<!doctype html><html><head><title>Acme recalls anvils</title></head><body><article>
<h1>Acme recalls anvils</h1><p>Acme said on Monday that it would recall forty thousand anvils.</p>
</article></body></html>"""


def test_the_kind_of_a_source_is_guessed_from_what_it_sends() -> None:
    with serving() as server:
        # neither name nor type says what it is
        server.routes |= {"/a": body(rss(item("1"), item("2"))), "/b": body(PAGE)}
        assert len(preview(server.url("/a"), allow_private=True)) == 2
        (document,) = preview(server.url("/b"), allow_private=True)
        assert document.title == "Acme recalls anvils"
        assert document.source.startswith("page:")
        # and is asked once
        assert server.asked("/a") == server.asked("/b") == 1


def test_a_gzipped_file_that_a_server_sends_as_it_is_is_read() -> None:
    with serving() as server:
        server.routes["/page.html.gz"] = body(gzip.compress(PAGE))
        (document,) = preview(server.url("/page.html.gz"), allow_private=True)
        assert document.title == "Acme recalls anvils"


def test_a_file_is_previewed_by_its_path_and_by_its_address(tmp_path: Path) -> None:
    path = tmp_path / "page.html.gz"
    path.write_bytes(gzip.compress(PAGE))
    by_path = preview(str(path))
    by_address = preview(path.as_uri(), kind="page")
    assert [document.title for document in by_path] == ["Acme recalls anvils"]
    assert by_path[0].text == by_address[0].text
    assert (by_path[0].url or "").startswith("file:")


def test_a_source_in_the_own_network_is_refused_unless_it_is_permitted() -> None:
    with serving() as server:
        server.routes["/a"] = body(PAGE)
        with pytest.raises(Unavailable, match="loopback"):
            preview(server.url("/a"))
        assert server.asked("/a") == 0


def test_what_cannot_be_previewed_says_why(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        preview(str(tmp_path / "none.xml"))
    with pytest.raises(ConfigurationError, match="no kind"):
        preview(str(tmp_path / "none.xml"), kind="telex")
    with pytest.raises(Unavailable, match="only http and https"):
        preview("gopher://news.example/")
