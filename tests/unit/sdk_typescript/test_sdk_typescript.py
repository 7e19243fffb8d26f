"""The TypeScript SDK: what is compiled of it, the golden set on the real layer, and its own tests in Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.author.languages import typescript
from mpp.author.toolchains.finding import find_toolchain
from mpp.author.toolchains.catalogue import find_entry
from mpp.author.vendoring.sdk_javascript import sdk_members
from mpp.testing.golden import _judge, _lacks, ENVIRONMENT, read_cases, ScriptedCalls
from tests.javascripted import Engine, MIB
from tests.unit.author.languages.jobs import job, script

GOLDEN = "sdk/golden"


def test_what_is_compiled_is_of_these_sources(root: Path) -> None:
    folder = root / "sdk" / "typescript"
    written = json.loads((folder / "dist" / "digests.json").read_text())
    names = [f"{part}/{path.name}" for part in ("src", "dist") for path in sorted((folder / part).iterdir()) if path.name != "digests.json"]
    assert {name: sha256((folder / name).read_bytes()).hexdigest() for name in names} == written, "run: node sdk/typescript/build.mjs"


def test_a_package_carries_what_the_sdk_needs_and_no_more() -> None:
    members = sdk_members()
    assert "node_modules/mpp-sdk/dist/index.js" in members
    assert "node_modules/mpp-sdk/dist/testing.js" not in members
    assert not [name for name in members if name.endswith((".ts", "digests.json"))]
    assert sum(map(len, members.values())) < 64 * 1024


def bundled(root: Path, tmp_path: Path) -> bytes:
    entry = find_entry("typescript")
    assert entry is not None
    chain = find_toolchain(entry, os.environ)
    if chain is None:
        pytest.skip("the toolchain for TypeScript is not installed; `mpp toolchain install typescript` fetches it")
    source = (root / "sdk/typescript/golden/app/main.ts").read_bytes()
    given = job(tmp_path, {}, program=script(tmp_path / "chain/bin/none", "exit 1"))
    return typescript.bundle(given, chain, "app/main.ts", {"app/main.ts": source, **sdk_members()})


def test_the_golden_set_on_the_layer(root: Path, javascript_layer: Path, tmp_path: Path) -> None:
    source = bundled(root, tmp_path)
    engine, calls = Engine(javascript_layer), ScriptedCalls()
    wrong: dict[str, str] = {}
    env = tuple((name.encode(), text.encode()) for name, text in ENVIRONMENT)
    try:
        with engine.tool({"app/main.js": source}, memory=256 * MIB, calls=calls) as tool:
            cases = read_cases(str(root / GOLDEN))
            for case in cases:
                calls.begin(case.host)
                run = tool.line(case.line, env=env)
                words = "" if _lacks(case, run) else _judge(case, run) or calls.end()
                if words:
                    wrong[case.name] = words
    finally:
        engine.close()
    assert len(cases) >= 60
    assert not wrong


def test_in_node(root: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node.js here")
    (tmp_path / "node_modules").mkdir()
    os.symlink(root / "sdk" / "typescript", tmp_path / "node_modules" / "mpp-sdk")
    shutil.copy(Path(__file__).with_name("sdk.test.mjs"), tmp_path)
    begun = time.monotonic()
    done = subprocess.run([node, "--test", "sdk.test.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - begun < 120
