from __future__ import annotations

import pytest

from mpp.cli.building import find_or_install, newest_layer
from mpp.errors import HostFailed


def test_a_home_without_layers_has_none() -> None:
    assert newest_layer("python") is None
    assert newest_layer("wasm32-wasip1") is None


def test_a_toolchain_that_is_not_there_is_named(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_TOOLCHAINS", str(tmp_path))
    with pytest.raises(HostFailed, match=r"host\.compiler_missing"):
        find_or_install("go", install=False)
