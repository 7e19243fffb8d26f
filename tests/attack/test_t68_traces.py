"""T68, part two: what a tool says is nowhere. Real tools say planted values in every way there is, and no byte that the host keeps or shows has one of them.

The tools run in the jailed sandbox, through the command as a person calls it. A tool's own storage is not looked at: what it keeps there it had before.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import EXECUTABLE, Answer, Mpp, keys, mpp, plain_surroundings, process  # noqa: F401 - fixtures
from tests.cli.test_run import Make, package  # noqa: F401 - the fixture
from tests.privacies import PLANTED
from tests.unit.sandbox.guests import guest

VALUES = (PLANTED["email"], PLANTED["credit_card"], PLANTED["iban"], PLANTED["github_token"], PLANTED["aws_access_key"])
SENTENCE = "; ".join(VALUES)
NUMBER = 4539148803436467
ACTIONS = ("surrogate", "block")
"""The one that writes the most, and the one that writes nothing. What the others write is held by the unit tests."""
WAIT_SECONDS = 60.0
REPLY, ERRORS = 1, 2
CALLS, OUTPUT, ROOM = 2048, 20_000, 110_000
"""Where a guest has its host calls, its output, and room for an answer of the host."""


def forms(value: str) -> Iterator[bytes]:
    """What a grep looks for."""
    for text in {value, value.replace(" ", ""), value[::-1]}:
        raw = text.encode()
        yield from (
            raw,
            raw.hex().encode(),
            raw.hex().upper().encode(),
            base64.b64encode(raw).rstrip(b"="),
            base64.b64encode(raw[::-1]).rstrip(b"="),
            raw.decode().encode("utf-16-le"),
        )


NEEDLES = tuple(dict.fromkeys(one for value in (*VALUES, str(NUMBER)) for one in forms(value)))


def traces(data: bytes) -> list[bytes]:
    return [one for one in NEEDLES if one in data]


def kept(home: Path) -> dict[str, bytes]:
    """Every file of a home: segments and indexes of the record, databases with what they write ahead, caches, keys."""
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file() and "patterns" not in path.parts}


def nothing_left(home: Path, *answers: Answer) -> None:
    files = kept(home)
    assert any(name.startswith("audit") for name in files), "a record was kept"
    assert {name: found for name, data in files.items() if (found := traces(data))} == {}
    for answer in answers:
        assert traces(answer.out.encode(errors="surrogateescape")) == []
        assert traces(answer.err.encode(errors="surrogateescape")) == []


MASK = 0x55
"""Lies over what a guest says until it runs, so that neither its package nor its compiled code has a planted value."""


def wat_bytes(raw: bytes) -> str:
    return "".join(f"\\{byte ^ MASK:02x}" for byte in raw)


def unmask(first: int, size: int) -> str:
    """Code that takes the mask away."""
    step = f"(i32.store8 (local.get $n) (i32.xor (i32.load8_u (local.get $n)) (i32.const {MASK}))) (local.set $n (i32.add (local.get $n) (i32.const 1)))"
    return f"(local.set $n (i32.const {first})) (loop $on {step} (br_if $on (i32.lt_u (local.get $n) (i32.const {first + size}))))"


def says(out: str = "", *, err: str = "", calls: Sequence[tuple[str, dict[str, object]]] = (), ending: str = "") -> bytes:
    """A guest that makes host calls, writes to standard error and to standard output, and ends."""
    body, data, at = "", "", CALLS
    for method, params in calls:
        raw = json.dumps({"method": method, "params": params}).encode()
        body += unmask(at, len(raw)) + f"(drop (call $call (i32.const {at}) (i32.const {len(raw)}) (i32.const {ROOM}) (i32.const 1000)))"
        data += f'(data (i32.const {at}) "{wat_bytes(raw)}")'
        at += len(raw) + 16
    at = OUTPUT
    for stream, text in ((ERRORS, err), (REPLY, out)):
        raw = text.encode()
        if raw:
            body += unmask(at, len(raw)) + f"(call $say (i32.const {stream}) (i32.const {at}) (i32.const {len(raw)}))"
            data += f'(data (i32.const {at}) "{wat_bytes(raw)}")'
            at += len(raw) + 16
    return guest(body + ending, more=data)


def result(found: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": found}) + "\n"


def text_of(text: str) -> list[object]:
    return [{"type": "text", "text": text}]


BOMB = base64.b64encode(zlib.compress(b"all of it " * 200_000)).decode()
"""Unpacks to more than the filter reads, so the answer is withheld."""

CODED = base64.b64encode(SENTENCE.encode()).decode()
FORM = {"type": "object", "properties": {"x": {"type": "string", "title": SENTENCE}}}
TOLD: dict[str, bytes] = {
    "content": says(result({"content": text_of(SENTENCE)})),
    "blocks": says(result({"content": [one for value in VALUES for one in text_of(f"say {value}")]})),
    "structure": says(result({"content": [], "structuredContent": {"a": {"note": SENTENCE, "card": NUMBER, "list": [*VALUES]}}})),
    "keys": says(result({"content": [], "structuredContent": {f"of {value}": at for at, value in enumerate(VALUES)}})),
    "meta": says(result({"content": text_of("x"), "_meta": {"com.example/note": SENTENCE, "com.example/card": NUMBER}})),
    "said no": says(result({"content": text_of(SENTENCE), "isError": True})),
    "resource text": says(result({"content": [{"type": "resource", "resource": {"uri": "file:///a", "text": SENTENCE}}]})),
    "resource file": says(result({"content": [{"type": "resource", "resource": {"uri": "file:///a", "blob": CODED}}]})),
    "resource link": says(result({"content": [{"type": "resource_link", "uri": f"https://example.org/{VALUES[0]}", "name": SENTENCE, "description": SENTENCE}]})),
    "picture": says(result({"content": [{"type": "image", "data": CODED, "mimeType": "image/png"}]})),
    "question": says(result({"resultType": "input_required", "inputRequests": {"q": {"method": "elicitation/create", "params": {"message": SENTENCE, "requestedSchema": FORM}}}})),
    "error": says(json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": SENTENCE[:150], "data": SENTENCE}}) + "\n"),
    "error code": says(json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": NUMBER, "message": "x"}}) + "\n"),
    "standard error": says(result({"content": text_of("x")}), err=f"debug: {SENTENCE}\n{CODED}\n"),
    "exit": says(err=SENTENCE, ending="(call $exit (i32.const 3))"),
    "trap": says(err=SENTENCE, ending="(unreachable)"),
    "no JSON": says(SENTENCE + "\n"),
    "half of JSON": says(result({"content": text_of(SENTENCE)})[:-20]),
    "a key twice": says(f'{{"jsonrpc":"2.0","id":1,"{VALUES[0]}":1,"{VALUES[0]}":2}}\n'),
    "a wrong field": says(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": [], VALUES[0]: 1, VALUES[3]: SENTENCE}}) + "\n"),
    "a wrong kind": says(result({"content": [{"type": VALUES[0]}, {"type": "text", "text": "x", VALUES[3]: 1}]})),
    "a wrong version": says(json.dumps({"jsonrpc": VALUES[0], "id": NUMBER, "result": {}}) + "\n"),
    "log": says(result({"content": text_of("x")}), calls=[("log", {"level": "warning", "message": SENTENCE}), ("log", {"level": "info", "message": CODED})]),
    "log level": says(result({"content": text_of("x")}), calls=[("log", {"level": VALUES[0], "message": "x"}), (VALUES[0], {}), ("log", {VALUES[3]: SENTENCE})]),
    "progress": says(result({"content": text_of("x")}), calls=[("progress", {"progress": NUMBER, "total": NUMBER, "message": SENTENCE}), ("progress", {"progress": 1, "message": CODED})]),
    "places": says(result({"content": text_of("x")}), calls=[
        ("http.fetch", {"method": "GET", "url": f"https://{VALUES[0].rpartition('@')[2]}/{VALUES[3]}"}), ("secret.get", {"name": VALUES[3]}), ("kv.get", {"key": SENTENCE}),
    ]),
    "withheld": says(result({"content": text_of(SENTENCE + " " + BOMB)})),
}  # fmt: skip


def policy(mpp: Mpp, action: str) -> None:  # noqa: F811
    text = f'mpp_policy = 1\nname = "all"\n[privacy.actions]\ndefault = "{action}"\n[[rules]]\nid = "all"\neffect = "allow"\n'
    Path("policy.toml").write_text(text)
    assert mpp("policy", "use", "policy.toml", "--yes").code == 0


@pytest.mark.parametrize("action", ACTIONS)
def test_no_byte_has_what_a_tool_said(mpp: Mpp, package: Make, home: Path, action: str) -> None:  # noqa: F811
    policy(mpp, action)
    for name, wasm in TOLD.items():
        path = package(wasm)
        answers = [mpp("run", path, "--yes", *words) for words in ((), ("--json",), ("--explain",))]
        answers.append(mpp("audit", "tail", "--json"))
        assert [name for answer in answers if traces((answer.out + answer.err).encode(errors="surrogateescape"))] == []
        assert all("Traceback" not in answer.err for answer in answers), answers
        nothing_left(home, *answers)


@pytest.mark.parametrize("moment", ["0.5", "1.0", "said", "said and 0.5"])
def test_a_host_that_is_killed_leaves_nothing(mpp: Mpp, package: Make, home: Path, moment: str) -> None:  # noqa: F811
    """At any moment of a call that says everything and then goes on for ever: after so many seconds, once it has said it, or while it goes on."""
    wasm = says(
        result({"content": text_of(SENTENCE)}), err=SENTENCE, calls=[("log", {"level": "warning", "message": SENTENCE})], ending="(loop $again (br $again))"
    )
    path = package(wasm)
    with subprocess.Popen(
        [*EXECUTABLE, "run", str(path), "--yes"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as running:
        assert running.stderr is not None
        line = running.stderr.readline() if moment.startswith("said") else b""
        time.sleep(float(moment.rpartition(" ")[2].removeprefix("said") or 0))
        os.killpg(running.pid, signal.SIGKILL)
        out, err = running.communicate(timeout=WAIT_SECONDS)
    assert moment.startswith("said") == (b"tool warning: [EMAIL-" in line)
    assert {name: found for name, data in kept(home).items() if (found := traces(data))} == {}
    assert traces(line + out + err) == []
    # What comes after reads what is left over, and leaves nothing either.
    nothing_left(home, mpp("run", package(TOLD["content"]), "--yes"), mpp("audit", "verify"))


def test_one_of_them_is_withheld(mpp: Mpp, package: Make) -> None:  # noqa: F811
    found = mpp("run", package(TOLD["withheld"]), "--yes", "--json").json
    assert (found["error"]["code"], found["result"]) == ("privacy.withheld", None)


def test_the_grep_finds_what_is_there(mpp: Mpp, package: Make, home: Path) -> None:  # noqa: F811
    """The same with a filter that policy turns off: then each value stands in the answer, so the needles are right."""
    text = f'mpp_policy = 1\nname = "all"\n[privacy]\noff = {json.dumps(["email", "credit_card", "iban", "github_token", "aws_access_key"])}\n[[rules]]\nid = "all"\neffect = "allow"\n'
    Path("policy.toml").write_text(text)
    assert mpp("policy", "use", "policy.toml", "--yes").code == 0
    answer = mpp("run", package(TOLD["content"]), "--yes")
    assert {value.encode() for value in VALUES} <= set(traces(answer.out.encode()))


MAY_DUMP = ("sh", "-c", 'ulimit -c "$(ulimit -H -c)"; exec "$@"', "sh")


def test_a_host_that_crashes_leaves_none_of_its_memory(home: Path, tmp_path: Path) -> None:
    """Attack: a fault in native code, on a system that keeps the memory of what crashed: keys, secrets and answers in a file."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("this system lets no process leave its memory")
    asked = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    with subprocess.Popen(
        [*MAY_DUMP, *EXECUTABLE, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
        env={**os.environ, "MPP_HOME": str(home)},
    ) as running:  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(asked)
        running.stdin.flush()
        assert running.stdout.readline()
        limits = Path(f"/proc/{running.pid}/limits").read_text(encoding="ascii")
        assert next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4:6] == ["0", "0"]
        running.send_signal(signal.SIGSEGV)
        running.stdin.close()
        assert running.wait(WAIT_SECONDS) == -signal.SIGSEGV
    assert not list(tmp_path.rglob("core*"))
