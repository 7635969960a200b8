"""A headless Chromium by its DevTools protocol, over a pipe: messages in JSON that end with NUL."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-extensions", "--disable-component-update", "--disable-background-networking",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
NAMES = ("chromium", "chromium-headless-shell", "google-chrome")
TIMEOUT_S = 60.0


class Browser:
    """One page; `events` are what it has told, of the domains Page, Runtime, Log and Network."""

    def __init__(self, folder: Path) -> None:
        found = [path for name in NAMES if (path := shutil.which(name))]
        if not found:
            raise AssertionError(f"no browser of {', '.join(NAMES)} (Debian: chromium)")
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._buffer = b""
        ours, self._write = os.pipe()
        self._read, theirs = os.pipe()
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ours} 4>&{theirs}', "bash", found[0], *FLAGS,
             f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(ours, theirs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
        os.close(ours)
        os.close(theirs)
        target = self._send("Target.createTarget", {"url": "about:blank"}, None)["targetId"]
        attach = {"targetId": target, "flatten": True}
        self._session: str | None = self._send("Target.attachToTarget", attach, None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            self._send("Browser.close", {}, None)
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._write)
            os.close(self._read)

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """A command to the page; its result."""
        return self._send(method, parameters, self._session)

    def show(self, path: Path, width: int, dark: bool, height: int = 900, scale: int = 1) -> None:
        """Open a file in a window of that width and wait until its script has run."""
        media = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=media)
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=width < 600)  # fmt: skip
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri())
        self.until("document.documentElement?.dataset.ready === ''")

    def until(self, condition: str) -> None:
        """Wait until a JavaScript condition holds."""
        end = time.monotonic() + TIMEOUT_S
        while not self.ask(condition):
            assert time.monotonic() < end, f"never: {condition}"
            time.sleep(0.02)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON has it."""
        said = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """With the left button pressed."""
        for kind, x, y in (("mouseMoved", x0, y0), ("mousePressed", x0, y0), ("mouseMoved", x1, y1),
                           ("mouseReleased", x1, y1)):  # fmt: skip
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1,
                      clickCount=1)  # fmt: skip

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG."""
        said = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(said["data"]))

    def troubles(self) -> list[str]:
        """Errors of the console and of scripts, and whatever was asked of a network."""
        found = []
        for event in self.events:
            method, told = event["method"], event["params"]
            if method == "Runtime.exceptionThrown" or (
                method == "Log.entryAdded" and told["entry"]["level"] == "error"
            ):
                found.append(str(told))
            elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
                found.append(str(told["args"]))
            elif method == "Network.requestWillBeSent":
                url = told["request"]["url"]
                if not url.startswith(("file:", "data:", "blob:")):
                    found.append(url)
        return found

    def _send(
        self, method: str, parameters: dict[str, object], session: str | None
    ) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self.events.append(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._read], [], [], TIMEOUT_S)[0], "the browser does not answer"
            piece = os.read(self._read, 1 << 20)
            assert piece, "the browser has ended"
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer
