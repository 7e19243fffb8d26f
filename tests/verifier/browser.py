"""A browser without a window, told what to do through a pipe: no port is opened and nothing is installed for it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
WAIT_SECONDS = 120
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-dev-shm-usage", "--window-size=1200,1600")


class Browser:
    """One page. ``folder`` is its own, and empty."""

    def __init__(self, folder: Path, page: Path) -> None:
        given, told = os.pipe(), os.pipe()
        # The browser reads what to do from descriptor 3 and answers on 4.
        command = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        flags = (*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank")
        self._process = subprocess.Popen(
            ["bash", "-c", command, "bash", str(given[0]), str(told[1]), str(BROWSER), *flags],
            pass_fds=(given[0], told[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(given[0])
        os.close(told[1])
        self._into, self._out = os.fdopen(given[1], "wb", buffering=0), os.fdopen(told[0], "rb")
        self._number, self._rest, self._session = 0, b"", ""
        targets = self.ask("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.navigate", url=page.as_uri())
        self.wait("document.readyState === 'complete' && location.protocol === 'file:'")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._into.close()
        self._process.kill()
        self._process.wait()
        self._out.close()

    def ask(self, method: str, **params: object) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params} | ({"sessionId": self._session} if self._session else {})
        self._into.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _message(self) -> bytes:
        while b"\0" not in self._rest:
            more = os.read(self._out.fileno(), 1 << 16)
            assert more, "the browser ended"
            self._rest += more
        found, _, self._rest = self._rest.partition(b"\0")
        return found

    def run(self, script: str) -> object:
        found = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, condition: str) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while not self.run(condition):
            assert time.monotonic() < until, condition
            time.sleep(0.05)

    def choose(self, selector: str, path: Path) -> None:
        """As a person chooses a file or a folder."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))
