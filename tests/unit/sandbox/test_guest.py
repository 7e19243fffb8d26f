"""One call as the guest sees it: its randomness, its variables, its grants, and what is said of the files it used."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.stages.sandbox import frames
from mpp.stages.sandbox.frames import TALK_BYTES_MAX
from mpp.stages.sandbox.guest import CallGuest, Grants, seeded
from mpp.stages.sandbox.run import Notes
from tests.unit.sandbox.conftest import order

SEED = bytes(range(32))


# --- randomness


def test_equal_seeds_give_equal_bytes_however_they_are_asked_for() -> None:
    whole = seeded(SEED)(100)
    source = seeded(SEED)
    assert b"".join(source(count) for count in (1, 0, 31, 32, 3, 33)) == whole
    assert len(set(whole)) > 50


def test_other_seeds_give_other_bytes() -> None:
    assert seeded(SEED)(32) != seeded(bytes(32))(32)


def test_the_bytes_of_a_seed_never_change() -> None:
    """A replay of next year must give what was given today."""
    import hashlib

    first, second = (hashlib.sha256(SEED + number.to_bytes(8, "little")).digest() for number in (0, 1))
    assert seeded(SEED)(64) == first + second


def test_only_a_deterministic_call_is_seeded_and_stands_still() -> None:
    grants = Grants((), ())
    still = CallGuest(order(deterministic=True, now_ns=5), grants, None)
    assert (still.random(16), still.times.realtime_ns(), still.times.frozen) == (seeded(b"s" * 32)(16), 5, True)
    live = CallGuest(order(now_ns=5), grants, None)
    assert live.random(16) != still.random(16)
    assert live.times.realtime_ns() > 5


def test_variables_arguments_and_input_are_what_the_order_says() -> None:
    guest = CallGuest(order(b"in", env=((b"A", b"1=2"), (b"B", b""))), Grants((), ()), None)
    assert (guest.env, guest.args, guest.deadline > 0) == ((b"A=1=2", b"B="), (b"tool",), True)


# --- grants


@pytest.fixture
def held(tmp_path: Path) -> Iterator[list[int]]:
    """A folder to read, a file to write, and a device, as the host opens them."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    fds = [os.open(tmp_path / "folder", os.O_PATH), os.open(tmp_path / "file", os.O_PATH), os.open("/dev/null", os.O_RDWR)]
    yield fds
    for fd in fds:
        os.close(fd)


SPEC = {"folders": [["/data", False, True], ["/in/one.txt", True, False]], "devices": [["/dev/led", "w"]]}


def test_grants_take_their_descriptors_in_order(held: list[int]) -> None:
    grants = Grants.read(SPEC, held)
    assert [(one.guest, one.fd, one.write, one.folder) for one in grants.folders] == [("/data", held[0], False, True), ("/in/one.txt", held[1], True, False)]
    assert [(one.guest, one.fd, one.mode) for one in grants.devices] == [("/dev/led", held[2], "w")]
    assert grants.writes
    assert set(held) < set(grants.fds())
    # Landlock opens folders only: a file is held by its descriptor.
    assert [(rule.at, rule.write) for rule in grants.rules()] == [(held[0], False)]
    for fd in set(grants.fds()) - set(held):
        os.close(fd)


def test_no_grants_are_none() -> None:
    grants = Grants.read({"folders": [], "devices": None}, [])
    assert (grants.folders, grants.devices, grants.fds(), grants.rules(), grants.writes) == ((), (), (), (), False)


@pytest.mark.parametrize("write", [1, "yes", None, False])
def test_only_true_is_leave_to_write(held: list[int], write: object) -> None:
    assert not Grants.read({"folders": [["/data", write, True]], "devices": []}, held).writes  # type: ignore[list-item]


def test_a_file_that_is_none_is_not_granted(held: list[int]) -> None:
    with pytest.raises(HostFailed, match="is none"):
        Grants.read({"folders": [["/data", False, False]], "devices": []}, held)


# --- what was used


def test_what_was_used_is_reported_and_read_by_the_host() -> None:
    guest = CallGuest(order(), Grants((), ()), None)
    assert guest.finish() == b""
    guest.note(b"/data/./a", written=False)
    guest.note(b"/data/\xff", written=True)
    used = Notes().used(guest.finish())
    assert (used.files_read, used.files_written, used.more) == (("/data/a",), ("/data/�",), False)


def test_a_long_path_does_not_break_the_call() -> None:
    guest = CallGuest(order(), Grants((), ()), None)
    guest.note(b"/data/" + b"d/" * 1500 + b"file", written=False)
    guest.note(b"/data/short", written=False)
    used = Notes().used(guest.finish())
    assert (used.files_read, used.more) == (("/data/short",), True)


def test_a_report_that_is_too_long_is_cut() -> None:
    guest = CallGuest(order(), Grants((), ()), None)
    for number in range(200):
        guest.note(b"/%d/" % number + b"x" * 1000, written=False)
    told = guest.finish()
    assert len(told) <= TALK_BYTES_MAX
    assert json.loads(told) == {"more": True}
    assert Notes().used(told).more


def test_the_largest_report_fits_a_frame() -> None:
    guest = CallGuest(order(), Grants((), ()), None)
    for number in range(1001):
        guest.note(b"/%d" % number, written=True)
    used = Notes().used(guest.finish())
    assert (len(used.files_written), used.more) == (1000, True)
    assert len(frames.FRAME_BYTES_MAX.to_bytes(4, "little")) == 4


def test_the_end_closes_what_the_guest_opened() -> None:
    guest = CallGuest(order(), Grants((), ()), None)
    guest.finish()
    assert not guest.handles
