"""The C adapter of the template: its golden pairs, and what hostile requests do to it."""

from __future__ import annotations

import json
import random
import struct
import subprocess
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.model import jsontext

CASES = 6000
LINE_MAX = 1024 * 1024


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().removesuffix(b"\n").split(b"\n")


def replies(driver: Path, cases: list[bytes], folder: Path) -> list[bytes]:
    """One reply for each case; the sanitizers end the driver at the first fault."""
    file = folder / "cases"
    file.write_bytes(b"".join(struct.pack("<I", len(case)) + case for case in cases))
    done = subprocess.run([str(driver), str(file)], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[:4000]
    assert not done.stderr
    return done.stdout.removesuffix(b"\n").split(b"\n")


def call(arguments: object, tool: str = "echo", **more: object) -> bytes:
    params = {"name": tool, "arguments": arguments, **more}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, ensure_ascii=False).encode()


def answer(driver: Path, folder: Path, request: bytes) -> dict:
    return json.loads(replies(driver, [request], folder)[0])


# --- golden pairs


def test_golden_pairs_are_complete(hello: Path) -> None:
    requests, wanted = lines(hello / "tests/requests.jsonl"), lines(hello / "tests/replies.jsonl")
    assert len(requests) == len(wanted) > 10
    codes = {json.loads(line).get("error", {}).get("code") for line in wanted}
    assert codes == {None, -32700, -32600, -32601, -32602}, "each kind of reply has an example"


def test_golden_pairs_native(hello: Path, driver: Path, tmp_path: Path) -> None:
    assert replies(driver, lines(hello / "tests/requests.jsonl"), tmp_path) == lines(hello / "tests/replies.jsonl")


def test_the_commands_of_the_readme_run(hello: Path, gcc: str, tmp_path: Path) -> None:
    """As its README says, with any C compiler and the shell alone."""
    text = (hello / "README.md").read_text()
    loop = next(line for line in text.splitlines() if line.startswith("while "))
    build = next(line for line in text.splitlines() if line.startswith("mkdir "))
    script = f"cp -r '{hello}' '{tmp_path}/p' && cd '{tmp_path}/p' && {build.replace(' cc ', f' {gcc} ')} && {loop}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_replies_follow_the_schema_of_the_manifest(hello: Path) -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    tool = json.loads((hello / "manifest.json").read_text())["tool_definitions"][0]
    returns = jsonschema_rs.validator_for(tool["returns"])
    results = [json.loads(line).get("result", {}) for line in lines(hello / "tests/replies.jsonl")]
    good = [result["structuredContent"] for result in results if result.get("isError") is False]
    assert len(good) >= 5
    assert all(returns.is_valid(item) for item in good)
    assert not returns.is_valid({})


# --- values in, values out

VALUES = [
    {},
    {"list": [], "object": {}, "both": [[], [1, "2", None, True, False, {"x": -1.5}]]},
    {"text": '"\\/\b\f\n\r\t\u0000\u001f\u007f\u0080é€\ud7ff\ue000\uffff😀\U0010ffff'},
    {"": "empty key", "é": "key"},
    {"numbers": [0, -1, 2**63 - 1, -(2**63), 2**53, 1.5, -0.25, 1e300, 5e-324, 123456789.125]},
]


@pytest.mark.parametrize("arguments", VALUES)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_values_go_through_unchanged(driver: Path, tmp_path: Path, arguments: dict, ascii_only: bool) -> None:
    request = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": arguments, "_meta": {"agent": "a"}}},
        ensure_ascii=ascii_only,
    ).encode()
    found = answer(driver, tmp_path, request)["result"]["structuredContent"]
    assert found == {"arguments": arguments, "meta": {"agent": "a"}, "n": -(2**63), "b": True, "raw": "\ufffd\ufffd(\ufffd\ufffd\ufffd"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e3", 1000), ("2.0", 2), ("-0", 0), ("-0.0", 0), ("9007199254740992.0", 2**53), ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", None), ("-9223372036854775809", None), ("99999999999999999999999", None), ("1.5", None), ("1e300", None), ("1e999", None),
        ('"1"', None), ("null", None), ("true", None), ("[1]", None),
    ],
)  # fmt: skip
def test_integers(driver: Path, tmp_path: Path, text: str, number: int | None) -> None:
    result = answer(driver, tmp_path, call({"n": 0}).replace(b'"n": 0', b'"n": ' + text.encode()))["result"]
    if number is None:
        assert result == {"content": [{"type": "text", "text": "the argument 'n' must be an integer of at most 64 bits"}], "isError": True}
    else:
        assert result["structuredContent"]["n"] == number


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("key_in_list", "a key inside a list"), ("no_key", "no key inside an object"), ("open_end", "did not close"),
        ("close_more", "closed more"), ("too_deep", "too deep"), ("not_finite", "cannot hold"),
    ],
)  # fmt: skip
def test_a_tool_that_builds_nonsense_gives_an_error(driver: Path, tmp_path: Path, tool: str, words: str) -> None:
    error = answer(driver, tmp_path, call({}, tool))["error"]
    assert error["code"] == -32603
    assert words in error["message"]


@pytest.mark.parametrize(
    ("request_id", "echoed"),
    [(b"1", b"1"), (b"-7", b"-7"), (b'"\\u0041"', b'"\\u0041"'), (b"123456789012345678901234567890", b"123456789012345678901234567890")],
)
def test_the_id_comes_back_as_it_was(driver: Path, tmp_path: Path, request_id: bytes, echoed: bytes) -> None:
    reply = replies(driver, [call({}).replace(b'"id": 1', b'"id": ' + request_id)], tmp_path)[0]
    assert reply.startswith(b'{"jsonrpc":"2.0","id":' + echoed + b',"result":')


@pytest.mark.parametrize("request_id", [b"null", b"true", b"[1]", b"{}", b"1.5", b"1e3", b"1E999", b"1" * 33])
def test_an_id_of_another_type_is_refused(driver: Path, tmp_path: Path, request_id: bytes) -> None:
    reply = answer(driver, tmp_path, call({}).replace(b'"id": 1', b'"id": ' + request_id))
    assert (reply["id"], reply["error"]["code"]) == (None, -32600)


# --- limits

TAIL = b',"id":1,"jsonrpc":"2.0","method":"tools/call","params":{"name":"greet"}}'
LIMITS = [
    ("line", b'{"x":"' + b"a" * (LINE_MAX - 7 - len(TAIL)) + b'"' + TAIL, 0),
    ("line+1", b'{"x":"' + b"a" * (LINE_MAX - 6 - len(TAIL)) + b'"' + TAIL, -32600),
    ("depth", b'{"x":' + b"[" * 31 + b"]" * 31 + TAIL, 0),
    ("depth+1", b'{"x":' + b"[" * 32 + b"]" * 32 + TAIL, -32600),
    ("depth, open", b"[" * 100000, -32600),
    ("keys", b'{"x":{' + b",".join(b'"%d":0' % i for i in range(1024)) + b"}" + TAIL, 0),
    ("keys+1", b'{"x":{' + b",".join(b'"%d":0' % i for i in range(1025)) + b"}" + TAIL, -32600),
    ("values", b'{"x":[' + b",".join([b"0"] * 65529) + b"]" + TAIL, 0),
    ("values+1", b'{"x":[' + b",".join([b"0"] * 65530) + b"]" + TAIL, -32600),
]


@pytest.mark.parametrize(("request_line", "code"), [pytest.param(line, code, id=name) for name, line, code in LIMITS])
def test_limits(driver: Path, tmp_path: Path, request_line: bytes, code: int) -> None:
    reply = answer(driver, tmp_path, request_line)
    assert reply.get("error", {"code": 0})["code"] == code


# --- fuzzing, against another reader


def no_constant(_: str) -> None:
    raise ValueError


def is_json(data: bytes) -> bool:
    """Whether our own strict reader takes it. Numbers beyond a double are legal JSON, and of no interest here."""
    try:
        jsontext.read(data, family="manifest", where="case")
    except Refused as fault:
        if "number is out of range" not in fault.message:
            return False
    try:
        json.loads(data, parse_constant=no_constant)
    except ValueError:
        return False
    return True


PIECES = [
    b'"', b"\\", b"\\u", b"\\ud83d", b"\\ude00", b"{", b"}", b"[", b"]", b",", b":", b"null", b"tru", b"-", b"0", b"01", b"1.", b".5", b"1e", b"e+9", b"1E-2",
    b"\x00", b"\n", b"\r", b" ", b"\x7f", b"\x80", b"\xc0\x80", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98\x80", b"\xef\xbb\xbf",
    b'"name":', b'"id":2,', b'"arguments":{}', b"//", b"'", b"NaN", b"Infinity",
]  # fmt: skip


def mutated(seed: bytes, chance: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.choice((1, 1, 1, 1, 2, 8))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((0, 1, 1, 2, 10)))
        kind = chance.randrange(10)
        if kind == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at:end] = chance.choice(PIECES)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            data[at:at] = data[chance.randrange(len(data) + 1) :][: chance.choice((1, 5, 40))]
        elif kind == 4:
            del data[at:]
        elif at < len(data):  # half of the changes are gentle: they leave most requests whole
            data[at : at + (data[at : at + 1].isalnum())] = chance.choice((b"\\u00e9", b"\\n", b"e", b"\xc3\xa9", b"0", b"1", b"\\ud83d\\ude00", b" "))
    return bytes(data)


def test_fuzzed_requests_get_one_sound_reply_each(hello: Path, driver: Path, tmp_path: Path) -> None:
    """No crash, no leak, no undefined step; each reply is one line of strict JSON; and the adapter reads as JSON what we do."""
    chance = random.Random(7)
    seeds = [*lines(hello / "tests/requests.jsonl"), *(call(item, _meta={"agent": "é"}) for item in VALUES)]
    cases = [mutated(chance.choice(seeds), chance) for _ in range(CASES)]
    found = replies(driver, cases, tmp_path)
    assert len(found) == CASES
    good = 0
    for case, line in zip(cases, found, strict=True):
        reply = jsontext.read(line, family="manifest", where=repr(case))
        assert isinstance(reply, dict)
        assert reply["jsonrpc"] == "2.0"
        error = reply.get("error", {})
        assert ("result" in reply) is not ("error" in reply)
        assert isinstance(error, dict)
        unread = error.get("code") == -32700 or error.get("message") == "the request is nested too deep"
        assert unread is not is_json(case), (case, line)
        good += "result" in reply
    assert CASES / 20 < good < CASES / 2, "the mutations are neither harmless nor all fatal"
