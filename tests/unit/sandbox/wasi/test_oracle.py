"""The engine's own WASI and ours, asked the same: error numbers and memory agree, but for a table of differences that are meant."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import wasmtime

from tests.unit.sandbox.wasi.twins import AREA, DATA, PATH, RESULT, STRUCT, VECTOR, Engines, Ours, Twin

NOENT, INVAL, BADF, PERM, NOTCAPABLE = 44, 28, 8, 63, 76
Step = Callable[[Twin], object]
Pair = tuple[Twin, Twin]


def fill(folder: Path) -> Path:
    folder.mkdir()
    (folder / "f").write_bytes(b"0123456789")
    (folder / "sub").mkdir()
    (folder / "sub" / "g").write_bytes(b"x")
    for name, target in {"ln": "f", "dl": "sub", "dangling": "nothing", "out": "../etc", "absolute": "/etc"}.items():
        (folder / name).symlink_to(target)
    return folder


def same(found: object) -> object:
    """An escape answers PERM there and NOTCAPABLE here; both mean it, and a C library takes either."""
    if isinstance(found, tuple | list):
        return tuple(map(same, found))
    return PERM if isinstance(found, int) and found == NOTCAPABLE else found


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    both = Engines(fill(tmp_path / "engine")), Ours(fill(tmp_path / "ours"))
    yield both
    for twin in both:
        twin.close()


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Pair]:
    both = Engines(fill(tmp_path / "engine"), write=False), Ours(fill(tmp_path / "ours"), write=False)
    yield both
    for twin in both:
        twin.close()


def agree(pair: Pair, *steps: Step) -> list[object]:
    found = []
    for number, step in enumerate(steps):
        engine, ours = (same(step(twin)) for twin in pair)
        assert ours == engine, f"step {number}: the engine answers {engine}, we answer {ours}"
        found.append(ours)
    return found


def ask(name: str, *numbers: int) -> Step:
    return lambda twin: twin(name, *numbers)


def test_arguments_and_environment(pair: Pair) -> None:
    for what in ("args", "environ"):
        agree(
            pair,
            ask(f"{what}_sizes_get", RESULT, RESULT + 8),
            lambda twin: (twin.u32(), twin.u32(RESULT + 8)),
            lambda twin, what=what: (twin(f"{what}_get", VECTOR, DATA), twin.get(VECTOR, 12), twin.get(DATA, 60)),
        )


@pytest.mark.parametrize("clock", range(4))
def test_clocks(pair: Pair, clock: int) -> None:
    answers = agree(pair, ask("clock_res_get", clock, RESULT), ask("clock_time_get", clock, 0, RESULT))
    assert answers == ([0, 0] if clock < 2 else [BADF, BADF])


def test_standard_streams(pair: Pair) -> None:
    for fd in (0, 1, 2, 99):
        agree(
            pair,
            ask("fd_tell", fd, RESULT),
            ask("fd_seek", fd, 0, 1, RESULT),
            ask("fd_sync", fd),
            ask("fd_datasync", fd),
            ask("fd_allocate", fd, 0, 10),
            ask("fd_filestat_set_size", fd, 5),
            ask("fd_filestat_set_times", fd, 0, 0, 10),
            ask("fd_fdstat_set_flags", fd, 1),
            ask("fd_prestat_get", fd, RESULT),
            ask("fd_prestat_dir_name", fd, DATA, 10),
            ask("fd_readdir", fd, AREA, 100, 0, RESULT),
            ask("sock_accept", fd, 0, RESULT),
            ask("sock_shutdown", fd, 1),
            ask("fd_renumber", fd, 77),
            lambda twin, fd=fd: twin("fd_filestat_get", fd, STRUCT) or twin.get(STRUCT, 64),
            lambda twin, fd=fd: twin("fd_fdstat_get", fd, STRUCT) or twin.get(STRUCT, 4),
            lambda twin, fd=fd: twin.write(fd, b"abc"),
            lambda twin, fd=fd: twin.read(fd, 5),
            lambda twin, fd=fd: twin("fd_pread", fd, VECTOR, twin.vector((3,)), 1, RESULT),
            lambda twin, fd=fd: twin("fd_pwrite", fd, VECTOR, twin.vector((3,)), 1, RESULT),
        )
    agree(pair, lambda twin: twin.read(0, 100), lambda twin: twin.read(0, 100), ask("fd_close", 0), ask("fd_close", 0), lambda twin: twin.read(0, 1))


def test_a_file_from_its_making_to_its_end(pair: Pair) -> None:
    agree(
        pair,
        lambda twin: twin.open("new", asked=1, base=66),
        lambda twin: twin.write(4, b"hello"),
        ask("fd_tell", 4, RESULT),
        lambda twin: twin.u64(),
        lambda twin: twin.seek(4, -4, 2),
        lambda twin: twin.read(4, 100),
        lambda twin: twin.seek(4, -9, 1),
        lambda twin: twin.seek(4, 20, 0),
        lambda twin: twin.write(4, b"far"),
        lambda twin: (twin("fd_filestat_get", 4, STRUCT), twin.get(STRUCT + 16, 24)),
        ask("fd_filestat_set_size", 4, 6),
        lambda twin: twin.stat("new"),
        ask("fd_fdstat_set_flags", 4, 1),
        lambda twin: twin.write(4, b"end"),
        lambda twin: twin.stat("new"),
        lambda twin: (twin("fd_pread", 4, VECTOR, twin.vector((3,)), 6, RESULT), twin.get(DATA, 3)),
        lambda twin: (twin("fd_filestat_set_times", 4, 5_000_000_000, 7_000_000_001, 5), twin("fd_filestat_get", 4, STRUCT), twin.get(STRUCT + 40, 16)),
        *(ask("fd_filestat_set_times", 4, 1, 1, flags) for flags in (3, 12)),
        ask("fd_advise", 4, 0, 10, 1),
        ask("fd_sync", 4),
        ask("fd_datasync", 4),
        ask("fd_renumber", 4, 3),
        ask("fd_close", 4),
        ask("fd_close", 3),
    )


NAMES = ("f", "f/", "nope", "nope/x", "f/x", "sub", "sub/", ".", "..", "", "/", "/etc", "./f", "sub/../f", "sub/../../x")
NAMES += ("ln", "ln/", "out", "absolute", "out/passwd", "absolute/passwd", "dl", "dl/", "dl/g", "dangling", "x" * 300)
WISHES: tuple[dict[str, int], ...] = (
    {},
    {"follow": 1},
    {"asked": 2, "follow": 1},
    {"asked": 5, "base": 66},
    {"base": 64},
    {"base": 66, "follow": 1},
    {"asked": 3},
)


def opening(path: str, wish: dict[str, int]) -> Step:
    def step(twin: Twin) -> object:
        code, fd = twin.open(path, **wish)
        if code:
            return code
        kind = (twin("fd_fdstat_get", fd, STRUCT), twin.get(STRUCT, 4))
        return fd, kind, twin("fd_close", fd)

    return step


@pytest.mark.parametrize("write", [True, False], ids=["writable", "read-only"])
def test_opening_every_kind_of_path(write: bool, request: pytest.FixtureRequest) -> None:
    pair: Pair = request.getfixturevalue("pair" if write else "reading")
    agree(pair, *(opening(path, wish) for path in NAMES for wish in WISHES))


@pytest.mark.parametrize("follow", [0, 1])
def test_looking_at_every_kind_of_path(pair: Pair, follow: int) -> None:
    def stat(path: str) -> Step:
        return lambda twin: twin.stat(path, follow=follow) if not path.endswith("sub") else twin.stat(path, follow=follow)[:2]

    agree(pair, *(stat(path) for path in NAMES if path not in {"sub", "sub/", ".", "dl", "dl/"}))
    agree(pair, *(lambda twin, path=path: twin.stat(path, follow=follow)[:2] for path in NAMES))


def test_reading_links(pair: Pair) -> None:
    def step(path: str, size: int) -> Step:
        return lambda twin: (twin.path("path_readlink", 3, path, DATA, size, RESULT), twin.u32(), twin.get(DATA, 10))

    agree(pair, *(step(path, size) for path in NAMES for size in (100, 2)))


@pytest.mark.parametrize("name", ["path_create_directory", "path_remove_directory", "path_unlink_file"])
def test_making_and_removing(pair: Pair, name: str) -> None:
    # The engine answers INVAL where the name ends in a slash; NOTEMPTY and NOTDIR say what is wrong.
    meant = {("path_remove_directory", "sub/"), ("path_remove_directory", "dl/"), ("path_remove_directory", "ln/")}
    agree(pair, *(lambda twin, path=path: twin.path(name, 3, path) for path in NAMES if (name, path) not in meant))


def test_setting_times_by_path(pair: Pair) -> None:
    def step(path: str, follow: int) -> Step:
        return lambda twin: twin("path_filestat_set_times", 3, follow, PATH, twin.put(PATH, path.encode()), 5_000, 7_000, 5)

    agree(pair, *(step(path, follow) for path in NAMES for follow in (0, 1)))
    agree(pair, lambda twin: (twin("path_filestat_get", 3, 0, PATH, twin.put(PATH, b"f"), STRUCT), twin.get(STRUCT + 40, 16)))


@pytest.mark.parametrize("name", ["path_rename", "path_link", "path_symlink"])
@pytest.mark.parametrize("first", ["f", "nope", "sub", "ln", "dl/g"])
def test_two_paths(pair: Pair, name: str, first: str) -> None:
    def step(second: str) -> Step:
        return lambda twin: (twin.two(name, first, second), sorted(twin.names()))

    # Of two faults at once, a source that is not there and a target outside, either may be named.
    outside = () if first == "nope" else ("..", "/x")
    agree(pair, *(step(second) for second in (*outside, "f", "", "sub/..", "dl", "new/", "new", "sub/n", "nope/n")))


def test_a_read_only_grant_changes_nothing(reading: Pair) -> None:
    changes = [lambda twin, path=path, name=name: twin.path(name, 3, path) for name in ("path_create_directory", "path_unlink_file") for path in ("f", "new")]
    changes += [lambda twin, name=name: twin.two(name, "f", "new") for name in ("path_rename", "path_link", "path_symlink")]
    changes += [lambda twin, wish=wish: twin.open("f", **wish) for wish in ({"asked": 1}, {"asked": 8}, {"base": 64})]
    changes.append(lambda twin: twin("path_filestat_set_times", 3, 0, PATH, twin.put(PATH, b"f"), 5, 7, 5))
    answers = agree(reading, *changes)
    assert all(answer in {PERM, (PERM, -1)} for answer in answers), answers


def test_listing_a_folder(pair: Pair) -> None:
    agree(pair, lambda twin: sorted(twin.names()), ask("fd_readdir", 3, AREA, 10, 0, RESULT), lambda twin: twin.u32(), ask("fd_readdir", 3, AREA, 0, 0, RESULT))


def clock(number: int = 1, timeout: int = 1000, flags: int = 0) -> bytes:
    return struct.pack("<QB7xI4xQQH6x", 7, 0, number, timeout, 0, flags)


def descriptor(tag: int, fd: int) -> bytes:
    return struct.pack("<QB7xI28x", 9, tag, fd)


def polled(twin: Twin, *asked: bytes) -> tuple[int, bytes]:
    """The answer, and the events without the bytes that wait, which differ by how a host reads its input."""
    twin.put(AREA, b"".join(asked))
    code = twin("poll_oneoff", AREA, AREA + 4096, len(asked), RESULT)
    return code, b"".join(twin.get(AREA + 4096 + 32 * place, 11) for place in range(twin.u32())) if code == 0 else b""


@pytest.mark.parametrize(
    "asked",
    [(), (clock(),), (clock(flags=1, timeout=0),), (descriptor(2, 1),), (descriptor(1, 0),), (clock(timeout=10**15), descriptor(2, 1))],
)
def test_polling(pair: Pair, asked: tuple[bytes, ...]) -> None:
    agree(pair, lambda twin: polled(twin, *asked))


MEANT = {
    "pointer": "a wild pointer ends the guest there and answers FAULT here, as the interface says",
    "flags": "unknown flag bits end the guest there and answer INVAL here",
    "buffers": "there only the first buffer of a vector is used; here all are",
    "rights": "there rights cannot be taken away; here they can, and what is missing answers NOTCAPABLE",
    "sync": "there opening for synchronous writing and syncing a folder are not supported; here they are",
    "links": "there a link may lead up as long as it is not absolute, and any link may be moved; here neither",
    "poll": "there a bad clock or descriptor refuses the poll or is left out; here it is an event with its error",
    "raise": "there proc_raise answers NOTSUP; here NOSYS, the answer for what does not exist",
    "advice": "there unknown advice ends the guest; here INVAL",
}
"""What differs on purpose, each with its reason."""

DIFFERENT: dict[str, tuple[Step, object, object]] = {
    "pointer": (ask("clock_time_get", 0, 0, 0x1FFFC), "stopped", 21),
    "flags": (ask("fd_fdstat_set_flags", 3, 64), "stopped", 8),
    "buffers": (lambda twin: twin.write(1, b"a", b"bc"), (0, 1), (0, 3)),
    "rights": (lambda twin: (twin("fd_fdstat_set_rights", 3, 0, 0), twin.open("f")[0]), (58, 0), (0, 76)),
    "sync": (lambda twin: (twin("fd_sync", 3), twin.open("f", flags=16)[0]), (8, 58), (0, 0)),
    "links": (lambda twin: (twin.two("path_symlink", "..", "n"), twin.two("path_rename", "out", "n")), (0, 0), (63, 63)),
    "poll": (lambda twin: polled(twin, descriptor(1, 99))[0], 8, 0),
    "raise": (ask("proc_raise", 6), 58, 52),
    "advice": (lambda twin: twin("fd_advise", twin.opened("f"), 0, 0, 9), "stopped", 28),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_each_difference_is_as_described(pair: Pair, name: str) -> None:
    step, engine, ours = DIFFERENT[name]

    def found(twin: Twin) -> object:
        try:
            return step(twin)
        except (wasmtime.Trap, wasmtime.WasmtimeError):
            return "stopped"

    assert found(pair[0]) == engine
    assert found(pair[1]) == ours


def test_each_difference_has_a_reason_and_a_test() -> None:
    assert set(DIFFERENT) == set(MEANT)


def test_the_oracle_can_disagree(pair: Pair) -> None:
    assert isinstance(pair[1], Ours)
    os.unlink("f", dir_fd=pair[1].fd)
    with pytest.raises(AssertionError, match="the engine answers"):
        agree(pair, lambda twin: twin.stat("f"))
