"""The web site of a registry in a real browser: no complaint of its console, in both colour schemes, on a narrow screen, and without a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from mpp.crypto.ed25519 import key_id
from mpp.host.system import SystemClock, SystemRandom
from mpp.protocol.registry.bodies import ReportBody
from mpp.testing.keys import TestPublisher, publisher
from mpp_registry.advisories.reporting import report
from mpp_registry.api.app import App
from mpp_registry.api.guard import Outside
from mpp_registry.publishers.entering import grant_entry
from mpp_registry.publishing.actor import Actor
from mpp_registry.web.routes import web_routes
from mpp_registry.wiring import pages
from tests.e2e.chromium import CONTRAST, OVERFLOW, Chromium, needs_chromium
from tests.registry.web.world import BEGIN, TOKEN, World, friendly

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("site"), start=BEGIN, url="")
    friendly(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def place(world: World) -> Iterator[str]:
    """A registry on loopback, with the guard and the programming interface around it as it is served."""
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


def _with_something_of_everything(world: World, who: TestPublisher) -> None:
    """What waits, a private package, and reports: one that its publisher may read, one with an answer, one that is the operator's alone."""
    world.register(who)
    world.publish(who, "com.example.own-tool", "1.0.0", downloads=1_204)
    world.publish(who, "com.example.own-secret", "0.9.0", visibility="private")
    long = "It reads every note and sends all of them. " * 12
    for kind, words in (("vulnerability", long), ("other", "Its name reads like ours."), ("malware", "It steals.")):
        report(world.services, ReportBody(package_id="com.example.own-tool", version="1.0.0", kind=kind, text=words, contact="me@example.com"), "192.0.2.1")
    with world.services.database.write() as rows:
        columns = "staged_id, package_id, version, publisher_id, content_hash, file_hash, size, visibility, uploaded_by, signers, state, reason, at"
        rows.run(
            f"INSERT INTO staged ({columns}) VALUES (?, 'com.example.own-tool', '1.1.0', ?, ?, ?, 10, 'public', ?, ?, 'waiting', '', ?)",
            "aa" * 16, who.id, "1" * 64, "2" * 64, "3" * 64, "3" * 64, world.clock.moment - 600,
        )  # fmt: skip


def test_a_publisher_comes_in_by_the_printed_address_looks_and_goes(browser: Chromium, world: World, place: str):
    who = publisher("Own Workshop")
    _with_something_of_everything(world, who)
    actor = Actor(publisher_id=who.id, key_id=key_id(who.release[0].public_key), how="signed", roles=("release",))

    def seen(name: str) -> None:
        here = browser.run("location.href")
        for width, dark in ((1280, False), (1280, True), (390, False), (390, True)):
            browser.look(width=width, dark=dark)
            browser.open(here)
            assert browser.run(OVERFLOW) <= 0, (name, width, "the page is wider than the screen")
            assert browser.run(CONTRAST) == [], (name, width, dark)
            assert browser.complaints() == []
            assert len(browser.picture(f"{name}-{'dark' if dark else 'light'}-{width}")) > 5000

    def press(script: str) -> None:
        browser.events.clear()
        browser.run(script)
        browser.wait("Page.loadEventFired")

    browser.look(width=1280)
    browser.open(place + "/me")
    assert browser.run("location.pathname") == "/me/login"
    seen("me-login")
    code = grant_entry(world.services, actor, world.services.settings.url).code
    browser.open(f"{place}/me/enter?code={code}")
    assert "Own Workshop" in browser.run("document.querySelector('h1').textContent")
    seen("me-enter")
    press("document.querySelector('main form').requestSubmit()")
    assert browser.run("location.pathname") == "/me"
    assert browser.run("document.cookie") == "", "no script sees the cookie"
    words = browser.run("document.querySelector('main').textContent")
    for said in ("com.example.own-secret", "It reads every note", f"mpp registry staged {'aa' * 16} --save waiting.mpp"):
        assert said in words
    for hidden in ("It steals.", "me@example.com"):
        assert hidden not in words
    seen("me")
    press("document.querySelector('form[action=\"/me/logout\"]').requestSubmit()")
    assert browser.run("location.pathname") == "/me/login"
    browser.look(width=390)
    browser.open(f"{place}/me/enter?code={code}")
    assert "does not hold" in browser.run("document.querySelector('[role=alert]').textContent"), "the address is spent"
    assert (browser.run(OVERFLOW), browser.run(CONTRAST)) == (0, [])
    browser.picture("me-spent-light-390")


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
