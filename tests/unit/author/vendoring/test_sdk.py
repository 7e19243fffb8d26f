from __future__ import annotations

from pathlib import Path

import pytest

from mpp.author.vendoring import sdk
from mpp.author.vendoring.sdk import sdk_folder, sdk_members, sdk_version
from mpp.errors import HostFailed


def test_the_sdk_is_found_and_read() -> None:
    assert (Path(sdk_folder()) / "mpp_sdk" / "__init__.py").is_file()
    assert sdk_version()
    plain = sdk_members(frozenset({"json"}))
    assert "mpp_sdk/serving.py" in plain
    assert not [name for name in plain if name.startswith(("pydantic/", "mpp_sdk/fastmcp/")) or name in {"mpp_sdk/testing.py", "mpp_sdk/describe.py"}]


@pytest.mark.parametrize(("imported", "shim"), [("mpp_sdk.fastmcp", False), ("mpp_sdk.fastmcp.Context", False), ("pydantic", True)])
def test_what_ported_servers_need_comes_when_they_import_it(imported: str, shim: bool) -> None:
    found = sdk_members(frozenset({imported}))
    assert "mpp_sdk/fastmcp/__init__.py" in found
    assert ("pydantic/__init__.py" in found) is shim


def test_an_installation_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sdk, "_PLACES", (str(tmp_path),))
    with pytest.raises(HostFailed, match=r"host\.compiler_missing"):
        sdk_folder()


def test_constants_are_read_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("A = ('x',)\nB = open('/nowhere')\nC: int = 1\nD = E = 2\nF = 'y'\n")
    assert sdk._constants(str(tmp_path / "m.py")) == {"A": ("x",), "F": "y"}
    assert sdk._names({"A": 1}, "A") == ()
