"""Older servers in the console: what is kept back, the difference, and a yes that counts for exactly what was seen."""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.console.pages import legacy as page_of_legacy
from mpp.host.fleet import FleetSettings
from mpp.host.home import Home
from mpp.host.legacy.looking import at_home, look_at
from mpp.host.legacy.pins import agree
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.types import Entry, Held, Header, HostRule, Pin, Server, Stopped
from mpp.testing import legacy_server
from mpp.testing.packages import NOW, TestClock
from tests import records
from tests.unit.console.conftest import Console, make_console, Page
from tests.unit.console.hostile import HOSTILE, is_harmless
from tests.unit.console.inbox import enroll, PASSPHRASE

PROGRAM = os.path.realpath(legacy_server.__file__)


def server(name: str = "files", mode: str = "plain", *words: str, **more: object) -> Server:
    made = Server(
        name=name, kind="stdio", command=(sys.executable, "-S", PROGRAM, mode, *words), read=(PROGRAM,), added=NOW, by="user:grace", amr="tty", pinned_code=True
    )
    return replace(made, **more)  # type: ignore[arg-type]


def agreed_to(home: Path, made: Server) -> None:
    """Added, started once, and all that it said agreed to."""
    store = LegacyStore(str(home))
    store.put(Entry(server=made))
    about = at_home(Home(path=str(home)), TestClock(), is_fleet=lambda: False)
    store.update(agree(look_at(store.find(made.name), about).judged))


@pytest.fixture
def switched(tmp_path: Path) -> tuple[Console, Path]:
    """A server that says something else once a file is there."""
    console = make_console(tmp_path / "home")
    enroll(console)
    folder = tmp_path / "switch"
    folder.mkdir()
    agreed_to(console.home, server("files", "rug", str(folder / "on"), read=(PROGRAM, str(folder))))
    return console, folder / "on"


def digest(page: Page) -> str:
    return page.text.partition('name="digest" value="')[2].partition('"')[0]


def yes_to(page: Page, passphrase: str = PASSPHRASE) -> dict[str, str]:
    return {"digest": digest(page), "passphrase": passphrase, "approver": "ada"}


def changes(home: Path) -> list[dict[str, object]]:
    return [dict(event.body) for event in records.events(home) if event.kind == "trust"]


def test_a_home_without_any(console: Console) -> None:
    page = console.get("/legacy")
    assert page.status == 200
    assert "There are no older servers." in page.words


def test_a_server_is_shown_with_what_it_may_use(console: Console) -> None:
    made = server(hosts=(HostRule(host="api.example.com", port=443),), env=("TOKEN",), write=("/srv/data",))
    pin = Pin(name="echo", digest="a" * 64, document=json.dumps({"name": "echo", "description": "Say it again.", "inputSchema": {"type": "object"}}))
    LegacyStore(str(console.home)).put(Entry(server=made, pins=(pin,), held=(Held(name="extra", why="nobody agreed to it"),)))
    LegacyStore(str(console.home)).put(Entry(server=Server(name="wiki", kind="http", url="https://mcp.example.com/mcp", added=NOW)))
    LegacyStore(str(console.home)).put(Entry(server=server("open", sandboxed=False), stopped=Stopped(since=NOW, why="it only fails")))
    listed = console.get("/legacy")
    for words in ("files not verified", "1 kept back", "runs elsewhere", "not listed yet", "given up", "none", "user:grace (tty)"):
        assert words in listed.words, words
    page = console.get("/legacy/files")
    for words in (
        "may change /srv/data",
        "api.example.com:443",
        "the variable TOKEN",
        "extra nobody agreed to it",
        "Say it again.",
        "a" * 64,
        "Start it and look",
    ):
        assert words in page.words, words
    assert "It was never listed" in console.get("/legacy/wiki").words
    stopped = console.get("/legacy/open")
    assert "it only fails" in stopped.words
    assert "mpp legacy test open" in stopped.words
    assert "Start it and look" not in stopped.words


def test_one_that_is_not_there(console: Console) -> None:
    assert console.get("/legacy/absent").status == 400
    assert "there is no older server" in console.get("/legacy/absent").words


def test_a_document_that_cannot_be_read_is_said(console: Console) -> None:
    (console.home / "legacy").mkdir()
    (console.home / "legacy" / "servers.json").write_text("{")
    page = console.get("/legacy")
    assert page.status == 200
    assert "host.legacy" in page.words


def test_what_changed_is_shown_and_accepted(switched: tuple[Console, Path]) -> None:
    console, switch = switched
    same = console.post("/legacy/files/look")
    assert "It says of itself what was agreed to." in same.words
    assert "Accept what it says now" not in same.words
    switch.touch()
    seen = console.post("/legacy/files/look")
    assert seen.status == 200
    assert "Send a copy to the archive." in seen.words
    assert "extra" in seen.words
    assert "gone" in seen.words
    assert "What holds it on this machine" in seen.words
    assert changes(console.home) == []
    before = LegacyStore(str(console.home)).find("files").content_hash
    done = console.follow(console.post("/legacy/files/accept", yes_to(seen)))
    assert "what it says of itself now is agreed to; 8 tools may be called" in done.words
    after = LegacyStore(str(console.home)).find("files")
    assert "Send a copy" in "".join(one.document for one in after.pins or ())
    # Standing approvals hang on this hash, so they end.
    assert after.content_hash != before
    assert changes(console.home) == [
        {"what": "legacy", "name": "files", "change": "definitions accepted", "by": "ada", "amr": "passphrase", "channel": "console"}
    ]
    again = console.post("/legacy/files/accept", yes_to(seen))
    assert again.status == 303
    assert len(changes(console.home)) == 1


def test_what_it_says_otherwise_meanwhile_is_not_accepted(switched: tuple[Console, Path]) -> None:
    """Attack: a server that is harmless when somebody looks, and another one when they accept."""
    console, switch = switched
    seen_before = console.post("/legacy/files/look")
    del seen_before
    switch.touch()
    seen = console.post("/legacy/files/look")
    switch.unlink()
    page = console.post("/legacy/files/accept", yes_to(seen))
    assert page.status == 409
    assert "It says something else now" in page.words
    switch.touch()
    for wrong in ("", "0" * 64, "ä", digest(page)):
        assert console.post("/legacy/files/accept", {**yes_to(page), "digest": wrong}).status == 409
    assert changes(console.home) == []


def test_a_click_alone_accepts_nothing(switched: tuple[Console, Path]) -> None:
    """Attack: whoever has got hold of the session's cookie, such as the server itself by a page of its own at another port."""
    console, switch = switched
    switch.touch()
    seen = console.post("/legacy/files/look")
    for passphrase in ("", "wrong"):
        page = console.post("/legacy/files/accept", yes_to(seen, passphrase))
        assert page.status == 409
        assert "passphrase" in page.words
    assert console.post("/legacy/files/accept", {**yes_to(seen), "approver": "grace"}).status >= 400
    assert changes(console.home) == []
    for _ in range(5):
        console.post("/legacy/files/accept", yes_to(seen, "wrong"))
    assert console.post("/legacy/files/accept", yes_to(seen)).status == 429
    assert changes(console.home) == []


def test_without_an_approvers_key_it_is_accepted_at_a_terminal(console: Console) -> None:
    LegacyStore(str(console.home)).put(Entry(server=server()))
    seen = console.post("/legacy/files/look")
    assert "mpp legacy approve files" in seen.words
    assert "Accept what it says now" not in seen.words
    assert "approval.no_key" in console.post("/legacy/files/accept", {"digest": "x", "passphrase": "y"}).words
    enroll(console, sealed=False)
    assert "Accept what it says now" not in console.post("/legacy/files/look").words


def test_what_hides_something_stays_kept_back(console: Console) -> None:
    enroll(console)
    LegacyStore(str(console.home)).put(Entry(server=server("bad", "hidden")))
    seen = console.post("/legacy/bad/look")
    assert "Stays kept back, whatever you accept" in seen.words
    assert "a character that nobody sees" in seen.words
    console.post("/legacy/bad/accept", yes_to(seen))
    after = LegacyStore(str(console.home)).find("bad")
    assert [one.name for one in after.pins or ()] == ["read_file"]
    assert [one.name for one in after.held] == ["echo"]


def test_one_that_does_not_start_says_so(console: Console) -> None:
    LegacyStore(str(console.home)).put(Entry(server=server("dead", "crash")))
    page = console.post("/legacy/dead/look")
    assert page.status >= 400
    assert "legacy" in page.words
    # The next look is not locked out by it.
    assert "being looked at" not in console.post("/legacy/dead/look").words


def test_one_that_was_given_up_is_not_started(console: Console) -> None:
    LegacyStore(str(console.home)).put(Entry(server=server(), stopped=Stopped(since=NOW, why="it only fails")))
    page = console.post("/legacy/files/look")
    assert page.status == 400
    assert "mpp legacy test files" in page.words


def test_one_look_at_a_time(console: Console) -> None:
    looking = page_of_legacy.Looking()
    with looking.alone("files"):
        thread_said: list[str] = []

        def other() -> None:
            try:
                with looking.alone("wiki"):
                    thread_said.append("both")
            except page_of_legacy.Refused as fault:
                thread_said.append(fault.code)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert thread_said == ["usage.legacy"]
    with looking.alone("files"):
        pass


def test_in_fleet_mode_none_is_started_without_a_sandbox(tmp_path: Path) -> None:
    fleet = make_console(tmp_path / "home", read_settings=lambda: FleetSettings(is_fleet=True))
    LegacyStore(str(fleet.home)).put(Entry(server=server("open", sandboxed=False)))
    assert "consent.fleet" in fleet.post("/legacy/open/look").words


def test_a_console_that_only_shows_starts_nothing(tmp_path: Path) -> None:
    console = make_console(tmp_path / "home", read_only=True)
    LegacyStore(str(console.home)).put(Entry(server=server()))
    assert "Start it and look" not in console.get("/legacy/files").words
    assert console.post("/legacy/files/look").status == 403
    assert console.post("/legacy/files/accept", {"digest": "x"}).status == 403


def test_a_form_from_elsewhere_starts_nothing(console: Console) -> None:
    LegacyStore(str(console.home)).put(Entry(server=server()))
    assert console.post("/legacy/files/look", form_token="wrong").status == 403
    assert console.get("/legacy/files/look").status == 405


def test_whatever_a_server_says_is_text(console: Console, tmp_path: Path) -> None:
    made = server("loud", by=HOSTILE[:60], amr="<b>", folder=f"/{HOSTILE}")
    document = json.dumps({"name": "echo", "description": HOSTILE, "inputSchema": {"type": "object", "title": HOSTILE}})
    pins = (Pin(name="echo", digest="b" * 64, document=document),)
    LegacyStore(str(console.home)).put(Entry(server=made, pins=pins, held=(Held(name=HOSTILE, why=HOSTILE),), stopped=Stopped(since=NOW, why=HOSTILE)))
    wiki = Server(name="wiki", kind="http", url=f"https://x.example/{HOSTILE}", headers=(Header(name="Authorization", secret="X"),), added=NOW)
    LegacyStore(str(console.home)).put(Entry(server=wiki))
    assert is_harmless(console.get("/legacy/loud"))
    assert is_harmless(console.get("/legacy"))
    # A real one, whose words are hostile while it runs.
    program = tmp_path / "server.py"
    source = Path(PROGRAM).read_text(encoding="utf-8").replace('"Say the text again."', repr(HOSTILE)).replace("test-server", "<img src=x>")
    program.write_text(source, encoding="utf-8")
    live = replace(server("live"), command=(sys.executable, "-S", str(program), "plain"), read=(str(program),))
    LegacyStore(str(console.home)).put(Entry(server=live, pins=pins))
    page = console.post("/legacy/live/look")
    assert is_harmless(page)
    assert "&lt;img src=x&gt;" in page.text
