"""A web server for feeds, polite and hostile, on a free loopback port."""

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class FeedServer:
    """Answers the paths in `routes`; `requests` holds (path, headers) in the order they came."""

    def __init__(self) -> None:
        self.routes: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        # set at the end, so that answers that wait or never end do
        self.closing = threading.Event()
        ours = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                ours.requests.append((self.path, headers))
                self.close_connection = True
                answer = ours.routes.get(self.path.partition("?")[0], status(404))
                with suppress(OSError):
                    answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def asked(self, path: str) -> int:
        """How many requests came for `path`."""
        return sum(one == path for one, _ in self.requests)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving() -> Iterator[FeedServer]:
    server = FeedServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def body(content: bytes, **headers: str) -> Answer:
    """200 with `content`; header names with `_` for `-`."""
    return status(200, content, **headers)


def status(code: int, content: bytes = b"", **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def redirect(location: str, code: int = 302) -> Answer:
    return status(code, Location=location)


def gzipped(content: bytes) -> Answer:
    return body(gzip.compress(content), Content_Encoding="gzip")


def rss(*items: str, language: str = "en") -> bytes:
    """A feed with these `<item>`s."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>News</title>'
        f"<link>https://news.example/</link><language>{language}</language>"
        f"{''.join(items)}</channel></rss>"
    ).encode()


def item(guid: str, title: str = "Shares of Acme fall", at: str = "") -> str:
    date = f"<pubDate>{at}</pubDate>" if at else "<pubDate>Sun, 08 Mar 2026 23:58:37 GMT</pubDate>"
    return (
        f"<item><guid>{guid}</guid><title>{title}</title>"
        f"<link>https://news.example/{guid}</link>{date}</item>"
    )
