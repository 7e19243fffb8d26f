"""What is changed of QuickJS, and that another version is noticed; the recipe's steps, with a compiler that is a shell script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from mpp.author.languages.ports import Toolchain
from mpp.author.layers import LAYERS, javascript_parts, javascript_recipe
from mpp.author.layers.debian import Source
from mpp.author.layers.javascript_parts import FRAMES, WORDS, boot_header, boot_program, changed
from mpp.author.layers.javascript_recipe import own_sources, pack_layer, semantic
from mpp.errors import HostFailed
from mpp.stages.archive import read_archive, read_member
from tests import layered
from tests.unit.author.languages.jobs import script


def upstream(name: str) -> str:
    """As much of a file as the recipe changes."""
    functions = "".join(f"static int {function}(int a,\n               int b)\n{{\n    return 1;\n}}\n" for function in FRAMES[name])
    return functions + "".join(f"{old};\n" for old, _ in WORDS[name])


@pytest.mark.parametrize("name", FRAMES)
def test_frames_are_written_into_functions(name: str) -> None:
    text = changed(name, upstream(name))
    assert text.startswith('#include "frame.h"\n')
    for function, size in FRAMES[name].items():
        assert f"{function}(int a,\n               int b)\n{{\n    LAYER_FRAME({size});\n    return 1;" in text
    assert "stack overflow" not in text


@pytest.mark.parametrize("name", FRAMES)
def test_another_version_is_noticed(name: str) -> None:
    function = next(iter(FRAMES[name]))
    with pytest.raises(HostFailed, match=f"no one function {function}"):
        changed(name, upstream(name).replace(f"{function}(", "renamed("))
    with pytest.raises(HostFailed, match="no one function"):
        changed(name, upstream(name) + f"int {function}(void)\n{{\n}}\n")
    for old, _ in WORDS[name]:
        with pytest.raises(HostFailed, match="is another than this recipe knows"):
            changed(name, upstream(name).replace(old, ""))


def test_the_boot_program_is_one_function_of_all_files(root: Path) -> None:
    program = boot_program()
    files = sorted((root / "src/mpp/author/layers/javascript/boot").iterdir())
    assert len(files) >= 9
    for path in files:
        assert path.read_text().rstrip() in program
    header = boot_header("aé")
    assert "{97,195,169,0}" in header
    assert "boot_size = 3" in header


def test_versions() -> None:
    assert semantic("2025.04.26-1") == "2025.4.26+debian.1"
    assert semantic("2026.1-2+deb14u1") == "2026.1.0+debian.2.deb14u1"
    assert semantic("3") == "3.0.0"


def source(folder: Path) -> Source:
    """An archive that the unpacking script below turns into a folder."""
    paths: dict[str, str] = {}
    for name in ("quickjs_1.dsc", "quickjs_1.orig.tar.xz"):
        (folder / name).write_text(name)
        paths[str(folder / name)] = "0" * 64
    return Source(name="quickjs", version="2025.04.26-1", files=paths)


def chain(folder: Path, body: str) -> Toolchain:
    program = script(folder / "zig" / "zig", body)
    return Toolchain(name="zig", version="0.1", folder=str(program.parent), program=str(program))


def test_the_package_of_the_layer(tmp_path: Path) -> None:
    made = pack_layer(layered.sound(), source(tmp_path), chain(tmp_path, ":"))
    archive = read_archive(made.data)
    members = {member.name: member for member in archive.members}
    manifest = json.loads(read_member(archive, members["manifest.json"]))
    assert (manifest["package_id"], manifest["version"], manifest["runtime"]["type"]) == ("dev.mpp.layers.javascript", "2025.4.26+debian.1", "layer")
    assert made.name == "mpp-layer-javascript-2025.4.26+debian.1.mpp"
    assert made == pack_layer(layered.sound(), source(tmp_path), chain(tmp_path, ":")), "the same sources, the same bytes"
    provenance = read_member(archive, members["_mpp/provenance.json"])
    assert b"quickjs_1.orig.tar.xz" in provenance
    assert b"javascript/layer.c" in provenance


COMPILER = """for word in "$@"; do last="$out"; if [ "$before" = -o ]; then out="$word"; fi; before="$word"; done
for word in "$@"; do case "$word" in own/*.c|js/*.c) [ -f "$word" ] || exit 8;; esac; done
[ -f own/boot.h ] && [ -f own/include/setjmp.h ] || exit 7
cp ../module "$out" """


def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compiler: str = COMPILER, version: str = "2025-04-26") -> list[str]:
    """All steps but apt, unpacking and compiling, which are stand-ins."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (tmp_path / "zig").mkdir()
    (tmp_path / "zig" / "module").write_bytes(layered.sound())
    said: list[str] = []

    class FakeDebian:
        def __init__(self, release: str, folder: str, *, env: Mapping[str, str]) -> None:
            assert release == "trixie"

        def fetch(self, name: str, *, archives_only: bool, progress: object) -> Source:
            assert (name, archives_only) == ("quickjs", False)
            return source(tmp_path)

    def unpacked(shop: javascript_recipe.Workshop, _: Source) -> None:
        folder = Path(shop.path("js"))
        folder.mkdir()
        for name in FRAMES:
            (folder / name).write_text(upstream(name))
        for name in ("libunicode.c", "cutils.c", "dtoa.c"):
            (folder / name).write_text("")
        (folder / "VERSION").write_text(version)

    monkeypatch.setattr(javascript_recipe, "Debian", FakeDebian)
    monkeypatch.setattr(javascript_recipe, "_unpack", unpacked)
    monkeypatch.setattr(javascript_recipe, "obtain", lambda *_, **__: chain(tmp_path, compiler.replace("../module", str(tmp_path / "zig" / "module"))))
    for _ in range(2):
        made = javascript_recipe.build_layer(cache=str(cache), progress=said.append)
        archive = read_archive(made.data)
        assert read_member(archive, next(one for one in archive.members if one.name == "layer.wasm")) == layered.sound()
    assert not (cache / "javascript-work").exists()
    return said


def test_the_recipe_compiles_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert recipe(tmp_path, monkeypatch).count("compiling the interpreter (a minute)") == 1


def test_a_recipe_that_fails_names_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostFailed) as found:
        recipe(tmp_path, monkeypatch, compiler="echo no such thing >&2; exit 1")
    assert "no such thing" in found.value.message
    assert "log.txt" in (found.value.hint or "")


def test_a_version_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostFailed, match="holds no version"):
        recipe(tmp_path, monkeypatch, version='1" -o /etc/passwd')


def test_unpacking_needs_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(javascript_recipe.shutil, "which", lambda *_, **__: None)
    folder = tmp_path / "work"
    folder.mkdir()
    shop = javascript_recipe.Workshop(folder=str(folder), cache=str(folder), compiler=chain(tmp_path, ":"), progress=lambda _: None)
    with pytest.raises(HostFailed, match="dpkg-source"):
        javascript_recipe._unpack(shop, source(tmp_path))


def test_own_sources_name_everything_that_makes_the_layer() -> None:
    names = set(own_sources())
    assert {
        "javascript_recipe.py",
        "javascript_parts.py",
        "javascript/layer.c",
        "javascript/engine.c",
        "javascript/frame.h",
        "javascript/include/setjmp.h",
    } <= names
    assert any(name.startswith("javascript/boot/") for name in names)
    assert LAYERS["javascript"].endswith("javascript_recipe:build_layer")
    assert javascript_parts.STACK_BYTES < 512 * 1024
