"""Single files, devices and the host's own file: names in folders that hold nothing else."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.stages.sandbox.limits import HOST_REQUEST_BYTES_MAX
from mpp.stages.sandbox.wasi import DeadlineOver, DeviceGrant, Grant, Preview1, codes, hostcall, prepare, rights
from tests.unit.sandbox.wasi.twins import AREA, DATA, PATH, RESULT, STRUCT, Direct

READ, WRITE, BOTH = rights.FD_READ, rights.FD_WRITE, rights.FD_READ | rights.FD_WRITE


@pytest.fixture
def fds() -> Iterator[list[int]]:
    opened: list[int] = []
    yield opened
    for fd in opened:
        os.close(fd)


def grant(path: Path, guest: str, fds: list[int], *, write: bool, flags: int = os.O_PATH) -> Grant:
    fds.append(os.open(path, flags))
    return Grant(guest=guest, fd=fds[-1], write=write, folder=path.is_dir())


def preopens(guest: Direct) -> dict[int, str]:
    """What a C library finds: from 3 on until the first that is none."""
    found = {}
    for fd in range(3, 100):
        if guest("fd_prestat_get", fd, RESULT):
            break
        size = guest.u32(RESULT + 4)
        assert guest("fd_prestat_dir_name", fd, DATA, size) == 0
        found[fd] = guest.get(DATA, size).decode()
    return found


@pytest.mark.parametrize("flags", [os.O_PATH, os.O_RDONLY], ids=["pointed to", "opened"])
def test_a_single_file_stands_alone_in_its_folder(tmp_path: Path, fds: list[int], flags: int) -> None:
    (tmp_path / "config").write_bytes(b"settings")
    (tmp_path / "secret").write_bytes(b"secret")
    setup = prepare((grant(tmp_path / "config", "/etc/app/config", fds, write=False, flags=flags),), host_file=False)
    fds += setup.opened
    guest = Direct(Preview1(setup))
    assert preopens(guest) == {3: "/etc/app"}
    assert {name for name, _ in guest.names()} == {".", "..", "config"}
    first, second = guest.opened("config"), guest.opened("./config")
    assert guest.read(first, 3) == (0, b"set")
    assert guest.read(second, 20) == (0, b"settings")
    assert guest.stat("config") == (0, rights.REGULAR, 8)
    for path, answer in {"secret": codes.NOENT, "..": codes.NOTCAPABLE, "../app/config": codes.NOTCAPABLE, "/etc": codes.NOTCAPABLE, "": codes.NOENT}.items():
        assert guest.open(path)[0] == answer
        assert guest.stat(path)[0] == answer
        assert guest.path("path_readlink", 3, path, DATA, 9, RESULT) == answer
    assert guest.path("path_readlink", 3, "config", DATA, 9, RESULT) == codes.INVAL
    assert guest.path("path_readlink", 3, ".", DATA, 9, RESULT) == codes.INVAL
    assert guest.stat(".")[:2] == (0, rights.DIRECTORY)
    assert guest("fd_filestat_get", 3, STRUCT) == 0
    for wish, answer in (({"base": WRITE}, codes.PERM), ({"asked": 8}, codes.PERM), ({"asked": 2}, codes.NOTDIR), ({"asked": 5}, codes.EXIST)):
        assert guest.open("config", **wish)[0] == answer
    for name in ("path_unlink_file", "path_create_directory", "path_remove_directory"):
        assert guest.path(name, 3, "config") == codes.PERM
        assert guest.path(name, 3, "other") == codes.PERM
    assert guest("fd_filestat_set_times", first, 0, 0, rights.MTIM) == codes.PERM
    inner = guest.opened(".")
    assert guest.open("config", fd=inner)[0] == 0
    assert guest.open(".", asked=1)[0] == codes.ISDIR
    assert guest("fd_filestat_set_times", inner, 0, 0, rights.MTIM) == codes.PERM
    guest.calls.close()
    assert (tmp_path / "config").read_bytes() == b"settings"


def test_a_single_file_for_writing(tmp_path: Path, fds: list[int]) -> None:
    (tmp_path / "log").write_bytes(b"old")
    setup = prepare((grant(tmp_path / "log", "/log", fds, write=True),), host_file=False)
    fds += setup.opened
    guest = Direct(Preview1(setup))
    assert preopens(guest) == {3: "/"}
    fd = guest.opened("log", base=BOTH, flags=rights.APPEND)
    assert guest.write(fd, b"+new") == (0, 4)
    assert (tmp_path / "log").read_bytes() == b"old+new"
    guest.opened("log", asked=rights.O_TRUNC | rights.O_CREAT, base=WRITE)
    assert (tmp_path / "log").read_bytes() == b""
    assert guest.calls.used().written == ("/log",)


def test_a_file_in_a_granted_folder_leaves_the_folder_visible(tmp_path: Path, fds: list[int]) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("sub/a", "sub/b", "top"):
        (tmp_path / name).write_bytes(name.encode())
    folder, inner, top = (grant(tmp_path / path, f"/data/{path}", fds, write=path != "") for path in ("", "sub/a", "top"))
    setup = prepare((Grant(guest="/data/", fd=folder.fd, write=False, folder=True), inner, top), host_file=False)
    fds += setup.opened
    guest = Direct(Preview1(setup))
    assert preopens(guest) == {3: "/data", 4: "/data/sub"}
    assert guest.open("a", fd=4, base=BOTH)[0] == 0
    assert guest.open("b", fd=4, base=READ)[0] == 0
    assert guest.open("b", fd=4, base=BOTH)[0] == codes.PERM
    assert guest.open("top", base=BOTH)[0] == 0
    assert guest.open("sub/a", base=BOTH)[0] == codes.PERM
    assert {name for name, _ in guest.names(4)} == {".", "..", "a", "b"}
    guest.calls.close()


def test_a_file_below_a_grant_where_nothing_is(tmp_path: Path, fds: list[int]) -> None:
    (tmp_path / "x").touch()
    folder, one = grant(tmp_path, "/data", fds, write=True), grant(tmp_path / "x", "/data/none/x", fds, write=False)
    setup = prepare((folder, one), host_file=False)
    fds += setup.opened
    assert preopens(Direct(Preview1(setup))) == {3: "/data", 4: "/data/none"}


def test_what_is_no_file_is_not_granted_as_one(tmp_path: Path, fds: list[int]) -> None:
    fds.append(os.open(tmp_path, os.O_PATH))
    with pytest.raises(HostFailed) as fault:
        prepare((Grant(guest="/x", fd=fds[-1], write=False, folder=False),))
    assert fault.value.code == "host.grant"


def test_a_file_that_cannot_be_opened_anew_is_named(tmp_path: Path, fds: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").touch()
    one = grant(tmp_path / "x", "/x", fds, write=False)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mpp.stages.sandbox.wasi.setup.os.open", refuse)
    with pytest.raises(HostFailed, match="Permission denied"):
        prepare((one,))


def test_a_device_is_read_and_waited_for(fds: list[int]) -> None:
    ends = os.pipe2(os.O_NONBLOCK)
    fds += ends
    devices = (DeviceGrant(guest="/dev/in", fd=ends[0], mode="r"), DeviceGrant(guest="/dev/out", fd=ends[1], mode="w"))
    guest = Direct(Preview1(prepare(devices=devices, host_file=False), deadline=time.monotonic() + 60))
    assert preopens(guest) == {3: "/dev"}
    assert guest.open("in", base=BOTH)[0] == codes.PERM
    source, sink = guest.opened("in", base=READ), guest.opened("out", base=WRITE)
    both = [struct.pack("<QB7xI28x", number, number, fd) for number, fd in ((1, source), (2, sink))]
    assert poll(guest, *both) == [2]
    assert guest.write(sink, b"signal") == (0, 6)
    assert poll(guest, *both) == [1, 2]
    assert guest.read(source, 100) == (0, b"signal")
    assert guest("fd_seek", source, 0, 0, RESULT) == codes.SPIPE
    clock = struct.pack("<QB7xI4xQQH6x", 7, 0, 1, 1_000_000, 0, 0)
    assert poll(guest, both[0], clock) == [7]
    guest.calls.deadline = time.monotonic() + 0.02
    with pytest.raises(DeadlineOver):
        poll(guest, both[0])
    guest.calls.deadline = time.monotonic() + 0.02
    with pytest.raises(DeadlineOver):
        guest.read(source, 100)
    guest.calls.close()
    os.fstat(ends[0])


def poll(guest: Direct, *asked: bytes) -> list[int]:
    guest.put(AREA, b"".join(asked))
    assert guest("poll_oneoff", AREA, AREA + 512, len(asked), RESULT) == 0
    return [guest.u32(AREA + 512 + 32 * place) for place in range(guest.u32())]


def asking(answer: bytes = b'{"result":1}') -> tuple[Direct, list[bytes]]:
    asked: list[bytes] = []

    def host(request: bytes) -> bytes:
        asked.append(request)
        return answer

    return Direct(Preview1(prepare(), host_call=host)), asked


def test_a_line_to_the_host_is_answered_by_a_line() -> None:
    guest, asked = asking()
    assert preopens(guest) == {3: "/mpp"}
    fd = guest.opened("host", base=BOTH)
    assert guest.read(fd, 10) == (0, b"")
    assert guest.write(fd, b'{"method"', b":1}") == (0, 12)
    assert asked == []
    assert guest.write(fd, b"\n") == (0, 1)
    assert asked == [b'{"method":1}']
    assert guest.read(fd, 3, 4) == (0, b'{"resul')
    assert guest.read(fd, 100) == (0, b't":1}\n')
    assert guest.read(fd, 100) == (0, b"")
    assert guest.seek(fd, 0, 0)[0] == codes.SPIPE
    assert guest.stat("host") == (0, rights.CHARACTER, 0)


def test_one_request_is_under_way_at_a_time() -> None:
    guest, asked = asking()
    fd = guest.opened("host", base=BOTH)
    assert guest.write(fd, b"one\ntwo\n") == (0, 4)
    assert guest.write(fd, b"two\n")[0] == codes.BUSY
    guest.read(fd, 100)
    assert guest.write(fd, b"two\n", b"three\n") == (0, 4)
    assert asked == [b"one", b"two"]
    assert poll(guest, struct.pack("<QB7xI28x", 5, 1, fd)) == [5]


def test_a_request_without_end_is_refused() -> None:
    guest, _ = asking()
    guest.bytes = bytearray(HOST_REQUEST_BYTES_MAX + 0x10000)
    fd = guest.opened("host", base=BOTH)
    assert guest("fd_write", fd, 0x2100, guest.vector((HOST_REQUEST_BYTES_MAX,)), RESULT) == 0
    assert guest("fd_write", fd, 0x2100, guest.vector((1,)), RESULT) == codes.MSGSIZE


def test_without_a_host_the_file_answers_an_error() -> None:
    guest = Direct(Preview1(prepare()))
    assert guest.write(guest.opened("host", base=BOTH), b"x\n")[0] == codes.IO
    assert guest.calls.host_call_raw(PATH, 1, DATA, 10) == hostcall.NO_HOST


def test_the_import_keeps_an_answer_that_does_not_fit_and_asks_once() -> None:
    guest, asked = asking(b"0123456789")
    raw = guest.calls.host_call_raw
    guest.put(PATH, b"request")
    assert raw(PATH, 7, DATA, 4) == -10
    assert raw(0, 0, DATA, 5) == -10
    assert raw(0, 0, DATA, 10) == 10
    assert guest.get(DATA, 10) == b"0123456789"
    assert raw(0, 0, DATA, 10) == hostcall.NOTHING_KEPT
    assert asked == [b"request"]
    assert raw(PATH, 7, DATA, 100) == 10
    for wild in ((0xFFFF, 7, DATA, 10), (PATH, 7, 0xFFFF, 10), (PATH, 0xFFFFFFFF, DATA, 10)):
        assert raw(*wild) == hostcall.BAD_POINTER
    guest.bytes = bytearray(HOST_REQUEST_BYTES_MAX + 1000)
    assert raw(0, HOST_REQUEST_BYTES_MAX + 1, 0, 0) == hostcall.TOO_LARGE
    assert len(asked) == 2
