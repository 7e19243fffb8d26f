"""What is installed is known by the names of folders, and nothing that importlib.metadata would find stays unseen."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from mpp.model import installed
from mpp.model.installed import installed_version, may_have_entry_points

GROUP = "our.group"


@pytest.mark.parametrize("name", ["wasmtime", "hyperscan", "pynacl", "model-package-protocol", "jsonschema-rs"])
def test_versions_are_those_of_importlib(name: str) -> None:
    assert installed_version(name) == metadata.version(name)


def test_what_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert installed_version("nobody-has-this") == ""
    assert installed_version("nobody-has-this", [str(tmp_path / "absent"), str(tmp_path)]) == ""


def test_a_folder_tells_the_version_without_importlib(tmp_path: Path) -> None:
    (tmp_path / "Some_Thing-1.2.3.dist-info").mkdir()
    assert installed_version("some-thing", [str(tmp_path)]) == "1.2.3"


def test_of_two_in_one_folder_importlib_decides(tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        (tmp_path / f"wasmtime-{version}.dist-info").mkdir()
    assert installed_version("wasmtime", [str(tmp_path)]) == metadata.version("wasmtime")


def _with_points(folder: Path, text: str = f"[{GROUP}]\none = a:b\n", suffix: str = ".dist-info") -> None:
    info = folder / f"lib-1.0{suffix}"
    info.mkdir()
    (info / "entry_points.txt").write_text(text)


def test_entry_points_are_seen(tmp_path: Path) -> None:
    assert not may_have_entry_points(GROUP, [str(tmp_path), str(tmp_path / "absent")])
    _with_points(tmp_path, "[console_scripts]\nx = a:b\n")
    assert not may_have_entry_points(GROUP, [str(tmp_path)])
    other = tmp_path / "other"
    other.mkdir()
    _with_points(other, suffix=".egg-info")
    assert may_have_entry_points(GROUP, [str(tmp_path), str(other)])


def test_an_empty_place_is_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _with_points(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert may_have_entry_points(GROUP, [""])
    assert installed_version("lib", [""]) == "1.0"


def test_eggs_packed_folders_and_long_lists_are_left_to_importlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x", "")
    assert may_have_entry_points(GROUP, [str(packed)])
    egg = tmp_path / "eggs"
    (egg / "lib-1.0.egg").mkdir(parents=True)
    assert may_have_entry_points(GROUP, [str(egg)])
    long = tmp_path / "long"
    long.mkdir()
    _with_points(long, "[console_scripts]\n")
    assert not may_have_entry_points(GROUP, [str(long)])
    monkeypatch.setattr(installed, "ENTRY_POINTS_BYTES_MAX", 4)
    assert may_have_entry_points(GROUP, [str(long)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_list_that_cannot_be_read_is_left_to_importlib(tmp_path: Path) -> None:
    _with_points(tmp_path)
    (tmp_path / "lib-1.0.dist-info" / "entry_points.txt").chmod(0)
    assert may_have_entry_points("another.group", [str(tmp_path)])


def test_a_list_that_is_a_folder_is_left_to_importlib(tmp_path: Path) -> None:
    (tmp_path / "lib-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    assert may_have_entry_points(GROUP, [str(tmp_path)])


def test_a_finder_of_somebody_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack on oneself: a plug-in that only its own finder knows, and a host that filters without it."""

    class Finder:
        def find_distributions(self, context: object) -> list[object]:
            return []

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert may_have_entry_points(GROUP, [])


def test_a_plug_in_that_is_installed_is_found_by_a_new_process(tmp_path: Path) -> None:
    """The whole way: its folder on the import path, and the host asks for it."""
    _with_points(tmp_path, "[mpp.privacy_detectors]\nbroken = no_such_module_here:detectors\n")
    code = "from mpp.errors import HostFailed\nfrom mpp.host.plugins import plugin_detectors\ntry:\n    print(plugin_detectors())\nexcept HostFailed as fault:\n    print(fault.code)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), *filter(None, sys.path)))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == "privacy.plugin"
