"""``mpp serve`` as a process: an agent's client on its pipes, an installed tool behind it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mpp.cli import serving
from mpp.cli.commands import serve
from mpp.host.home import Home
from mpp.serve import http_server
from mpp.testing.installing import install_tool
from mpp.testing.tools import greeting
from tests.cli.conftest import Answer, Mpp
from tests import records
from tests.unit.protocol.wire import begin, modern, old

MAIL = "ada" + "@example.com"
SECRET = "AKIA" + "Q3EGRCHV7JQXZ2LK"
NAME = "hello__greet"
SECONDS_MAX = 120

Talk = Callable[..., tuple[dict[Any, Any], Answer]]


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    found = Home(path=str(home))
    install_tool(found, greeting(f"Hello, {MAIL}!"))
    return found


@pytest.fixture
def talk(place: Home) -> Iterator[Talk]:
    """Send messages, each after the answer to the one before; all answers by id, and what is left at the end."""
    started: list[subprocess.Popen[str]] = []

    def call(messages: list[Any], *options: str) -> tuple[dict[Any, Any], Answer]:
        process = subprocess.Popen(
            [sys.executable, "-m", "mpp", "serve", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "MPP_HOME": place.path},
        )  # fmt: skip
        started.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        found = {}
        for message in messages:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            if "id" in message and "method" in message:
                answer = json.loads(process.stdout.readline() or "{}")
                found[answer.get("id")] = answer
        out, err = process.communicate(timeout=SECONDS_MAX)
        return found, Answer(process.returncode, out, err)

    yield call
    for process in started:
        process.kill()
        process.communicate()


def test_both_eras_over_one_pipe(talk: Talk, place: Home, home: Path) -> None:
    name = NAME
    found, left = talk(
        [*begin(), old(1, "tools/list"), old(2, "tools/call", name=name, arguments={}), modern(3, "tools/call", name=name), old(4, "tools/call", name="no__tool")],
        "--agent", "assistant",
    )  # fmt: skip
    assert (left.code, left.out) == (0, ""), left.err
    assert found["begin"]["result"]["serverInfo"]["name"] == "mpp"
    assert [tool["name"] for tool in found[1]["result"]["tools"]] == [name]
    for answer in (found[2]["result"], found[3]["result"]):
        assert answer["isError"] is False, answer
        assert MAIL not in json.dumps(answer)
    assert found[3]["result"]["resultType"] == "complete"
    assert found[4]["error"] == {"code": -32602, "message": "Unknown tool: no__tool"}
    assert any("assistant" in json.dumps(event.body) for event in records.events(home))


def test_with_its_key_each_call_of_the_agent_is_signed(talk: Talk, mpp: Mpp, home: Path, tmp_path: Path) -> None:
    key = tmp_path / "assistant.key"
    assert mpp("agent", "keygen", "assistant", "--no-passphrase", "-o", str(key)).code == 0
    options = ("--agent", "assistant", "--agent-key", str(key))
    call = modern(1, "tools/call", name=NAME, arguments={})
    # A key that this host does not know opens nothing, and the record has who tried.
    found, left = talk([call], *options)
    assert (left.code, found[1]["result"]["isError"]) == (0, True)
    assert found[1]["result"]["_meta"]["org.modelpackageprotocol/code"] == "agent.key"
    assert f"each call is refused until `mpp agent add assistant --key {key}`" in left.err
    assert mpp("agent", "add", "assistant", "--key", str(key), "--yes").code == 0
    (home / "policy").mkdir(exist_ok=True, mode=0o700)
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'mpp_policy = 1\nname = "signed-only"\n\n[[rules]]\nid = "signed-only"\neffect = "deny"\nwhy = "agents must sign"\nagent_below = "signed"\n\n[[rules]]\nid = "rest"\neffect = "allow"\n'
    )
    assert mpp("policy", "use", str(policy), "--yes").code == 0
    denied, _ = talk([call], "--agent", "assistant")
    assert denied[1]["result"]["_meta"]["org.modelpackageprotocol/code"] == "policy.denied"
    signed, left = talk([call, old("before", "ping"), *begin(), old(2, "tools/call", name=NAME, arguments={})], *options)
    assert [signed[name]["result"]["isError"] for name in (1, 2)] == [False, False], signed
    assert "is refused until" not in left.err
    proofs = [event for event in records.events(home) if event.kind == "agent" and "jti" in event.body]
    assert len({event.body["jti"] for event in proofs}) == 2
    # Each belongs to the call whose intent has the same agent.
    calls = {event.invocation for event in records.events(home) if event.kind == "result"}
    assert {event.invocation for event in proofs} == calls


def test_calls_out_of_a_file_are_all_answered(place: Home, tmp_path: Path) -> None:
    """The end of the file ends no call, however long the first one waits for its package to be compiled."""
    given, out = tmp_path / "calls.jsonl", tmp_path / "answers.jsonl"
    given.write_text("".join(json.dumps(modern(number, "tools/call", name=NAME)) + "\n" for number in range(20)))
    with given.open("rb") as stdin, out.open("wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "mpp", "serve"], stdin=stdin, stdout=stdout, check=False, timeout=SECONDS_MAX, env={**os.environ, "MPP_HOME": place.path}
        )
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert (done.returncode, sorted(answer["id"] for answer in answers)) == (0, list(range(20)))
    assert not any(answer["result"]["isError"] for answer in answers)


def test_search_mode(talk: Talk, place: Home) -> None:
    name = NAME
    call = modern(2, "tools/call", name="mpp_call", arguments={"name": name, "arguments": {}})
    found, left = talk([modern(1, "tools/list"), call], "--search-mode")
    assert (left.code, [tool["name"] for tool in found[1]["result"]["tools"]]) == (0, ["mpp_call", "mpp_search_tools"])
    assert found[2]["result"]["isError"] is False


OPTIONS = [
    (["--tls-key", "x.pem"], 2, "is for HTTP"),
    (["--rate", "5"], 2, "is for HTTP"),
    (["--allow-host", "a.example"], 2, "is for HTTP"),
    (["--http", "nowhere"], 2, "is no address"),
    (["--http", "0.0.0.0:0"], 2, "no tokens"),
    (["--agent", "no name"], 25, ""),
    (["--agent-token-file", "/dev/null", "--agent", "a b"], 25, ""),
    (["--user", "a b\n"], 25, ""),
    (["--agent-key", "x.key"], 2, "goes with --agent"),
    (["--agent", "assistant", "--agent-key", "/nowhere/x.key"], 1, ""),
    (["--port", "1"], 2, "No such option"),
]


@pytest.mark.parametrize(("options", "code", "words"), OPTIONS)
def test_options_that_do_not_go(mpp: Mpp, options: list[str], code: int, words: str) -> None:
    answer = mpp("serve", *options)
    assert (answer.code, answer.out) == (code, "")
    assert words in answer.err
    assert answer.err.startswith("error:")


def test_a_token_says_who_calls(mpp: Mpp, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("mpp_" + "0" * 40 + "\n")
    assert mpp("serve", "--agent-token-file", str(wrong)).code == 25


def test_help_and_the_address_of_http(mpp: Mpp) -> None:
    answer = mpp("serve", "--help")
    assert answer.code == 0
    for words in ("Examples:", "Exit code:", "--search-mode", serve.LISTEN):
        assert words in answer.out
    assert http_server.LISTEN == serve.LISTEN


def test_a_person_who_starts_it_is_told_what_it_waits_for(monkeypatch: pytest.MonkeyPatch, mpp: Mpp) -> None:
    monkeypatch.setattr(serving, "serve_stdio", lambda *_, **__: None)
    assert mpp("serve").err == ""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    answer = mpp("serve")
    assert (answer.code, answer.out) == (0, "")
    assert "mpp connect" in answer.err


def test_over_http(monkeypatch: pytest.MonkeyPatch, mpp: Mpp, home: Path) -> None:
    given: list[Any] = []
    monkeypatch.setattr(http_server, "serve_http", lambda backend, options, clock, random, **more: given.append((backend, options, more)))
    assert mpp("serve", "--http", "--user", "ada", "--agent", "assistant", "--allow-host", "tools.example.com", "--rate", "7").code == 0
    ((_, options, more),) = given
    assert (options.listen, options.hosts, options.rate, options.home.path) == (serve.LISTEN, ("tools.example.com",), 7, str(home))
    assert (options.local.agent.name, options.local.agent.level) == ("assistant", "launched")
    assert options.local.agent.behind[0].name == "ada"
    # The option names nobody whom a policy would take for the one that runs this.
    assert options.local.user != "ada"
    assert more["version"]


def test_a_workspace_that_is_not_there_is_refused_at_once(mpp: Mpp, place: Home) -> None:
    answer = mpp("serve", "--workspace", f"{place.path}/nothing")
    assert answer.code == 2
    assert "usage.no_file" in answer.err


def test_a_damaged_lockfile_is_told_to_who_starts_it(mpp: Mpp, place: Home) -> None:
    Path(place.lockfile).write_text("{", encoding="utf-8")
    answer = mpp("serve")
    assert answer.code == 1
    assert "host.lockfile" in answer.err


def test_a_package_that_is_not_served_is_told_to_who_starts_it(talk: Talk, place: Home) -> None:
    (package,) = Path(place.packages).glob("*/*.mpp")
    package.write_bytes(b"x" + package.read_bytes()[1:])
    found, left = talk([*begin(), old(7, "tools/list")])
    assert found[7]["result"]["tools"] == []
    assert "com.example.hello is not served" in left.err


def test_the_story_of_a_call_and_of_a_refused_one_says_who_asked(talk: Talk, mpp: Mpp, place: Home, home: Path) -> None:
    bad = old(2, "tools/call", name=NAME, arguments=[1])
    talk(
        [*begin(), old(1, "tools/call", name=NAME, arguments={}), bad, modern(3, "tools/call", name=NAME, arguments={"k": SECRET})],
        "--agent",
        "planner",
        "--user",
        "ada",
    )
    calls = {event.kind: event.invocation for event in records.events(home) if event.kind in {"intent", "refused"}}
    assert set(calls) == {"intent", "refused"}
    for call in calls.values():
        story = {one["topic"]: one["words"] for one in mpp("audit", "show", call, "--json").json["story"]}
        assert story["who asked"] == "agent planner, launched"
        assert re.fullmatch("[0-9a-f]{32}", story["on behalf of"])
    assert story["refused"] == "com.example.hello/greet: privacy.outgoing"
    found = mpp("audit", "search", "--agent", "planner", "--kind", "refused", "--json").json["entries"]
    assert [one["body"]["code"] for one in found] == ["privacy.outgoing"]
