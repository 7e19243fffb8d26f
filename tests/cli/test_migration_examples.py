"""The ports under examples/migration answer as the servers did whose calls were recorded."""

from __future__ import annotations

import importlib.util
import json
import zoneinfo
from datetime import datetime
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


ZONES = Path("/usr/share/zoneinfo")

EQUAL = {"everything-lite": (25, 21), "filesystem-lite": (28, 25), "memory-lite": (21, 20), "time-lite": (12, 12)}
"""Calls of each recording, and how many are answered equally. The others fail on both sides, in other words (masked at time-lite)."""


@pytest.mark.parametrize("name", EQUAL)
def test_a_port_answers_as_the_server_did(name: str, mpp: Mpp, keys: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ziglang", reason="the C compiler for WebAssembly (PyPI: ziglang) is not installed: the ports are not built here")
    if name == "time-lite" and not ZONES.is_dir():
        pytest.skip("this machine has no time zone database, which the port reads")
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
    if name == "time-lite":
        times_are_right(Path("got.jsonl"))


def times_are_right(path: Path) -> None:
    """What the masks hide, against Python's own reader of time zones."""
    zoneinfo.reset_tzpath([str(ZONES)])
    checked = 0
    for line in path.read_text().splitlines():
        result = json.loads(line)["result"]
        fields = result.get("structuredContent", {})
        for one in [fields] if "datetime" in fields else [fields[key] for key in ("source", "target") if key in fields]:
            shown = datetime.fromisoformat(one["datetime"])
            there = shown.astimezone(zoneinfo.ZoneInfo(one["timezone"]))
            assert (there.isoformat(), there.strftime("%A"), bool(there.dst())) == (one["datetime"], one["day_of_week"], one["is_dst"])
            checked += 1
        if "source" in fields:
            asked = json.loads(line)["arguments"]["time"]
            assert fields["source"]["datetime"][11:16] == asked.rjust(5, "0")
            assert datetime.fromisoformat(fields["source"]["datetime"]) == datetime.fromisoformat(fields["target"]["datetime"])
        if fields:
            assert json.loads(result["content"][0]["text"]) == fields
    assert checked == 12


def test_all_ports_are_tested(root: Path) -> None:
    ports = build_module(root).PORTS
    assert set(ports) == set(EQUAL)
    assert all((root / "examples" / "migration" / name / "manifest.json").is_file() for name in ports)
