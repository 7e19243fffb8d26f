"""A recorded call, and its line in a file: tool, arguments, and either the result or the error. How long it took is left out, so equal runs give equal files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self

from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE
from mpp.host.replays.limits import CALLS_MAX, LINE_BYTES_MAX
from mpp.model.jsontext import Json, read, shown
from mpp.model.limits import NAME_MAX
from mpp.model.value import value

TOOL_CHARS_MAX = 4 * NAME_MAX
"""Characters of the name of a tool. Reason: a server's names may be longer than those of a package."""


@value
class Call:
    """What is asked."""

    tool: str
    arguments: dict[str, Json]


@value
class Recorded:
    """What was asked and what came back: a result of ``tools/call``, or an error with ``code`` and ``message``."""

    call: Call
    result: Json = None
    error: Json = None

    @property
    def answer(self) -> dict[str, Json]:
        return {"result": self.result} if self.error is None else {"error": self.error}

    @property
    def failed(self) -> bool:
        """Did it say that it could not do it, in either of the two ways?"""
        return self.error is not None or (isinstance(self.result, dict) and self.result.get("isError") is True)


def line_of(recorded: Recorded) -> bytes:
    """One line, with its end; keys in one order."""
    document: dict[str, Json] = {"tool": recorded.call.tool, "arguments": recorded.call.arguments, **recorded.answer}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=False).encode("utf-8", "replace") + b"\n"


def read_call(line: bytes, where: str) -> Call:
    """A line with at least a tool and perhaps its arguments; what was answered is passed over."""
    return _call(_object(line, where), where)


def read_recorded(line: bytes, where: str) -> Recorded:
    found = _object(line, where)
    if ("result" in found) == ("error" in found):
        raise _wrong(where, "a recorded call has either a result or an error", "record it again: mpp replay record")
    error = found.get("error")
    if "error" in found and not isinstance(error, dict):
        raise _wrong(where, "the error of a recorded call is an object", "record it again: mpp replay record")
    return Recorded(call=_call(found, where), result=found.get("result"), error=error)


def _object(line: bytes, where: str) -> dict[str, Json]:
    found = read(line, family="call", where=where)
    if not isinstance(found, dict):
        raise _wrong(where, "a line is one JSON object", 'write {"tool": "NAME", "arguments": {}}')
    for key in found:
        if key not in {"tool", "arguments", "result", "error"}:
            raise _wrong(where, f"the key {shown(key)!r} is not known", "a line has tool, arguments, and result or error")
    return found


def _call(found: dict[str, Json], where: str) -> Call:
    tool, arguments = found.get("tool"), found.get("arguments", {})
    if not isinstance(tool, str) or not 0 < len(tool) <= TOOL_CHARS_MAX:
        raise _wrong(where, f"the key 'tool' is a name of 1 to {TOOL_CHARS_MAX} characters", 'write {"tool": "NAME", "arguments": {}}')
    if not isinstance(arguments, dict):
        raise _wrong(where, "the key 'arguments' is an object", 'write {"tool": "NAME", "arguments": {}}')
    return Call(tool=tool, arguments=arguments)


def _wrong(where: str, message: str, hint: str) -> Refused:
    return Refused("usage.file", message, where=where, hint=hint)


def lines(path: str, *, torn: bool = True) -> Iterator[tuple[str, bytes]]:
    """Each line that is not empty, with its place. ``torn`` False leaves out a last line without an end, which a crash may have torn."""
    try:
        with open(path, "rb") as stream:
            for number in range(1, CALLS_MAX + 2):
                line = stream.readline(LINE_BYTES_MAX + 1)
                where = f"{path}:{number}"
                _bounded(line, where)
                if not line or not (torn or line.endswith(b"\n")):
                    return
                if number > CALLS_MAX:
                    raise _wrong(where, f"the file has more than {CALLS_MAX} lines", "split it")
                if line.strip():
                    yield where, line
    except OSError as fault:
        raise HostFailed(
            "host.file", f"cannot read the calls: {fault.strerror}", where=path, hint="check that the path exists and that you may read it"
        ) from None


def _bounded(line: bytes, where: str) -> None:
    if len(line) > LINE_BYTES_MAX:
        raise _wrong(where, f"a line has more than {LINE_BYTES_MAX} bytes", "give a smaller recording")


class Recording:
    """A file of calls being written: each line is in the file before the next call is made, so a crash costs one call at most."""

    def __init__(self, path: str, *, resume: bool) -> None:
        self.path = path
        self.kept: list[Call] = []
        """The calls that a run before this one has answers of already."""
        self._stream = self._continued() if resume and os.path.lexists(path) else self._fresh()

    def _fresh(self) -> IO[bytes]:
        try:
            # Answers may hold anything that is private: nobody else reads them.
            return open(self.path, "xb", buffering=0, opener=lambda path, flags: os.open(path, flags | os.O_CLOEXEC, PRIVATE))
        except FileExistsError:
            raise Refused("host.exists", "the file exists already", where=self.path, hint="name another file, or go on with it: --resume") from None
        except OSError as fault:
            raise self._failed(fault) from None

    def _continued(self) -> IO[bytes]:
        self.kept = [read_recorded(line, where).call for where, line in lines(self.path, torn=False)]
        try:
            stream = open(self.path, "r+b", buffering=0)  # noqa: SIM115 - open for as long as the recording
            # What a crash tore goes; what was whole stays.
            stream.truncate(_whole_bytes(stream))
            stream.seek(0, os.SEEK_END)
        except OSError as fault:
            raise self._failed(fault) from None
        return stream

    def add(self, recorded: Recorded) -> None:
        try:
            left = memoryview(line_of(recorded))
            while left:
                left = left[self._stream.write(left) or 0 :]
            os.fsync(self._stream.fileno())
        except OSError as fault:
            raise self._failed(fault) from None

    def _failed(self, fault: OSError) -> HostFailed:
        return HostFailed("host.file", f"cannot write the recording: {fault.strerror}", where=self.path, hint="check room and rights; go on with --resume")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()


def _whole_bytes(stream: IO[bytes]) -> int:
    """Where the last whole line ends."""
    whole = 0
    while piece := stream.readline(LINE_BYTES_MAX + 1):
        whole += len(piece) if piece.endswith(b"\n") else 0
    return whole


def rest_of(calls: list[Call], kept: list[Call], path: str) -> list[Call]:
    """What is still to be asked. Attack on the reader's trust: going on with a file of other calls would pair answers with the wrong questions."""
    for number, (call, old) in enumerate(zip(calls, kept, strict=False), 1):
        if call != old:
            raise _wrong(f"{path}: call {number}", "the file holds other calls than those that are given", "name another file for --out")
    if len(kept) > len(calls):
        raise _wrong(path, "the file holds more calls than are given", "name another file for --out")
    return calls[len(kept) :]
