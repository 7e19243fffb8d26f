"""Tools are called as a client calls them: by name, with JSON."""

import main  # noqa: F401 - its tools register themselves
from mpp_sdk.testing import Bench


def test_a_mile():
    with Bench() as bench:
        assert bench.call("convert", length={"value": 1, "unit": "mi"}, to="km").text == "1.609 km"
