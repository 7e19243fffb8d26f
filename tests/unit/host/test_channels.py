"""A folder and a web hook as ways to a person, and several ways asked at once. The web hook is a server of the test's own on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused, RemoteFailed
from mpp.host.channels import FileDrop, Webhook, ask_through
from mpp.host.channels.webhook import read_target
from mpp.stages.approval import Answer, Question, accept, judge, make_question, read_question, sign_answer, vouch
from mpp.testing.packages import NOW, TestClock, TestRandom
from mpp.testing.questions import approver, approver_key, approvers, asked, call, desk, given, need

KNOWN = approvers(approver("ada"))
QUESTION = make_question(asked(), need("high"), given(), TestRandom())
SECRET = b"shared with the web hook"


def signed(one: Question = QUESTION, who: str = "ada", *, yes: bool = True) -> Answer:
    return sign_answer(one, approver_key(who), yes=yes, approver=who, amr="passphrase", now=NOW + 5)


# --- a folder


class Folder:
    def __init__(self, path: Path) -> None:
        self.path, self.clock, self.refused = path, TestClock(), list[str]()
        self.drop = FileDrop(str(path), lambda: KNOWN, self.clock, refused=lambda fault: self.refused.append(fault.code), poll_ms=5)

    async def ask(self, *steps: Callable[[], object], question: Question = QUESTION) -> Answer | None:
        """The answer, after each of ``steps`` had time to be seen."""
        asking = asyncio.ensure_future(self.drop.ask(question))
        for step in steps:
            await asyncio.sleep(0.05)
            if not asking.done():
                step()
        return await asyncio.wait_for(asking, 20)

    def put(self, data: bytes, name: str = "") -> None:
        (self.path / (name or f"{QUESTION.ref}.answer.json")).write_bytes(data)

    def end(self) -> None:
        self.clock.moment = QUESTION.expires + 1


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "drop")


def test_an_answer_beside_the_question(folder: Folder) -> None:
    seen: dict[str, bytes] = {}

    def look() -> None:
        seen.update({one.name: one.read_bytes() for one in folder.path.iterdir()})
        assert {stat.S_IMODE(one.stat().st_mode) for one in folder.path.iterdir()} == {0o600}
        folder.put(signed().envelope)

    assert asyncio.run(folder.ask(look)) == signed()
    assert seen[f"{QUESTION.ref}.question.txt"].decode() == QUESTION.text
    assert read_question(seen[f"{QUESTION.ref}.question.json"], where="here") == QUESTION
    assert [*folder.path.iterdir()] == []
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert folder.refused == []


def test_an_answer_that_lay_there_before_does_not_count(folder: Folder) -> None:
    folder.path.mkdir()
    folder.put(signed().envelope)
    assert asyncio.run(folder.ask(folder.end)) is None


def test_when_the_question_runs_out_nobody_waits(folder: Folder) -> None:
    assert asyncio.run(folder.ask(folder.end)) is None
    assert [*folder.path.iterdir()] == []


OTHER = make_question(asked(), need("high"), given({"n": 1}), TestRandom())
NO_ANSWERS: list[tuple[str, bytes, str]] = [
    ("not signed", json.dumps(signed().document()).encode(), "approval.envelope"),
    ("yes", b"yes", "approval.envelope"),
    ("half", signed().envelope[:100], "approval.envelope"),
    ("empty", b"", "approval.envelope"),
    ("large", b" " * 100_000, "size.input"),
    ("by a stranger", signed(who="eve").envelope, "approval.approver"),
    ("to another question", signed(OTHER).envelope, "approval.mismatch"),
]


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in NO_ANSWERS], ids=[row[0] for row in NO_ANSWERS])
def test_what_is_no_answer_is_told_once_and_waited_past(folder: Folder, data: bytes, code: str) -> None:
    good = signed().envelope
    assert asyncio.run(folder.ask(lambda: folder.put(data), lambda: folder.put(good))) == signed()
    assert folder.refused == [code]


def test_a_link_a_folder_and_a_pipe_are_no_answers(folder: Folder, tmp_path: Path) -> None:
    place = folder.path / f"{QUESTION.ref}.answer.json"
    steps: list[Callable[[], object]] = [
        place.mkdir,
        place.rmdir,
        lambda: os.mkfifo(place),
        place.unlink,
        lambda: place.symlink_to(tmp_path / "nowhere"),
        lambda: (place.unlink(), folder.put(signed().envelope)),
    ]
    assert asyncio.run(folder.ask(*steps)) == signed()


def test_who_cancels_leaves_nothing(folder: Folder) -> None:
    async def main() -> None:
        asking = asyncio.ensure_future(folder.drop.ask(QUESTION))
        await asyncio.sleep(0.05)
        assert len([*folder.path.iterdir()]) == 2
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(main())
    assert [*folder.path.iterdir()] == []


def test_nobody_need_be_told(tmp_path: Path) -> None:
    clock = TestClock()
    drop = FileDrop(str(tmp_path / "drop"), lambda: KNOWN, clock, poll_ms=5)

    async def main() -> Answer | None:
        asking = asyncio.ensure_future(drop.ask(QUESTION))
        await asyncio.sleep(0.05)
        (tmp_path / "drop" / f"{QUESTION.ref}.answer.json").write_bytes(b"yes")
        await asyncio.sleep(0.05)
        clock.moment = QUESTION.expires + 1
        return await asking

    assert asyncio.run(main()) is None


# --- a web hook


class Hook:
    """A server that answers what the test says, in turn; the last again and again."""

    def __init__(self, *answers: tuple[int, bytes] | tuple[int, bytes, str]) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        hook, left = self, [*answers]

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                hook.asked.append((self.command, self.path, {name.lower(): text for name, text in self.headers.items()}, body))
                now = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(now[0])
                if len(now) > 2:
                    self.send_header("Location", now[2])
                self.send_header("Content-Length", str(len(now[1])))
                self.end_headers()
                self.wfile.write(now[1])

            do_GET = do_POST = answer  # noqa: N815 - the names that the library calls

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def hooks() -> Iterator[Callable[..., Hook]]:
    made: list[Hook] = []

    def make(*answers: tuple[int, bytes]) -> Hook:
        made.append(Hook(*answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ask_hook(url: str, clock: TestClock | None = None, *, seconds: float = 5) -> Answer | None:
    hook = Webhook(url, SECRET, lambda: KNOWN, clock or TestClock(), seconds=seconds, poll_ms=5)
    return asyncio.run(asyncio.wait_for(hook.ask(QUESTION), 60))


def test_an_answer_in_the_first_reply(hooks: Callable[..., Hook]) -> None:
    hook = hooks((200, signed().envelope))
    assert ask_hook(hook.url + "?a=b") == signed()
    method, path, headers, body = hook.asked[0]
    assert (method, path) == ("POST", "/hook?a=b")
    assert read_question(body, where="here") == QUESTION
    assert headers["content-type"] == "application/vnd.mpp.question+json"
    assert headers["mpp-timestamp"] == str(NOW)
    assert headers["mpp-signature"] == "v1=" + hmac.new(SECRET, str(NOW).encode() + b"." + body, hashlib.sha256).hexdigest()
    assert len(hook.asked) == 1


def test_an_answer_that_is_asked_for_later(hooks: Callable[..., Hook]) -> None:
    hook = hooks((202, b""), (204, b""), (404, b"not yet"), (200, b""), (200, signed(yes=False).envelope))
    assert ask_hook(hook.url) == signed(yes=False)
    assert [one[0] for one in hook.asked] == ["POST", "GET", "GET", "GET", "GET"]
    assert hook.asked[1][1] == f"/hook?question={QUESTION.id}"
    expected = hmac.new(SECRET, f"{NOW}.{QUESTION.id}".encode(), hashlib.sha256).hexdigest()
    assert hook.asked[1][2]["mpp-signature"] == "v1=" + expected


def test_a_query_keeps_its_first_part(hooks: Callable[..., Hook]) -> None:
    hook = hooks((202, b""), (200, signed().envelope))
    ask_hook(hook.url + "?a=b")
    assert hook.asked[1][1] == f"/hook?a=b&question={QUESTION.id}"


def test_a_failure_is_borne_and_the_question_posted_again(hooks: Callable[..., Hook]) -> None:
    hook = hooks((500, b""), (503, b""), (202, b""), (502, b""), (200, signed().envelope))
    assert ask_hook(hook.url) == signed()
    assert [one[0] for one in hook.asked] == ["POST", "POST", "POST", "GET", "GET"]


REFUSED: list[tuple[str, tuple[object, ...], str]] = [
    ("a redirect", (302, b"", "http://127.0.0.1:1/"), "remote.webhook_refused"),
    ("a redirect that keeps the method", (307, b"", "http://127.0.0.1:1/"), "remote.webhook_refused"),
    ("no leave", (401, b""), "remote.webhook_refused"),
    ("not signed", (200, b'{"answer":"yes"}'), "approval.envelope"),
    ("by a stranger", (200, signed(who="eve").envelope), "approval.approver"),
    ("to another question", (200, signed(OTHER).envelope), "approval.mismatch"),
]


@pytest.mark.parametrize(("answer", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_ends_the_channel(hooks: Callable[..., Hook], answer: tuple[int, bytes], code: str) -> None:
    with pytest.raises(MppError) as caught:
        ask_hook(hooks(answer).url)
    assert caught.value.code == code


def test_an_answer_that_is_too_large_and_one_that_is_none(hooks: Callable[..., Hook]) -> None:
    for body in (b" " * 100_000,):
        with pytest.raises(RemoteFailed) as caught:
            ask_hook(hooks((200, body)).url)
        assert caught.value.code == "remote.webhook"


@pytest.fixture
def serving() -> Iterator[Callable[..., str]]:
    """Servers that say exactly these bytes to everybody, and then are silent for ``hold`` seconds."""
    made: list[tuple[socket.socket, threading.Thread]] = []

    def serve(listening: socket.socket, reply: bytes, hold: float) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                with contextlib.suppress(OSError):
                    connection.sendall(reply)
                time.sleep(hold)

    def make(reply: bytes, *, hold: float = 0.0) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=serve, args=(listening, reply, hold), daemon=True)
        thread.start()
        made.append((listening, thread))
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield make
    for listening, thread in made:
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


BROKEN = [
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
    b"SSH-2.0-x\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    b"x" * 100_000,
]


@pytest.mark.parametrize("reply", BROKEN, ids=["nothing", "torn", "another protocol", "two lengths", "endless"])
def test_a_server_that_is_none(serving: Callable[..., str], monkeypatch: pytest.MonkeyPatch, reply: bytes) -> None:
    monkeypatch.setattr("mpp.host.channels.webhook.WEBHOOK_FAILURES_MAX", 1)
    with pytest.raises(RemoteFailed) as caught:
        ask_hook(serving(reply))
    assert caught.value.code == "remote.webhook"


def test_a_server_that_says_nothing(serving: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.channels.webhook.WEBHOOK_FAILURES_MAX", 0)
    with pytest.raises(RemoteFailed, match="too slow"):
        ask_hook(serving(b"HTTP/1.1 200 OK\r\n", hold=2), seconds=0.2)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.channels.webhook.WEBHOOK_FAILURES_MAX", 1)
    for url in ("http://127.0.0.1:1/", "https://localhost:1/", "https://" + "a" * 80 + ".invalid/"):
        with pytest.raises(RemoteFailed):
            ask_hook(url)


def test_a_question_that_runs_out(hooks: Callable[..., Hook]) -> None:
    clock = TestClock(QUESTION.expires + 1)
    assert ask_hook(hooks((202, b"")).url, clock) is None


TARGETS = [
    ("https://approve.example.com/hook", (True, "approve.example.com", 443, "approve.example.com", "/hook")),
    ("https://approve.example.com:8443", (True, "approve.example.com", 8443, "approve.example.com:8443", "/")),
    ("http://127.0.0.1:8080/x?y=z", (False, "127.0.0.1", 8080, "127.0.0.1:8080", "/x?y=z")),
    ("http://localhost/", (False, "localhost", 80, "localhost", "/")),
    ("http://[::1]:8080/", (False, "::1", 8080, "[::1]:8080", "/")),
]


@pytest.mark.parametrize(("url", "target"), TARGETS)
def test_addresses_that_are_taken(url: str, target: tuple[object, ...]) -> None:
    assert read_target(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "", "approve.example.com", "ftp://approve.example.com/", "http://approve.example.com/", "http://10.0.0.1/", "http://127.0.0.1.example.com/", "https://a:b@c.example/",
        "https://a@c.example/", "https://a.example/#x", "https://a.example/ x", "https://a.example:99999/", "https://ü.example/", "https://[::1", "https://a.example/" + "x" * 2000,
    ],
)  # fmt: skip
def test_addresses_that_are_not(url: str) -> None:
    with pytest.raises(Refused) as caught:
        read_target(url)
    assert caught.value.code == "usage.webhook"


# --- several at once


class Says:
    """A channel that answers after a while, or fails, and knows whether it was cancelled."""

    def __init__(self, answer: Answer | None | MppError, seconds: float = 0.0) -> None:
        self.answer, self.seconds, self.cancelled = answer, seconds, False

    async def ask(self, question: Question) -> Answer | None:
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(self.answer, MppError):
            raise self.answer
        return self.answer


def through(*channels: Says, enough: int = 1) -> tuple[bool, list[Answer]]:
    taken: list[Answer] = []

    def take(answer: Answer) -> bool:
        if not answer.yes:
            raise Refused("approval.weak", "no", where="", hint="")
        taken.append(answer)
        return len(taken) >= enough

    return asyncio.run(ask_through(channels, QUESTION, take)), taken


def test_the_first_answer_that_settles_it_ends_the_others() -> None:
    slow = Says(signed(), 60)
    assert through(Says(None), slow, Says(signed(), 0.01)) == (True, [signed()])
    assert slow.cancelled


def test_two_answers_where_two_are_needed() -> None:
    slow = Says(None, 60)
    assert through(Says(signed()), Says(signed(), 0.02), slow, enough=2) == (True, [signed()] * 2)
    assert slow.cancelled
    assert through(Says(signed()), Says(None), enough=2) == (False, [signed()])


def test_an_answer_that_is_refused_leaves_the_others() -> None:
    assert through(Says(signed(yes=False)), Says(signed(), 0.02)) == (True, [signed()])


def test_a_channel_that_fails_leaves_the_others() -> None:
    down = RemoteFailed("remote.webhook", "down", where="", hint="")
    assert through(Says(down), Says(signed(), 0.02)) == (True, [signed()])
    with pytest.raises(RemoteFailed):
        through(Says(down), Says(None, 0.02))
    assert through(Says(down, 0.02), Says(signed()), enough=2) == (False, [signed()])


def test_nobody_answers() -> None:
    assert through() == (False, [])
    assert through(Says(None), Says(None)) == (False, [])


def test_a_fault_that_is_none_of_ours_ends_all() -> None:
    class Broken:
        async def ask(self, question: Question) -> Answer | None:
            raise ZeroDivisionError

    slow = Says(None, 60)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask_through((slow, Broken()), QUESTION, lambda _: True))
    assert slow.cancelled


def test_with_a_real_desk(tmp_path: Path) -> None:
    """An own screen says yes too weakly, then the folder says it with a signature."""
    on = desk(KNOWN)
    question = judge(call(asked(), need("high")), on)
    assert isinstance(question, Question)
    clock = TestClock(NOW + 5)
    drop = FileDrop(str(tmp_path / "drop"), lambda: KNOWN, clock, poll_ms=5)

    async def main() -> bool:
        async def approver_writes() -> None:
            await asyncio.sleep(0.05)
            (tmp_path / "drop" / f"{question.ref}.answer.json").write_bytes(signed(question).envelope)

        writing = asyncio.ensure_future(approver_writes())
        weak = Says(vouch(question, yes=True, user="ada", amr="elicitation", now=NOW + 5))
        found = await ask_through((weak, drop), question, lambda answer: accept(question, answer, on, clock.now()).state.value != "waiting")
        await writing
        return found

    assert asyncio.run(asyncio.wait_for(main(), 20)) is True
    assert not isinstance(judge(call(asked(now=NOW + 6), need("high")), on), Question)
