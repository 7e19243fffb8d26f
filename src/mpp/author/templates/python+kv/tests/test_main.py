"""The storage is one in memory."""

import main
from mpp_sdk.testing import Bench


def test_a_note_stays():
    with Bench() as bench:
        assert not bench.call(main.save_note, name="milk", text="two litres").is_error
        assert bench.call(main.read_note, name="milk").text == "two litres"
        assert bench.shared == {"note/milk": b"two litres"}
        assert bench.call(main.list_notes).structured == {"result": ["milk"]}


def test_a_note_that_is_not_there():
    with Bench() as bench:
        assert bench.call(main.read_note, name="milk").is_error


def test_without_storage_in_the_manifest():
    with Bench(kv=None) as bench:
        assert bench.call(main.save_note, name="milk", text="x").is_error
