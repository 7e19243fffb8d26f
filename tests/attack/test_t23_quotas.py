"""T23, filling up: descriptors, disk, names and listings have an end for each call, and the end is an error number, not a crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.stages.sandbox.wasi import limits
from mpp.stages.sandbox.wasi.codes import NUMBERS
from tests.attack.guests.puppet import PUPPET, Script, Told
from tests.attack.sandboxed import MIB, Box, guest

WRITE, CREATE, FOLDER = 64, 1, 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "data"
    found.mkdir()
    return found


def on(box: Box, folder: Path, script: Script) -> Told:
    run = box.run(PUPPET, script.line(), folders=(("/data", folder, True),))
    assert run.fault is None
    return Told(run.stdout)


def usage(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def test_descriptors_end(box: Box, folder: Path) -> None:
    (folder / "file").write_bytes(b"x")
    for path, asked in ((b"file", 0), (b".", FOLDER)):
        script = Script()
        opened = [script.open(path, asked=asked, base=0)[0] for _ in range(2 * limits.DESCRIPTORS_MAX)]
        told = on(box, folder, script)
        results = [told.results[one] for one in opened]
        assert results.count(0) == limits.DESCRIPTORS_MAX - 5
        assert set(results) == {0, NUMBERS["MFILE"]}


def test_descriptors_do_not_stay_open_for_the_next_call(box: Box, folder: Path) -> None:
    (folder / "file").write_bytes(b"x")
    script = Script()
    opened = [script.open(b"file")[0] for _ in range(100)]
    for _ in range(20):
        told = on(box, folder, script)
        assert {told.results[one] for one in opened} == {0}


@pytest.mark.parametrize("way", ["write", "sparse write", "seek and write", "resize", "allocate", "append"])
def test_the_disk_is_not_filled(box: Box, folder: Path, way: str) -> None:
    script = Script()
    _, at = script.open(b"file", asked=CREATE, base=2 | WRITE)
    huge = limits.WRITTEN_BYTES_MAX + 1
    vector = script.put(b"".join((0x10000).to_bytes(4, "little") + (0xF0000).to_bytes(4, "little") for _ in range(64)))
    if way == "write":
        tries = [script.call("fd_write", at, vector, 64, script.room, held=(0,)) for _ in range(8)]
    elif way == "sparse write":
        tries = [script.call("fd_pwrite", at, vector, 1, 1 << 40, script.room, held=(0,))]
    elif way == "seek and write":
        script.call("fd_seek", at, 1 << 40, 0, script.room, held=(0,))
        tries = [script.call("fd_write", at, vector, 1, script.room, held=(0,))]
    elif way == "resize":
        tries = [script.call("fd_filestat_set_size", at, size, held=(0,)) for size in (huge, 1 << 62, (1 << 63) - 1, (1 << 64) - 1)]
    elif way == "allocate":
        tries = [script.call("fd_allocate", at, start, size, held=(0,)) for start, size in ((0, huge), (1 << 62, 1), ((1 << 63) - 1, 1), (0, (1 << 64) - 1))]
    else:
        script.call("fd_fdstat_set_flags", at, 1, held=(0,))
        tries = [script.call("fd_write", at, vector, 64, script.room, held=(0,)) for _ in range(8)]
    told = on(box, folder, script)
    assert {told.results[one] for one in tries} <= {0, NUMBERS["DQUOT"], NUMBERS["INVAL"], NUMBERS["FBIG"]}
    assert told.results[tries[-1]] != 0
    assert usage(folder) <= limits.WRITTEN_BYTES_MAX
    assert (folder / "file").stat().st_size <= limits.WRITTEN_BYTES_MAX


def test_shrinking_does_not_buy_room(box: Box, folder: Path) -> None:
    # Attack: to write, cut off and write again wears out a disk without ever holding much.
    script = Script()
    _, at = script.open(b"file", asked=CREATE, base=2 | WRITE)
    step = limits.WRITTEN_BYTES_MAX // 4
    tries = []
    for _ in range(6):
        tries.append(script.call("fd_filestat_set_size", at, step, held=(0,)))
        script.call("fd_filestat_set_size", at, 0, held=(0,))
    told = on(box, folder, script)
    assert [told.results[one] for one in tries] == [0] * 4 + [NUMBERS["DQUOT"]] * 2


@pytest.mark.parametrize("kind", ["files", "folders", "links", "hard links"])
def test_names_are_not_made_without_end(box: Box, folder: Path, kind: str) -> None:
    (folder / "own").write_bytes(b"x")
    tries: list[int] = []
    script = Script()
    own = script.put(b"own")
    for place in range(limits.CREATED_MAX + 100):
        name = script.put(b"n%d" % place)
        size = len(b"n%d" % place)
        if kind == "files":
            tries.append(script.call("path_open", 3, 0, name, size, CREATE, WRITE, WRITE, 0, script.room))
            script.call("fd_close", script.room, held=(0,))
        elif kind == "folders":
            tries.append(script.call("path_create_directory", 3, name, size))
        elif kind == "links":
            tries.append(script.call("path_symlink", own, 3, 3, name, size))
        else:
            tries.append(script.call("path_link", 3, 0, own, 3, 3, name, size))
    told = on(box, folder, script)
    assert [told.results[one] for one in tries] == [0] * limits.CREATED_MAX + [NUMBERS["DQUOT"]] * 100
    assert len(os.listdir(folder)) == limits.CREATED_MAX + 1


def test_listings_are_not_held_without_end(box: Box, folder: Path) -> None:
    for place in range(2000):
        (folder / f"n{place}").touch()
    script = Script()
    tries = []
    for _ in range(limits.ENTRIES_MAX // 2000 + 5):
        _, at = script.open(b".", asked=FOLDER, base=0)
        tries.append(script.call("fd_readdir", at, script.room, 4096, 0, script.room + 4092, held=(0,)))
    told = on(box, folder, script)
    assert {told.results[one] for one in tries} == {0, NUMBERS["DQUOT"]}


def test_deep_folders_do_not_break_the_walk(box: Box, folder: Path) -> None:
    script = Script()
    path, tries = b"d", []
    for _ in range(400):
        tries.append(script.call("path_create_directory", 3, script.put(path), len(path)))
        path += b"/d"
    told = on(box, folder, script)
    assert set(told.results) <= {0, NUMBERS["NAMETOOLONG"]}


def test_a_guest_cannot_make_a_program_or_an_open_file_of_the_host(box: Box, folder: Path) -> None:
    script = Script()
    script.open(b"file", asked=CREATE, base=WRITE)
    script.call("path_create_directory", 3, script.put(b"sub"), 3)
    on(box, folder, script)
    assert (folder / "file").stat().st_mode & 0o7777 == 0o600
    assert (folder / "sub").stat().st_mode & 0o7777 == 0o700


def test_the_environment_is_what_was_granted(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    # Made up, and put together so that no scanner takes it for a real one.
    monkeypatch.setenv("HOST_TOKEN", "sk-" + "not-for-guests")
    script = Script()
    sizes, table, text = script.put(bytes(8)), script.put(bytes(64)), script.put(bytes(512))
    script.call("environ_sizes_get", sizes, sizes + 4)
    script.call("environ_get", table, text)
    arguments = script.put(bytes(64))
    script.call("args_get", table, arguments)
    for env, shown in ({}, b""), ({"ONE": "1", "TWO": "zwei"}, b"ONE=1\0TWO=zwei\0"):
        told = Told(box.run(PUPPET, script.line(), env=env).stdout)
        assert (told.u32(sizes), told.u32(sizes + 4)) == (len(env), len(shown))
        assert told.at(text, 512) == shown.ljust(512, b"\0")
        assert told.at(arguments, 64) == b"tool\0".ljust(64, b"\0")
        assert b"not-for-guests" not in told.data


@pytest.mark.parametrize("mebibytes", [1, 32])
def test_what_one_call_left_in_memory_the_next_does_not_find(box: Box, mebibytes: int) -> None:
    del mebibytes
    told = [box.run(guest("leftovers"), memory=16 * MIB).stdout for _ in range(5)]
    nothing = bytes(12) + (256).to_bytes(4, "little")
    assert told == [nothing] * 5


def test_what_one_guest_left_in_memory_another_does_not_find(box: Box) -> None:
    for _ in range(3):
        box.run(guest("grow"), memory=64 * MIB)
        assert box.run(guest("leftovers")).stdout[:12] == bytes(12)


def test_the_answer_of_one_call_is_not_kept_for_the_next(box: Box) -> None:
    # Attack: an answer that was asked for and not fetched, or half a request, in the file that speaks to the host.
    first, second = Script(), Script()
    first.host(b'{"method": "secret"}', capacity=0)
    _, at = first.open(b"host", base=2 | WRITE)
    first.write(at, b'{"method": "secret"}\n')
    _, half = first.open(b"host", base=2 | WRITE)
    first.write(half, b'{"method": "half"')
    fetched, into = second.host(b"")
    _, at = second.open(b"host", base=2 | WRITE)
    read = second.read(at)
    second.write(at, b"}\n")
    answer = second.read(at, 256)
    for _ in range(3):
        box.run(PUPPET, first.line(), agent="one")
        told = Told(box.run(PUPPET, second.line(), agent="one").stdout)
        assert told.results[fetched] < -(1 << 30)
        assert told.at(into, 64) == bytes(64)
        assert told.at(read, 64) == bytes(64)
        assert b"bad_request" in told.at(answer, 256)


def test_files_of_one_grant_are_not_there_under_another(box: Box, tmp_path: Path) -> None:
    script = Script()
    opened, at = script.open(b"secret")
    into = script.read(at)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret").write_text(name)
    (tmp_path / "none").mkdir()
    found = [Told(box.run(PUPPET, script.line(), folders=(("/data", tmp_path / name, False),)).stdout) for name in ("one", "two", "none", "one")]
    assert [one.at(into, 3).rstrip(b"\0") for one in found] == [b"one", b"two", b"", b"one"]
    assert found[2].results[opened] == NUMBERS["NOENT"]
    assert Told(box.run(PUPPET, script.line()).stdout).results[opened] != 0
