"""npm's part: one package by its hash, unpacked without running anything. A small function stands in the place of npm."""

from __future__ import annotations

import base64
import os
import tarfile
from collections.abc import Mapping
from hashlib import sha512
from io import BytesIO
from pathlib import Path

import pytest

from mpp.author.toolchains import npm
from mpp.author.toolchains.catalogue import Entry, find_entry
from mpp.author.toolchains.installing import install_toolchain
from mpp.errors import HostFailed, Refused
from tests.unit.author.languages.jobs import script


def archive(files: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """What ``npm pack`` gives."""
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(data)
            tar.addfile(item, BytesIO(data))
        for name, target in (links or {}).items():
            item = tarfile.TarInfo(name)
            item.type, item.linkname = tarfile.SYMTYPE, target
            tar.addfile(item)
        folder = tarfile.TarInfo("package/empty")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    return out.getvalue()


def integrity(data: bytes) -> str:
    return "sha512-" + base64.b64encode(sha512(data).digest()).decode()


class FakeNpm:
    """Puts ``data`` where it is told to."""

    def __init__(self, data: bytes | None, *, status: int = 0, said: str = "") -> None:
        self.data, self.status, self.said = data, status, said
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        self.commands.append(command)
        folder = next(word for word in command if word.startswith("--pack-destination=")).partition("=")[2]
        if self.data is not None:
            (Path(folder) / "x.tgz").write_bytes(self.data)
        return self.status, self.said


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    script(tmp_path / "bin" / "npm", "exit 1")
    return {"PATH": str(tmp_path / "bin"), "MPP_TOOLCHAINS": str(tmp_path / "toolchains")}


def test_a_package_is_fetched_once_and_by_its_hash(tmp_path: Path, env: dict[str, str]) -> None:
    data = archive({"package/a.js": b"1"})
    fake = FakeNpm(data)
    for _ in range(2):
        assert npm.fetch_tarball("@a/b", "1.0.0", integrity(data), str(tmp_path), env=env, run=fake) == data
    assert len(fake.commands) == 1
    assert fake.commands[0][0] == str(tmp_path / "bin" / "npm")
    assert {"pack", "--ignore-scripts", "@a/b@1.0.0"} <= set(fake.commands[0])


def test_another_package_under_the_name_is_refused_and_not_kept(tmp_path: Path, env: dict[str, str]) -> None:
    wanted = integrity(archive({"package/a.js": b"1"}))
    with pytest.raises(Refused, match=r"another a 1\.0\.0") as found:
        npm.fetch_tarball("a", "1.0.0", wanted, str(tmp_path), env=env, run=FakeNpm(archive({"package/a.js": b"evil"})))
    assert found.value.code == "project.npm"
    assert not list(tmp_path.glob("*.tgz*"))


def test_what_was_kept_and_changed_is_fetched_again(tmp_path: Path, env: dict[str, str]) -> None:
    data = archive({"package/a.js": b"1"})
    npm.fetch_tarball("a", "1.0.0", integrity(data), str(tmp_path), env=env, run=FakeNpm(data))
    next(tmp_path.glob("*.tgz")).write_bytes(b"changed")
    assert npm.fetch_tarball("a", "1.0.0", integrity(data), str(tmp_path), env=env, run=FakeNpm(data)) == data


@pytest.mark.parametrize(
    ("name", "version"), [("--evil", "1.0.0"), ("a", "https://example.com/a.tgz"), ("../a", "1.0.0"), ("a b", "1.0.0"), ("a", "1.0"), ("A", "1.0.0")]
)
def test_a_name_with_more_in_it_never_reaches_npm(tmp_path: Path, env: dict[str, str], name: str, version: str) -> None:
    fake = FakeNpm(None)
    with pytest.raises((Refused, HostFailed)):
        npm.fetch_tarball(name, version, integrity(b""), str(tmp_path), env=env, run=fake)
    assert not fake.commands


def test_an_npm_that_fails_is_told(tmp_path: Path, env: dict[str, str]) -> None:
    with pytest.raises(HostFailed, match="no \\[31mroute"):
        npm.fetch_tarball("a", "1.0.0", integrity(b""), str(tmp_path), env=env, run=FakeNpm(None, status=1, said="no\x1b[31mroute"))


def test_no_npm_and_one_in_the_projects_folder(tmp_path: Path) -> None:
    for path in ("", ".", f".{os.pathsep}{tmp_path}"):
        with pytest.raises(HostFailed, match="npm, which fetches") as found:
            npm.find_npm({"PATH": path})
        assert found.value.code == "host.compiler_missing"


def test_unpacking() -> None:
    assert npm.unpack(archive({"package/a.js": b"1", "package/b/c.js": b"2"}), "a") == {"a.js": b"1", "b/c.js": b"2"}


@pytest.mark.parametrize(
    "data",
    [
        archive({"package/../../a": b"1"}), archive({"package//a": b"1"}), archive({"package/a\\b": b"1"}), archive({"a": b"1"}),
        archive({}, links={"package/a": "/etc/passwd"}), b"no archive", archive({"package/a": b"1"})[:40],
    ],
)  # fmt: skip
def test_what_leads_out_or_is_broken_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as found:
        npm.unpack(data, "a")
    assert found.value.code == "project.npm"


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm, "NPM_UNPACKED_BYTES_MAX", 3)
    with pytest.raises(Refused, match="too much"):
        npm.unpack(archive({"package/a": b"1234"}), "a")
    monkeypatch.setattr(npm, "NPM_FILES_MAX", 0)
    with pytest.raises(Refused, match="too much"):
        npm.unpack(archive({"package/a": b"1"}), "a")


def test_a_compiler_that_comes_as_one_package_per_platform(tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive({"package/bin/esbuild": b"#!/bin/sh\n", "package/README.md": b"x", "package/bin/deep/no": b"x"})
    entry = Entry(
        name="esbuild", aliases=(), serves="TypeScript", source="npm", package="@esbuild/{platform}", version="0.28.2",
        hashes=(integrity(data).removeprefix("sha512-"),) * 4, programs=("bin/esbuild",),
    )  # fmt: skip
    monkeypatch.setattr(npm, "this_platform", lambda: "linux-x64")
    fake = FakeNpm(data)
    found = install_toolchain(entry, env=env, progress=lambda _: None, run=fake)
    assert "@esbuild/linux-x64@0.28.2" in fake.commands[0]
    assert os.access(found.program, os.X_OK)
    assert sorted(os.listdir(found.folder)) == [".complete", "bin"]
    assert os.listdir(f"{found.folder}/bin") == ["esbuild"]
    monkeypatch.setattr(npm, "this_platform", lambda: "")
    with pytest.raises(HostFailed, match="not there for this machine"):
        npm.install_program("@esbuild/{platform}", "0.28.2", entry.hashes, str(tmp_path), env=env, run=fake)


def test_the_catalogue_has_a_hash_for_each_platform() -> None:
    entry = find_entry("typescript")
    assert entry is not None
    assert len(set(entry.hashes)) == len(npm.PLATFORMS)
    assert all(npm.INTEGRITY.fullmatch(f"sha512-{one}") for one in entry.hashes)
    assert npm.this_platform() in {"", *npm.PLATFORMS}
