"""The recipe of the Python layer, step by step, with commands that leave what the real ones would; the real one is ``make layers``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from mpp.author.languages.ports import Toolchain
from mpp.author.layers import LAYERS, python, python_parts
from mpp.author.layers.debian import Source
from mpp.author.layers.python import build_layer
from mpp.author.layers.workshop import Workshop
from mpp.errors import HostFailed
from mpp.model.manifest import parse_manifest
from mpp.stages.archive import read_archive, read_member

WASM = b"\0asm\1\0\0\0linked"


class Archives:
    """Source packages that are there already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = "3.13.5-2+deb13u5"

    def fetch(self, name: str, *, archives_only: bool, progress: object) -> Source:
        version = self.version if name == python.SOURCE else "1.2-3"
        files = {}
        for ending in (".orig.tar.xz",) if archives_only else (".orig.tar.xz", ".dsc"):
            path = self.folder / f"{name}_{version}{ending}"
            path.write_bytes(name.encode())
            files[str(path)] = f"hash of {name}{ending}"
        return Source(name=name, version=version, files=files)


class Commands:
    """Notes what is run and leaves the files that the next step reads."""

    def __init__(self) -> None:
        self.run: list[str] = []

    def __call__(self, shop: Workshop, command: list[str], what: str, *, folder: str = "", env: Mapping[str, str] | None = None) -> None:
        self.run.append(what)
        if what == "unpacking CPython":
            for edit in python_parts.EDITS:
                path = shop.path(edit.file)
                before = Path(path).read_text() if Path(path).exists() else ""
                shop.write(edit.file, before + edit.old)
            for name in ("os", "zipimport", "importlib/_bootstrap", "importlib/_bootstrap_external", "importlib/__init__"):
                shop.write(f"py/Lib/{name}.py", "x = 1\n")
        if what == "unpacking sqlite3":
            for name, text in {
                "src/parse.y": "", "tool/lempar.c": "", "src/vdbe.c": "case OP_Init: { /* jump0 */\n", "src/sqlite.h.in": "--VERS--", "VERSION": "3.46.1\n",
                "manifest": "D 2024-08-13T09:16:08\n", "manifest.uuid": "c9\n",
            }.items():  # fmt: skip
                shop.write(f"sqlite3/{name}", text)
        if what.startswith("linking"):
            Path(shop.path(what.split()[1])).write_bytes(WASM)


def pretend_inside(program: str, folder: str, log: str, *arguments: str, stdout: str = "") -> None:
    if program.endswith("freeze.wasm"):
        names = [line.split("\t")[0] for line in Path(folder, "list").read_text().splitlines()]
        Path(folder, "frozen.bin").write_bytes(b"x" * len(names))
        Path(folder, "frozen.txt").write_text("".join(f"{name} 1\n" for name in names))
    if program.endswith("lemon.wasm"):
        Path(folder, "parse.h").write_text("#define TK_SEMI 1\n")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    (tmp_path / "archives").mkdir()
    archives, made = Archives(tmp_path / "archives"), Commands()
    monkeypatch.setattr(python, "Debian", lambda release, folder, env: archives)
    monkeypatch.setattr(python, "obtain", lambda name, **_: Toolchain(name="zig", version="9", folder=str(tmp_path), program=str(tmp_path / "zig")))
    monkeypatch.setattr(python, "run_inside", pretend_inside)
    monkeypatch.setattr(python_parts, "run_inside", pretend_inside)
    monkeypatch.setattr(Workshop, "run", lambda shop, command, what, **more: made(shop, command, what, **more))  # noqa: PLW0108 - a method, not an object
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    return made


def test_the_layer_is_a_package_without_rights_whose_parts_are_named(tmp_path: Path, commands: Commands):
    said: list[str] = []
    built = build_layer(cache=str(tmp_path / "cache"), progress=said.append)
    assert built.name == "mpp-layer-python-3.13.5+debian.2.deb13u5.mpp"
    archive = read_archive(built.data)
    members = {member.name: read_member(archive, member) for member in archive.members}
    assert members["layer.wasm"] == WASM
    manifest = parse_manifest(members["manifest.json"])
    assert (manifest.package_id, manifest.runtime.type, manifest.tool_definitions) == ("dev.mpp.layers.python", "layer", ())
    provenance = json.loads(members["_mpp/provenance.json"])["predicate"]
    assert provenance["runDetails"]["builder"]["version"]["debian:python3.13"] == "3.13.5-2+deb13u5"
    named = {one["name"] for one in provenance["buildDefinition"]["resolvedDependencies"]}
    assert {"python3.13_3.13.5-2+deb13u5.orig.tar.xz", "python.py", "templates/python/layer.c", "templates/python/lib/_mpp_boot.py"} <= named
    assert [words for words in said if words.startswith(("unpacking", "configuring", "linking"))] == ["unpacking", "configuring", "linking"]
    work = tmp_path / "cache" / "python-work"
    assert '{"_mpp_boot", held' in (work / "stdlib.c").read_text()
    assert '{"_frozen_importlib", held' in (work / "stdlib.c").read_text()
    assert "ac_cv_func_setgroups=no" in (work / "config.site").read_text()
    assert "3.46.1" in (work / "generated" / "sqlite3.h").read_text()
    assert "_socket\nselect\n" in (work / "build" / "Modules" / "Setup.local").read_text()


def test_the_same_sources_are_compiled_once(tmp_path: Path, commands: Commands):
    cache = str(tmp_path / "cache")
    first = build_layer(cache=cache, progress=lambda _: None)
    commands.run.clear()
    assert build_layer(cache=cache, progress=lambda _: None) == first
    assert commands.run == []
    # A change of what is linked at the end does not compile the interpreter again; a change of its own parts does.
    for path in (tmp_path / "cache").glob("python-*.module"):
        path.unlink()
    build_layer(cache=cache, progress=lambda _: None)
    assert commands.run == ["compiling freeze.c", "linking freeze.wasm", "compiling stdlib.c", "compiling layer.c", "linking layer.wasm"]
    commands.run.clear()
    (tmp_path / "cache" / "python-work" / "core.txt").write_text("another")
    for path in (tmp_path / "cache").glob("python-*.module"):
        path.unlink()
    build_layer(cache=cache, progress=lambda _: None)
    assert "compiling CPython" in commands.run


@pytest.mark.parametrize("left", [0, 31, 32, 32 + len(WASM) - 1])
def test_a_module_that_was_cut_off_is_made_again_and_never_used(tmp_path: Path, commands: Commands, left: int):
    cache = str(tmp_path / "cache")
    first = build_layer(cache=cache, progress=lambda _: None)
    (kept,) = (tmp_path / "cache").glob("python-*.module")
    kept.write_bytes(kept.read_bytes()[:left])
    commands.run.clear()
    assert build_layer(cache=cache, progress=lambda _: None) == first
    assert "linking layer.wasm" in commands.run


def test_a_machine_without_debians_tools_is_told_so(tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(HostFailed, match="dpkg-source is not") as found:
        build_layer(cache=str(tmp_path / "cache"), progress=lambda _: None)
    assert found.value.hint == "install the package dpkg-dev"


def test_the_recipes_are_there():
    import importlib

    for place in LAYERS.values():
        module, _, function = place.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
