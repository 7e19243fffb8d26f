"""``mpp console`` as a process: a call waits, is answered on the page, goes through, and the record says how."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import pytest

from mpp.cli.commands import console as command
from mpp.console.opening import NAME, Opener, can_open
from tests.cli.conftest import EXECUTABLE, Mpp
from tests.cli.test_approve import asked, ref_of, run  # noqa: F401 - a fixture among them
from tests.cli.test_run import package  # noqa: F401 - the fixture
from tests.records import events

SECONDS_MAX = 60


class Browser:
    """As much of a browser as a form needs: a cookie, and where a form comes from."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url).netloc
        self._cookie = ""

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._place, timeout=SECONDS_MAX)
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if method == "POST":
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self._place}"}
        try:
            connection.request(method, path, urlencode(fields), headers)
            found = connection.getresponse()
            for item in found.headers.get_all("set-cookie") or ():
                self._cookie = item.partition(";")[0]
            return found.status, found.read().decode()
        finally:
            connection.close()

    def enter(self, url: str) -> int:
        return self.ask("POST", "/enter", token=urlsplit(url).fragment)[0]


@contextmanager
def console(*options: str) -> Iterator[SimpleNamespace]:
    """A running console; ``left`` is what it has said on its error stream, once it was told to end."""
    words = [*EXECUTABLE, "console", "--no-open", "--port", "0", "--json", *options]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    found = SimpleNamespace(process=process, left="", code=None)
    try:
        assert process.stdout is not None
        said = ""
        while not said.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, process.communicate(timeout=SECONDS_MAX)[1]
            said += line
        found.said = json.loads(said)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        found.out, found.left = process.communicate(timeout=SECONDS_MAX)
        found.code = process.returncode


def test_a_call_that_waits_is_answered_on_the_page_and_goes_through(mpp: Mpp, asked: Path, home: Path) -> None:  # noqa: F811
    ref = ref_of(run(mpp, asked))
    with console() as running:
        url = running.said["url"]
        browser = Browser(url)
        assert browser.ask("GET", "/approvals")[0] == 303
        assert browser.enter(url) == 303
        inbox = browser.ask("GET", "/approvals")[1]
        assert "greet" in inbox
        path = re.search(r'href="(/approvals/[0-9a-f]{32})"', inbox)[1]
        page = browser.ask("GET", path)[1]
        assert "MPP asks a person: may this call run?" in page
        token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
        text = re.search(r'name="text_sha256" value="([0-9a-f]+)"', page)[1]
        assert ref_of(run(mpp, asked)) == ref, "to look is no answer"
        # Attack: the same form from a page elsewhere, which cannot know the token.
        assert browser.ask("POST", f"{path}/answer", answer="yes", text_sha256=text)[0] == 403
        assert browser.ask("POST", f"{path}/answer", answer="yes", text_sha256=text, form_token=token)[0] == 303
        assert "Approved once" in browser.ask("GET", "/approvals")[1]
        allowed = run(mpp, asked)
        assert (allowed.code, allowed.json["decision"]["because"]) == (0, "approval")
        # Spent: the same call asks anew.
        assert ref_of(run(mpp, asked)) != ref
        assert "elicitation, console" in browser.ask("GET", "/approvals/earlier")[1]
        assert Browser(url).enter(url) == 403, "the address that was printed is spent"
    told = {event.kind: event.body for event in events(home)}
    assert (told["answer"]["channel"], told["answer"]["amr"]) == ("console", "elicitation")
    assert {"approval-spent", "intent", "result", "receipt"} <= set(told)
    assert running.code == 0
    assert running.out == ""
    assert running.left.strip() == "A browser came in.", "no token where a log may be kept"


def test_a_console_that_only_shows(mpp: Mpp, home: Path) -> None:
    with console("--read-only") as running:
        browser = Browser(running.said["url"])
        browser.enter(running.said["url"])
        page = browser.ask("GET", "/agents")[1]
        assert "only shows" in page
        assert "Stop everything" not in page
        token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
        assert browser.ask("POST", "/agents/stop", kind="all", form_token=token)[0] == 403
        assert running.said["read_only"] is True
    assert mpp("stop", "--list").out == "Nothing is stopped.\n"


def test_a_port_that_is_taken_is_refused(mpp: Mpp) -> None:
    with console() as running:
        answer = mpp("console", "--no-open", "--port", running.said["port"], "--json")
        assert (answer.code, answer.json["error"]["code"]) == (1, "host.listen")


def test_what_it_needs_is_named_where_it_is_not_there(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    answer = mpp("console", "--no-open", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "usage.extra")
    assert "model-package-protocol[console]" in answer.json["error"]["hint"]


def test_a_browser_is_opened_without_the_token_in_a_command_line(tmp_path: Path) -> None:
    opened: list[str] = []
    opener = Opener(str(tmp_path / "home" / "console"), lambda url: opened.append(url) or True)
    assert opener.open("http://127.0.0.1:1/enter#mppc_x") is True
    path = tmp_path / "home" / "console" / NAME
    assert opened == [f"file://{path}"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text().count("http://127.0.0.1:1/enter#mppc_x") == 2
    opener.forget()
    opener.forget()
    assert not path.exists()


def test_without_a_browser_nothing_breaks(tmp_path: Path) -> None:
    import webbrowser

    def none(_url: str) -> bool:
        raise webbrowser.Error("no browser")

    assert Opener(str(tmp_path / "console"), none).open("http://127.0.0.1:1/enter#x") is False
    assert [can_open({}, "linux"), can_open({"DISPLAY": ":0"}, "linux"), can_open({"WAYLAND_DISPLAY": "w"}, "linux"), can_open({}, "darwin")] == [
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize("screen", ["", ":0"])
def test_what_the_terminal_says(mpp: Mpp, monkeypatch: pytest.MonkeyPatch, home: Path, screen: str) -> None:
    """In this process, with a server that ends at once."""
    from mpp.console import opening, serving

    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(opening.webbrowser, "open", lambda url: bool(opened.append(url)))
    monkeypatch.setattr(opening.Opener.__init__, "__defaults__", (opening.webbrowser.open,))

    def run_(self, *, signals: bool, ready) -> None:
        ready()
        self._entered()
        self._socket.close()

    monkeypatch.setattr(serving.ConsoleServer, "run", run_)
    answer = mpp("console", "--port", 0)
    assert answer.code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/enter#mppc_[\w-]{43}\n", answer.out)
    assert ("No browser could be opened" in answer.err) == bool(screen) == bool(opened)
    assert not (home / command.FOLDER / NAME).exists(), "gone as soon as somebody came in"
