"""The ports under examples/migration answer as the servers did whose calls were recorded."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.conftest import Mpp


def build_module(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("migration_build", root / "examples" / "migration" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


EQUAL = {"everything-lite": (25, 21), "filesystem-lite": (28, 25), "memory-lite": (21, 20)}
"""Calls of each recording, and how many are answered equally. The others fail on both sides, in other words."""


@pytest.mark.parametrize("name", EQUAL)
def test_a_port_answers_as_the_server_did(name: str, mpp: Mpp, keys: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ziglang", reason="the C compiler for WebAssembly (PyPI: ziglang) is not installed: the ports are not built here")
    monkeypatch.chdir(build_module(root).lay_out(name, tmp_path))
    assert mpp("build").code == 0
    file = f"{name}-0.1.0.mpp"
    assert mpp("sign", file).code == 0
    installed = mpp("install", file, "--yes")
    assert installed.code == 0, installed.err
    masks = [word for mask in Path("masks.txt").read_text().split() for word in ("--mask", mask)] if Path("masks.txt").exists() else []
    workspace = ["--workspace", "workspace"] if Path("workspace").is_dir() else []
    ran = mpp("replay", "run", "calls.jsonl", "--against", name, "--yes", *workspace, "--out", "got.jsonl", "--json")
    assert ran.code == 0, ran.err
    found = mpp("replay", "diff", "calls.jsonl", "got.jsonl", "--allow", "error-shape", *masks, "--json")
    assert found.code == 0, json.dumps(found.json["listed"], indent=2)
    assert (found.json["calls"], found.json["equal"]) == EQUAL[name]


def test_all_ports_are_tested(root: Path) -> None:
    ports = build_module(root).PORTS
    assert set(ports) == set(EQUAL)
    assert all((root / "examples" / "migration" / name / "manifest.json").is_file() for name in ports)
