"""``mpp run`` as a person calls it: the answer, the question before it, and every way to be turned down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mpp.model.jsontext import Json
from mpp.testing import packages
from tests.cli.conftest import Mpp
from tests.cli.terminal import Terminal
from tests.unit.sandbox.guests import guest

HELLO = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hi"}],"structuredContent":{"n":1}}}\n'


def says(text: str) -> bytes:
    """A guest that writes ``text`` and ends."""
    raw = text.encode()
    data = "".join(f"\\{byte:02x}" for byte in raw)
    return guest(f"(call $say (i32.const 1) (i32.const 1024) (i32.const {len(raw)}))", more=f'(data (i32.const 1024) "{data}")')


Make = Callable[..., Path]


@pytest.fixture
def package(mpp: Mpp, keys: Path) -> Make:
    """A package of this home's publisher with the given code."""

    def make(wasm: bytes, changes: Mapping[str, Json] | None = None) -> Path:
        path = Path("hello-0.1.0.mpp")
        path.write_bytes(packages.unsigned(changes, {packages.ENTRYPOINT: wasm}))
        assert mpp("sign", path, "--now", packages.NOW).code == 0
        return path

    return make


def test_the_answer_is_shown(mpp: Mpp, package: Make) -> None:
    answer = mpp("run", package(says(HELLO)))
    assert (answer.code, answer.out, answer.err) == (0, "hi\n", "")


def test_json_holds_the_story(mpp: Mpp, package: Make) -> None:
    found = mpp("run", package(says(HELLO)), "--tool", "greet", "--args", '{"name": "Ada"}', "--json").json
    assert found["ok"] is True
    assert found["result"]["structuredContent"] == {"n": 1}
    assert (found["tool"], found["development"], found["filtered"], found["receipt"]) == ("greet", False, True, None)
    decision = found["decision"]
    assert (decision["because"], decision["approvers"], decision["rule"]) == ("policy", [], "user/developer/allow-the-rest")
    assert [stage["name"] for stage in found["stages"]] == ["verify", "judge arguments", "policy and approval", "compile", "start", "run"]
    assert found["used"]["host_calls"] == 0


def test_the_record_says_how_long_each_stage_took(mpp: Mpp, package: Make) -> None:
    assert mpp("run", package(says(HELLO))).code == 0
    (entry,) = mpp("audit", "search", "--kind", "result", "--json").json["entries"]
    measured = entry["body"]["measured"]
    assert set(measured) == {"policy_us", "approval_us", "audit_us", "sandbox_us", "privacy_us", "raw_bytes"}
    assert all(isinstance(number, int) and number >= 0 for number in measured.values())
    # A whole process was started and asked: that takes longer than nothing.
    assert measured["sandbox_us"] > 100
    assert measured["raw_bytes"] == len(HELLO) // 10 * 10


def test_explain_shows_each_stage(mpp: Mpp, package: Make) -> None:
    answer = mpp("run", package(says(HELLO)), "--explain")
    for word in ("verify", "compile", "run", "allowed      by policy", "risk  ", "sha256", "compiled     now"):
        assert word in answer.err
    assert "compiled     before" in mpp("run", "hello-0.1.0.mpp", "--explain").err


@pytest.mark.parametrize(
    ("wasm", "code", "exit_"),
    [
        (says("no json\n"), "tool.reply", 30),
        (says(""), "tool.reply", 30),
        (says(HELLO + HELLO), "tool.reply", 30),
        (guest("(unreachable)"), "tool.trap", 30),
        (guest("(call $exit (i32.const 3))"), "tool.exit", 30),
        (says('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}\n'), "tool.error", 30),
        (says('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"cannot"}],"isError":true}}\n'), "tool.said_no", 30),
    ],
)
def test_a_tool_that_fails_is_told_apart(mpp: Mpp, package: Make, wasm: bytes, code: str, exit_: int) -> None:
    answer = mpp("run", package(wasm), "--json")
    assert (answer.json["error"]["code"], answer.code) == (code, exit_)


def test_time_runs_out(mpp: Mpp, package: Make) -> None:
    answer = mpp("run", package(guest("(loop $again (br $again))")), "--timeout", "100", "--json")
    assert (answer.json["error"]["code"], answer.code) == ("tool.deadline", 30)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--args", "{"], "call.json"),
        (["--args", "[]"], "call.form"),
        (["--args", '{"name": 42}'], "call.arguments"),
        (["--args", '{"name": "a", "name": "b"}'], "call.json"),
        (["--args", "@absent.json"], "host.file"),
        (["--args", "@/dev/zero"], "call.size"),
        (["--tool", "absent"], "call.tool"),
        (["--map", "nonsense"], "usage.map"),
        (["--map", "/data=/tmp"], "call.map"),
        (["--timeout", "0"], "usage.syntax"),
    ],
)
def test_a_wrong_call_is_refused(mpp: Mpp, package: Make, words: list[str], code: str) -> None:
    answer = mpp("run", package(says(HELLO)), *words, "--json")
    assert answer.json["error"]["code"].startswith(code.partition(".")[0])
    assert answer.json["ok"] is False
    assert answer.code in {1, 2, 21}


def test_arguments_come_from_a_file_and_from_a_pipe(mpp: Mpp, process: Mpp, package: Make) -> None:
    path = package(says(HELLO))
    Path("args.json").write_text('{"name": "Ada"}')
    assert mpp("run", path, "--args", "@args.json").code == 0
    assert process("run", path, "--args", "-", stdin=None, input='{"name": "Ada"}').out == "hi\n"


def test_an_unknown_publisher_runs_nothing(mpp: Mpp, strange: Path) -> None:
    answer = mpp("run", strange, "--yes", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (20, "publisher.unknown")


def test_an_unsigned_file_from_elsewhere_runs_nothing(mpp: Mpp, keys: Path, unsigned: Path) -> None:
    assert mpp("run", unsigned, "--json").code == 15


STORES: dict[str, Json] = {"capabilities/storage": {"kv": {"max_bytes": 1000}}}


def test_what_asks_for_something_needs_a_yes_once(mpp: Mpp, package: Make) -> None:
    path = package(says(HELLO), STORES)
    answer = mpp("run", path, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (24, "approval.required")
    agreed = mpp("run", path, "--yes", "--json")
    decision = agreed.json["decision"]
    assert (agreed.code, decision["because"], decision["amr"]) == (0, "approval", "flag")
    assert agreed.json["receipt"]["payloadType"] == "application/vnd.mpp.receipt+json"
    assert "store up to 1000 bytes" in agreed.err
    # What is low in risk runs by itself once somebody agreed to what it declares.
    again = mpp("run", path, "--json").json
    assert again["decision"]["because"] == "policy"


def test_a_person_is_asked_at_the_terminal(terminal: Callable[..., Terminal], mpp: Mpp, package: Make) -> None:
    path = package(says(HELLO), STORES)
    with terminal("run", path) as screen:
        screen.wait_for("Your answer:")
        assert "store up to" in screen.screen
        screen.type("n\n")
        assert screen.end() == 24
        assert "approval.denied" in screen.screen
    # A no holds for this very call; another one is asked about anew.
    with terminal("run", path, "--args", '{"name": "Ada"}') as screen:
        screen.wait_for("Your answer:")
        screen.type("y\n")
        assert screen.end() == 0
        assert "hi" in screen.screen


def test_a_fleet_takes_no_flag(mpp: Mpp, package: Make, home: Path) -> None:
    path = package(says(HELLO), STORES)
    document = json.loads((home / "trust" / "trust.json").read_text())
    (home / "trust" / "trust.json").write_text(json.dumps({**document, "first_use": False}))
    assert mpp("run", path, "--yes", "--json").json["error"]["code"] == "consent.fleet"


def test_a_missing_variable_is_named_with_its_command(mpp: Mpp, package: Make) -> None:
    answer = mpp("run", package(says(HELLO), {"capabilities/env_vars": ["CITY"]}), "--yes")
    assert answer.code == 3
    assert "mpp secret set CITY" in answer.err


def test_a_folder_is_mapped(mpp: Mpp, package: Make, tmp_path: Path) -> None:
    path = package(says(HELLO), {"capabilities/filesystem": {"read": ["/data/notes"], "write": []}})
    assert mpp("run", path, "--yes", "--json").json["error"]["code"] == "call.path_missing"
    place = tmp_path / "notes"
    place.mkdir()
    answer = mpp("run", path, "--yes", "--map", f"/data/notes={place}")
    assert answer.code == 0
    shown = answer.err.replace("approved by --yes:     | ", "").replace("\n", " ")
    assert f"/data/notes, which is {place} here" in shown or str(place.name) in shown


def test_the_home_is_never_given(mpp: Mpp, package: Make, home: Path) -> None:
    path = package(says(HELLO), {"capabilities/filesystem": {"read": ["/data"], "write": []}})
    for place in (home, home / "keys", home.parent, "/proc", "/etc"):
        found = mpp("run", path, "--yes", "--map", f"/data={place}", "--json").json["error"]["code"]
        assert found == "call.path_never", place


def test_what_a_tool_writes_cannot_steer_the_screen(mpp: Mpp, package: Make) -> None:
    reply = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "a\x1b[2Jb\r\nc"}]}})
    answer = mpp("run", package(says(reply + "\n")))
    assert "\x1b" not in answer.out
    assert answer.out.splitlines()[0].startswith("a\\x1b[2Jb")


def test_standard_error_is_shown_line_by_line(mpp: Mpp, package: Make) -> None:
    wasm = guest(
        f"(call $say (i32.const 2) (i32.const 8000) (i32.const 9)) (call $say (i32.const 1) (i32.const 1024) (i32.const {len(HELLO)}))",
        more='(data (i32.const 8000) "one\\1b\\0atwo\\0a") (data (i32.const 1024) "' + "".join(f"\\{byte:02x}" for byte in HELLO.encode()) + '")',
    )
    answer = mpp("run", package(wasm))
    assert answer.err == "tool: one\\x1b\ntool: two\n"


def test_a_build_of_ones_own_project_runs_unsigned(mpp: Mpp, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built)
    answer = mpp("run", "--args", '{"name": "Ada"}')
    assert (answer.code, answer.out) == (0, "Hello, Ada!\n")
    assert "development build" in answer.err
    found = mpp("run", "--json").json
    assert found["development"] is True
    assert found["result"]["structuredContent"] == {"greeting": "Hello, World!"}


def test_the_cache_is_listed_warmed_and_cleared(mpp: Mpp, package: Make) -> None:
    path = package(says(HELLO))
    assert mpp("cache", "list", "--json").json["entries"] == []
    warmed = mpp("cache", "warm", path, "--json").json["packages"]
    assert [one["fresh"] for one in warmed] == [True]
    assert "was there already" in mpp("cache", "warm", path).out
    listed = mpp("cache", "list", "--json").json["entries"]
    assert [one["current"] for one in listed] == [True]
    assert "1 entries" in mpp("cache", "list").out
    assert mpp("cache", "clear", "--outdated", "--json").json["removed"] == 0
    assert "removed 1 entries" in mpp("cache", "clear").out
    assert mpp("cache", "list", "--json").json["entries"] == []
