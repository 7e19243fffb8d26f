"""Lines of bounded length out of pieces."""

from __future__ import annotations

import pytest

from mpp.protocol.mcp.lines import Lines

FED: list[tuple[list[bytes], list[bytes | None]]] = [
    ([b"a\nb\n"], [b"a", b"b"]),
    ([b"a", b"b", b"\n"], [b"ab"]),
    ([b"\n\r\n \t\n"], []),
    ([b"12345\n"], [b"12345"]),
    ([b"123456\n7\n"], [None, b"7"]),
    ([b"123", b"456", b"789", b"\n7", b"\n"], [None, b"7"]),
    ([b"123456" * 100], []),
    ([b""], []),
]


@pytest.mark.parametrize(("pieces", "lines"), FED)
def test_lines(pieces: list[bytes], lines: list[bytes | None]) -> None:
    reader = Lines(5)
    assert [line for piece in pieces for line in reader.feed(piece)] == lines


def test_a_line_without_an_end_is_counted_and_not_kept() -> None:
    reader = Lines(1000)
    for _ in range(1000):
        assert reader.feed(b"x" * 1000) == []
    assert sum(map(len, reader._kept)) <= 1000
    assert reader.feed(b"\nok\n") == [None, b"ok"]
