"""The description of the API: valid, complete, and true of what is really answered."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from sqlalchemy import insert
from starlette.applications import Starlette
from starlette.routing import Route

from alerts.lifecycle import AlertEvidence
from pipeline.documents import DocumentId
from pipeline.stores.database import writing
from pipeline.stores.feed_tables import feed_state
from tests.web_site import NEGATIVE, NOON, Site, alarm, minutes, new_site, news


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as made:
        yield made


@pytest.fixture
def app(site: Site) -> Starlette:
    return site.app()


@pytest.fixture
async def api(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://web"
    ) as client:
        yield client


@pytest.fixture
async def description(api: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get("/api/openapi.json")).json()
    return found


def test_every_route_is_described_and_nothing_else(
    app: Starlette, description: dict[str, Any]
) -> None:
    served = {route.path for route in app.routes if isinstance(route, Route)}
    api_routes = {path for path in served if path.startswith(("/api", "/health"))}
    assert set(description["paths"]) == api_routes


def test_the_description_is_sound(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    assert {"title", "version"} <= set(description["info"])
    names = []
    for path, item in description["paths"].items():
        operation = item["get"]
        names.append(operation["operationId"])
        assert operation["summary"]
        assert "200" in operation["responses"]
        for response in operation["responses"].values():
            assert response["description"]
        in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        for parameter in operation["parameters"]:
            assert parameter["description"]
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])
            if "default" in parameter["schema"]:
                jsonschema.validate(parameter["schema"]["default"], parameter["schema"])
    assert len(names) == len(set(names))
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    found = set(references(description))
    assert "#/components/schemas/Alert" in found
    for reference in found:
        node: Any = description
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


async def test_what_is_answered_is_what_is_described(
    site: Site, api: httpx.AsyncClient, description: dict[str, Any]
) -> None:
    site.publish(news("a", sentiment=NEGATIVE), news("b", NOON + minutes(1), sentiment=None))
    site.alert(alarm("f1", state="pending"))
    evidence = AlertEvidence(id=DocumentId("a"), at=NOON, title="t", sentiment=NEGATIVE)
    site.alert(alarm("f1", revision=2, evidence=[evidence]))
    with writing(site.engine) as connection:
        row = {"source": "rss:a", "last_success_at": NOON, "silent_after_seconds": 60.0}
        connection.execute(insert(feed_state), [row | {"seen": []}])
    asked = {
        "/api/alerts": "/api/alerts?limit=1",
        "/api/alerts/{fingerprint}": "/api/alerts/f1",
        "/api/series": "/api/series",
        "/api/series/points": "/api/series/points?series=*",
        "/api/series/metrics": "/api/series/metrics?series=*",
        "/api/documents": "/api/documents",
        "/api/sources": "/api/sources",
        "/api/stats": "/api/stats",
        "/api/schemas/{topic}": "/api/schemas/alerts",
        "/api/openapi.json": "/api/openapi.json",
        "/health/live": "/health/live",
        "/health/ready": "/health/ready",
    }
    assert set(asked) == set(description["paths"]) - {"/api/events"}
    for path, address in asked.items():
        schema = description["paths"][path]["get"]["responses"]["200"]["content"]
        answer = await api.get(address)
        assert answer.status_code == 200, answer.text
        jsonschema.validate(
            answer.json(),
            # the components stand beside, so that references into them resolve
            {**schema["application/json"]["schema"], "components": description["components"]},
        )


async def test_every_refusal_is_a_described_failure(
    api: httpx.AsyncClient, description: dict[str, Any]
) -> None:
    failure = description["components"]["schemas"]["Failure"]
    for path, item in description["paths"].items():
        address = path.replace("{fingerprint}", "none").replace("{topic}", "none")
        answer = await api.get(f"{address}?nonsense=1")
        if path == "/api/openapi.json":
            continue
        assert str(answer.status_code) in item["get"]["responses"]
        assert answer.status_code == 400
        jsonschema.validate(answer.json(), failure)
