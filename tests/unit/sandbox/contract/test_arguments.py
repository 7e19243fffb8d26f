"""Arguments are read strictly and written once; the line that carries them is one line."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

import mpp.author
from mpp.errors import HostFailed, Refused
from mpp.model.calls import CallContext
from mpp.stages.sandbox.contract import ARGUMENT_BYTES_MAX, LINE_BYTES_MAX, read_arguments, request_line
from mpp.stages.sandbox.contract.limits import ARGUMENT_DEPTH_MAX, ARGUMENT_VALUES_MAX

CONTEXT = CallContext(
    invocation="0" * 32, tenant="", agent="Ada's agent\n", agent_proof="launched", user="ada", package_id="org.example.x", version="1.0.0",
    content_hash="a" * 64, publisher_id="b" * 64, tool="greet",
)  # fmt: skip

WRITTEN = [
    (b' { "a" : 1.0 , "b" : [ ] } ', b'{"a":1.0,"b":[]}'),
    (b'{"b":1,"a":2}', b'{"b":1,"a":2}'),
    ('{"é":"\\u00e9\\n"}'.encode(), '{"é":"é\\n"}'.encode()),
    (b'{"a":1e3,"b":-0.0,"c":18446744073709551615}', b'{"a":1000.0,"b":-0.0,"c":18446744073709551615}'),
    (b'{"a":"\\ud83d\\ude00\\u2028"}', '{"a":"😀\u2028"}'.encode()),
]


@pytest.mark.parametrize(("given", "written"), WRITTEN)
def test_arguments_are_written_once(given: bytes, written: bytes) -> None:
    arguments = read_arguments(given)
    assert arguments.data == written
    assert arguments.sha256 == hashlib.sha256(written).hexdigest()
    assert read_arguments(written).data == written


REFUSED = {
    "no object": (b"[]", "call.form"),
    "nothing": (b"", "call.json"),
    "a key twice": (b'{"a":1,"a":2}', "call.json"),
    "a key twice, escaped": (b'{"a":1,"\\u0061":2}', "call.json"),
    "not a number": (b'{"a":NaN}', "call.json"),
    "infinite": (b'{"a":1e400}', "call.json"),
    "an endless integer": (b'{"a":1' + b"0" * 5000 + b"}", "call.json"),
    "half a character": (b'{"a":"\\ud800"}', "call.json"),
    "not UTF-8": (b'{"a":"\xff"}', "call.json"),
    "a byte-order mark": (b"\xef\xbb\xbf{}", "call.json"),
    "two documents": (b"{}{}", "call.json"),
    "above 64 bits": (b'{"a":[18446744073709551616]}', "call.number"),
    "below 64 bits": (b'{"a":-9223372036854775809}', "call.number"),
    "deep": (b'{"a":' + b"[" * ARGUMENT_DEPTH_MAX + b"]" * ARGUMENT_DEPTH_MAX + b"}", "call.size"),
    "many": (b'{"a":[' + b"1," * ARGUMENT_VALUES_MAX + b"1]}", "call.size"),
    "long": (b'{"a":"' + b"x" * ARGUMENT_BYTES_MAX + b'"}', "call.size"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=list(REFUSED))
def test_other_arguments_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_arguments(data)
    assert caught.value.code == code
    assert caught.value.faults[0].hint


def test_arguments_that_grow_when_written_are_measured_again() -> None:
    data = b'{"a":[' + b",".join([b"1e15"] * 59_000) + b"]}"
    assert len(data) < ARGUMENT_BYTES_MAX
    with pytest.raises(Refused, match="written out"):
        read_arguments(data)


def test_the_line_is_one_request() -> None:
    arguments = read_arguments('{"name":"a\\nb\\u2028é"}'.encode())
    line = request_line("greet", arguments, CONTEXT)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.count(arguments.data) == 1
    assert json.loads(line) == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "greet", "arguments": {"name": "a\nb\u2028é"}, "_meta": CONTEXT.shown()},
    }


def test_the_largest_line_fits_an_adapter() -> None:
    header = (Path(mpp.author.__file__).parent / "templates/c/include/mpp.h").read_text(encoding="utf-8")
    kib, unit = re.search(r"MPP_LINE_MAX \((\d+)u \* (\d+)u\)", header).groups()  # type: ignore[union-attr]
    most = b'{"a":"' + b"x" * (ARGUMENT_BYTES_MAX - 8) + b'"}'
    assert len(request_line("greet", read_arguments(most), CONTEXT)) <= LINE_BYTES_MAX == int(kib) * int(unit)
    values = int(re.search(r"MPP_VALUES_MAX (\d+)u", header)[1])  # type: ignore[index]
    assert values > ARGUMENT_VALUES_MAX + 100
    assert int(re.search(r"MPP_DEPTH_MAX (\d+)u", header)[1]) == ARGUMENT_DEPTH_MAX + 2  # type: ignore[index]


def test_a_context_that_does_not_fit_is_the_hosts_fault() -> None:
    large = CallContext(**{**{name: getattr(CONTEXT, name) for name in CallContext.__slots__}, "user": "u" * 20_000})  # type: ignore[arg-type]
    with pytest.raises(HostFailed) as caught:
        request_line("greet", read_arguments(b"{}"), large)
    assert caught.value.code == "host.context"
