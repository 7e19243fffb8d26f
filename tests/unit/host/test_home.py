from __future__ import annotations

import os

import pytest

from mpp.host.home import find_home
from mpp.host.system import FixedClock, SystemClock, SystemRandom


@pytest.mark.parametrize(
    ("environment", "path"), [({"MPP_HOME": "/h"}, "/h"), ({}, os.path.expanduser("~/.mpp")), ({"MPP_HOME": ""}, os.path.expanduser("~/.mpp"))]
)
def test_where_home_is(environment: dict[str, str], path: str) -> None:
    home = find_home(environment)
    assert home.path == path
    assert (home.keys, home.trust, home.cache) == (f"{path}/keys", f"{path}/trust/trust.json", f"{path}/cache")


def test_a_relative_home_is_fixed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert find_home({"MPP_HOME": "here"}).path == "/here"


def test_clocks_and_randomness() -> None:
    assert FixedClock(5).now() == 5
    assert SystemClock().now() > 1_700_000_000
    assert len(SystemRandom().bytes(32)) == 32
    assert SystemRandom().bytes(32) != SystemRandom().bytes(32)
