"""What is kept of an image between calls: after each, every byte is as the image has it, whoever wrote what."""

from __future__ import annotations

import ctypes
import mmap
import os
import random
from collections.abc import Callable, Iterator

import pytest

from mpp.stages.sandbox import keeping as subject, limits
from mpp.stages.sandbox.keeping import Keeper, open_pagemap, PAGE

PAGES = 64
SIZE = PAGES * PAGE


class Bed:
    """An image, and room for instances, which is taken anew for each as an engine does it."""

    def __init__(self, *, pagemap: int | None = None) -> None:
        self.image = os.memfd_create("image", os.MFD_CLOEXEC)
        self.data = random.Random(7).randbytes(SIZE - PAGE) + bytes(PAGE)
        os.write(self.image, self.data)
        self.pagemap = open_pagemap() if pagemap is None else pagemap
        self.keeper = Keeper(self.image, SIZE, self.pagemap)
        self.base = 0

    def begin(self) -> None:
        self.base = subject._mmap(None, SIZE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        assert self.keeper.place(self.base)

    def seen(self) -> bytes:
        return ctypes.string_at(self.base, SIZE)

    def write(self, place: int, data: bytes) -> None:
        ctypes.memmove(self.base + place, data, len(data))

    def end(self, *, kept: bool = True) -> None:
        if kept:
            self.keeper.take(self.base)
        subject._munmap(self.base, SIZE)

    def call(self, *writes: tuple[int, bytes]) -> None:
        self.begin()
        assert self.seen() == self.data
        for place, data in writes:
            self.write(place, data)
        self.end()


@pytest.fixture
def bed() -> Iterator[Callable[..., Bed]]:
    made: list[Bed] = []

    def make(**how: int) -> Bed:
        made.append(Bed(**how))
        return made[-1]

    yield make
    for one in made:
        os.close(one.image)
        if one.pagemap >= 0:
            os.close(one.pagemap)


def test_each_call_sees_the_image_whatever_was_written_before(bed: Callable[..., Bed]) -> None:
    one, chance = bed(), random.Random(11)
    for _ in range(60):
        one.call(*((chance.randrange(SIZE - 9000), chance.randbytes(chance.randrange(1, 9000))) for _ in range(chance.randrange(4))))
    assert one.keeper._at != 0
    assert one.keeper._written


def test_a_page_that_was_written_once_is_written_back_in_every_later_call(bed: Callable[..., Bed]) -> None:
    one = bed()
    for _ in range(3):
        one.call((5 * PAGE, b"secret"))
    # Nothing new is written by these: the kernel is not asked, and what is known is written back.
    for _ in range(3):
        one.call((5 * PAGE + 100, b"more"))
    one.call()
    assert one.keeper._written == [(5 * PAGE, PAGE)]
    assert os.pread(one.image, SIZE, 0) == one.data


def test_rows_of_pages_are_one_copy(bed: Callable[..., Bed]) -> None:
    one = bed()
    one.call((2 * PAGE, bytes(3 * PAGE)), (9 * PAGE, b"x"), (SIZE - 1, b"y"))
    assert one.keeper._written == [(2 * PAGE, 3 * PAGE), (9 * PAGE, PAGE), (SIZE - PAGE, PAGE)]


def test_who_writes_everywhere_gets_a_new_mapping(bed: Callable[..., Bed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAGES_KEPT_MAX", 3)
    one = bed()
    one.call((0, bytes(4 * PAGE)))
    assert one.keeper._at == 0
    one.call((0, bytes(3 * PAGE)))
    assert one.keeper._at != 0
    one.call()


def test_what_ended_without_being_taken_is_gone(bed: Callable[..., Bed]) -> None:
    """A call whose beginning failed: its instance goes with the mapping in it."""
    one = bed()
    one.call((0, b"x"))
    one.begin()
    one.write(PAGE, b"y")
    one.end(kept=False)
    one.call()
    assert one.keeper._written == []


def test_without_the_kernels_word_nothing_is_kept(bed: Callable[..., Bed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "PAGEMAP", "/proc/self/no such file")
    assert open_pagemap() == -1
    one = bed(pagemap=-1)
    for _ in range(2):
        one.call((0, b"x"))
        assert one.keeper._at == 0


def test_a_word_cut_short_counts_as_none(bed: Callable[..., Bed]) -> None:
    one = bed(pagemap=os.open("/dev/null", os.O_RDONLY))
    one.call((0, b"x"))
    assert one.keeper._at == 0
    one.call()


def test_a_kernel_that_cannot_move_a_mapping_and_keep_its_room(bed: Callable[..., Bed], monkeypatch: pytest.MonkeyPatch) -> None:
    one = bed()
    monkeypatch.setattr(subject, "_mremap", lambda *_: subject._FAILED)
    one.call((0, b"x"))
    assert one.keeper._at == 0
    one.call()


def test_a_mapping_that_cannot_be_put_back_is_made_anew(bed: Callable[..., Bed], monkeypatch: pytest.MonkeyPatch) -> None:
    one = bed()
    one.call((0, b"x"))
    monkeypatch.setattr(subject, "_mremap", lambda *_: subject._FAILED)
    one.call((0, b"y"))


def test_no_room_for_the_clean_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_mmap", lambda *_: subject._FAILED)
    assert Keeper(-1, SIZE, 5)._pagemap == -1


@pytest.mark.parametrize(
    ("entry", "is_written"),
    [
        (0, False),
        (1 << 63 | 1 << 61, False),
        (1 << 63, True),
        (1 << 62, True),
        (1 << 62 | 1 << 61, True),
        (1 << 63 | 1 << 61 | 1 << 55, False),
        (1 << 61, False),
    ],
)
def test_what_counts_as_written(entry: int, is_written: bool) -> None:
    assert subject._is_written(entry) is is_written
