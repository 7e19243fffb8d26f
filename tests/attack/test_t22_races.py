"""T22, races: while a guest opens and makes files, somebody swaps folders for links that lead out. The kernel decides each lookup as a whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.attack.guests.puppet import PUPPET, Script, Told
from tests.attack.sandboxed import Box

CANARY = b"canary: nobody in the sandbox may read or change this"
ROUNDS = 40
READ, WRITE, CREATE, TRUNCATE = 2, 64, 1, 8


@contextmanager
def swapping(swap: Callable[[], None]) -> Iterator[list[int]]:
    """``swap`` again and again in a thread of its own; the list counts how often."""
    ended, count = threading.Event(), [0]

    def work() -> None:
        while not ended.is_set():
            swap()
            count[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield count
    finally:
        ended.set()
        thread.join()


def lay(root: Path) -> tuple[Path, Path]:
    inside, outside = root / "inside", root / "outside"
    (inside / "real").mkdir(parents=True)
    outside.mkdir()
    (inside / "real" / "name").write_bytes(b"own")
    (outside / "name").write_bytes(CANARY)
    (inside / "link").symlink_to("../outside")
    return inside, outside


def test_a_folder_that_becomes_a_link_leads_nowhere(box: Box, tmp_path: Path) -> None:
    inside, outside = lay(tmp_path)
    here, real, link = inside / "here", inside / "real", inside / "link"

    def swap() -> None:
        os.rename(real, here)
        os.rename(here, real)
        os.rename(link, here)
        os.rename(here, link)

    opened = missed = 0
    with swapping(swap) as count:
        for _ in range(ROUNDS):
            script, tries, looks = Script(), [], []
            for _ in range(20):
                looks.append(script.put(bytes(64)))
                script.call("path_filestat_get", 3, 1, script.put(b"here/name"), 9, looks[-1])
                for asked, base in ((0, READ), (TRUNCATE, WRITE), (CREATE, WRITE)):
                    number, at = script.open(b"here/name" if not asked & CREATE else b"here/new", asked=asked, base=base, follow=1)
                    tries.append(number)
                    script.read(at, 16) if base == READ else script.write(at, b"planted")
                    script.call("fd_close", at, held=(0,))
                path = script.put(b"here/name")
                script.call("path_link", 3, 0, path, 9, 3, script.put(b"taken"), 5)
                script.call("path_unlink_file", 3, path, 9)
                script.call("path_create_directory", 3, script.put(b"here/folder"), 11)
            run = box.run(PUPPET, script.line(), folders=(("/data", inside, True),))
            assert run.fault is None
            assert CANARY[:16] not in run.stdout
            told = Told(run.stdout)
            # Not even the size of the file outside is told.
            assert len(CANARY) not in {told.u32(look + 32) for look in looks}
            results = [told.results[one] for one in tries]
            opened += results.count(0)
            missed += len(results) - results.count(0)
    assert count[0] > ROUNDS
    assert missed > 0
    assert (outside / "name").read_bytes() == CANARY
    assert os.listdir(outside) == ["name"]


def test_a_file_that_becomes_a_link_leads_nowhere(box: Box, tmp_path: Path) -> None:
    inside, outside = lay(tmp_path)
    spare, file = inside / "spare", inside / "file"
    spare.symlink_to("../outside/name")
    file.write_bytes(b"own")

    def swap() -> None:
        os.rename(file, inside / "kept")
        os.rename(spare, file)
        os.rename(file, spare)
        os.rename(inside / "kept", file)

    with swapping(swap) as count:
        for _ in range(ROUNDS):
            script = Script()
            for _ in range(60):
                for follow in (0, 1):
                    _, at = script.open(b"file", base=READ, follow=follow)
                    script.read(at, 16)
                    script.call("fd_close", at, held=(0,))
                    _, at = script.open(b"file", base=WRITE, asked=TRUNCATE, follow=follow)
                    script.call("fd_close", at, held=(0,))
                    script.call("path_filestat_set_times", 3, follow, script.put(b"file"), 4, 1, 1, 5)
            run = box.run(PUPPET, script.line(), folders=(("/data", inside, True),))
            assert run.fault is None
            assert CANARY[:16] not in run.stdout
    assert count[0] > ROUNDS
    assert (outside / "name").read_bytes() == CANARY
    assert (outside / "name").stat().st_mtime_ns > 1


def test_two_guests_that_work_together_do_not_get_out(box: Box, tmp_path: Path) -> None:
    # Attack: one guest makes and moves links and folders, the other walks through them.
    inside, outside = lay(tmp_path)
    (inside / "a" / "b").mkdir(parents=True)
    maker, walker = Script(), Script()
    for _ in range(100):
        maker.call("path_rename", 3, maker.put(b"a/b"), 3, 3, maker.put(b"b"), 1)
        maker.call("path_symlink", maker.put(b"b"), 1, 3, maker.put(b"a/b"), 3)
        maker.call("path_unlink_file", 3, maker.put(b"a/b"), 3)
        maker.call("path_rename", 3, maker.put(b"b"), 1, 3, maker.put(b"a/b"), 3)
        for path in (b"a/b/../../../outside/name", b"a/b/../../link/name", b"a/b/../../../../etc/passwd"):
            _, at = walker.open(path)
            walker.read(at, 16)
    ended: list[bool] = []

    def make() -> None:
        while not ended:
            box.run(PUPPET, maker.line(), folders=(("/data", inside, True),), agent="maker")

    thread = threading.Thread(target=make)
    thread.start()
    try:
        for _ in range(ROUNDS):
            run = box.run(PUPPET, walker.line(), folders=(("/data", inside, True),), agent="walker")
            told = Told(run.stdout)
            assert 0 not in told.results[::2]
            assert CANARY[:16] not in run.stdout
    finally:
        ended.append(True)
        thread.join()
    assert os.listdir(outside) == ["name"]
