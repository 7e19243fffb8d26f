"""Recordings: their lines, and what a crash leaves of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused
from mpp.host.replays import calls as module
from mpp.host.replays.calls import Call, line_of, lines, read_call, read_recorded, Recorded, Recording, rest_of
from mpp.host.replays.running import calls_of, Renamed, run_calls
from mpp.model.jsontext import Json


def done(text: str) -> Recorded:
    return Recorded(call=Call(tool="echo", arguments={"text": text}), result={"content": [{"type": "text", "text": text}]})


FAILED = Recorded(call=Call(tool="echo", arguments={}), error={"code": 1, "message": "no"})


@pytest.mark.parametrize("one", [done("a\nb é"), FAILED, Recorded(call=Call(tool="t", arguments={}), result=None)])
def test_a_line_reads_as_what_was_written(one: Recorded) -> None:
    line = line_of(one)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert read_recorded(line, "x") == one
    assert read_call(line, "x") == one.call


@pytest.mark.parametrize(
    ("one", "failed"),
    [
        (done("a"), False),
        (FAILED, True),
        (Recorded(call=FAILED.call, result={"isError": True}), True),
        (Recorded(call=FAILED.call, result={"isError": False}), False),
    ],
)
def test_a_failure_has_two_forms(one: Recorded, failed: bool) -> None:
    assert one.failed is failed


@pytest.mark.parametrize(
    "line",
    [
        b"[]", b"{", b'{"tool": "a"}', b'{"tool": "a", "result": 1, "error": {}}', b'{"tool": "a", "error": 1}', b'{"tool": 1, "result": 1}', b'{"tool": "", "result": 1}',
        b'{"tool": "a", "arguments": [], "result": 1}', b'{"tool": "a", "more": 1, "result": 1}', b'{"tool": "a", "tool": "b", "result": 1}', b'{"result": 1}',
        b'{"tool": "' + b"a" * 300 + b'", "result": 1}',
    ],
)  # fmt: skip
def test_a_line_that_is_no_recorded_call_is_refused(line: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_recorded(line, "calls.jsonl:3")
    assert "calls.jsonl:3" in caught.value.where


def test_arguments_may_be_left_out_of_a_call() -> None:
    assert read_call(b'{"tool": "a"}', "x") == Call(tool="a", arguments={})


def test_a_new_recording_takes_no_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"")
    with pytest.raises(Refused) as caught:
        Recording(str(path), resume=False)
    assert caught.value.code == "host.exists"
    with pytest.raises(MppError) as failed:
        Recording(str(tmp_path / "no" / "folder"), resume=False)
    assert failed.value.code == "host.file"


def test_what_a_crash_tore_is_made_again_and_what_was_whole_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(line_of(done("one")) + line_of(done("two"))[:-5])
    with Recording(str(tmp_path / "fresh"), resume=True):
        assert (tmp_path / "fresh").stat().st_mode & 0o077 == 0, "answers are for nobody else"
    with Recording(str(path), resume=True) as recording:
        assert recording.kept == [done("one").call]
        recording.add(done("two"))
    assert path.read_bytes() == line_of(done("one")) + line_of(done("two"))


def test_a_full_disk_is_told_of(tmp_path: Path) -> None:
    with Recording(str(tmp_path / "out"), resume=False) as recording, open("/dev/full", "wb", buffering=0) as full, pytest.raises(MppError) as caught:
        recording._stream.close()
        recording._stream = full
        recording.add(done("a"))
    assert caught.value.code == "host.file"
    assert "--resume" in caught.value.hint


class Target:
    def __init__(self, fails_at: int = -1) -> None:
        self.asked: list[Call] = []
        self.fails_at = fails_at

    def call(self, call: Call) -> Recorded:
        if len(self.asked) == self.fails_at:
            raise Refused("usage.file", "broken")
        self.asked.append(call)
        return Recorded(call=call, result={"n": len(self.asked)})


def test_a_run_that_broke_goes_on_where_it_was(tmp_path: Path) -> None:
    path = str(tmp_path / "out.jsonl")
    wanted = [done(text).call for text in "abc"]
    with pytest.raises(Refused):
        run_calls(wanted, lambda: Target(fails_at=2), path, resume=False)
    again = Target()
    assert run_calls(wanted, lambda: again, path, resume=True) == 1
    assert again.asked == wanted[2:]
    assert calls_of(path) == wanted
    # Nothing is left: nobody is even started.
    assert run_calls(wanted, lambda: pytest.fail("started"), path, resume=True) == 0


def test_going_on_with_other_calls_is_refused() -> None:
    a, b = done("a").call, done("b").call
    assert rest_of([a, b], [a], "x") == [b]
    for wanted, kept in (([a, b], [b]), ([a], [a, b])):
        with pytest.raises(Refused) as caught:
            rest_of(wanted, kept, "x")
        assert caught.value.code == "usage.file"


def test_there_is_something_to_ask_and_not_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "out.jsonl")
    with pytest.raises(Refused):
        run_calls([], Target, path, resume=False)
    monkeypatch.setattr("mpp.host.replays.running.CALLS_MAX", 2)
    with pytest.raises(Refused):
        run_calls([done("a").call] * 3, Target, path, resume=False)
    assert not os.path.exists(path)


def test_lines_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"tool": "a"}\n\n{"tool": "b"}')
    assert [line for _, line in lines(str(path))] == [b'{"tool": "a"}\n', b'{"tool": "b"}']
    assert len(list(lines(str(path), torn=False))) == 1
    monkeypatch.setattr(module, "LINE_BYTES_MAX", 5)
    with pytest.raises(Refused):
        list(lines(str(path)))
    monkeypatch.setattr(module, "LINE_BYTES_MAX", 100)
    monkeypatch.setattr(module, "CALLS_MAX", 1)
    with pytest.raises(Refused):
        list(lines(str(path)))
    with pytest.raises(MppError) as failed:
        list(lines(str(tmp_path / "absent")))
    assert failed.value.code == "host.file"


class Echo:
    def call(self, call: Call) -> Recorded:
        found: Json = {"asked": call.tool}
        return Recorded(call=call, result=found)


def test_a_prefix_is_asked_for_and_not_recorded() -> None:
    renamed = Renamed(client=Echo(), prefix="notes__")  # type: ignore[arg-type]
    call = Call(tool="add", arguments={})
    assert renamed.call(call) == Recorded(call=call, result={"asked": "notes__add"})
