"""``mpp registry backup`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.host.system import SystemClock, SystemRandom
from mpp_registry.opening import open_services, Options


@pytest.fixture
def data(tmp_path: Path) -> Path:
    open_services(Options(data=str(tmp_path / "data")), clock=SystemClock(), random=SystemRandom(), environment={}).close()
    return tmp_path / "data"


def test_copy_and_check(mpp, data: Path, tmp_path: Path) -> None:
    to = tmp_path / "copy"
    done = mpp("registry", "backup", "--data", data, "--to", to, "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert (told["ok"], told["size"], told["files"]) == (True, 1, 0)
    done = mpp("registry", "backup", "--data", to, "--check")
    assert done.code == 0
    assert f"1 leaves, root {told['root']}" in done.out
    (to / "registry.db").write_bytes(b"no database")
    assert mpp("registry", "backup", "--data", to, "--check").code != 0


def test_what_does_not_go_together(mpp, data: Path, tmp_path: Path) -> None:
    assert mpp("registry", "backup", "--data", data).code == 2
    assert mpp("registry", "backup", "--data", data, "--to", tmp_path / "copy", "--check").code == 2
    assert mpp("registry", "backup", "--data", tmp_path / "none", "--to", tmp_path / "copy").code == 2


def test_what_does_not_hold_is_an_error(mpp, data: Path) -> None:
    import apsw

    connection = apsw.Connection(str(data / "registry.db"))
    connection.execute("UPDATE log_leaves SET at = at, leaf = leaf || ' '")
    connection.close()
    done = mpp("registry", "backup", "--data", data, "--check", "--json")
    assert (done.code, json.loads(done.out)["error"]["code"]) == (41, "registry.data")
