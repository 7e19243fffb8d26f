"""The web site of a registry in a real browser: no complaint of its console, in both colour schemes, on a narrow screen, and without a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from mpp.host.system import SystemClock, SystemRandom
from mpp.testing.keys import publisher
from mpp_registry.api.app import App
from mpp_registry.api.guard import Outside
from mpp_registry.web.routes import web_routes
from mpp_registry.wiring import pages
from tests.e2e.chromium import CONTRAST, OVERFLOW, Chromium, needs_chromium
from tests.registry.web.world import BEGIN, TOKEN, World, friendly

pytestmark = needs_chromium


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
