"""Dependencies of JavaScript: what a lock may say, and what is taken of a package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mpp.author.vendoring import node
from mpp.errors import Refused
from tests.unit.author.languages.jobs import script
from tests.unit.author.toolchains.test_npm import FakeNpm, archive, integrity

DATA = archive({
    "package/package.json": b'{"name": "dep"}', "package/index.js": b"1", "package/index.d.ts": b"t", "package/test/x.js": b"t", "package/LICENSE": b"l",
    "package/node_modules/in/x.js": b"bundled", "package/logo.png": b"p",
})  # fmt: skip
ROW = {"version": "1.2.3", "integrity": integrity(DATA), "license": "MIT", "resolved": "somewhere"}


def project(folder: Path, packages: dict[str, Any], *, asked: dict[str, str] | None = None, version: int = 3) -> str:
    (folder / "package.json").write_text(json.dumps({"dependencies": {"dep": "^1.0.0"} if asked is None else asked}))
    (folder / "package-lock.json").write_text(json.dumps({"lockfileVersion": version, "packages": {"": {}, **packages}}))
    return str(folder)


def test_what_is_taken(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "npm", "exit 1")
    rows = {
        "node_modules/dep": ROW,
        "node_modules/tool": {**ROW, "dev": True},
        "node_modules/mpp-sdk": {"link": True},
        "node_modules/opt": {**ROW, "optional": True},
    }
    said: list[str] = []
    (tmp_path / "cache").mkdir()
    found = node.vendor(project(tmp_path, rows), str(tmp_path / "cache"), env={"PATH": str(tmp_path / "bin")}, run=FakeNpm(DATA), progress=said.append)
    assert sorted(found.members) == ["node_modules/dep/index.js", "node_modules/dep/package.json"]
    (one,) = found.components
    assert (one.name, one.version, one.license) == ("dep", "1.2.3", "MIT")
    assert one.purl.startswith("pkg:npm/dep@1.2.3?checksum=sha512:")
    assert said == ["taking dep 1.2.3"]


def test_packages_within_packages_and_scopes_and_aliases(tmp_path: Path) -> None:
    rows = {"node_modules/dep": ROW, "node_modules/dep/node_modules/@s/inner": ROW, "node_modules/other": {**ROW, "name": "@real/name"}}
    found = node.read_lock(project(tmp_path, rows))
    assert [(one.place, one.name) for one in found] == [
        ("node_modules/dep", "dep"), ("node_modules/dep/node_modules/@s/inner", "@s/inner"), ("node_modules/other", "@real/name"),
    ]  # fmt: skip


def test_no_dependencies(tmp_path: Path) -> None:
    assert node.read_lock(str(tmp_path)) == ()
    (tmp_path / "package.json").write_text('{"dependencies": {"mpp-sdk": "*"}}')
    assert node.read_lock(str(tmp_path)) == ()
    (tmp_path / "package.json").write_text('{"dependencies": []}')
    assert node.read_lock(str(tmp_path)) == ()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({}, "does not hold dep"),
        ({"node_modules/dep": {**ROW, "integrity": "sha1-x"}}, "no version with a sha512 hash"),
        ({"node_modules/dep": {"version": "1.0.0"}}, "no version with a sha512 hash"),
        ({"node_modules/dep": {**ROW, "version": "git+ssh://x"}}, "no version with a sha512 hash"),
        ({"node_modules/../../dep": ROW, "node_modules/dep": ROW}, "no version with a sha512 hash"),
        ({"packages/mine": ROW, "node_modules/dep": ROW}, "is a folder and no package"),
        ({"node_modules/dep": {"link": True}}, "is a folder and no package"),
    ],
)
def test_a_lock_that_is_not_one_of_packages_with_hashes_is_refused(tmp_path: Path, rows: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as found:
        node.read_lock(project(tmp_path, rows))
    assert found.value.code == "project.npm"
    assert words in found.value.message + "".join(fault.message for fault in found.value.faults)


def test_no_lock_an_old_one_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="another version than 2 or 3"):
        node.read_lock(project(tmp_path, {}, version=1))
    (tmp_path / "package-lock.json").unlink()
    with pytest.raises(Refused, match="has no lock"):
        node.read_lock(str(tmp_path))
    (tmp_path / "package.json").write_text("[]")
    with pytest.raises(Refused, match="is no object"):
        node.read_lock(str(tmp_path))


def test_too_many_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "WHEELS_MAX", 0)
    with pytest.raises(Refused, match="more than 0 packages"):
        node.read_lock(project(tmp_path, {"node_modules/dep": ROW}))


@pytest.mark.parametrize("name", ["build/x.node", "libx.so", "binding.gyp", "x.dll"])
def test_code_of_the_machine_is_refused_by_name(name: str) -> None:
    one = node.Locked(place="node_modules/dep", name="dep", version="1.2.3", integrity="", license="")
    with pytest.raises(Refused, match=r"dep 1\.2\.3 has code of the machine"):
        node.judge(one, {"index.js": b"", name: b""})


def test_dependencies_that_are_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "bin" / "npm", "exit 1")
    monkeypatch.setattr(node, "SOURCES_BYTES_MAX", 3)
    with pytest.raises(Refused, match="more than 3 bytes"):
        node.vendor(project(tmp_path, {"node_modules/dep": ROW}), str(tmp_path), env={"PATH": str(tmp_path / "bin")}, run=FakeNpm(DATA), progress=print)
