"""Reads what `strace` wrote of a server: which hosts it asked for, which files it opened. The trace is data: nothing in it is obeyed.

All texts are printed as hex (``-xx``), so no name of a file can look like another line of the trace.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from mpp.author.migrating.evidence import Observed, code_folders, grouped, own
from mpp.author.migrating.limits import SEEN_MAX, STRINGS_BYTES, TRACE_LINE_BYTES_MAX, TRACE_LINES_MAX

CALLS = "open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,truncate,execve,connect,sendto,sendmsg,sendmmsg"

_LINE = re.compile(rb"(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)", re.DOTALL)
_UNFINISHED = b"<unfinished ...>"
_RESULT = re.compile(rb"\)\s+= (-?\d+)(?:<((?:\\x[0-9a-f]{2})*)>)?[^=]*$", re.DOTALL)
_TEXT = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_FOLDER = re.compile(rb"(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)>, \"")
_ADDRESS = re.compile(rb"<TCP(?:v6)?:.*sa_family=AF_INET6?, sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"((?:\\x[0-9a-f]{2})*)\"")
_QUERY = re.compile(rb"<UDP(?:v6)?:\[[^\]]*:53\]>")
_WRITING = re.compile(rb"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)*[a-z0-9_-]{1,63}")
_LOCAL = re.compile(r"127\.|::1$|::ffff:127\.|0\.0\.0\.0$|::$")
_HEADER_BYTES = 12
_LABEL_BYTES_MAX = 63


def trace_command(strace: str, out: str, command: Sequence[str]) -> list[str]:
    """The command under the trace: with its children, paths and sockets by name, all texts in hex."""
    return [strace, "-f", "-qq", "-yy", "-xx", "-s", str(STRINGS_BYTES), "-e", f"trace={CALLS}", "-e", "signal=none", "-o", out, "--", *command]


class Trace:
    """What was seen so far."""

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.listed: set[str] = set()
        self.written: set[str] = set()
        self.hosts: set[str] = set()
        self.addresses: set[tuple[str, int]] = set()
        self.programs: dict[str, None] = {}
        self.cut = False
        self._begun: dict[bytes, bytes] = {}

    def take(self, line: bytes) -> None:
        found = _LINE.match(line)
        if found is None:
            return
        pid, resumed, name, rest = found.groups()
        if resumed is not None:
            name, rest = resumed, self._begun.pop(pid, b"") + rest
        elif rest.rstrip().endswith(_UNFINISHED):
            # Attack on memory: threads that never end. As many as a machine has processes.
            if len(self._begun) < SEEN_MAX:
                self._begun[pid] = rest.rstrip().removesuffix(_UNFINISHED)
            return
        result = _RESULT.search(rest)
        if result is not None:
            self._call(name.decode("ascii"), rest[: result.start()], int(result[1]), result[2])

    def _call(self, name: str, rest: bytes, result: int, opened: bytes | None) -> None:
        if name == "connect":
            self._connect(rest)
        elif name.startswith("send"):
            if _QUERY.search(rest) is not None:
                for text in _TEXT.findall(rest):
                    _add(self.hosts, query_name(_bytes(text)))
        elif result < 0:
            return
        elif name == "execve":
            if len(self.programs) < SEEN_MAX:
                self.programs.update(dict.fromkeys(_paths(rest)[:1]))
        elif name.startswith(("open", "creat")):
            self._open(_text(opened or b""), rest, creates=name == "creat")
        else:
            for path in _paths(rest):
                _add(self.written, path)

    def _open(self, path: str, rest: bytes, *, creates: bool) -> None:
        flags = _TEXT.sub(b"", rest)
        if creates or _WRITING.search(flags):
            _add(self.written, path)
        elif b"O_DIRECTORY" in flags:
            _add(self.listed, path)
        else:
            _add(self.read, path)

    def _connect(self, rest: bytes) -> None:
        found = _ADDRESS.search(rest)
        if found is not None and len(self.addresses) < SEEN_MAX:
            self.addresses.add((_text(found[2]), int(found[1])))


def read_trace(stream: IO[bytes]) -> Trace:
    """The whole trace, line by line. A line that is too long says nothing that could be used."""
    trace = Trace()
    for line in _lines(stream):
        trace.take(line)
    trace.cut = bool(stream.read(1))
    return trace


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    for _ in range(TRACE_LINES_MAX):
        line = stream.readline(TRACE_LINE_BYTES_MAX)
        if not line:
            return
        yield line


def observed(trace: Trace, command: Sequence[str], *, calls: int, home: str, traced_by: str) -> Observed:
    """What of it is the server's own affair."""
    programs = [path for path in trace.programs if path != traced_by]
    code = code_folders(programs, command, home)
    reads = grouped(own(trace.read, code), _far(own(trace.listed, code)), home)
    writes = grouped(own(trace.written, ()), (), home)
    away = sorted((address, port) for address, port in trace.addresses if not _LOCAL.match(address))
    return Observed(
        traced=True, calls=calls, hosts=tuple(sorted(trace.hosts)), addresses=tuple(_shown(address, port) for address, port in sorted(trace.addresses)),
        ports=tuple(sorted({port for _, port in away})), reads=reads, writes=writes, programs=tuple(programs), home=home, cut=trace.cut,
    )  # fmt: skip


def _far(folders: Iterable[str]) -> list[str]:
    """Without the very top of the tree, which every look for a module lists."""
    return [folder for folder in folders if folder.count("/") > 1]


def _shown(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def query_name(packet: bytes) -> str:
    """The name that a query of the domain name system asks for; empty where it is none."""
    at, labels = _HEADER_BYTES, []
    # One question, and no answer: bytes 4 and 5 count the questions, the highest bit of byte 2 marks answers.
    if len(packet) <= _HEADER_BYTES or packet[4:6] != b"\0\1" or packet[2] & 0x80:
        return ""
    while at < len(packet) and 0 < (size := packet[at]) <= _LABEL_BYTES_MAX:
        labels.append(packet[at + 1 : at + 1 + size])
        at += 1 + size
    name = b".".join(labels).decode("ascii", "replace").lower()
    return name if at < len(packet) and packet[at] == 0 and _NAME.fullmatch(name) else ""


def _paths(rest: bytes) -> list[str]:
    """The absolute paths among the arguments of a call; relative ones are joined to the folder that the trace names, or left out."""
    out = []
    for found in _TEXT.finditer(rest):
        path = _text(found[1])
        before = _FOLDER.search(rest[: found.start() + 1][-4 * 4096 :])
        if not path.startswith("/") and before is not None:
            path = posixpath.join(_text(before[1]), path)
        if path.startswith("/"):
            out.append(posixpath.normpath(path))
    return out


def _bytes(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode("ascii"))


def _text(text: bytes) -> str:
    return _bytes(text).decode("utf-8", "replace")


def _add(names: set[str], name: str) -> None:
    if name and len(names) < SEEN_MAX:
        names.add(name)
