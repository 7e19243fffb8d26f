"""Pictures of packages beside their tools in the list that an agent reads. Spec: static-content X-31, X-32."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mpp.host.home import Home
from mpp.host.host import Host
from mpp.testing.installing import install_tool
from mpp.testing.tools import greeting


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    """A home whose filter is compiled already."""
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    return Home(path=str(home))


def test_a_picture_stands_with_each_tool_and_one_that_is_not_sound_is_left_out(place: Home) -> None:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (48).to_bytes(4, "big") * 2
    install_tool(place, greeting("Hello"), members={"mcp/icon.png": head}, alias="seen")
    with Host.open(place.path) as host:
        (item,) = host.tools().items
    assert isinstance(item, dict)
    (icon,) = item["icons"]
    assert icon["sizes"] == ["48x48"]
    assert icon["src"].startswith("data:image/png;base64,iVBORw0KGgo")


def test_a_picture_that_is_not_sound_takes_no_tool_away(place: Home) -> None:
    install_tool(place, greeting("Hello"), members={"mcp/icon.png": b"<svg/>"})
    with Host.open(place.path) as host:
        (item,) = host.tools().items
    assert isinstance(item, dict)
    assert "icons" not in item
