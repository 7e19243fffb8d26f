"""The cache of native code: what is taken from it, and everything that makes it build anew."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.jail import is_sealed, sealed_memory
from mpp.stages.sandbox import NativeCache, cache as module, limits, sealed_files

CODE = b"native code " * 1000
NAME = hashlib.sha256(b"wasm").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def memory() -> Iterator[int]:
    fd = sealed_memory(CODE)
    yield fd
    os.close(fd)


@pytest.fixture
def cache(tmp_path: Path, memory: int) -> Iterator[NativeCache]:
    """One entry. Afterwards no descriptor is left over."""
    found = NativeCache(str(tmp_path / "home" / "native"), "50.0.0")
    found.store(NAME, memory)
    before = os.listdir("/proc/self/fd")
    yield found
    assert os.listdir("/proc/self/fd") == before


def entry(cache: NativeCache, name: str = NAME) -> Path:
    return Path(cache.folder, f"{name}.{cache.stamp}.native")


def loaded(cache: NativeCache, name: str = NAME) -> bytes | None:
    fd = cache.load(name)
    if fd is None:
        return None
    try:
        assert is_sealed(fd)
        return os.pread(fd, len(CODE) + 1, 0)
    finally:
        os.close(fd)


def test_what_was_kept_comes_back_sealed(cache: NativeCache) -> None:
    assert loaded(cache) == CODE
    assert loaded(NativeCache(cache.folder, "50.0.0")) == CODE
    assert loaded(cache, OTHER) is None


def test_only_the_owner_can_read_it(cache: NativeCache) -> None:
    assert os.stat(cache.folder).st_mode & 0o077 == 0
    for name in os.listdir(cache.folder):
        assert os.stat(os.path.join(cache.folder, name)).st_mode & 0o077 == 0


@pytest.mark.parametrize("at", [0, 12, 13, 44, 45, -1])
def test_one_changed_bit_is_found_and_the_file_is_gone(cache: NativeCache, at: int) -> None:
    raw = bytearray(entry(cache).read_bytes())
    raw[at] ^= 1
    entry(cache).write_bytes(raw)
    assert loaded(cache) is None
    assert not entry(cache).exists()


@pytest.mark.parametrize("change", [lambda raw: b"", lambda raw: raw[:45], lambda raw: raw[:-1], lambda raw: raw + b"x", lambda raw: raw[:20]])
def test_another_length_is_found(cache: NativeCache, change) -> None:
    entry(cache).write_bytes(change(entry(cache).read_bytes()))
    assert loaded(cache) is None
    assert not entry(cache).exists()


def test_a_sound_file_under_another_name_is_found(cache: NativeCache) -> None:
    entry(cache).rename(entry(cache, OTHER))
    assert loaded(cache, OTHER) is None


def test_another_engine_is_another_place_and_no_trick_changes_that(cache: NativeCache) -> None:
    newer = NativeCache(cache.folder, "50.0.1")
    assert newer.stamp != cache.stamp
    assert loaded(newer) is None
    entry(cache).rename(entry(newer))
    assert loaded(newer) is None


def test_settings_and_processor_are_in_the_stamp(cache: NativeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cpu_features", "config_digest"):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, lambda: "another")
            assert NativeCache(cache.folder, "50.0.0").stamp != cache.stamp


def test_another_homes_key_opens_nothing(cache: NativeCache, tmp_path: Path, memory: int) -> None:
    other = NativeCache(str(tmp_path / "other"), "50.0.0")
    other.store(NAME, memory)
    entry(cache).write_bytes(entry(other).read_bytes())
    assert loaded(cache) is None


def test_a_link_a_folder_and_a_pipe_are_no_entries(cache: NativeCache, tmp_path: Path) -> None:
    entry(cache).rename(tmp_path / "kept")
    entry(cache).symlink_to(tmp_path / "kept")
    assert loaded(cache) is None
    entry(cache).unlink()
    os.mkfifo(entry(cache))
    assert loaded(cache) is None
    entry(cache).mkdir()
    assert loaded(cache) is None


def test_a_file_that_claims_too_much_is_not_read(cache: NativeCache) -> None:
    with open(entry(cache), "r+b") as stream:
        stream.truncate(limits.NATIVE_BYTES_MAX + 100)
    assert loaded(cache) is None


def test_code_that_cannot_be_taken_into_memory_is_compiled_anew(cache: NativeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed_files, "sealed_copy", full)
    assert loaded(cache) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602])
def test_a_key_that_others_may_know_counts_for_nothing(cache: NativeCache, mode: int) -> None:
    Path(cache.folder, "key").chmod(mode)
    with pytest.raises(HostFailed) as fault:
        cache.load(NAME)
    assert fault.value.code == "host.cache_key"


def test_a_key_that_is_a_link_counts_for_nothing(cache: NativeCache, tmp_path: Path) -> None:
    key = Path(cache.folder, "key")
    key.rename(tmp_path / "key")
    key.symlink_to(tmp_path / "key")
    with pytest.raises(HostFailed, match="key of the cache"):
        cache.load(NAME)


def test_a_key_that_cannot_be_looked_at_is_said(cache: NativeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.os, "lstat", denied)
    with pytest.raises(HostFailed) as fault:
        cache.load(NAME)
    monkeypatch.undo()
    assert fault.value.code == "host.file"


@pytest.mark.parametrize("size", [0, 31, 33, 1000])
def test_a_key_of_another_length_is_made_anew(cache: NativeCache, memory: int, size: int) -> None:
    Path(cache.folder, "key").write_bytes(bytes(size))
    assert loaded(cache) is None
    cache.store(NAME, memory)
    assert loaded(cache) == CODE


def test_a_lost_key_makes_all_anew(cache: NativeCache) -> None:
    Path(cache.folder, "key").unlink()
    assert loaded(cache) is None


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, memory: int) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = NativeCache(str(tmp_path / "file" / "native"), "50.0.0")
    cache.store(NAME, memory)
    assert cache.load(NAME) is None


def test_entries_are_shown_and_cleared(cache: NativeCache, memory: int) -> None:
    NativeCache(cache.folder, "49.0.0").store(OTHER, memory)
    Path(cache.folder, "notes.txt").write_text("not ours")
    shown = [*cache.entries()]
    assert {(one.wasm_sha256, one.current) for one in shown} == {(NAME, True), (OTHER, False)}
    assert all(one.size == len(CODE) + 45 and one.modified > 0 for one in shown)
    assert cache.clear(outdated_only=True) == (1, len(CODE) + 45)
    assert cache.clear() == (1, len(CODE) + 45)
    assert cache.clear() == (0, 0)
    assert sorted(os.listdir(cache.folder)) == ["key", "notes.txt"]


def test_no_folder_is_an_empty_cache(tmp_path: Path) -> None:
    cache = NativeCache(str(tmp_path / "absent"), "50.0.0")
    assert [*cache.entries()] == []
    assert cache.clear() == (0, 0)


def test_a_folder_that_is_none_cannot_be_listed(tmp_path: Path) -> None:
    (tmp_path / "native").write_text("")
    with pytest.raises(HostFailed, match="cannot list"):
        [*NativeCache(str(tmp_path / "native"), "50.0.0").entries()]


def test_an_entry_that_cannot_be_removed_is_said(cache: NativeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.os, "unlink", denied)
    with pytest.raises(HostFailed, match="cannot remove"):
        cache.clear()
    monkeypatch.undo()


def test_the_processor_is_known_even_without_a_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = tmp_path / "cpuinfo"
    monkeypatch.setattr(module, "_CPU_INFO", str(listed))
    assert isinstance(module.cpu_features(), str)
    listed.write_bytes(b"processor\t: 0\n")
    without = module.cpu_features()
    listed.write_bytes(b"processor\t: 0\nFeatures\t: fp asimd\n")
    assert (module.cpu_features(), without) == ("fp asimd", __import__("platform").processor())


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = NativeCache(str(tmp_path / "native"), "50.0.0")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    memory = sealed_memory(b"code")
    monkeypatch.setattr(sealed_files.os, "sendfile", full)
    found.store(NAME, memory)
    os.close(memory)
    assert found.load(NAME) is None
    assert sorted(os.listdir(found.folder)) == ["key"]
