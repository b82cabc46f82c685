"""Headless Chromium, driven over its DevTools protocol: enough to see what a person sees."""

import base64
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import websocket

BINARIES = ("chromium", "chromium-browser", "google-chrome", "chrome")
START_SECONDS = 30.0
WAIT_SECONDS = 20.0

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--mute-audio",
    "--remote-debugging-port=0",
    # nothing but this machine can be asked, so a page that tries elsewhere fails at once
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class Page:
    """One tab. Everything that went wrong in it is in `errors`, every request in `requests`."""

    def __init__(self, address: str) -> None:
        # a foreign Origin header is refused by the browser, so none is sent
        self._socket = websocket.create_connection(
            address, timeout=WAIT_SECONDS, suppress_origin=True
        )
        self._number = 0
        self.errors: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._socket.close()

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of one command; what the browser reports meanwhile is kept."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(told["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(told["entry"]["text"])
        elif message.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression; awaits a promise."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the expression is true; what throws, as on a page half loaded, is not."""
        deadline = monotonic() + seconds
        while True:
            if self.evaluate(
                "new Promise((done) => { const began = performance.now(); (function look() {"
                f" let value = false; try {{ value = Boolean({expression}); }} catch {{ }}"
                " if (value || performance.now() - began > 500) done(value);"
                " else setTimeout(look, 20); })(); })"
            ):
                return
            if monotonic() > deadline:
                text = self.evaluate("document.body ? document.body.innerText : ''")
                raise AssertionError(f"never true: {expression}\nthe page says:\n{text}")

    def press(self, key: str) -> None:
        """Press and release one named key, such as ArrowRight or Enter."""
        # Enter and Tab act only with the text or the code they come with
        code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, 0)
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def size(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def colours(self, scheme: str) -> None:
        """`light` or `dark`, as the person's system would say."""
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def screenshot(self, path: Path) -> bytes:
        """The page as PNG, also written to `path`."""
        picture = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        path.write_bytes(picture)
        return picture


@dataclass(frozen=True, slots=True)
class Browser:
    """A running browser, reached on its DevTools port."""

    port: int

    @contextmanager
    def tab(self) -> Iterator[Page]:
        """A new tab, closed at the end: nothing of another test is in it."""
        made = self._ask("PUT", "new?about:blank")
        page = Page(made["webSocketDebuggerUrl"])
        try:
            yield page
        finally:
            page.close()
            self._ask("GET", f"close/{made['id']}")

    def _ask(self, method: str, path: str) -> Any:
        url = f"http://127.0.0.1:{self.port}/json/{path}"
        request = urllib.request.Request(url, method=method)
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith(b"{") else None


@contextmanager
def chromium(folder: Path, binaries: Sequence[str] = BINARIES) -> Iterator[Browser]:
    """A new browser whose profile lies in `folder`; it ends with the block."""
    binary = next(filter(None, map(shutil.which, binaries)), None)
    if binary is None:
        pytest.fail("no Chromium found: install the package `chromium`", pytrace=False)
    log = folder / "chromium.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binary, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stdout=output,
            stderr=output,
        )
    try:
        yield Browser(_port(process, folder / "profile" / "DevToolsActivePort", log))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _port(process: subprocess.Popen[bytes], port_file: Path, log: Path) -> int:
    """The DevTools port, once the browser has written it down."""
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            lines = port_file.read_text().splitlines() if port_file.exists() else []
            # the second line, a path, is written after the first is whole
            if len(lines) >= 2:
                return int(lines[0])
        else:
            break
    raise RuntimeError(f"Chromium did not start: {log.read_text(errors='replace')[-500:]}")
