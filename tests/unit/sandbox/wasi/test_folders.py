"""Files and folders of grants: what works, what stays outside, what is paid for, what is reported."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.stages.sandbox.wasi import Grant, Preview1, Quota, codes, limits, prepare, rights
from tests.unit.sandbox.wasi.twins import AREA, DATA, PATH, RESULT, STRUCT, Direct

READ, WRITE, BOTH = rights.FD_READ, rights.FD_WRITE, rights.FD_READ | rights.FD_WRITE
CREATE = rights.O_CREAT
Open = Callable[..., Direct]


@pytest.fixture
def host(tmp_path: Path) -> Path:
    folder = tmp_path / "granted"
    folder.mkdir()
    (folder / "f").write_bytes(b"0123456789")
    (folder / "sub").mkdir()
    (folder / "sub" / "g").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "up").symlink_to("../secret")
    (folder / "absolute").symlink_to(tmp_path / "secret")
    (folder / "ln").symlink_to("f")
    (folder / "later").symlink_to("made")
    return folder


@pytest.fixture
def open_grants(host: Path) -> Iterator[Open]:
    made: list[tuple[Direct, list[int]]] = []

    def opened(*, write: bool = True, quota: Quota | None = None, second: Path | None = None, second_write: bool = False) -> Direct:
        fds = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in (host, second) if path]
        grants = [Grant(guest="/data", fd=fds[0], write=write, folder=True)]
        if second:
            grants.append(Grant(guest="/other", fd=fds[1], write=second_write, folder=True))
        guest = Direct(Preview1(prepare(tuple(grants), host_file=False, quota=quota)))
        made.append((guest, fds))
        return guest

    yield opened
    for guest, fds in made:
        guest.calls.close()
        for fd in fds:
            os.close(fd)


def test_a_new_file_is_private_and_has_no_special_bits(host: Path, open_grants: Open) -> None:
    guest = open_grants()
    fd = guest.opened("new", asked=CREATE, base=BOTH)
    assert guest.write(fd, b"abc") == (0, 3)
    assert (host / "new").read_bytes() == b"abc"
    assert stat.S_IMODE((host / "new").stat().st_mode) & ~0o600 == 0
    assert guest.path("path_create_directory", 3, "d") == 0
    assert stat.S_IMODE((host / "d").stat().st_mode) & ~0o700 == 0


ESCAPES = ("..", "../secret", "sub/../../secret", "/etc/passwd", "//etc", "up/x", "./../secret", "sub/./../../secret", "/")


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("name", ["path_create_directory", "path_remove_directory", "path_unlink_file"])
def test_no_path_changes_anything_outside(host: Path, open_grants: Open, path: str, name: str) -> None:
    assert open_grants().path(name, 3, path) in {codes.NOTCAPABLE, codes.NOTDIR}
    assert (host.parent / "secret").read_bytes() == b"secret"


@pytest.mark.parametrize("path", [*ESCAPES, "up", "absolute"])
@pytest.mark.parametrize("wish", [{}, {"asked": CREATE, "base": BOTH}, {"asked": rights.O_TRUNC, "base": BOTH}, {"base": 0}])
def test_no_path_opens_anything_outside(host: Path, open_grants: Open, path: str, wish: dict[str, int]) -> None:
    guest = open_grants()
    assert guest.open(path, follow=1, **wish)[0] in {codes.NOTCAPABLE, codes.NOTDIR, codes.ISDIR}
    assert guest.open(path, **wish)[0] != 0
    assert guest.stat(path, follow=1)[0] != 0
    assert (host.parent / "secret").read_bytes() == b"secret"
    assert guest("path_filestat_set_times", 3, 1, PATH, guest.put(PATH, path.encode()), 1, 1, 5) != 0


def test_a_link_to_an_absolute_path_shows_nothing_of_the_host(open_grants: Open) -> None:
    guest = open_grants()
    assert guest.path("path_readlink", 3, "absolute", DATA, 200, RESULT) == codes.NOTCAPABLE
    assert guest.get(DATA, 10) == bytes(10)
    assert guest.path("path_readlink", 3, "ln", DATA, 0, RESULT) == 0
    assert guest.path("path_readlink", 3, "f", DATA, 10, RESULT) == codes.INVAL


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "../x", "sub/../../x", "a/..", "/"])
def test_a_guest_plants_no_link_that_leads_up(host: Path, open_grants: Open, target: str) -> None:
    assert open_grants().two("path_symlink", target, "planted") == codes.PERM
    assert not (host / "planted").is_symlink()


def test_a_link_of_the_host_that_leads_up_is_not_moved(host: Path, open_grants: Open) -> None:
    guest = open_grants()
    for name in ("path_rename", "path_link"):
        assert guest.two(name, "up", "sub/up") == codes.PERM
        assert guest.two(name, "absolute", "sub/up") == codes.PERM
    assert sorted(os.listdir(host / "sub")) == ["g"]
    assert guest.two("path_rename", "ln", "sub/ln") == 0


def test_pipes_sockets_and_devices_are_refused_at_once(host: Path, open_grants: Open) -> None:
    os.mkfifo(host / "pipe")
    guest = open_grants()
    for base in (READ, WRITE, BOTH, 0):
        assert guest.open("pipe", base=base)[0] == codes.ACCES
    assert guest.stat("pipe")[:2] == (0, rights.UNKNOWN)
    assert ("pipe", rights.UNKNOWN) in guest.names()


def test_a_file_for_reading_gets_no_second_name_in_a_writable_folder(host: Path, tmp_path: Path, open_grants: Open) -> None:
    reading = tmp_path / "reading"
    reading.mkdir()
    (reading / "r").write_bytes(b"r")
    guest = open_grants(second=reading)
    assert guest("path_link", 4, 0, PATH, guest.put(PATH, b"r"), 3, PATH + 100, guest.put(PATH + 100, b"w")) == codes.PERM
    assert guest("path_rename", 4, PATH, 1, 3, PATH + 100, 1) == codes.PERM
    assert guest("path_link", 3, 1, PATH, guest.put(PATH, b"f"), 3, PATH + 100, 1) == codes.INVAL
    assert not (host / "w").exists()


@pytest.mark.parametrize(("path", "answer"), [(b"a\0b", codes.INVAL), (b"\xff", codes.ILSEQ), (b"\xed\xa0\x80", codes.ILSEQ), (b"x" * 4097, codes.NAMETOOLONG)])
def test_paths_that_are_no_text_are_refused(open_grants: Open, path: bytes, answer: int) -> None:
    guest = open_grants()
    assert guest.open(path, asked=CREATE, base=BOTH)[0] == answer
    assert guest.path("path_create_directory", 3, path) == answer


def test_a_name_in_another_script_works(host: Path, open_grants: Open) -> None:
    guest = open_grants()
    guest.opened("größe-日本", asked=CREATE, base=BOTH)
    assert (host / "größe-日本").exists()
    os.mkdir(os.fsencode(host) + b"/\xff")
    assert {name for name, _ in guest.names()} >= {"größe-日本", "f"}


def test_written_bytes_are_paid_for_holes_included(open_grants: Open) -> None:
    guest = open_grants(quota=Quota(written=1000))
    fd = guest.opened("new", asked=CREATE, base=BOTH)
    assert guest.write(fd, b"x" * 100) == (0, 100)
    assert guest.seek(fd, 900, 0) == (0, 900)
    assert guest.write(fd, b"x" * 101)[0] == codes.DQUOT
    assert guest("fd_pwrite", fd, 0x2100, guest.vector((10,)), 2000, RESULT) == codes.DQUOT
    assert guest("fd_filestat_set_size", fd, 1001) == codes.DQUOT
    assert guest("fd_filestat_set_size", fd, 600) == 0
    assert guest("fd_allocate", fd, 0, 401) == codes.DQUOT
    assert guest("fd_allocate", fd, 0, 100) == 0
    assert guest.calls.bytes_left == 300
    assert guest.write(fd, b"x")[0] == codes.DQUOT
    assert guest("fd_filestat_set_size", fd, 2**63) == codes.INVAL


def test_appending_is_paid_for_and_goes_to_the_end(host: Path, open_grants: Open) -> None:
    guest = open_grants(quota=Quota(written=5))
    fd = guest.opened("f", base=BOTH, flags=rights.APPEND)
    assert guest.write(fd, b"abc") == (0, 3)
    assert guest.write(fd) == (0, 0)
    assert guest("fd_tell", fd, RESULT) == 0
    assert guest.u64() == 13
    guest.put(DATA, b"ZZ")
    assert guest("fd_pwrite", fd, 0x2100, guest.vector((2,)), 0, RESULT) == 0
    assert guest.write(fd, b"d")[0] == codes.DQUOT
    assert (host / "f").read_bytes() == b"ZZ23456789abc"


def test_made_names_are_counted_and_failures_are_not(open_grants: Open) -> None:
    guest = open_grants(quota=Quota(created=3))
    for _ in range(5):
        assert guest.open("f", asked=CREATE | rights.O_EXCL, base=BOTH)[0] == codes.EXIST
        assert guest.open("f", asked=CREATE, base=BOTH)[0] == 0
        assert guest.path("path_create_directory", 3, "sub") == codes.EXIST
    assert guest.open("one", asked=CREATE | rights.O_EXCL, base=BOTH)[0] == 0
    assert guest.path("path_create_directory", 3, "two") == 0
    assert guest.two("path_symlink", "f", "three") == 0
    for answer in (guest.open("four", asked=CREATE, base=BOTH)[0], guest.path("path_create_directory", 3, "four"), guest.two("path_link", "f", "four")):
        assert answer == codes.DQUOT


def test_a_link_to_what_is_not_there_yet_makes_the_file_beneath(host: Path, open_grants: Open) -> None:
    guest = open_grants()
    guest.opened("later", asked=CREATE, base=BOTH, follow=1)
    assert (host / "made").exists()
    assert guest.open("up", asked=CREATE, base=BOTH, follow=1)[0] == codes.NOTCAPABLE


def test_descriptors_are_bounded_and_numbers_come_back(open_grants: Open) -> None:
    guest = open_grants(quota=Quota(descriptors=6))
    assert [guest.opened("f") for _ in range(2)] == [4, 5]
    assert guest.open("f")[0] == codes.MFILE
    assert guest("fd_close", 4) == 0
    assert guest.opened("f") == 4


def test_listings_are_bounded_and_given_back(host: Path, open_grants: Open) -> None:
    guest = open_grants(quota=Quota(entries=7))
    assert len(guest.names()) == 6 + 2
    fd = guest.opened("sub", asked=rights.O_DIRECTORY, base=READ)
    assert len(guest.names(fd)) == 3
    (host / "sub" / "h").touch()
    assert guest("fd_readdir", fd, AREA, 64, 0, RESULT) == codes.DQUOT
    assert guest("fd_close", 3) == 0
    assert len(guest.names(fd)) == 4
    assert guest("fd_readdir", fd, AREA, 64, 2**64 - 1, RESULT) == 0
    assert guest.u32() == 0
    assert guest("fd_readdir", 0, AREA, 64, 0, RESULT) == codes.BADF
    assert guest("fd_readdir", fd, 0xFFF0, 64, 0, RESULT) == codes.FAULT


def test_taken_rights_are_gone(open_grants: Open) -> None:
    guest = open_grants()
    fd = guest.opened("f", base=BOTH)
    assert guest("fd_fdstat_set_rights", fd, rights.FD_READ, 0) == 0
    assert guest.write(fd, b"x")[0] == codes.BADF
    assert guest.seek(fd, 0, 0)[0] == codes.NOTCAPABLE
    for name, numbers in {"fd_pread": (0x2100, 0, 0, RESULT), "fd_sync": (), "fd_datasync": (), "fd_advise": (0, 0, 0), "fd_fdstat_set_flags": (0,)}.items():
        assert guest(name, fd, *numbers) == codes.NOTCAPABLE
    keep = rights.rights("path_open path_filestat_get")
    assert guest("fd_fdstat_set_rights", 3, keep, rights.FOLDER | rights.FD_READ) == 0
    assert guest.open("f", base=BOTH)[0] == codes.NOTCAPABLE
    assert guest.open("new", asked=CREATE, base=READ)[0] == codes.NOTCAPABLE
    assert guest.open("f", base=READ)[0] == 0
    assert guest.path("path_unlink_file", 3, "f") == codes.NOTCAPABLE
    assert guest.path("path_readlink", 3, "ln", DATA, 10, RESULT) == codes.NOTCAPABLE
    inner = guest.opened("sub", asked=rights.O_DIRECTORY, base=0)
    assert guest.open("g", fd=inner, base=BOTH)[0] == codes.NOTCAPABLE


def test_wishes_that_make_no_sense_are_refused(open_grants: Open) -> None:
    guest = open_grants()
    for wish in ({"asked": 16}, {"flags": 32}, {"follow": 2}, {"asked": CREATE | rights.O_DIRECTORY}):
        assert guest.open("f", **wish)[0] == codes.INVAL
    assert guest.open("f", fd=guest.opened("f"))[0] == codes.NOTDIR
    assert guest("path_open", 3, 0, PATH, 1, 0, 0, 0, 0, 0xFFFD) == codes.FAULT
    fd = guest.opened("f", base=BOTH, flags=rights.SYNC | rights.DSYNC)
    assert guest("fd_advise", fd, 0, 0, 6) == codes.INVAL
    assert guest("fd_advise", fd, 2**63, 0, 0) == codes.INVAL
    assert guest("fd_allocate", fd, 0, 0) == codes.INVAL
    assert guest("fd_filestat_set_times", fd, 2**63, 0, rights.ATIM) == codes.INVAL
    assert guest.seek(fd, 2**63 - 1, 0) == (0, 2**63 - 1)
    assert guest.write(fd, b"x")[0] != 0
    assert guest("fd_pread", fd, 0x2100, guest.vector((1,)), 2**63, RESULT) == codes.INVAL
    assert guest("fd_filestat_set_times", guest.opened("f", base=READ), 0, 0, rights.MTIM_NOW) == 0


def test_read_only_grants_keep_even_their_times(host: Path, open_grants: Open) -> None:
    before = host.stat().st_mtime_ns
    guest = open_grants(write=False)
    fd = guest.opened("f")
    for number in (3, fd):
        assert guest("fd_filestat_set_times", number, 0, 0, rights.MTIM) == codes.PERM
    for answer in (guest("fd_allocate", fd, 0, 10), guest("fd_filestat_set_size", fd, 0), guest.write(fd, b"x")[0]):
        assert answer == codes.BADF
    assert host.stat().st_mtime_ns == before
    assert guest("fd_sync", 3) == 0


def test_used_files_are_reported_in_their_shortest_form(open_grants: Open) -> None:
    guest = open_grants()
    guest.opened("sub/../f")
    guest.opened("./f")
    guest.opened("new", asked=CREATE, base=WRITE)
    assert (guest.path("path_create_directory", 3, "d"), guest.path("path_remove_directory", 3, "d")) == (0, 0)
    inner = guest.opened("sub", asked=rights.O_DIRECTORY, base=READ)
    guest.opened("g", fd=inner)
    guest.path("path_unlink_file", 3, "new")
    guest.two("path_rename", "sub", "moved")
    guest.names()
    found = guest.calls.used()
    assert found.read == ("/data/f", "/data/sub/g", "/data")
    assert found.written == ("/data/new", "/data/d", "/data/sub", "/data/moved")
    assert not found.more


def test_the_report_is_bounded(open_grants: Open) -> None:
    guest = open_grants()
    for number in range(1001):
        guest.calls.note(b"/%d" % number, written=False)
    assert guest.calls.used().more
    assert len(guest.calls.used().read) == 1000


def test_the_end_closes_what_the_guest_opened_and_nothing_else(host: Path) -> None:
    granted = os.open(host, os.O_PATH | os.O_DIRECTORY)
    before = set(os.listdir("/proc/self/fd"))
    guest = Direct(Preview1(prepare((Grant(guest="/data", fd=granted, write=True, folder=True),))))
    guest.opened("f")
    guest.opened("sub", asked=rights.O_DIRECTORY, base=READ)
    guest.names()
    assert len(set(os.listdir("/proc/self/fd")) - before) == 2
    guest.calls.close()
    assert set(os.listdir("/proc/self/fd")) == before
    os.close(granted)


def test_a_swapped_folder_never_lets_a_lookup_out(host: Path, tmp_path: Path, open_grants: Open) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "g").write_bytes(b"secret")
    guest = open_grants()
    inner = guest.opened("sub", asked=rights.O_DIRECTORY, base=READ)
    (host / "sub").rename(tmp_path / "taken")
    (host / "sub").symlink_to(outside)
    assert guest.open("sub/g", follow=1)[0] == codes.NOTCAPABLE
    assert guest.path("path_unlink_file", 3, "sub/g") == codes.NOTCAPABLE
    # A folder that is open stays what it was, and nothing above it can be reached even after it moved.
    assert guest.open("g", fd=inner)[0] == 0
    assert guest.open("../secret", fd=inner)[0] == codes.NOTCAPABLE


def test_stat_times_and_layout(open_grants: Open) -> None:
    guest = open_grants()
    fd = guest.opened("f", base=BOTH)
    assert guest("fd_filestat_set_times", fd, 5_000_000_001, 7_000_000_002, rights.ATIM | rights.MTIM) == 0
    assert guest("fd_filestat_get", fd, STRUCT) == 0
    _, _, kind, links, size, accessed, modified, changed = struct.unpack("<QQB7xQQQQQ", guest.get(STRUCT, 64))
    assert (kind, links, size, accessed, modified) == (rights.REGULAR, 1, 10, 5_000_000_001, 7_000_000_002)
    assert changed > 10**18
    assert limits.ENTRIES_MAX > limits.CREATED_MAX
