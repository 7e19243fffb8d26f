"""The console in a real browser: every page in both colour schemes and on a narrow screen, without a word in its console; an answer with a mouse, with keys, and without a script; news that come by themselves.

A further page is a row of ``SEEN``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpp.console.desk import Desk
from mpp.console.serving import ConsoleServer
from mpp.console.sessions import Sessions
from mpp.host.agent_store import AgentStore, BearerToken, KnownAgent, token_digest
from mpp.host.fleet import PERSONAL
from mpp.host.home import Home
from mpp.host.stops import Stop, StopStore, with_stop
from mpp.host.tenants import TenantToken, TokenStore, digest_of
from mpp.model.agents import AgentIdentity
from mpp.stages.policy.types import Reason, Risk
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW, TestClock, TestRandom
from mpp.testing.questions import need
from tests.auditlogs import some_days, Story, write
from tests.e2e.chromium import CONTRAST, OVERFLOW, Chromium, needs_chromium
from tests.unit.console.conftest import Console
from tests.unit.console.stocked import stock
from tests.unit.console.inbox import PASSPHRASE, answer, answers, ask, enroll

pytestmark = needs_chromium

LATER = NOW + 4 * 86_400
HIGH = Risk(score=74, band="high", reasons=(Reason(points=40, words="Sends what it reads to a host."), Reason(points=34, words="Was never called before.")))

SEEN = (
    ("approvals", "/approvals"), ("question", "/approvals/{low}"), ("question-details", "/approvals/{long}?details"), ("question-high", "/approvals/{high}"),
    ("overview", "/?period=week"), ("overview-empty", "/?period=hour"), ("overview-all", "/?period=all"), ("calls", "/calls"), ("calls-filtered", "/calls?ending=denied&code=policy.*"),
    ("call", "/calls/{ran}"), ("call-denied", "/calls/{denied}"), ("in-force", "/approvals/in-force"), ("earlier", "/approvals/earlier"), ("agents", "/agents"), ("missing", "/nothing-here"),
    ("packages", "/packages"), ("package", "/packages/com.example.hello"), ("policy", "/policy"), ("privacy", "/privacy"), ("legacy", "/legacy"),
    ("legacy-server", "/legacy/files"), ("legacy-given-up", "/legacy/wiki"), ("health", "/health"), ("compliance", "/compliance"),
)  # fmt: skip
"""Name and address of each page; braces hold what the home below has."""


POLICY = 'mpp_policy = 1\nname = "careful"\n[[rules]]\nid = "ask-all"\neffect = "ask"\nwhy = "everything is asked"\n'
FORMS = (
    ("privacy-tried", "/privacy", "text", "write to ada@example.com or +1 415 555 2671, card 4111 1111 1111 1111", "Taken out"),
    ("policy-tried", "/policy", "text", POLICY, "decisions judged again"),
    ("policy-wrong", "/policy", "text", "mpp_policy = 1", "This is no policy"),
    ("compliance-report", "/compliance", "since", "2026-01-01", "Entries bear on"),
)
"""Name, address, a field, what is put in, and words of the page that comes."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A console as it is served, over a home with some days behind it, and three calls that wait."""
    folder = tmp_path_factory.mktemp("console") / "home"
    folder.mkdir(mode=0o700)
    write(folder, some_days())
    stock(folder, at=LATER - 3600)
    clock = TestClock(LATER)
    desk = Desk(home=Home(path=str(folder)), clock=clock, random=TestRandom(), user="ada", read_settings=lambda: PERSONAL)
    # Another console over the same home, as `mpp approve` would be: what it does is news to the one in the browser.
    made = Console(desk=desk, sessions=Sessions(desk.clock, desk.random))
    known = _fill(made)
    server = ConsoleServer(desk, 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.port}", server=server, made=made, clock=clock, known=known)
    server.stop()
    thread.join(30)


def _fill(made: Console) -> dict[str, str]:
    enroll(made, "ada")
    agent = KnownAgent(
        name="claude", keys=(fixed_signer("claude").public_key,), tokens=(BearerToken(sha256=token_digest("x"), until=LATER + 9, label="build server"),)
    )
    AgentStore(made.desk.home.agents).change(lambda known: known.with_agent(agent))
    token = TenantToken(
        id="1f0c3b9a77e2d410", sha256=digest_of("x"), tenant="acme", agent="acme.example/planner", until=LATER + 9, user="ada@example.com", label="laptop"
    )
    TokenStore(made.desk.home.tokens).change(lambda known: {**known, token.id: token})
    StopStore(made.desk.home.stops).change(lambda stops: with_stop(stops, "package", "com.bad.tool", Stop(since=LATER, why="leaks file names")))
    made.enter()
    answer(made, ask(made, {"name": "Grace"}), "always")
    agent_ = AgentIdentity(name="planner", level="signed")
    return {
        "ran": Story(number=2).invocation,
        "denied": Story(number=1000).invocation,
        "low": ask(made, {"path": "/home/ada/notes/2026-01-03 café.md"}, tool="read_note").id,
        "long": ask(made, {f"key{number:02}": "a long value, " * 30 for number in range(40)}, tool="write_notes", agent=agent_).id,
        "high": ask(made, {"to": "everybody@example.com"}, what=need("high", risk=HIGH), security_level="high", risk=HIGH, tool="send_mail").id,
    }


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, place: SimpleNamespace) -> Iterator[Chromium]:
    """It came in as a person does: by the address that the terminal shows."""
    made = Chromium(tmp_path_factory.mktemp("chromium"))
    try:
        made.begin()
        _enter(made, place)
        yield made
    finally:
        made.close()


def _enter(browser: Chromium, place: SimpleNamespace) -> None:
    browser.look(width=1280)
    # From the page to come in, only what stands behind the "#" changes: nothing is loaded.
    browser.ask("Page.navigate", url=place.server.url)
    _until(browser, "location.pathname === '/' && document.readyState === 'complete'")


def _until(browser: Chromium, condition: str) -> None:
    wait = f"new Promise(done => {{ const look = () => ({condition}) ? done(true) : setTimeout(look, 20); look(); }})"
    for _ in range(5):
        try:
            assert browser.run(wait) is True
        except AssertionError as fault:
            # The page went away under the question: it is put to the next one.
            if "navigat" not in str(fault) and "context" not in str(fault):
                raise
        else:
            return
    pytest.fail(f"never: {condition}")


def submit(browser: Chromium, script: str) -> None:
    browser.events.clear()
    browser.run(script)
    browser.wait("Page.loadEventFired")


def press(browser: Chromium, key: str, code: int, text: str = "") -> None:
    given = {"text": text} if text else {}
    browser.ask("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **given)
    browser.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)


def words(browser: Chromium) -> str:
    return str(browser.run("document.querySelector('main').textContent"))


def test_a_browser_comes_in_by_the_address_alone_and_leaves_no_token_in_its_history(browser: Chromium, place: SimpleNamespace):
    assert "mppc_" not in browser.run("location.href")
    assert browser.run("document.cookie") == "", "no script sees the cookie"
    assert browser.run("document.referrer").endswith("/enter")
    history = browser.ask("Page.getNavigationHistory")["entries"]
    assert not [one["url"] for one in history if "mppc_" in one["url"]]


@pytest.mark.parametrize(("name", "path"), SEEN)
def test_a_page_is_quiet_fits_and_can_be_read_in_both_schemes(browser: Chromium, place: SimpleNamespace, name: str, path: str):
    for width, dark in ((1280, False), (1280, True), (390, False)):
        browser.look(width=width, dark=dark)
        browser.open(place.url + path.format(**place.known))
        # Attack on oneself: the browser's own page about a server that is not there fits, too, and is quiet.
        assert browser.run("document.querySelector('.brand').textContent.trim()") == "MPP console"
        assert browser.run("document.querySelectorAll('main h1').length") == 1
        complaints = [one for one in browser.complaints() if name != "missing" or "404" not in one]
        assert complaints == []
        assert [url for url in browser.asked_for() if not url.startswith(place.url)] == []
        assert browser.run(OVERFLOW) <= 0, (width, "the page is wider than the screen")
        assert browser.run(CONTRAST) == []
        assert len(browser.picture(f"console-{name}-{'dark' if dark else 'light'}-{width}")) > 5000


@pytest.mark.parametrize(("name", "path", "field", "text", "said"), FORMS)
def test_what_a_form_comes_to_is_quiet_fits_and_can_be_read(browser: Chromium, place: SimpleNamespace, name: str, path: str, field: str, text: str, said: str):
    for width, dark in ((1280, False), (1280, True), (390, False)):
        browser.look(width=width, dark=dark)
        browser.open(place.url + path)
        submit(browser, f"document.getElementById('{field}').value = {json.dumps(text)}; document.querySelector('main form button').click()")
        assert said in words(browser)
        browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert (browser.complaints(), browser.run(CONTRAST)) == ([], [])
        assert browser.run(OVERFLOW) <= 0, (width, "the page is wider than the screen")
        browser.picture(f"console-{name}-{'dark' if dark else 'light'}-{width}")


def test_the_barriers_are_tried_by_a_button(browser: Chromium, place: SimpleNamespace):
    browser.look(width=390)
    browser.open(place.url + "/health")
    submit(browser, "document.querySelector('form[action=\"/health/check\"] button').click()")
    assert "Tools can run:" in words(browser)
    assert browser.run(OVERFLOW) <= 0
    assert (browser.complaints(), browser.run(CONTRAST)) == ([], [])
    browser.look(width=1280)
    browser.picture("console-health-tried-light-1280")


def test_the_way_in_can_be_read_in_both_schemes(tmp_path: Path, place: SimpleNamespace):
    made = Chromium(tmp_path)
    try:
        made.begin()
        for width, dark in ((1280, False), (1280, True), (390, False)):
            made.look(width=width, dark=dark)
            made.open(place.url + "/approvals")
            assert made.run("location.pathname") == "/enter"
            assert (made.complaints(), made.run(CONTRAST)) == ([], [])
            assert made.run(OVERFLOW) <= 0
            made.picture(f"console-enter-{'dark' if dark else 'light'}-{width}")
        submit(made, "document.getElementById('token').value = 'mppc_wrong'; document.querySelector('main form').submit()")
        assert "not the token of now" in words(made)
        # Without a script the token is put into the field by hand.
        made.ask("Emulation.setScriptExecutionDisabled", value=True)
        made.open(place.url + "/enter")
        press(made, "Tab", 9)
        for _ in range(2):
            press(made, "Tab", 9)
        made.ask("Input.insertText", text=place.server._sessions.token)
        made.events.clear()
        press(made, "Enter", 13, "\r")
        made.wait("Page.loadEventFired")
        root = made.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        assert 'aria-label="Areas"' in made.ask("DOM.getOuterHTML", nodeId=root)["outerHTML"]
    finally:
        made.close()


def test_news_come_by_themselves_and_answers_elsewhere_are_seen(browser: Chromium, place: SimpleNamespace):
    browser.look(width=1280)
    browser.open(place.url + "/approvals")
    _until(browser, "document.getElementById('live').textContent === 'Live'")
    one = ask(place.made, {"name": "Nina"}, tool="new_tool")
    _until(browser, "document.getElementById('inbox').textContent.includes('new_tool')")
    assert browser.complaints() == []
    answer(place.made, one, "no")
    _until(browser, "!document.getElementById('inbox').textContent.includes('new_tool')")


def test_an_answer_with_keys_alone(browser: Chromium, place: SimpleNamespace):
    one = ask(place.made, {"name": "Keys"}, tool="by_keys")
    browser.look(width=1280)
    browser.open(place.url + f"/approvals/{one.id}")
    press(browser, "Tab", 9)
    assert browser.run("document.activeElement.textContent") == "Skip to the content"
    assert browser.run("document.activeElement.getBoundingClientRect().top >= 0"), "what has the focus is seen"
    for _ in range(40):
        press(browser, "Tab", 9)
        assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if browser.run("document.activeElement.value === 'yes'"):
            break
    browser.events.clear()
    press(browser, "Enter", 13, "\r")
    browser.wait("Page.loadEventFired")
    assert "Approved once: by_keys" in words(browser)
    assert [said.yes for said in answers(place.made, one)] == [True]


def test_enter_behind_a_reason_says_no(browser: Chromium, place: SimpleNamespace):
    one = ask(place.made, {"name": "Enter"}, tool="with_reason")
    browser.open(place.url + f"/approvals/{one.id}")
    browser.run("document.getElementById('why').focus()")
    browser.ask("Input.insertText", text="not today")
    browser.events.clear()
    press(browser, "Enter", 13, "\r")
    browser.wait("Page.loadEventFired")
    assert "Denied: with_reason" in words(browser)
    assert [said.yes for said in answers(place.made, one)] == [False]


def test_a_passphrase_signs(browser: Chromium, place: SimpleNamespace):
    one = ask(place.made, {"to": "b"}, what=need("high", risk=HIGH), security_level="high", risk=HIGH, tool="send_signed")
    browser.open(place.url + f"/approvals/{one.id}")
    submit(browser, "document.querySelector('button[value=yes]').click()")
    assert "needs the passphrase" in browser.run("document.querySelector('[role=alert]').textContent")
    submit(browser, f"document.getElementById('passphrase').value = {json.dumps(PASSPHRASE)}; document.querySelector('button[value=yes]').click()")
    assert "Approved once: send_signed" in words(browser)
    assert [(said.amr, said.approver) for said in answers(place.made, one)] == [("passphrase", "ada")]


def test_without_a_script_a_call_is_answered(browser: Chromium, place: SimpleNamespace):
    one = ask(place.made, {"name": "Plain"}, tool="no_script")
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(place.url + f"/approvals/{one.id}")
        root = browser.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        button = browser.ask("DOM.querySelector", nodeId=root, selector="button[value=yes]")["nodeId"]
        browser.ask("DOM.focus", nodeId=button)
        browser.events.clear()
        press(browser, "Enter", 13, "\r")
        browser.wait("Page.loadEventFired")
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert [said.yes for said in answers(place.made, one)] == [True]


def test_the_policy_of_the_page_stops_what_is_put_into_it(browser: Chromium, place: SimpleNamespace):
    browser.look(width=1280)
    browser.open(place.url + "/approvals")
    browser.run("(() => { const s = document.createElement('script'); s.append('window.broken = 1'); document.body.append(s); })()")
    assert browser.run("window.broken === undefined")
    assert browser.run("(() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (fault) { return fault.name; } })()") == "TypeError"
    assert browser.run("fetch('http://127.0.0.1:1/x').then(() => 'sent', () => 'stopped')") == "stopped"


def test_a_page_at_another_port_can_neither_frame_nor_read_nor_send(tmp_path: Path, browser: Chromium, place: SimpleNamespace):
    """For browsers it is the same site: our cookie goes with what it asks for."""
    import http.server

    one = ask(place.made, {"name": "Port"}, tool="other_port")
    page = (
        f"<!doctype html><title>x</title><iframe src='{place.url}/approvals'></iframe>"
        f"<form method=post action='{place.url}/approvals/{one.id}/answer'><input name=answer value=yes><input name=text_sha256 value='{one.text_sha256}'></form>"
    )
    (tmp_path / "index.html").write_text(page)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given, **more):
            super().__init__(*given, directory=str(tmp_path), **more)

        def log_message(self, *_given):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        browser.open(f"http://127.0.0.1:{server.server_address[1]}/index.html")
        assert browser.run("fetch(" + json.dumps(place.url + "/approvals") + ", {credentials: 'include'}).then(() => 'read', () => 'stopped')") == "stopped"
        tree = browser.ask("Page.getFrameTree")["frameTree"]
        assert all(
            "chrome-error" in child["frame"]["url"] or not child["frame"].get("securityOrigin", "").endswith(str(place.server.port))
            for child in tree.get("childFrames", [])
        )
        submit(browser, "document.querySelector('form').submit()")
        assert answers(place.made, one) == ()
        browser.open(place.url + "/approvals")
        assert "other_port" in words(browser), "who is in stays in"
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()


def test_who_leaves_is_out(browser: Chromium, place: SimpleNamespace):
    browser.open(place.url + "/approvals")
    submit(browser, "document.querySelector('form[action=\"/leave\"]').requestSubmit()")
    browser.open(place.url + "/approvals")
    assert browser.run("location.pathname") == "/enter"
    _enter(browser, place)
