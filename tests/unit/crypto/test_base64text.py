from __future__ import annotations

import pytest

from mpp.crypto import base64text


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_bytes_come_back(data: bytes) -> None:
    assert base64text.decode(base64text.encode(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "YQ",  # no padding
        "YQ=",
        "YQ===",
        "YR==",  # spare bits set
        "YWJ=",
        "YQ==\n",
        " YQ==",
        "Y Q==",
        "YQ==YQ==",  # a second text behind the padding
        "Y-_=",  # the alphabet for addresses
        "====",
        "é",
        "YQ\0=",
    ],
)
def test_a_second_text_for_the_same_bytes_is_refused(text: str) -> None:
    assert base64text.decode(text) is None
