"""A home that was copied without its cache, as docs/compatibility.md says, is a whole home: its packages are served, its record holds and goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mpp.host.home import Home
from mpp.host.trust_store import TrustStore, with_first_use
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tools import greeting
from tests.cli.conftest import Mpp

ID = "org.example.greeter"
WHO = publisher()


def test_a_copy_without_the_cache_is_a_whole_home(mpp: Mpp, home: Path, tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "greeter.mpp"
    file.write_bytes(packages.signed(WHO, {"package_id": ID}, {packages.ENTRYPOINT: greeting("Hello!")}))
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    TrustStore(Home(path=str(home)).trust).change(lambda state: with_first_use(state, WHO.chain, ID))
    assert mpp("install", file).code == 0
    before = mpp("audit", "verify", "--deep", "--json").json
    copy = tmp_path / "restored"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("cache"))
    monkeypatch.setenv("MPP_HOME", str(copy))
    assert [one["package_id"] for one in mpp("list", "--json").json["packages"]] == [ID]
    assert mpp("audit", "verify", "--deep", "--json").json["verdict"] == before["verdict"]
    assert mpp("uninstall", ID, "--yes").code == 0
    after = mpp("audit", "verify", "--deep", "--json").json
    assert after["verdict"] == before["verdict"]
    assert after["covered"]["chained"] > before["covered"]["chained"]
