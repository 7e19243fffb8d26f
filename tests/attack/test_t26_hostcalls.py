"""T26, abuse of host calls: what is no request, too many of them, and pointers and sizes that lie. The host answers, refuses, or ends the guest."""

from __future__ import annotations

import json
import struct

import pytest

from mpp.stages.sandbox import limits
from mpp.stages.sandbox.wasi.codes import NUMBERS
from tests.attack.guests.puppet import PAGES, PUPPET, Script, Told
from tests.attack.sandboxed import Box, Host, code, guest

REQUEST = b'{"method": "any", "params": {"a": 1}}'
ANSWER = b'{"result":{"ok":true}}'
END = PAGES * 65536
ERROR = -(1 << 30)

NO_REQUESTS = {
    "nothing": b" ", "no json": b"hello", "half": b'{"method": "any"', "a list": b"[]", "a text": b'"any"', "a number": b"1", "null": b"null",
    "no method": b"{}", "method is a number": b'{"method": 1}', "method is null": b'{"method": null}', "method is a list": b'{"method": ["any"]}',
    "params is a list": b'{"method": "any", "params": []}', "params is null": b'{"method": "any", "params": null}', "params is a text": b'{"method": "any", "params": "x"}',
    "more keys": b'{"method": "any", "rights": {"all": true}}', "a tenant": b'{"method": "any", "params": {}, "tenant": "other"}', "two methods": b'{"method": "any", "method": "other"}',
    "two documents": b'{"method": "any"}{"method": "any"}', "two lines": b'{"method": "any"}\n{"method": "any"}', "no utf-8": b'{"method": "\xff\xfe"}', "nul": b'{"method": "any"}\0',
    "half a character": b'{"method": "\\ud800"}', "nan": b'{"method": "any", "params": {"a": NaN}}', "infinity": b'{"method": "any", "params": {"a": 1e999}}',
    "a long number": b'{"method": "any", "params": {"a": ' + b"9" * 20_000 + b"}}", "deep": b'{"method": "any", "params": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "many": b'{"method": "any", "params": {"a": [' + b"1," * 1_000_000 + b"1]}}", "byte-order mark": b'\xef\xbb\xbf{"method": "any"}', "comment": b'{"method": "any"} // x',
}  # fmt: skip


def asked(box: Box, request: bytes, host: Host | None = None) -> tuple[int, bytes]:
    run = box.run(guest("ask"), request, host=host)
    assert run.fault is None
    return struct.unpack("<i", run.stdout[:4])[0], run.stdout[4:]


def test_a_good_request_is_answered(box: Box) -> None:
    host = Host()
    assert asked(box, REQUEST, host) == (len(ANSWER), ANSWER)
    assert host.asked == [("any", {"a": 1})]


@pytest.mark.parametrize("name", NO_REQUESTS)
def test_what_is_no_request_is_answered_so_and_reaches_nobody(box: Box, name: str) -> None:
    host = Host()
    size, answer = asked(box, NO_REQUESTS[name], host)
    assert size == len(answer)
    assert json.loads(answer)["error"]["code"] == "bad_request"
    assert host.asked == []


def test_nothing_is_no_request_at_all(box: Box) -> None:
    assert asked(box, b"")[0] < ERROR


def test_a_host_call_too_many_ends_the_guest(box: Box) -> None:
    host = Host()
    run = box.run(guest("ask-for-ever"), seconds=60, host=host)
    assert code(run.fault) == "tool.protocol"
    assert len(host.asked) == limits.HOST_CALLS_MAX


def test_a_host_call_before_the_begin_is_a_host_call(box: Box) -> None:
    host = Host()
    run = box.run(guest("ask-in-start"), host=host)
    assert (run.fault, len(host.asked)) == (None, 1)


def test_a_memory_that_grows_between_host_calls_gets_its_answers(box: Box) -> None:
    run = box.run(guest("ask-and-grow"))
    assert run.fault is None
    assert struct.unpack("<II", run.stdout) == (50, 50)


LIES = {
    "request behind": lambda at: (END, 1, at, 64), "request over the end": lambda at: (END - 4, 37, at, 64), "request wraps": lambda at: (0xFFFFFFFF, 37, at, 64),
    "request of everything": lambda at: (0, 0xFFFFFFFF, at, 64), "request wraps to its place": lambda at: (at, 0xFFFFFFF0, at, 64),
    "answer behind": lambda at: (at, 37, END, 1), "answer over the end": lambda at: (at, 37, END - 8, 64), "answer wraps": lambda at: (at, 37, 0xFFFFFFFF, 64),
    "answer of everything": lambda at: (at, 37, 0, 0xFFFFFFFF), "both": lambda at: (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), "negative": lambda at: (at, 37, at, 0x80000000),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_pointers_and_sizes_that_lie_reach_nobody(box: Box, name: str) -> None:
    script, host = Script(), Host()
    told_at = script.call("call", *LIES[name](script.put(REQUEST)))
    run = box.run(PUPPET, script.line(), host=host)
    assert run.fault is None
    assert Told(run.stdout).results[told_at] < ERROR
    assert host.asked == []


def test_an_answer_that_overlaps_its_request_is_whole(box: Box) -> None:
    script = Script()
    at = script.put(REQUEST + bytes(64))
    number = script.call("call", at, len(REQUEST), at + 3, 64)
    told = Told(box.run(PUPPET, script.line()).stdout)
    assert told.at(at + 3, told.results[number]) == ANSWER


def test_an_answer_that_does_not_fit_is_fetched_and_never_asked_twice(box: Box) -> None:
    script, host = Script(), Host()
    at, into = script.put(REQUEST), script.put(bytes(64))
    calls = [script.call("call", at, len(REQUEST), into, size) for size in (0, 1, len(ANSWER) - 1)]
    few = script.call("call", 0, 0, into, 5)
    whole = script.call("call", 0, 0, into, 64)
    again = script.call("call", 0, 0, into, 64)
    told = Told(box.run(PUPPET, script.line(), host=host).stdout)
    assert [told.results[one] for one in (*calls, few, whole)] == [-len(ANSWER)] * 4 + [len(ANSWER)]
    assert told.results[again] < ERROR
    assert told.at(into, len(ANSWER)) == ANSWER
    assert len(host.asked) == 3


def test_the_file_takes_one_request_at_a_time(box: Box) -> None:
    script, host = Script(), Host()
    _, at = script.open(b"host", base=2 | 64)
    first = script.write(at, REQUEST + b"\n" + REQUEST + b"\n")
    second = script.write(at, REQUEST + b"\n")
    answer = script.read(at, 256)
    told = Told(box.run(PUPPET, script.line(), host=host).stdout)
    assert told.results[first] == 0
    assert told.results[second] == NUMBERS["BUSY"]
    assert told.at(answer, 64).rstrip(b"\0") == ANSWER + b"\n"
    assert len(host.asked) == 1


def test_two_openings_of_the_file_do_not_mix_and_have_no_place(box: Box) -> None:
    script, host = Script(), Host()
    _, one = script.open(b"host", base=2 | 64)
    _, two = script.open(b"host", base=2 | 64)
    script.write(one, b'{"method": ')
    script.write(two, REQUEST + b"\n")
    other, empty = script.read(two, 64), script.read(one, 64)
    odd = [script.call(name, one, *rest, held=(0,)) for name, *rest in (
        ("fd_seek", 0, 0, script.room), ("fd_tell", script.room), ("fd_pread", script.room, 1, 0, script.room), ("fd_pwrite", script.room, 1, 0, script.room),
        ("fd_filestat_set_size", 5), ("fd_allocate", 0, 5), ("fd_readdir", script.room, 9, 0, script.room), ("fd_sync",), ("fd_filestat_set_times", 1, 1, 5),
    )]  # fmt: skip
    told = Told(box.run(PUPPET, script.line(), host=host).stdout)
    assert told.at(other, 64).rstrip(b"\0") == ANSWER + b"\n"
    assert told.at(empty, 64) == bytes(64)
    assert 0 not in [told.results[one] for one in odd]
    assert len(host.asked) == 1


def test_a_request_without_an_end_is_refused_at_its_limit(box: Box) -> None:
    script = Script()
    _, at = script.open(b"host", base=64)
    vector = script.put(struct.pack("<II", 0x10000, 0x60000))
    tries = [script.call("fd_write", at, vector, 1, script.room, held=(0,)) for _ in range(40)]
    # Without a newline: the bytes of the script itself have none here.
    script.line()
    told = Told(box.run(PUPPET, script.line()).stdout)
    assert {told.results[one] for one in tries} <= {0, NUMBERS["MSGSIZE"], NUMBERS["BUSY"]}


def test_a_big_answer_arrives_whole(box: Box) -> None:
    script = Script()
    big = {"text": "x" * 400_000}
    at = script.put(REQUEST)
    number = script.call("call", at, len(REQUEST), 0x60000, 0x80000)
    told = Told(box.run(PUPPET, script.line(), host=Host(big)).stdout)
    assert told.results[number] == len(json.dumps({"result": big}, separators=(",", ":")))


def test_a_host_that_answers_late_does_not_hold_the_guest_longer_than_its_time(box: Box) -> None:
    script = Script()
    script.host(b'{"method": "wait"}')
    run = box.run(PUPPET, script.line(), seconds=0.1)
    # The host's own wait ends with the call's time; the answer then comes too late.
    assert code(run.fault) in {"tool.deadline", ""}
    assert run.seconds < 30
