"""The OpenAPI 3.1 description, made from the endpoints that are served and nothing else."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from workers.web.answers import answer_schemas
from workers.web.endpoints import Endpoint

_FAILURES = {
    "400": "A parameter is unknown, missing or out of its range",
    "404": "There is no such thing",
    "503": "A store does not answer now, or too many ask; try again after `Retry-After`",
}


def openapi(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The description of `endpoints`, ready to be sent as JSON."""
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Bellwether",
            "summary": "Sentiment of financial news and the alerts it raised; the read side.",
            "description": (
                "Everything here only reads. Times are RFC 3339 in UTC. Lists are paged by "
                'keyset: pass `next` as `cursor`. Every error is `{"error": one line}`.'
            ),
            "version": _version(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {endpoint.path: {"get": _operation(endpoint)} for endpoint in endpoints},
        "components": {"schemas": answer_schemas()},
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": meaning,
            "schema": {"type": "string"},
        }
        for name, meaning in endpoint.path_parameters.items()
    ]
    parameters += [parameter.described() for parameter in endpoint.parameters]
    responses: dict[str, Any] = {
        "200": {"description": endpoint.returns, "content": _content(endpoint)}
    }
    for status in endpoint.failures:
        responses[status] = {
            "description": _FAILURES[status],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
        }
    return {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": responses,
    }


def _content(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.answer is None:
        return {endpoint.media_type: {"schema": dict(endpoint.schema)}}
    name = endpoint.answer.__name__
    return {endpoint.media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _version() -> str:
    try:
        return version("bellwether")
    except PackageNotFoundError:
        return "0"
