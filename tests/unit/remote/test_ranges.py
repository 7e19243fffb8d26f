"""Which versions a range means."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.remote.ranges import read_range

KNOWN = ("0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.0.0-rc.1", "1.0.0", "1.2.3", "1.2.4-beta", "1.2.4", "1.9.0", "2.0.0-alpha", "2.0.0", "2.1.0+linux")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", ["0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.0.0", "1.2.3", "1.2.4", "1.9.0", "2.0.0", "2.1.0+linux"]),
        ("1.2.3", ["1.2.3"]),
        ("2.0.0-alpha", ["2.0.0-alpha"]),
        ("2.1.0+linux", ["2.1.0+linux"]),
        ("2.1.0", []),
        ("^1.2.3", ["1.2.3", "1.2.4", "1.9.0"]),
        ("^1", ["1.0.0", "1.2.3", "1.2.4", "1.9.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"]),
        ("^0.2", ["0.2.3", "0.2.9"]),
        ("^0", ["0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0"]),
        ("^0.0.3", ["0.0.3"]),
        ("~1.2", ["1.2.3", "1.2.4"]),
        ("~1.2.4", ["1.2.4"]),
        ("~1", ["1.0.0", "1.2.3", "1.2.4", "1.9.0"]),
        (">=1.9", ["1.9.0", "2.0.0", "2.1.0+linux"]),
        ("^1.0.0-rc.1", ["1.0.0-rc.1", "1.0.0", "1.2.3", "1.2.4", "1.9.0"]),
        ("~1.2.4-alpha", ["1.2.4-beta", "1.2.4"]),
    ],
)
def test_a_range_fits(text: str, fits: list[str]) -> None:
    found = read_range(text)
    assert [one for one in KNOWN if found.fits(one)] == fits
    assert not found.fits("no version")


@pytest.mark.parametrize("text", ["x", "1", "1.2", "^", "~x", ">=", ">= 1.0", "<2", "^1.2.3.4", "^01", "1.0.0 ", "^1.0.0\x1b[2J", "^99999999999"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_range(text)
    assert caught.value.code == "usage.version"
    assert "\x1b" not in caught.value.message
