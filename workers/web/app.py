"""The application: routes, one answer for each kind of failure, and what every answer carries.

It only reads, so it takes GET and HEAD and nothing else. It is served without accounts: it
belongs behind the loopback address or behind a proxy that knows who may look.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import PurePath

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.errors import Unavailable
from pipeline.wire import encode_json
from workers.web.alert_queries import events_after, tail_state
from workers.web.answers import Failure, Health
from workers.web.endpoints import ENDPOINTS, Endpoint
from workers.web.events import AlertTail, Pace, last_event_id
from workers.web.handlers import Sources
from workers.web.openapi import openapi
from workers.web.parameters import BadRequest, parsed
from workers.web.reading import Readers

logger = logging.getLogger(__name__)

# Scripts, styles and data from this server only, nothing inline, never in a frame.
SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        b"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
# The page's scripts are modules beside each other; `index.html` is the page itself.
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

Answering = Callable[[Request], Awaitable[Response]]


def create_app(
    sources: Sources,
    *,
    readers: Readers | None = None,
    pace: Pace | None = None,
    allowed_hosts: frozenset[str] | None = None,
) -> Starlette:
    """The application over `sources`. `allowed_hosts` limits the Host header, None does not.

    `app.state.tail` is the event tail: close it before the server is told to stop.
    """
    readers = readers or Readers()
    tail = AlertTail(
        readers,
        look=lambda: tail_state(sources.engine),
        fetch=lambda after, most: events_after(sources.engine, after, most),
        pace=pace or Pace(),
    )
    description = encode_json(openapi(ENDPOINTS))
    routes = [
        Route(endpoint.path, _answering(endpoint, sources, readers), methods=["GET"])
        for endpoint in ENDPOINTS
        if endpoint.handle is not None
    ]
    routes += [
        Route("/api/events", _following(tail), methods=["GET"]),
        Route("/api/openapi.json", _fixed(description, "application/json"), methods=["GET"]),
        *_page_routes(),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(_Guard, allowed_hosts=allowed_hosts)],
        exception_handlers={
            BadRequest: _bad_request,
            Unavailable: _unavailable,
            HTTPException: _http_error,
            Exception: _our_error,
        },
    )
    app.state.tail = tail
    app.state.readers = readers
    return app


def _answering(endpoint: Endpoint, sources: Sources, readers: Readers) -> Answering:
    handle = endpoint.handle
    assert handle is not None

    async def answer(request: Request) -> Response:
        values = parsed(endpoint.parameters, request.query_params.multi_items())
        for name, value in request.path_params.items():
            if "\x00" in value:
                raise BadRequest(f"{name}: holds a NUL")
        values.update(request.path_params)
        found = await readers.read(handle, sources, values)
        return _json(found, 503 if isinstance(found, Health) and not found.ok else 200)

    return answer


def _following(tail: AlertTail) -> Answering:
    async def follow(request: Request) -> Response:
        parsed((), request.query_params.multi_items())
        try:
            after = last_event_id(request.headers.get("last-event-id"))
        except ValueError as error:
            raise BadRequest(str(error)) from error
        # a proxy that buffers would hold events back
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers=headers)
        return StreamingResponse(
            await tail.stream(after), media_type="text/event-stream", headers=headers
        )

    return follow


def _fixed(body: bytes, media_type: str) -> Answering:
    """The same body for everyone, asked for again only when it changed."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}

    async def send(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=media_type, headers=headers)

    return send


def _page_routes() -> list[Route]:
    """The page and what it loads, read once: nothing else of the disk can be asked for."""
    folder = files("workers.web").joinpath("static")
    page = _fixed(folder.joinpath("index.html").read_bytes(), "text/html")
    found = [Route("/", page, methods=["GET"])]
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        kind = KINDS.get(PurePath(file.name).suffix)
        if kind is not None:
            send = _fixed(file.read_bytes(), kind)
            found.append(Route(f"/{file.name}", send, methods=["GET"]))
    return found


def _json(value: object, status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(encode_json(value), status, headers, "application/json")


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadRequest)
    return _json(Failure(error=error.message), error.status)


async def _unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unavailable)
    logger.warning("%s: %s", request.url.path, error)
    wait = 2 if error.retry_after is None else error.retry_after.total_seconds()
    # what exactly is away is for the log: an address in it is nobody else's business
    answer = _json(Failure(error="a store does not answer now, or too many ask at once"), 503)
    answer.headers["retry-after"] = str(max(1, round(wait)))
    return answer


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _json(Failure(error=error.detail), error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _our_error(request: Request, error: Exception) -> Response:
    # the framework raises it again for the log
    return _json(Failure(error="internal error"), 500)


class _Guard:
    """Refuses foreign Host names and adds the security headers to whatever is answered."""

    def __init__(self, app: ASGIApp, allowed_hosts: frozenset[str] | None) -> None:
        self._app = app
        self._allowed = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            await send(message)

        if self._allowed is not None and _host(scope) not in self._allowed:
            refusal = _json(Failure(error="this server is not known by that name"), 421)
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _host(scope: Scope) -> str:
    """The Host header without its port."""
    for name, value in scope["headers"]:
        if name == b"host":
            host: str = value.decode("latin-1").lower()
            return host if host.endswith("]") else host.rpartition(":")[0] or host
    return ""
