"""A question at the terminal: read on the terminal itself, never from a pipe; for what is sensitive, with the passphrase of an approver.

Spec: spec/4-approval.md section 10. What is shown is the text of the question and nothing else that a package or an agent chose.
"""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from mpp.cli.approval_home import OWN_TENANTS
from mpp.cli.screen import safe
from mpp.errors import Refused
from mpp.host.approver_store import open_approver_key, read_approver_key
from mpp.model.value import value
from mpp.ports import Clock
from mpp.stages.approval import ALWAYS, Answer, enough, offer_words, ONCE, Question, sign_answer, vouch

ANSWER_CHARS_MAX = 200
"""Characters read as an answer. Reason: an answer is one letter or one word."""

PASSPHRASE_CHARS_MAX = 1024
"""Bytes read as a passphrase. Reason: a passphrase is a line of text."""

ASKED_MAX = 20
"""Times that a question is put before it counts as not answered. Reason: something other than a person is typing."""

PASSPHRASE_TRIES_MAX = 3
"""Wrong passphrases before the question counts as not answered. Reason: a person mistypes once or twice."""

LINES_LEAST = 10
"""Lines of a page of details at the least. Reason: a terminal that says it has fewer does not know its size."""

_WORDS = {"y": "y", "yes": "y", "n": "n", "no": "n", "a": "a", "always": "a", "d": "d", "details": "d"}


@value
class Person:
    """Who sits here: a user of this machine, perhaps with the key of an approver."""

    user: str
    approver: str = ""
    """The id under which ``trust/approvers.json`` knows the key; empty where there is none."""
    key_path: str = ""


class _StoppedError(Exception):
    """Another channel has the answer, or the terminal is gone."""


class _Screen:
    """The terminal, and a descriptor that ends all waiting when it becomes readable."""

    def __init__(self, terminal: BinaryIO, wake: int) -> None:
        self._terminal, self._wake = terminal, wake

    def show(self, text: str) -> None:
        self._terminal.write(text.encode("utf-8", "backslashreplace"))

    def ask(self, text: str, most: int = ANSWER_CHARS_MAX) -> bytes:
        """What is typed after ``text`` was shown, with its line end. Nothing at all: the terminal is closed."""
        # Attack: what was typed or pasted before the question is no answer to it.
        termios.tcflush(self._terminal, termios.TCIFLUSH)
        self.show(text)
        waited = [self._terminal.fileno(), *([self._wake] if self._wake >= 0 else [])]
        if self._wake in select.select(waited, [], [])[0]:
            raise _StoppedError
        found = self._terminal.read(most)
        if not found:
            raise _StoppedError
        return found

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Without an echo of what is typed."""
        before = termios.tcgetattr(self._terminal)
        quiet = [*before]
        quiet[3] &= ~termios.ECHO
        termios.tcsetattr(self._terminal, termios.TCSAFLUSH, quiet)
        try:
            yield
        finally:
            termios.tcsetattr(self._terminal, termios.TCSAFLUSH, before)
            self.show("\n")

    @property
    def lines(self) -> int:
        try:
            return max(LINES_LEAST, os.get_terminal_size(self._terminal.fileno()).lines - 2)
        except OSError:
            return LINES_LEAST


def ask_terminal(question: Question, person: Person, clock: Clock, *, wake: int = -1) -> Answer | None:
    """Ask the person at the terminal; None where there is none, or where nobody answered.

    Attack: an agent that drives our standard input must not be able to answer for the person.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    try:
        with open("/dev/tty", "r+b", buffering=0) as terminal:
            return _ask(question, person, clock, _Screen(terminal, wake))
    except (OSError, termios.error, _StoppedError):
        return None


def _ask(question: Question, person: Person, clock: Clock, screen: _Screen) -> Answer | None:
    may = not question.must_open_details
    screen.show("\n" + question.text)
    for _ in range(ASKED_MAX):
        chosen = _WORDS.get(screen.ask(_options(question, may)).decode("utf-8", "replace").strip().lower(), "")
        if chosen == "n":
            return vouch(question, yes=False, user=person.user, amr="tty", now=clock.now())
        if chosen == "d":
            may = _details(question, screen) or may
            screen.show("\n" + question.text)
        elif chosen in {"y", "a"} and not may:
            # Attack: the one value that counts stands where the text had no room for it.
            screen.show("The text leaves something out: open the details first.\n")
        elif chosen == "y" or (chosen == "a" and question.offer is not None):
            return _yes(question, person, clock, screen, ALWAYS if chosen == "a" else ONCE)
    return None


def _options(question: Question, may: bool) -> str:
    always = f"  a  always: {offer_words(question.offer)}\n" if question.offer is not None else ""
    first = "" if may else "  (y and a count once the details were open)\n"
    return f"\n{first}  y  yes, this once\n{always}  n  no\n  d  details\nYour answer: "


def _details(question: Question, screen: _Screen) -> bool:
    """Page by page; True once the last one was shown. Attack: a thousand lines that push the one that counts off the screen."""
    lines = question.details.splitlines()
    step = screen.lines
    for start in range(0, len(lines), step):
        screen.show("\n" + "\n".join(lines[start : start + step]) + "\n")
        left = len(lines) - start - step
        if left > 0 and screen.ask(f"-- {left} more lines: Enter; q ends -- ").strip().lower() == b"q":
            return False
    return True


def _yes(question: Question, person: Person, clock: Clock, screen: _Screen, scope: str) -> Answer | None:
    if question.approvers == 1 and question.tenant in OWN_TENANTS and enough("tty", question.strength):
        return vouch(question, yes=True, user=person.user, amr="tty", now=clock.now(), scope=scope)
    if not person.key_path:
        raise Refused(
            "approval.no_key",
            "this needs the passphrase of an approver's key, and you have none here",
            where=question.ref,
            hint="make one with `mpp approve enroll`",
        )
    passphrase: bytes | None = None
    for _ in range(PASSPHRASE_TRIES_MAX):
        if read_approver_key(person.key_path).sealed:
            with screen.silent():
                passphrase = screen.ask(f"Passphrase of {safe(person.approver)}: ", PASSPHRASE_CHARS_MAX).rstrip(b"\r\n")
        try:
            signer, amr = open_approver_key(person.key_path, passphrase)
        except Refused as fault:
            if fault.code != "key.passphrase":
                raise
            screen.show("That is not the passphrase.\n")
            continue
        return sign_answer(question, signer, yes=True, approver=person.approver, amr=amr, now=clock.now(), scope=scope)
    return None


class TerminalChannel:
    """The terminal as one of several channels: it stops asking when another has the answer."""

    def __init__(self, person: Person, clock: Clock) -> None:
        self._person, self._clock = person, clock

    async def ask(self, question: Question) -> Answer | None:
        woken, wake = os.pipe()
        import asyncio  # noqa: PLC0415 - only a host asks in a loop, and it has one; a command does without

        asking = asyncio.ensure_future(asyncio.to_thread(ask_terminal, question, self._person, self._clock, wake=woken))
        try:
            return await asyncio.shield(asking)
        finally:
            os.close(wake)
            # The thread sees the end of the pipe and leaves the terminal before the descriptor goes.
            await asyncio.wait([asking])
            os.close(woken)
