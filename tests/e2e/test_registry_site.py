"""The web site of a registry in a real browser: no complaint of its console, in both colour schemes, on a narrow screen, and without a script.

The browser is Debian's Chromium, headless, spoken to over its DevTools pipe: two descriptors, so that no port is open and nothing has to be installed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from mpp.host.system import SystemClock, SystemRandom
from mpp.testing.keys import publisher
from mpp_registry.api.app import App
from mpp_registry.api.guard import Outside
from mpp_registry.web.routes import web_routes
from mpp_registry.wiring import pages
from tests.registry.web.world import BEGIN, TOKEN, World, friendly

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 60.0
SHOTS = os.environ.get("MPP_TEST_SCREENSHOTS", "")
"""A folder in which the pictures stay for somebody who looks at them."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; `apt-get install chromium` brings it")


class Chromium:
    """One browser with one tab. Messages end with a zero byte, as ``--remote-debugging-pipe`` has it."""

    def __init__(self, folder: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        self._rest, self._next, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        # The browser takes 3 and 4 for the two ends; a small program of ours puts them there.
        put = f"import os, sys; os.dup2({to_read}, 60); os.dup2({to_write}, 61); os.dup2(60, 3); os.dup2(61, 4); os.execv(sys.argv[1], sys.argv[1:])"
        words = [
            sys.executable, "-c", put, str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(words, pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)

    def begin(self) -> None:
        tab = next(one for one in self.ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=tab["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._next += 1
        message = {"id": self._next, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            found = self._message()
            if found.get("id") == self._next:
                assert "error" not in found, found
                return found["result"]
            self.events.append(found)

    def _message(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            data = os.read(self._read, 1 << 20) if ready else b""
            if not data:
                pytest.fail("the browser says nothing")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def open(self, url: str) -> None:
        """Until it has loaded."""
        self.events.clear()
        self.ask("Page.navigate", url=url)
        self.wait("Page.loadEventFired")

    def wait(self, method: str) -> None:
        while not any(one.get("method") == method for one in self.events):
            self.events.append(self._message())

    def run(self, script: str) -> Any:
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def complaints(self) -> list[str]:
        """Whatever stands in the console: scripts that fail, what the policy stopped, files that are not there."""
        self.run("1")
        found = []
        for one in self.events:
            if one.get("method") == "Runtime.exceptionThrown":
                found.append(json.dumps(one["params"])[:500])
            elif one.get("method") == "Log.entryAdded" and one["params"]["entry"]["level"] in {"error", "warning"}:
                found.append(one["params"]["entry"]["text"])
            elif one.get("method") == "Runtime.consoleAPICalled":
                found.append(json.dumps(one["params"]["args"])[:500])
        return found

    def asked_for(self) -> list[str]:
        sent = [one["params"] for one in self.events if one.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent]

    def look(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def picture(self, name: str) -> bytes:
        data = base64.b64decode(self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"])
        if SHOTS:
            Path(SHOTS, f"{name}.png").write_bytes(data)
        return data

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._write)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on loopback, with the guard and the programming interface around it as it is served."""
    world = World(tmp_path_factory.mktemp("site"), start=BEGIN, url="")
    friendly(world)
    around = Outside(clock=SystemClock(), random=SystemRandom(), write_line=lambda _line: None)
    app = App(world.services, web_routes(world.services), outside=around, html=pages(world.services))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    listening = uvicorn.Config(app, host="127.0.0.1", port=0).bind_socket()
    # Whoever comes before the server is ready waits in the queue of the socket.
    listening.listen()
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listening.close()
    world.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    made = Chromium(tmp_path_factory.mktemp("chromium"))
    try:
        made.begin()
        yield made
    finally:
        made.close()


PACKAGE = "/packages/com.example.notes"
SEEN = (
    ("home", "/"), ("search", "/search?q=notes"), ("package", PACKAGE), ("revoked", "/packages/org.northwind.mailer"), ("versions", f"{PACKAGE}/versions"),
    ("report", f"{PACKAGE}/report"), ("namespace", "/namespaces/com.example"), ("publisher", f"/publishers/{publisher('Northwind Tools', releases=2).id}"), ("log", "/log"), ("entry", "/log/9"), ("checkpoints", "/log/checkpoints"),
    ("consistency", "/log/consistency?from=3"), ("status", "/status"), ("about", "/about"), ("advisories", "/advisories"), ("login", "/admin/login"),
)  # fmt: skip

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTRAST = """
(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = at => { for (; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !one.checkVisibility() || one.closest('svg, .unseen, option')) continue;
    const style = getComputedStyle(one), a = light(parse(style.color)), b = light(ground(one));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${one.tagName}.${one.className} ${ratio.toFixed(2)} ${one.textContent.trim().slice(0, 30)}`);
  }
  return poor;
})()
"""


@pytest.mark.parametrize(("name", "path"), SEEN)
def test_a_page_is_quiet_fits_and_can_be_read_in_both_schemes(browser: Chromium, place: str, name: str, path: str):
    for width, dark in ((1280, False), (1280, True), (390, False)):
        browser.look(width=width, dark=dark)
        browser.open(place + path)
        # Attack on oneself: the browser's own page about a server that is not there fits, too, and is quiet.
        assert browser.run("document.querySelector('.brand').textContent.trim()") == "Example Registry"
        assert browser.complaints() == []
        assert [url for url in browser.asked_for() if not url.startswith(place)] == []
        assert browser.run(OVERFLOW) <= 0, (width, "the page is wider than the screen")
        assert browser.run(CONTRAST) == []
        assert len(browser.picture(f"{name}-{'dark' if dark else 'light'}-{width}")) > 5000


def test_the_policy_of_the_page_stops_what_is_put_into_it(browser: Chromium, place: str):
    browser.look(width=1280)
    browser.open(place + PACKAGE)
    browser.run("(() => { const s = document.createElement('script'); s.append('window.broken = 1'); document.body.append(s); })()")
    browser.run("document.body.insertAdjacentText('beforeend', 'x')")
    assert browser.run("window.broken === undefined")
    assert browser.run("(() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (fault) { return fault.name; } })()") == "TypeError"
    assert browser.run("fetch('/v1/registry').then(() => 'sent', () => 'stopped')") == "stopped"


def test_what_is_filled_in_becomes_a_command_and_goes_nowhere(browser: Chromium, place: str):
    browser.look(width=1280)
    browser.open(place + PACKAGE)
    browser.events.clear()
    fill = "(id, text) => { const f = [...document.querySelectorAll('[data-field]')].find(one => one.dataset.field === id); f.value = text; f.dispatchEvent(new Event('input', {bubbles: true})); }"
    browser.run(f"({fill})('query', \"it's here\")")
    browser.run(f"({fill})('limit', '5')")
    line = browser.run("document.getElementById('call-1').textContent")
    assert line == """mpp run com.example.notes-1.1.0.mpp --tool search_notes --args '{"query": "it'"'"'s here", "limit": 5}'"""
    assert browser.asked_for() == []


def test_keys_lead_to_the_content_and_to_the_search(browser: Chromium, place: str):
    browser.look(width=1280)
    browser.open(place + PACKAGE)

    def press(key: str, code: int) -> None:
        text = {"text": key} if len(key) == 1 else {}
        browser.ask("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        browser.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    press("Tab", 9)
    assert browser.run("document.activeElement.textContent") == "Skip to the content"
    assert browser.run("document.activeElement.getBoundingClientRect().top >= 0"), "what has the focus is seen"
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press("/", 191)
    assert browser.run("document.activeElement.id") == "find"


def test_without_a_script_all_is_there(browser: Chromium, place: str):
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.look(width=1280)
        browser.open(place + PACKAGE)
        assert browser.complaints() == []
        root = browser.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        html = browser.ask("DOM.getOuterHTML", nodeId=root)["outerHTML"]
        for said in ("Signed, logged and in good standing", "New since", "mpp install com.example.notes@1.1.0", "Report this package"):
            assert said in html
        assert html.count("hidden") >= html.count("data-copy"), "buttons that could do nothing are not shown"
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)


def test_an_administrator_comes_in_acts_and_goes(browser: Chromium, place: str):
    browser.look(width=1280)
    browser.open(place + "/admin")
    assert browser.run("location.pathname") == "/admin/login"

    def submit(script: str) -> None:
        browser.events.clear()
        browser.run(script)
        browser.wait("Page.loadEventFired")

    submit(f"document.getElementById('token').value = {json.dumps(TOKEN)}; document.querySelector('main form').submit()")
    assert browser.run("location.pathname") == "/admin"
    assert browser.run("document.cookie") == "", "no script sees the cookie"
    assert browser.complaints() == []
    assert browser.run(CONTRAST) == []
    browser.picture("admin")
    browser.open(place + "/admin/package?id=com.example.weather")
    assert browser.complaints() == []
    browser.picture("admin-package")
    submit("document.getElementById('reason').value = 'Looked at in a browser'; document.querySelector('#change ~ form').requestSubmit()")
    assert "The status is changed" in browser.run("document.querySelector('[role=status]').textContent")
    browser.open(place + "/packages/com.example.weather")
    assert "Held back" in browser.run("document.getElementById('verdict').textContent")
    for width, dark in ((1280, True), (390, False)):
        browser.look(width=width, dark=dark)
        browser.open(place + "/admin")
        assert browser.run(OVERFLOW) <= 0
        assert browser.run(CONTRAST) == []
        browser.picture(f"admin-{width}-{'dark' if dark else 'light'}")
    browser.open(place + "/admin/audit")
    assert "Looked at in a browser" in browser.run("document.querySelector('main').textContent")
    submit("document.querySelector('form[action=\"/admin/logout\"]').requestSubmit()")
    assert browser.run("location.pathname") == "/admin/login"
