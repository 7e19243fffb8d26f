"""``mpp audit forward``: targets, runs, and what is said when one is down, full, or at another log."""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mpp.cli.audit import forward_running
from mpp.host.audit.forwarding.backoff import Backoff
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.stages.audit.entry import leaf_of
from mpp.testing import packages
from tests.cli.conftest import EXECUTABLE, Mpp
from tests.cli.terminal import Terminal
from tests.cli.test_run import HELLO, says
from tests.servers import wait_for


@pytest.fixture
def log(home: Path) -> Callable[[int], None]:
    """A log of so many entries, and one that says whose it is."""

    def put(count: int) -> None:
        with AuditLog(Home(path=str(home))) as found:
            found.record_all([Event(kind="stop", at=1_790_000_000 + i, tenant="t", invocation="", body={"n": i}) for i in range(count)], durable=True)

    return put


@pytest.fixture
def site() -> Iterator[tuple[str, list[bytes], list[int]]]:
    """A web server: its address, what it got, and what it answers next."""
    got: list[bytes] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not onto the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", got, answers
    server.shutdown()
    server.server_close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(forward_running, "Manner", functools.partial(forward_running.Manner, backoff=Backoff(least=0.001)))


def test_a_newcomer_finds_the_way(mpp: Mpp) -> None:
    words = mpp("audit", "forward", "--help").out
    assert all(name in words for name in ("add", "list", "remove", "run", "status", "retry-dead", "reset", "preview", "Examples:"))
    assert mpp("audit", "forward", "list").out == "The record is not forwarded.\n"
    assert mpp("audit", "forward", "list", "--json").json == {"ok": True, "targets": []}
    assert mpp("audit", "forward", "status").out == "The record is not forwarded.\n"
    none = mpp("audit", "forward", "run")
    assert (none.code, "mpp audit forward add NAME" in none.err) == (2, True)


def test_to_a_file(mpp: Mpp, home: Path, log: Callable[[int], None]) -> None:
    log(5)
    added = mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--yes")
    assert (added.code, added.out) == (0, f"Added copy: jsonl to file:{Path('out.jsonl').absolute()}\n")
    # Somebody added a target: that is entry 6, and goes out too.
    assert mpp("audit", "forward", "status", "--json").json["targets"][0]["behind"] == 7
    assert mpp("audit", "forward", "run").out == "copy: 7 taken\n"
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(7))
    assert all(leaf_of(line["line"].encode()) == line["leaf"] for line in lines)
    assert (lines[6]["kind"], json.loads(lines[6]["line"])["event"]["body"]["change"]) == ("trust", "added")
    assert [entry.leaf for entry in LogReader(Home(path=str(home)).log).entries()] == [line["leaf"] for line in lines]
    row = mpp("audit", "forward", "status", "copy", "--json").json["targets"][0]
    assert (row["taken_up_to"], row["behind"], row["dead"], row["running"], row["fault"]) == (6, 0, 0, False, "")
    assert mpp("audit", "forward", "run", "--json").json == {"ok": True, "targets": [{"name": "copy", "taken": 0, "dead": 0}]}
    table = mpp("audit", "forward", "status").out.splitlines()
    assert table[0].split() == ["NAME", "TO", "TAKEN", "UP", "TO", "BEHIND", "DEAD", "LETTERS"]
    assert table[1].split()[2:] == ["6", "0", "0"]


def test_from_now_on(mpp: Mpp, log: Callable[[int], None]) -> None:
    log(5)
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--from-now", "--yes", "--json").json["target"]["format"] == "jsonl"
    assert mpp("audit", "forward", "run").code == 0
    assert [json.loads(line)["seq"] for line in Path("out.jsonl").read_text().splitlines()] == [6]


def test_from_now_on_where_there_is_nothing_yet(mpp: Mpp) -> None:
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--from-now", "--yes").code == 0
    assert mpp("audit", "forward", "run").out == "copy: 2 taken\n"


def test_a_call_arrives_with_its_names(mpp: Mpp, keys: Path) -> None:
    """What the stages tell today is what the formats read."""
    package = Path("hello-0.1.0.mpp")
    package.write_bytes(packages.unsigned(None, {packages.ENTRYPOINT: says(HELLO)}))
    assert mpp("sign", package, "--now", packages.NOW).code == 0
    assert mpp("run", package).code == 0
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--format", "ecs", "--yes").code == 0
    assert mpp("audit", "forward", "run").code == 0
    found = {one["event"]["action"]: one for one in map(json.loads, Path("out.jsonl").read_text().splitlines())}
    for kind in ("decision", "intent", "token-granted", "token-used"):
        assert found[kind]["package"]["name"] == "com.example.hello"
        assert found[kind]["mpp"]["tool"]
        assert found[kind]["mpp"]["publisher"]
        assert len(found[kind]["package"]["checksum"]) == 64
    assert found["decision"]["event"]["type"] == ["allowed"]
    assert found["result"]["event"]["outcome"] == "success"
    assert len({found[kind]["trace"]["id"] for kind in ("decision", "intent", "result")}) == 1
    assert set(found["intent"]["mpp"]["commit"]) == {"in"}


def test_one_target_that_fails_does_not_keep_the_others(mpp: Mpp, log: Callable[[int], None], quick: None) -> None:
    log(2)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert mpp("audit", "forward", "add", "gone", "--to", f"tcp://127.0.0.1:{port}", "--yes").code == 0
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--yes").code == 0
    answer = mpp("audit", "forward", "run")
    assert (answer.code, "remote.forward" in answer.err, "gone: stopped" in answer.err) == (40, True, True)
    assert len(Path("out.jsonl").read_text().splitlines()) == 5
    assert mpp("audit", "forward", "run", "--json").json["error"]["code"] == "remote.forward"


def test_headers_come_from_a_private_file(mpp: Mpp, log: Callable[[int], None], site: tuple[str, list[bytes], list[int]]) -> None:
    log(2)
    Path("token.txt").write_text("Authorization: Bearer " + "s3" + "cret\n")
    words = ("audit", "forward", "add", "web", "--to", site[0], "--format", "jsonl", "--header-file", "token.txt", "--yes")
    Path("token.txt").chmod(0o644)
    assert "audit.forward_headers" in mpp(*words).err
    Path("token.txt").chmod(0o600)
    assert mpp(*words).code == 0
    assert mpp("audit", "forward", "run", "web").code == 0
    shown = mpp("audit", "forward", "list", "--json").out
    assert "s3" + "cret" not in shown
    assert str(Path("token.txt").absolute()) in shown
    assert mpp("audit", "forward", "list").out.split()[:2] == ["web", "jsonl"]


def test_dead_letters_are_named_and_sent_again(mpp: Mpp, log: Callable[[int], None], site: tuple[str, list[bytes], list[int]]) -> None:
    log(3)
    address, _, answers = site
    assert mpp("audit", "forward", "add", "web", "--to", address, "--format", "jsonl", "--yes").code == 0
    # Of five entries the third is refused: all, 0-1, 2-4, 2.
    answers += [400, 200, 400, 400, 200]
    answer = mpp("audit", "forward", "run")
    assert answer.out == "web: 4 taken, 1 not taken; see `mpp audit forward status`\n"
    assert mpp("audit", "forward", "status", "--json").json["targets"][0]["dead"] == 1
    answers += [400]
    assert mpp("audit", "forward", "retry-dead", "web").out == "web: 0 taken, 1 left\n  2  it answers 400\n"
    answers += [503]
    assert mpp("audit", "forward", "retry-dead", "web").code == 40
    assert mpp("audit", "forward", "retry-dead", "web", "--json").json == {"ok": True, "taken": 1, "left": [], "forgotten": False}
    answers += [400, 400, 400]
    assert mpp("audit", "forward", "reset", "web", "--yes").out == "The next run sends web everything.\n"
    assert mpp("audit", "forward", "run").code == 0
    assert mpp("audit", "forward", "retry-dead", "web", "--forget", "--json").json["forgotten"] is True
    assert mpp("audit", "forward", "status", "--json").json["targets"][0]["dead"] == 0


def test_a_log_that_was_cut_is_not_sent_on(mpp: Mpp, home: Path, log: Callable[[int], None]) -> None:
    log(3)
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--yes").code == 0
    assert mpp("audit", "forward", "run").code == 0
    cursor = home / "audit" / "forward" / "copy.cursor"
    cursor.write_text(json.dumps({**json.loads(cursor.read_text()), "leaf": "a" * 64}))
    log(1)
    answer = mpp("audit", "forward", "run")
    assert (answer.code, "audit.cursor" in answer.err, "mpp audit forward reset" in answer.err) == (27, True, True)
    assert "audit.cursor" in mpp("audit", "forward", "status").out
    assert mpp("audit", "forward", "reset", "copy", "--yes", "--json").json == {"ok": True, "reset": "copy"}
    assert mpp("audit", "forward", "run").code == 0


def test_who_ends_what_watches_is_asked_and_recorded(mpp: Mpp, home: Path, log: Callable[[int], None], terminal: Callable[..., Terminal]) -> None:
    """Attack: an agent that can call commands removes the target that tells on it."""
    log(1)
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl").code == 22
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--yes").code == 0
    refused = mpp("audit", "forward", "remove", "copy")
    assert (refused.code, "consent.missing" in refused.err) == (22, True)
    with terminal("audit", "forward", "remove", "copy") as person:
        person.wait_for("Stop sending the record to")
        person.type("yes\n")
        assert person.end() == 0
    bodies = [entry.event.body for entry in LogReader(Home(path=str(home)).log).entries() if entry.event.kind == "trust"]
    assert [(body["what"], body["name"], body["change"], body["amr"]) for body in bodies] == [
        ("forward", "copy", "added", "flag"),
        ("forward", "copy", "removed", "tty"),
    ]


def test_removing_forgets_how_far_it_was(mpp: Mpp, home: Path, log: Callable[[int], None], site: tuple[str, list[bytes], list[int]]) -> None:
    log(1)
    address, _, answers = site
    assert mpp("audit", "forward", "add", "web", "--to", address, "--format", "jsonl", "--yes").code == 0
    answers += [400, 400, 200, 200]
    assert mpp("audit", "forward", "run").code == 0
    removed = mpp("audit", "forward", "remove", "web", "--yes")
    assert (removed.out, "web.dead.jsonl" in removed.err) == ("Removed web.\n", True)
    assert not (home / "audit" / "forward" / "web.cursor").exists()
    assert mpp("audit", "forward", "list", "--json").json["targets"] == []
    assert mpp("audit", "forward", "add", "other", "--to", address, "--yes").code == 0
    assert mpp("audit", "forward", "remove", "other", "--yes", "--json").json == {"ok": True, "removed": "other"}


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("add", "Copy", "--to", "x"), 2, "usage.forward"),
    (("add", "copy", "--to", "ftp://x"), 2, "usage.forward"),
    (("add", "copy", "--to", "http://example.com"), 2, "usage.forward"),
    (("add", "copy", "--to", "tls://h", "--format", "otlp"), 2, "usage.forward"),
    (("add", "copy", "--to", "tls://h", "--ca", "none.pem", "--yes"), 27, "audit.forward_tls"),
    (("add", "copy", "--to", "x", "--format", "xml"), 2, "usage.syntax"),
    (("run", "none"), 2, "usage.forward"),
    (("status", "none"), 2, "usage.forward"),
    (("remove", "none", "--yes"), 2, "usage.forward"),
    (("reset", "none", "--yes"), 2, "usage.forward"),
    (("retry-dead", "none"), 2, "usage.forward"),
    (("preview", "7"), 27, "audit.no_entry"),
]


@pytest.mark.parametrize(("words", "code", "name"), WRONG)
def test_wrong_calls_say_what_to_do(mpp: Mpp, words: tuple[str, ...], code: int, name: str) -> None:
    answer = mpp("audit", "forward", *words)
    assert (answer.code, name in answer.err, "hint:" in answer.err) == (code, True, True)


def test_a_name_twice_and_too_many(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mpp("audit", "forward", "add", "copy", "--to", "x", "--yes").code == 0
    assert "already" in mpp("audit", "forward", "add", "copy", "--to", "y", "--yes").err
    monkeypatch.setattr("mpp.cli.audit.forward_targets.TARGETS_MAX", 1)
    assert "1 targets already" in mpp("audit", "forward", "add", "more", "--to", "y", "--yes").err


def test_preview(mpp: Mpp, log: Callable[[int], None]) -> None:
    log(2)
    assert json.loads(mpp("audit", "forward", "preview", "1", "--format", "ecs").out)["event"]["sequence"] == 1
    assert json.loads(mpp("audit", "forward", "preview").out)["seq"] == 2
    assert mpp("audit", "forward", "preview", "--format", "cef").out.startswith("CEF:0|")
    assert "resourceLogs" in json.loads(mpp("audit", "forward", "preview", "--format", "otlp-logs").out)
    assert len(mpp("audit", "forward", "preview", "--format", "otlp").out.splitlines()) == 1


def test_following_ends_in_order(mpp: Mpp, log: Callable[[int], None], home: Path) -> None:
    """As a process: it takes what comes, says that it runs, lets no second one in, and ends at a signal with code 0."""
    log(2)
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--yes").code == 0
    words = [*EXECUTABLE, "audit", "forward", "run", "--follow", "--json"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ}) as child:
        out = Path("out.jsonl")
        wait_for(lambda: out.exists() and len(out.read_text().splitlines()) == 4, "what there is")
        log(3)
        wait_for(lambda: len(out.read_text().splitlines()) == 7, "what came")
        assert mpp("audit", "forward", "status", "--json").json["targets"][0]["running"] is True
        assert "running" in mpp("audit", "forward", "status").out
        assert "audit.forward_busy" in mpp("audit", "forward", "run").err
        child.send_signal(signal.SIGTERM)
        found, _ = child.communicate(timeout=120)
        assert child.returncode == 0
    assert json.loads(found)["targets"] == [{"name": "copy", "taken": 7, "dead": 0}]


def test_what_nobody_foresaw_ends_all_and_is_seen(mpp: Mpp, log: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    log(1)
    assert mpp("audit", "forward", "add", "copy", "--to", "out.jsonl", "--yes").code == 0

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(forward_running, "open_transport", broken)
    with pytest.raises(ZeroDivisionError):
        mpp("audit", "forward", "run", "--follow")
