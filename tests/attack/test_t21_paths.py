"""T21, path escape: a guest with one folder tries every name that could lead out of it. Outside lies a canary."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mpp.stages.sandbox.wasi.codes import NUMBERS
from tests.attack.guests.puppet import PUPPET, Script, Told
from tests.attack.sandboxed import Box

CANARY = b"canary: nobody in the sandbox may read or change this"
PLANTED = b"planted by a guest"
READ, WRITE, CREATE, FOLDER, TRUNCATE = 2, 2 | 64, 1, 2, 8


class Ground:
    """``inside`` is granted, ``outside`` lies beside it."""

    def __init__(self, root: Path) -> None:
        self.inside, self.outside = root / "inside", root / "outside"
        (self.inside / "sub" / "deep").mkdir(parents=True)
        self.outside.mkdir()
        self.canary = self.outside / "canary"
        self.canary.write_bytes(CANARY)
        (self.inside / "own").write_bytes(b"own")
        (self.inside / "sub" / "own").write_bytes(b"own")
        links = {
            "to-file": "../outside/canary", "to-folder": "../outside", "absolute": str(self.canary), "absolute-folder": str(self.outside), "root": "/",
            "dangling": "../outside/made", "up": "..", "chain-1": "chain-2", "chain-2": "sub/chain-3", "loop-1": "loop-2", "loop-2": "loop-1",
            "proc-root": "/proc/self/root", "proc-fd": "/proc/self/fd/3", "cwd": "/proc/self/cwd", "down-and-up": "sub/../../outside/canary",
        }  # fmt: skip
        for name, target in links.items():
            (self.inside / name).symlink_to(target)
        (self.inside / "sub" / "chain-3").symlink_to("../../outside/canary")

    def is_untouched(self) -> bool:
        return self.canary.read_bytes() == CANARY and os.listdir(self.outside) == ["canary"]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def play(box: Box, ground: Ground, script: Script, *, write: bool = True) -> Told:
    run = box.run(PUPPET, script.line(), folders=(("/data", ground.inside, write),))
    assert run.fault is None, run.fault
    assert CANARY not in run.stdout + run.stderr
    assert ground.is_untouched()
    return Told(run.stdout)


def absolute(ground: Ground) -> bytes:
    return os.fsencode(ground.canary)


OUTSIDE = {
    "dots": b"../outside/canary", "many dots": b"../" * 40 + b"etc/passwd", "dots behind": b"sub/../../outside/canary", "dots deep": b"sub/deep/../../../outside/canary",
    "dot dots": b"./.././outside/canary", "double slash": b"..//outside/canary", "dots slash": b"../", "dots only": b"..", "dots dot": b"../.",
    "absolute": b"/etc/passwd", "double absolute": b"//etc/passwd", "proc": b"/proc/self/environ", "proc mem": b"/proc/self/mem", "guest absolute": b"/data/own",
    "link": b"to-file", "link in folder": b"to-folder/canary", "absolute link": b"absolute", "absolute folder link": b"absolute-folder/canary",
    "root link": b"root/etc/passwd", "link up": b"up/outside/canary", "link up twice": b"up/up/etc/passwd", "chain": b"chain-1", "loop": b"loop-1", "down and up": b"down-and-up",
    "proc root link": b"proc-root/etc/passwd", "proc descriptor link": b"proc-fd", "proc cwd link": b"cwd/etc/passwd",
    "link and slash": b"to-folder/", "link and dot": b"to-folder/.", "link and dots": b"to-folder/..", "link, dots, link": b"sub/../to-file",
    "nul": b"own\0/../../outside/canary", "nul first": b"\0../outside/canary", "nul last": b"own\0", "no utf-8": b"\xff\xfe/canary", "overlong dots": b"\xc0\xae\xc0\xae/outside/canary",
    "surrogate": b"\xed\xa0\x80", "empty": b"", "too long": b"a" * 5000, "long way": b"sub/../" * 600 + b"../outside/canary", "long name": b"n" * 256,
    "case": b"OWN", "backslash": b"..\\outside\\canary", "percent": b"%2e%2e/outside/canary", "full width": "\uff0e\uff0e/outside/canary".encode(), "colon": b"own:stream",
    "drive": b"C:/outside/canary", "tilde": b"~/canary", "file behind file": b"own/../../outside/canary", "file and slash": b"own/", "host folder": b"../mpp/host", "mpp": b"mpp/host",
    "url": b"file:///etc/passwd", "newline": b"own\n", "trailing dot": b"own.", "dots and space": b".. /outside/canary",
}  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("follow", [0, 1])
def test_no_name_leads_out(box: Box, ground: Ground, name: str, follow: int) -> None:
    script, opened = Script(), []
    for asked, base in ((0, READ), (0, WRITE), (FOLDER, READ), (TRUNCATE, WRITE), (CREATE | 4, 0)):
        number, at = script.open(OUTSIDE[name], asked=asked, base=base, follow=follow)
        opened.append((number, asked))
        script.read(at)
    told = play(box, ground, script)
    for number, asked in opened:
        # To make a file of an odd name inside is harmless, and so is to find one's own folder again by a long way.
        if told.results[number] == 0:
            assert asked & CREATE, name


@pytest.mark.parametrize("name", ["link", "chain", "absolute", "dots behind", "link in folder"])
def test_what_does_not_open_is_not_there_to_look_at_either(box: Box, ground: Ground, name: str) -> None:
    script = Script()
    path, size = script.put(OUTSIDE[name]), len(OUTSIDE[name])
    looks = [script.call("path_filestat_get", 3, 1, path, size, script.room), script.call("path_filestat_set_times", 3, 1, path, size, 0, 0, 1 | 4, 0)]
    told = play(box, ground, script)
    assert {told.results[look] for look in looks} <= {NUMBERS["NOTCAPABLE"], NUMBERS["PERM"], NUMBERS["NOENT"], NUMBERS["LOOP"]}


MOVES = (
    b"../outside/taken",
    b"to-folder/taken",
    b"up/outside/taken",
    b"absolute-folder/taken",
    b"/tmp/taken",
    b"sub/../../outside/taken",
    b"dangling/x",
    b"../outside/canary",
)


@pytest.mark.parametrize("target", MOVES, ids=lambda one: one.decode())
def test_nothing_is_moved_linked_or_made_outside(box: Box, ground: Ground, target: bytes) -> None:
    script = Script()
    own, out, size = script.put(b"own"), script.put(target), len(target)
    tries = [
        script.call("path_rename", 3, own, 3, 3, out, size),
        script.call("path_rename", 3, out, size, 3, script.put(b"stolen"), 6),
        script.call("path_link", 3, 0, own, 3, 3, out, size),
        script.call("path_link", 3, 0, out, size, 3, script.put(b"hard"), 4),
        script.call("path_link", 3, 1, out, size, 3, script.put(b"hard2"), 5),
        script.call("path_symlink", own, 3, 3, out, size),
        script.call("path_create_directory", 3, out, size),
        script.call("path_remove_directory", 3, out, size),
        script.call("path_unlink_file", 3, out, size),
        script.call("path_readlink", 3, out, size, script.room, 64, script.room + 64),
    ]
    told = play(box, ground, script)
    assert 0 not in [told.results[one] for one in tries]


@pytest.mark.parametrize(
    "target", [b"/etc/passwd", b"..", b"../outside/canary", b"sub/../../outside", b"a/..", b"/", b"./../outside", b"//etc"], ids=lambda one: one.decode()
)
def test_a_guest_plants_no_link_that_leads_out(box: Box, ground: Ground, target: bytes) -> None:
    script = Script()
    planted = script.call("path_symlink", script.put(target), len(target), 3, script.put(b"sub/planted"), 11)
    told = play(box, ground, script)
    assert told.results[planted] == NUMBERS["PERM"]
    assert not os.path.lexists(ground.inside / "sub" / "planted")


@pytest.mark.parametrize("name", [b"to-file", b"sub/chain-3", b"absolute", b"up", b"to-folder"], ids=lambda one: one.decode())
def test_a_link_of_the_host_is_not_moved_to_where_it_would_lead_elsewhere(box: Box, ground: Ground, name: bytes) -> None:
    script = Script()
    moved = script.call("path_rename", 3, script.put(name), len(name), 3, script.put(b"sub/deep/moved"), 14)
    told = play(box, ground, script)
    assert told.results[moved] == NUMBERS["PERM"]


def test_a_link_that_a_guest_may_plant_leads_only_down(box: Box, ground: Ground) -> None:
    script = Script()
    planted = script.call("path_symlink", script.put(b"deep"), 4, 3, script.put(b"sub/down"), 8)
    # Attack: the folder that the link stands in moves, and the link with it; what it names is still below.
    moved = script.call("path_rename", 3, script.put(b"sub"), 3, 3, script.put(b"elsewhere"), 9)
    through, at = script.open(b"elsewhere/down/new", asked=CREATE, base=WRITE)
    script.write(at, PLANTED)
    told = play(box, ground, script)
    assert [told.results[one] for one in (planted, moved, through)] == [0, 0, 0]
    assert (ground.inside / "elsewhere" / "deep" / "new").read_bytes() == PLANTED


def test_a_subfolder_is_no_way_up(box: Box, ground: Ground) -> None:
    script = Script()
    _, sub = script.open(b"sub", asked=FOLDER, base=0)
    ups = [script.open(path, fd_at=sub, fd=0)[0] for path in (b"../own", b"..", b"deep/../../own", b"chain-3", b"/own", b"../../outside/canary")]
    told = play(box, ground, script)
    assert told.u32(sub) > 3
    assert {told.results[one] for one in ups} <= {NUMBERS["NOTCAPABLE"], NUMBERS["LOOP"]}


def test_a_read_only_folder_changes_in_no_way(box: Box, ground: Ground) -> None:
    before = sorted((path, path.lstat().st_mtime_ns) for path in ground.inside.rglob("*"))
    script = Script()
    own, new = script.put(b"own"), script.put(b"new")
    tries = [
        script.open(b"own", base=WRITE)[0], script.open(b"own", asked=TRUNCATE)[0], script.open(b"new", asked=CREATE)[0], script.open(b"sub", asked=FOLDER, base=64)[0],
        script.call("path_create_directory", 3, new, 3), script.call("path_remove_directory", 3, script.put(b"sub/deep"), 8), script.call("path_unlink_file", 3, own, 3),
        script.call("path_rename", 3, own, 3, 3, new, 3), script.call("path_link", 3, 0, own, 3, 3, new, 3), script.call("path_symlink", own, 3, 3, new, 3),
        script.call("path_filestat_set_times", 3, 0, own, 3, 1, 1, 5), script.call("fd_filestat_set_times", 3, 1, 1, 5),
    ]  # fmt: skip
    _, at = script.open(b"own")
    tries += [
        script.write(at, PLANTED), script.call("fd_filestat_set_size", at, 0, held=(0,)), script.call("fd_allocate", at, 0, 10, held=(0,)),
        script.call("fd_pwrite", at, script.room, 1, 0, script.room, held=(0,)), script.call("fd_filestat_set_times", at, 1, 1, 5, held=(0,)),
        script.call("fd_fdstat_set_rights", at, (1 << 30) - 1, 0, held=(0,)),
    ]  # fmt: skip
    told = play(box, ground, script, write=False)
    # A subfolder opens, for reading: the wish to write in it is only a wish.
    results = [told.results[one] for one in tries]
    assert [place for place, result in enumerate(results) if result == 0 and place != 3] == []
    assert sorted((path, path.lstat().st_mtime_ns) for path in ground.inside.rglob("*")) == before


def test_between_a_read_only_and_a_writable_folder_nothing_flows_back(box: Box, ground: Ground, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    script = Script()
    own = script.put(b"own")
    tries = []
    for source, target in ((3, 4), (4, 3), (3, 3), (4, 4)):
        tries.append(script.call("path_link", source, 0, own, 3, target, script.put(b"linked"), 6))
        tries.append(script.call("path_rename", source, own, 3, target, script.put(b"moved"), 5))
    run = box.run(PUPPET, script.line(), folders=(("/data", ground.inside, False), ("/other", other, True)))
    told = Told(run.stdout)
    assert 0 not in [told.results[one] for one in tries]
    assert (os.listdir(other), (ground.inside / "own").read_bytes()) == ([], b"own")


@pytest.mark.parametrize("kind", ["fifo", "socket", "link to fifo", "device"])
def test_what_is_no_file_does_not_open_and_does_not_block(box: Box, ground: Ground, kind: str) -> None:
    path = ground.inside / "odd"
    kept = None
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link to fifo":
        os.mkfifo(ground.inside / "pipe")
        path.symlink_to("pipe")
    elif kind == "socket":
        kept = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        os.chdir(ground.inside)
        kept.bind("odd")
        os.chdir(here)
        kept.close()
    else:
        try:
            os.mknod(path, 0o020666, os.makedev(1, 5))
        except PermissionError:
            pytest.skip("only root can make a device")
    script = Script()
    tries = [script.open(b"odd", base=base)[0] for base in (READ, 64, WRITE)]
    told = play(box, ground, script)
    assert {told.results[one] for one in tries} <= {NUMBERS["ACCES"], NUMBERS["PERM"]}


def test_the_host_folder_holds_the_one_file_and_nothing_else(box: Box, ground: Ground) -> None:
    script = Script()
    tries = [
        script.open(path, fd=4)[0] for path in (b"../data/own", b"own", b"host/../own", b"hosts", b"HOST", b"host/x", b"..", b"/host", b"host\0", b"./../data")
    ]
    tries += [script.open(b"new", fd=4, asked=CREATE, base=WRITE)[0], script.call("path_unlink_file", 4, script.put(b"host"), 4)]
    tries += [
        script.call("path_rename", 4, script.put(b"host"), 4, 3, script.put(b"host"), 4),
        script.call("path_rename", 3, script.put(b"own"), 3, 4, script.put(b"own"), 3),
    ]
    good, _ = script.open(b"host", fd=4, base=WRITE)
    told = play(box, ground, script)
    assert 0 not in [told.results[one] for one in tries]
    assert told.results[good] == 0


def test_a_granted_folder_named_mpp_does_not_hide_the_host_and_is_not_hidden_by_it(box: Box, ground: Ground) -> None:
    # Attack: /mpp/host as a file of the guest's own, to answer other code of the tool in the host's name.
    (ground.inside / "host").write_bytes(b"a file that says it is the host")
    script = Script()
    _, at = script.open(b"host", base=WRITE)
    into = script.read(at)
    run = box.run(PUPPET, script.line(), folders=(("/mpp", ground.inside, True),))
    assert run.fault is None
    assert Told(run.stdout).at(into, 6) != b"a file"


def test_a_single_granted_file_does_not_give_its_folder(box: Box, ground: Ground) -> None:
    script = Script()
    good, at = script.open(b"own")
    into = script.read(at)
    tries = [script.open(path)[0] for path in (b"sub", b"sub/own", b"../outside/canary", b"to-file", b"own/..", b"absolute")]
    tries += [script.open(b"own", base=WRITE)[0], script.open(b"new", asked=CREATE, base=WRITE)[0], script.call("path_unlink_file", 3, script.put(b"own"), 3)]
    run = box.run(PUPPET, script.line(), folders=(("/data/own", ground.inside / "own", False),))
    told = Told(run.stdout)
    assert (told.results[good], told.at(into, 3)) == (0, b"own")
    assert 0 not in [told.results[one] for one in tries]
    assert sorted(run.used.files_read) == ["/data/own"]


def test_without_a_grant_there_is_no_file_and_no_proc(box: Box) -> None:
    script = Script()
    tries = [
        script.open(path, fd=fd)[0]
        for fd in range(16)
        for path in (b"proc/self/environ", b"/proc/self/maps", b"etc/passwd", b"/", b"..", b"../etc/passwd", b"dev/null")
    ]
    told = Told(box.run(PUPPET, script.line()).stdout)
    assert 0 not in [told.results[one] for one in tries]
