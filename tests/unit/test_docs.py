"""What the documents say is what the code does: links, commands, settings, code, files."""

import re
from pathlib import Path

import pytest

from tests.command_line import leaf_of
from tests.documentation import PAGES, ROOT, blocks, commands, links, variables
from tests.generated import GENERATED
from workers.settings import PREFIX, SETTINGS

README = ROOT / "README.md"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NAMES = {PREFIX + setting.name for setting in SETTINGS}
# Read by the test suite only, so no setting of the product.
FOR_TESTS = {"BELLWETHER_TEST_KAFKA"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as Git forges make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", GENERATED, ids=name_of)
def test_generated_file_is_what_the_code_gives(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path](), "run `make generate`"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        assert ROOT in path.parents, link
        if anchor:
            assert anchor in anchors(path), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_ones_the_command_line_knows(page: Path) -> None:
    for words in commands(page):
        leaf_of(words)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_are_ones_that_exist(page: Path) -> None:
    known = NAMES | {f"{name}_FILE" for name in NAMES} | FOR_TESTS
    assert variables(page.read_text(encoding="utf-8")) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_are_ones_that_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)\b", text, re.MULTILINE))
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_named_in_the_text_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folders = "pipeline|models|alerts|workers|tests|benchmarks|migrations|deploy|docs"
    named = re.findall(rf"`((?:{folders})/[\w./@-]*\.\w+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_in_the_text_is_python(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block.text, f"{block.page}: {block.info}", "exec")


def test_the_consumer_of_the_readme_is_ten_lines() -> None:
    (consumer,) = (one for one in blocks(README, "python") if one.info == "python subscribe")
    statements = [line for line in consumer.text.splitlines() if line.strip()]
    assert len(statements) <= 10


def test_readme_opens_with_a_sentence_the_picture_and_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    first = [paragraph for paragraph in text.split("\n\n")[1:] if paragraph][:2]
    assert first[0].count(". ") == 0
    assert first[1].startswith('<img src="docs/flow.svg"')
    assert [block.text for block in blocks(README, "sh")[:2]] == ["make demo\n", "make test\n"]


def test_the_picture_says_in_words_what_it_shows() -> None:
    picture = (ROOT / "docs" / "flow.svg").read_text(encoding="utf-8")
    said = re.search(r"<desc [^>]*>(.+?)</desc>", picture)
    assert said
    assert f'alt="{said[1]}"' in README.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_every_page_of_the_documentation_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md":
                waiting.append(target)
    assert {name_of(page) for page in PAGES} - {name_of(page) for page in reached} == set()


def test_no_page_names_a_place_of_the_machine_it_was_written_on() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/home/|/root/|/work/|/tmp/", text), name_of(page)
