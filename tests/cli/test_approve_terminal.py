"""A person at the terminal who is asked: yes, no, always, details, a passphrase. A real process with a terminal of the test's own."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.cli import approve_terminal
from mpp.cli.approve_terminal import Person, ask_terminal
from mpp.crypto.keyfile import ARGON_BYTES_MIN, write_key
from mpp.stages.approval import Question, judge_answer, make_question, read_answer, write_question
from mpp.testing.keys import fixed_seed
from mpp.testing.packages import NOW, TestClock, TestRandom
from mpp.testing.questions import approver, approvers, asked, given, need
from tests.cli.terminal import SECONDS_MAX, Terminal

WORD = "correct horse"
PROMPT = "Your answer: "
PAGE = "Enter; q ends -- "
SECRET = "Passphrase of ada: "
KNOWN = approvers(approver("ada"))
LOW, HIGH = make_question(asked(), need(), given(), TestRandom()), make_question(asked(), need("high"), given(), TestRandom())
LONG = make_question(asked(), need(), given({f"a{i:03}": "x" * 40 for i in range(60)}), TestRandom())

PROGRAM = """
import asyncio, json, sys
from mpp.cli.approve_terminal import Person, TerminalChannel, ask_terminal
from mpp.errors import MppError
from mpp.host.system import FixedClock
from mpp.stages.approval import read_question
question = read_question(open(sys.argv[1], "rb").read(), where="q")
person, clock = Person(user="ada", approver="ada", key_path=sys.argv[2]), FixedClock(question.created + 5)

async def channel():
    asking = asyncio.ensure_future(TerminalChannel(person, clock).ask(question))
    if sys.argv[3] == "channel":
        return await asking
    await asyncio.sleep(3.0)
    asking.cancel()
    try:
        return await asking
    except asyncio.CancelledError:
        return None

try:
    found = ask_terminal(question, person, clock) if sys.argv[3] == "plain" else asyncio.run(channel())
    said = None if found is None else {**found.document(), "envelope": found.envelope.decode()}
except MppError as fault:
    said = {"code": fault.code}
print("RESULT " + json.dumps(said) + " END")
"""


class Talk:
    """What is said at a terminal, in turns: nothing is typed before it was asked for."""

    def __init__(self, person: Patient) -> None:
        self._person, self.before = person, ""

    def expect(self, *texts: str) -> str:
        """Wait for the first of ``texts``; which it was."""
        found = ""
        while not found:
            there = [(self._person.screen.index(text), text) for text in texts if text in self._person.screen]
            if there:
                found = min(there)[1]
            else:
                self._person.wait_for_more()
        at = self._person.screen.index(found) + len(found)
        self.before += self._person.screen[:at]
        self._person.screen = self._person.screen[at:]
        return found

    def say(self, text: str) -> None:
        self._person.type(text + "\n")

    def end_of_input(self) -> None:
        self._person.type("\x04")

    def answer(self, *words: str) -> None:
        for word in words:
            self.expect(PROMPT)
            self.say(word)

    def result(self) -> dict[str, object]:
        self.expect(" END")
        found = json.loads(self.before.split("RESULT ")[1].split(" END")[0])
        return {} if found is None else dict(found)


class Patient(Terminal):
    """A terminal of which one can wait for anything new."""

    def wait_for_more(self) -> None:
        size, until = len(self.screen), time.monotonic() + SECONDS_MAX
        while len(self.screen) == size:
            assert self._read(until), f"nothing more came; the screen shows:\n{self.screen}"


@contextmanager
def talk(folder: Path, question: Question, *, key: str = "", how: str = "plain") -> Iterator[Talk]:
    path = folder / "question.json"
    path.write_bytes(write_question(question))
    with Patient([sys.executable, "-c", PROGRAM, str(path), key, how], env={**os.environ, "TERM": "xterm"}, cwd=folder) as person:
        yield Talk(person)
        assert person.end() == 0


def said(folder: Path, question: Question, *words: str, key: str = "", how: str = "plain") -> tuple[dict[str, object], str]:
    with talk(folder, question, key=key, how=how) as person:
        person.answer(*words)
        found = person.result()
    return found, person.before


@pytest.mark.parametrize("word", ["y", "yes", "Y", " YES "])
def test_yes_is_a_yes_to_this_once(tmp_path: Path, word: str) -> None:
    found, screen = said(tmp_path, LOW, word)
    assert (found["answer"], found["amr"], found["scope"], found["approver"], found["at"]) == ("yes", "tty", "once", "user:ada", NOW + 5)
    assert found["text_sha256"] == LOW.text_sha256
    assert LOW.text in screen


@pytest.mark.parametrize("word", ["n", "No"])
def test_no_is_a_no(tmp_path: Path, word: str) -> None:
    found, _ = said(tmp_path, LOW, word)
    assert (found["answer"], found["amr"], found["scope"]) == ("no", "tty", "once")


def test_always_says_what_it_means(tmp_path: Path) -> None:
    found, screen = said(tmp_path, LOW, "a")
    assert (found["answer"], found["scope"]) == ("yes", "always")
    assert "a  always: up to 100 calls of this tool by this agent, with any arguments, until 2026-01-31" in screen


def test_where_always_is_no_answer_it_is_not_taken(tmp_path: Path) -> None:
    found, screen = said(tmp_path, replace(LOW, offer=None), "a", "n")
    assert found["answer"] == "no"
    assert "a  always" not in screen


def test_anything_else_is_asked_again_and_not_for_ever(tmp_path: Path) -> None:
    found, screen = said(tmp_path, LOW, "maybe", "", "yes please", "y")
    assert found["answer"] == "yes"
    assert screen.count(PROMPT) == 4
    assert said(tmp_path, LOW, *["?"] * 20)[0] == {}


def test_a_closed_terminal_is_no_answer(tmp_path: Path) -> None:
    with talk(tmp_path, LOW) as person:
        person.expect(PROMPT)
        person.end_of_input()
        assert person.result() == {}


def test_what_was_typed_before_is_no_answer(tmp_path: Path) -> None:
    with talk(tmp_path, LOW) as person:
        person.say("y\ny\ny")
        person.expect(PROMPT)
        person.end_of_input()
        assert person.result() == {}


def test_the_last_page_of_the_details_must_be_seen_before_a_yes(tmp_path: Path) -> None:
    assert LONG.must_open_details
    with talk(tmp_path, LONG) as person:
        person.answer("y", "a")
        assert person.before.count("open the details first") == 1
        person.answer("d")
        assert person.before.count("open the details first") == 2
        person.expect(PAGE)
        person.say("q")
        person.answer("y")
        person.expect("open the details first")
        person.answer("d")
        while person.expect(PAGE, PROMPT) == PAGE:
            person.say("")
        assert "/a059" in person.before
        person.say("y")
        assert person.result()["answer"] == "yes"
        assert "/a059" not in person.before.split(PAGE)[0]


def test_a_no_needs_no_details(tmp_path: Path) -> None:
    assert said(tmp_path, LONG, "n")[0]["answer"] == "no"


# --- a passphrase


@pytest.fixture
def sealed(tmp_path: Path) -> str:
    path = tmp_path / "approver.key"
    path.write_bytes(write_key(fixed_seed("approver ada"), "approver", WORD.encode(), TestRandom(), ops=1, memory=ARGON_BYTES_MIN))
    return str(path)


def test_what_is_sensitive_takes_the_passphrase_and_is_signed(tmp_path: Path, sealed: str) -> None:
    with talk(tmp_path, HIGH, key=sealed) as person:
        person.answer("y")
        person.expect(SECRET)
        person.say("wrong")
        person.expect("That is not the passphrase.")
        person.expect(SECRET)
        person.say(WORD)
        found = person.result()
    assert WORD not in person.before
    assert "wrong" not in person.before
    assert (found["answer"], found["amr"], found["approver"]) == ("yes", "passphrase", "ada")
    answer = read_answer(str(found["envelope"]).encode(), KNOWN, where="here")
    assert judge_answer(HIGH, answer, KNOWN, NOW + 6) == ""


def test_three_wrong_ones_are_no_answer(tmp_path: Path, sealed: str) -> None:
    with talk(tmp_path, HIGH, key=sealed) as person:
        person.answer("y")
        for _ in range(3):
            person.expect(SECRET)
            person.say("wrong")
            person.expect("That is not the passphrase.")
        assert person.result() == {}


def test_a_no_takes_no_passphrase(tmp_path: Path, sealed: str) -> None:
    found, _ = said(tmp_path, HIGH, "n", key=sealed)
    assert (found["answer"], found["amr"], found["envelope"]) == ("no", "tty", "")


def test_without_a_key_there_is_no_strong_answer(tmp_path: Path) -> None:
    assert said(tmp_path, HIGH, "y")[0] == {"code": "approval.no_key"}


def test_an_open_key_signs_as_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "open.key"
    path.write_bytes(write_key(fixed_seed("approver ada"), "approver", None, TestRandom()))
    path.chmod(0o600)
    found, _ = said(tmp_path, HIGH, "y", key=str(path))
    assert (found["amr"], found["approver"]) == ("tty", "ada")


def test_a_key_of_another_kind_is_said(tmp_path: Path) -> None:
    path = tmp_path / "release.key"
    path.write_bytes(write_key(fixed_seed("release"), "release", None, TestRandom()))
    path.chmod(0o600)
    assert said(tmp_path, HIGH, "y", key=str(path))[0] == {"code": "key.role"}


# --- as one of several channels


def test_as_a_channel(tmp_path: Path) -> None:
    assert said(tmp_path, LOW, "y", how="channel")[0]["answer"] == "yes"


def test_a_channel_that_is_cancelled_leaves_the_terminal(tmp_path: Path) -> None:
    with talk(tmp_path, LOW, how="cancelled") as person:
        person.expect(PROMPT)
        assert person.result() == {}


def test_without_a_terminal_nobody_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask_terminal(LOW, Person(user="ada"), TestClock()) is None
    assert capsys.readouterr().out == ""


def test_a_terminal_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shown:
        def isatty(self) -> bool:
            return True

    def refuse(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(approve_terminal.sys, "stdin", Shown())
    monkeypatch.setattr(approve_terminal.sys, "stdout", Shown())
    monkeypatch.setattr("builtins.open", refuse)
    assert ask_terminal(LOW, Person(user="ada"), TestClock()) is None
