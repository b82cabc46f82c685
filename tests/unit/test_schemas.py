"""The wire contract as files: golden JSON Schemas, and the examples of docs/contract.md."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from pipeline.documents import ClassifiedDocument, validated
from pipeline.errors import Rejected
from pipeline.wire import CLASSIFIED, DOCUMENTS, Topic
from tests.documentation import ROOT, Block, blocks
from tests.generated import TOPICS, schema_path, schema_text

EXAMPLES = blocks(ROOT / "docs" / "contract.md", "json")
NAMES = [topic.name for topic in TOPICS]


def of(block: Block) -> Topic[Any]:
    name = block.info.split()[1]
    return next(topic for topic in TOPICS if topic.name == name)


def golden(topic: Topic[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_path(topic).read_text(encoding="utf-8"))
    return schema


def holds(whole: Any, said: Any) -> bool:
    """Whether `whole` is what `said` says, and defaults for what it leaves out."""
    if isinstance(said, dict):
        return all(name in whole and holds(whole[name], value) for name, value in said.items())
    if isinstance(said, list):
        return len(whole) == len(said) and all(map(holds, whole, said))
    return bool(whole == said)


def fields_of(schema: dict[str, Any]) -> set[str]:
    """Every property the schema names, at any depth."""
    parts = [schema, *schema["$defs"].values()]
    return {name for part in parts for name in part.get("properties", {})}


@pytest.mark.parametrize("topic", TOPICS, ids=NAMES)
def test_golden_schema_is_what_the_types_give(topic: Topic[Any]) -> None:
    assert schema_path(topic).read_text(encoding="utf-8") == schema_text(topic), (
        "the wire format changed: if that is meant, run `make generate`, describe it in "
        "docs/contract.md and CHANGELOG.md"
    )


@pytest.mark.parametrize("topic", TOPICS, ids=NAMES)
def test_golden_schema_is_a_schema(topic: Topic[Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(golden(topic))


def test_schema_folders_hold_nothing_else() -> None:
    found = {path for owner in ("pipeline", "alerts") for path in (ROOT / owner).glob("schemas/*")}
    assert found == {schema_path(topic) for topic in TOPICS}


def test_every_topic_has_an_example() -> None:
    assert [block.info.split()[1] for block in EXAMPLES] == NAMES


@pytest.mark.parametrize("topic", TOPICS, ids=NAMES)
def test_every_field_is_explained(topic: Topic[Any]) -> None:
    page = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    # a classified document repeats the document, so its section may refer to the one before
    section = page.partition(f"\n## {topic.name}\n")[2].partition("\n## ")[0]
    if topic is CLASSIFIED:
        section += page.partition("\n## documents\n")[2].partition("\n## ")[0]
    prose = re.sub(r"^```.*?^```$", "", section, flags=re.DOTALL | re.MULTILINE)
    named = {name for code in re.findall(r"`([^`]+)`", prose) for name in re.split(r"\W+", code)}
    assert fields_of(golden(topic)) - named == set()


@pytest.mark.parametrize("block", EXAMPLES, ids=NAMES)
def test_example_fits_the_schema(block: Block) -> None:
    jsonschema.validate(json.loads(block.text), golden(of(block)))


@pytest.mark.parametrize("block", EXAMPLES, ids=NAMES)
def test_example_survives_decoding_and_encoding(block: Block) -> None:
    topic = of(block)
    decoded = topic.decode(block.text.encode())
    again = json.loads(topic.encode(decoded).value)
    assert holds(again, json.loads(block.text))


@pytest.mark.parametrize("block", EXAMPLES, ids=NAMES)
def test_example_without_any_one_required_field_is_refused_by_both(block: Block) -> None:
    topic, example = of(block), json.loads(block.text)
    required = golden(topic)["required"]
    assert required
    for name in required:
        lacking = {key: value for key, value in example.items() if key != name}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(lacking, golden(topic))
        with pytest.raises(Rejected, match=name):
            topic.decode(json.dumps(lacking).encode())


@pytest.mark.parametrize("block", EXAMPLES, ids=NAMES)
def test_another_version_is_refused_by_both(block: Block) -> None:
    later = {**json.loads(block.text), "v": 2}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(later, golden(of(block)))
    with pytest.raises(Rejected, match="version 2"):
        of(block).decode(json.dumps(later).encode())


@pytest.mark.parametrize("block", EXAMPLES, ids=NAMES)
def test_a_field_of_a_later_minor_version_is_ignored_by_both(block: Block) -> None:
    later = {**json.loads(block.text), "added_next_year": [1]}
    jsonschema.validate(later, golden(of(block)))
    assert of(block).decode(json.dumps(later).encode()) == of(block).decode(block.text.encode())


def test_the_example_document_is_one_we_take() -> None:
    block = next(block for block in EXAMPLES if of(block) is DOCUMENTS)
    document = validated(DOCUMENTS.decode(block.text.encode()), datetime.now(UTC))
    assert document.id.startswith("desk:frankfurt:")


def test_the_examples_of_documents_and_classified_are_the_same_document() -> None:
    values = {of(block): of(block).decode(block.text.encode()) for block in EXAMPLES}
    classified = values[CLASSIFIED]
    assert isinstance(classified, ClassifiedDocument)
    arrived = datetime(2026, 3, 2, 9, 31, 9, 120000, tzinfo=UTC)
    assert validated(values[DOCUMENTS], arrived) == classified.document
