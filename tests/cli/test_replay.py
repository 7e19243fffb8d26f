"""``mpp replay``: record a server, ask a package or another server, compare."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mpp.errors import Refused
from mpp.testing import packages
from tests.cli.conftest import EXECUTABLE, Mpp
from tests.cli.test_run import says

SERVERS = Path(__file__).parent.parent / "unit" / "host" / "replays" / "servers.py"
SERVER = ("--", sys.executable, "-S", "-E", str(SERVERS))


def written(path: str) -> list[Any]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def write(path: str, *lines: Any) -> Path:
    Path(path).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Path(path)


def result(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


def test_a_server_is_recorded_and_another_one_answers_the_same(mpp: Mpp) -> None:
    calls = ("--call", 'echo={"text": "hi"}', "--call", "nope")
    answer = mpp("replay", "record", "--out", "calls.jsonl", *calls, *SERVER)
    assert answer.code == 0, answer.err
    assert answer.out == "Wrote calls.jsonl: 2 calls, 2 made now.\n"
    assert answer.err == "    1  echo: a result\n    2  nope: an error\n"
    assert written("calls.jsonl")[0] == {"tool": "echo", "arguments": {"text": "hi"}, "result": result("hi")}
    assert written("calls.jsonl")[1]["error"]["code"] == -32602
    again = mpp("replay", "run", "calls.jsonl", "--out", "got.jsonl", "--json", *SERVER, "noisy")
    assert again.json == {"ok": True, "file": "got.jsonl", "calls": 2, "made": 2}
    assert again.err == ""
    assert mpp("replay", "diff", "calls.jsonl", "got.jsonl").code == 0


def test_what_is_recorded_stays_when_the_server_ends(mpp: Mpp) -> None:
    write("wanted.jsonl", {"tool": "echo", "arguments": {"text": "a"}}, {"tool": "end"}, {"tool": "echo", "arguments": {"text": "b"}})
    broken = mpp("replay", "record", "--out", "calls.jsonl", "--calls", "wanted.jsonl", "--json", *SERVER)
    assert (broken.code, broken.json["error"]["code"]) == (30, "tool.crashed")
    assert [line["tool"] for line in written("calls.jsonl")] == ["echo"]
    taken = mpp("replay", "record", "--out", "calls.jsonl", "--calls", "wanted.jsonl", *SERVER)
    assert "[host.exists]" in taken.err
    write("wanted.jsonl", {"tool": "echo", "arguments": {"text": "a"}}, {"tool": "echo", "arguments": {"text": "b"}})
    more = mpp("replay", "record", "--out", "calls.jsonl", "--calls", "wanted.jsonl", "--resume", "--json", *SERVER)
    assert more.json == {"ok": True, "file": "calls.jsonl", "calls": 2, "made": 1}


def test_a_recorder_that_is_killed_leaves_whole_lines_and_goes_on(mpp: Mpp) -> None:
    write("wanted.jsonl", {"tool": "echo", "arguments": {"text": "a"}}, {"tool": "never"})
    words = [*EXECUTABLE, "replay", "record", "--out", "calls.jsonl", "--calls", "wanted.jsonl", *SERVER]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as recorder:
        assert recorder.stderr is not None
        assert recorder.stderr.readline() == "    1  echo: a result\n"
        recorder.kill()
    assert [line["tool"] for line in written("calls.jsonl")] == ["echo"]
    Path("calls.jsonl").write_bytes(Path("calls.jsonl").read_bytes() + b'{"tool": "nev')
    write("wanted.jsonl", {"tool": "echo", "arguments": {"text": "a"}}, {"tool": "echo", "arguments": {"text": "b"}})
    more = mpp("replay", "record", "--out", "calls.jsonl", "--calls", "wanted.jsonl", "--resume", "--json", *SERVER)
    assert more.json["made"] == 1
    assert [line["arguments"]["text"] for line in written("calls.jsonl")] == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--call", "echo"), "usage.syntax"),
        (("--call", "={}", *SERVER), "usage.option"),
        (("--call", "echo=[]", *SERVER), "usage.option"),
        (("--call", "echo={", *SERVER), "call.json"),
        (SERVER, "usage.option"),
        (("--calls", "absent.jsonl", *SERVER), "host.file"),
        (("--call", "echo", "--", "/no/such/server"), "usage.file"),
    ],
)
def test_a_wrong_wish_is_refused(mpp: Mpp, words: tuple[str, ...], code: str) -> None:
    assert f"[{code}]" in mpp("replay", "record", "--out", "calls.jsonl", *words).err


ANSWER = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"mail ada@example.com"}],"structuredContent":{"n":1}}}\n'
SAYS_NO = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"no"}],"isError":true}}\n'


@pytest.fixture
def package(mpp: Mpp, keys: Path) -> Path:
    path = Path("hello-0.1.0.mpp")
    path.write_bytes(packages.unsigned({}, {packages.ENTRYPOINT: says(ANSWER)}))
    assert mpp("sign", path, "--now", packages.NOW).code == 0
    return path


def test_a_package_is_asked_and_what_the_filter_took_out_is_a_redaction(mpp: Mpp, package: Path) -> None:
    old = {**result("mail ada@example.com"), "structuredContent": {"n": 1}}
    write(
        "calls.jsonl",
        {"tool": "greet", "arguments": {"name": "Ada"}, "result": old},
        {"tool": "greet", "arguments": {"name": 5}, "error": {"code": -1, "message": "bad"}},
    )
    answer = mpp("replay", "run", "calls.jsonl", "--against", package, "--out", "got.jsonl")
    assert answer.code == 0, answer.err
    assert written("got.jsonl")[1]["error"]["code"] == "call.arguments"
    strict = mpp("replay", "diff", "calls.jsonl", "got.jsonl", "--json")
    assert strict.code == 1
    assert strict.json["differences"] == {"redaction": 1, "error-shape": 1, "real": 0}
    assert strict.json["listed"][0]["at"] == "/result/content/0/text"
    allowed = mpp("replay", "diff", "calls.jsonl", "got.jsonl", "--allow", "redaction,error-shape")
    assert allowed.code == 0
    assert "redaction (allowed) at /result/content/0/text" in allowed.out


def test_a_file_may_have_any_name(mpp: Mpp, package: Path) -> None:
    strange = package.rename("--yes.mpp")
    write("calls.jsonl", {"tool": "greet"})
    assert mpp("replay", "run", "calls.jsonl", "--against", strange, "--out", "got.jsonl").code == 0
    assert written("got.jsonl")[0]["result"]["structuredContent"] == {"n": 1}


def test_a_package_that_says_no_is_recorded_as_a_result(mpp: Mpp, keys: Path) -> None:
    path = Path("hello-0.1.0.mpp")
    path.write_bytes(packages.unsigned({}, {packages.ENTRYPOINT: says(SAYS_NO)}))
    assert mpp("sign", path, "--now", packages.NOW).code == 0
    write("calls.jsonl", {"tool": "greet", "result": {**result("no"), "isError": True}})
    assert mpp("replay", "run", "calls.jsonl", "--against", path, "--out", "got.jsonl").code == 0
    assert mpp("replay", "diff", "calls.jsonl", "got.jsonl").code == 0


def test_a_package_that_is_refused_makes_no_recording_of_refusals(mpp: Mpp, unsigned: Path) -> None:
    write("calls.jsonl", {"tool": "greet"})
    answer = mpp("replay", "run", "calls.jsonl", "--against", unsigned, "--out", "got.jsonl", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (15, "signature.unsigned")
    assert written("got.jsonl") == []


def test_a_call_for_which_nobody_says_yes_ends_the_run(mpp: Mpp, keys: Path) -> None:
    path = Path("hello-0.1.0.mpp")
    path.write_bytes(packages.unsigned({"capabilities/network": ["api.example.com"]}, {packages.ENTRYPOINT: says(ANSWER)}))
    assert mpp("sign", path, "--now", packages.NOW).code == 0
    write("calls.jsonl", {"tool": "greet"})
    answer = mpp("replay", "run", "calls.jsonl", "--against", path, "--out", "got.jsonl")
    assert answer.code == 24
    assert "--yes" in answer.err
    agreed = mpp("replay", "run", "calls.jsonl", "--against", path, "--yes", "--resume", "--out", "got.jsonl")
    assert agreed.code == 0, agreed.err
    assert written("got.jsonl")[0]["result"]["structuredContent"] == {"n": 1}


def test_an_installed_package_is_asked_under_its_alias(mpp: Mpp, package: Path) -> None:
    assert mpp("install", package, "--yes").code == 0
    write("calls.jsonl", {"tool": "greet", "arguments": {"name": "Ada"}}, {"tool": "nope"})
    answer = mpp("replay", "run", "calls.jsonl", "--against", "hello", "--out", "got.jsonl")
    assert answer.code == 0, answer.err
    first, second = written("got.jsonl")
    assert (first["tool"], first["result"]["structuredContent"]) == ("greet", {"n": 1})
    assert second["error"]["code"] == "call.tool"
    absent = mpp("replay", "run", "calls.jsonl", "--against", "absent", "--out", "more.jsonl")
    assert "[usage.option]" in absent.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--against", "x.mpp", *SERVER),
        ("--yes", *SERVER),
        ("--map", "/a=/b", "--against", "alias"),
        ("--workspace", ".", *SERVER),
        ("--prefix", "x__", "--against", "alias"),
    ],
)
def test_options_that_go_with_something_else_are_refused(mpp: Mpp, words: tuple[str, ...]) -> None:
    write("calls.jsonl", {"tool": "echo"})
    assert "[usage.option]" in mpp("replay", "run", "calls.jsonl", "--out", "got.jsonl", *words).err
    assert not Path("got.jsonl").exists()


def test_a_prefix_stands_before_the_names_of_a_server(mpp: Mpp) -> None:
    write("calls.jsonl", {"tool": "ho", "arguments": {"text": "hi"}})
    assert mpp("replay", "run", "calls.jsonl", "--out", "got.jsonl", "--prefix", "ec", *SERVER).code == 0
    assert written("got.jsonl") == [{"tool": "ho", "arguments": {"text": "hi"}, "result": result("hi")}]


def test_differences_are_shown_by_call(mpp: Mpp) -> None:
    old = [{"tool": "a", "arguments": {}, "result": {"t": 1, "u": 2}}, {"tool": "b", "arguments": {}, "result": {}}]
    write("old.jsonl", *old)
    write("new.jsonl", {"tool": "a", "arguments": {}, "result": {"t": 2, "u": "\x1b[31m"}})
    answer = mpp("replay", "diff", "old.jsonl", "new.jsonl")
    assert answer.code == 1
    assert answer.out.splitlines() == [
        "call 1, a",
        "  real at /result/t",
        "    old  1",
        "    new  2",
        "  real at /result/u",
        "    old  2",
        '    new  "\\u001b[31m"',
        "call 2, b",
        "  real at the whole answer",
        '    old  {"tool": "b", "arguments": {}}',
        "    new  nothing",
        "",
        "✗ 0 of 2 calls equal",
        "      2  real: they differ",
    ]
    masked = mpp("replay", "diff", "old.jsonl", "new.jsonl", "--mask", "a/result/*")
    assert masked.out.splitlines()[-2:] == ["✗ 1 of 2 calls equal", "      1  real: they differ"]


def test_a_list_that_is_too_long_is_counted(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.replays.totals.REPORTED_MAX", 1)
    write("old.jsonl", {"tool": "a", "result": {"t": 1, "u": 2}})
    write("new.jsonl", {"tool": "a", "result": {}})
    assert "… 1 more" in mpp("replay", "diff", "old.jsonl", "new.jsonl").out
    assert mpp("replay", "diff", "old.jsonl", "new.jsonl", "--json").json["more"] == 1


def test_types_of_a_package_are_known_when_they_are_named(mpp: Mpp) -> None:
    write("old.jsonl", {"tool": "a", "result": "order 7"})
    write("new.jsonl", {"tool": "a", "result": "order [ORDER_ID]"})
    words = ("replay", "diff", "old.jsonl", "new.jsonl", "--allow", "redaction")
    assert mpp(*words).code == 1
    assert mpp(*words, "--type", "order_id").code == 0


@pytest.mark.parametrize("words", [("--allow", "real"), ("--allow", "redactions"), ("--mask", "x"), ()])
def test_a_comparison_of_nothing_or_with_nonsense_is_refused(mpp: Mpp, words: tuple[str, ...]) -> None:
    write("old.jsonl")
    answer = mpp("replay", "diff", "old.jsonl", "old.jsonl", *words)
    assert answer.code == 2


def test_an_answer_that_is_none_is_told_of(mpp: Mpp, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("calls.jsonl", {"tool": "greet"})
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, b"half an", b"it broke\n"))
    assert "[host.answer]" in mpp("replay", "run", "calls.jsonl", "--against", package, "--out", "a.jsonl").err

    def late(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("mpp", 1)

    monkeypatch.setattr(subprocess, "run", late)
    assert "[tool.deadline]" in mpp("replay", "run", "calls.jsonl", "--against", package, "--out", "b.jsonl").err


@pytest.mark.parametrize(("level", "counts"), [("medium", True), ("high", False)])
def test_a_call_of_an_installed_package_waits_for_a_yes_that_counts(mpp: Mpp, keys: Path, level: str, counts: bool) -> None:
    path = Path("hello-0.1.0.mpp")
    document = json.loads(json.dumps(packages.manifest()))
    tools = [{**tool, "security_level": level} for tool in document["tool_definitions"]]
    path.write_bytes(packages.unsigned({"tool_definitions": tools, "capabilities/network": ["api.example.com"]}, {packages.ENTRYPOINT: says(ANSWER)}))
    assert mpp("sign", path, "--now", packages.NOW).code == 0
    assert mpp("install", path, "--yes").code == 0
    write("calls.jsonl", {"tool": "greet"})
    waits = mpp("replay", "run", "calls.jsonl", "--against", "hello", "--out", "got.jsonl")
    assert (waits.code, "mpp approve" in waits.err) == (24, True)
    agreed = mpp("replay", "run", "calls.jsonl", "--against", "hello", "--yes", "--resume", "--out", "got.jsonl")
    assert (agreed.code == 0) is counts, agreed.err
    assert "approved by --yes" in agreed.err
    assert len(written("got.jsonl")) == counts


def test_a_fleet_takes_no_yes(mpp: Mpp, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp.cli.replay import installed
    from mpp.host.replays.calls import Call
    from mpp.protocol.mcp.ports import Outcome, Pending

    class Waiting:
        def call(self, *_: Any, **__: Any) -> Outcome:
            return Outcome(result={}, pending=Pending(question="q", ref="7f3a", text="", may_elicit=False))

    monkeypatch.setattr(installed, "is_fleet", lambda: True)
    with pytest.raises(Refused) as caught:
        installed.Installed(host=Waiting(), alias="a", seconds=1, yes=True).call(Call(tool="t", arguments={}))  # type: ignore[arg-type]
    assert caught.value.code == "consent.fleet"
