"""JSON in, JSON out."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.stages.privacy import jsonbytes, read_message, write_message


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (b' {"b": 1, "a": [1.5, null, true]} ', b'{"b":1,"a":[1.5,null,true]}'),
        (b'{"a":1234567890123456789012345678901}', b'{"a":1234567890123456789012345678901}'),
        (b'["4539148803436467453914880343"]', b'["4539148803436467453914880343"]'),
        (b"[ 99999999999999999999 ]", b"[99999999999999999999]"),
        (b"12345678901234567890123", b"12345678901234567890123"),
        (b"[" + b" " * 200 + b"12345678901234567890123]", b"[12345678901234567890123]"),
        (b"[-9223372036854775809,9999999999999999999]", b"[-9223372036854775809,9999999999999999999]"),
        (b'["x12345678901234567890123",0.5,18446744073709551616]', b'["x12345678901234567890123",0.5,18446744073709551616]'),
        ('"\u00e9"'.encode(), '"\u00e9"'.encode()),
    ],
)
def test_what_is_read_is_written_in_one_form(data: bytes, written: bytes) -> None:
    assert write_message(read_message(data)) == written


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b'{"a":1}x', b"\xff", b'["4539148803436467453914880343"'])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_message(data)
    assert caught.value.code.startswith("privacy.")


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonbytes, "MESSAGE_BYTES_MAX", 3)
    with pytest.raises(Refused, match=r"privacy\.limit"):
        read_message(b"[1,2]")


def test_so_many_runs_of_digits_are_read_strictly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one they would cost more than the strict reader."""
    monkeypatch.setattr(jsonbytes, "_RUNS_MAX", 1)
    data = b'["x1234567890123456789","y1234567890123456789"]'
    assert write_message(read_message(data)) == data
