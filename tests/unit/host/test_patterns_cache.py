"""What is kept counts only under the seal of this home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.patterns import cache as module
from mpp.host.patterns.cache import PatternCache, build_scanner

NAME = "0a" * 32 + ".database"


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test compiles for itself."""
    monkeypatch.setattr("mpp.stages.privacy.engine._MADE_MAX", 0)


@pytest.fixture
def cache(tmp_path: Path) -> PatternCache:
    return PatternCache(str(tmp_path))


def test_what_was_stored_comes_back(cache: PatternCache) -> None:
    assert cache.load(NAME) is None
    cache.store(NAME, b"database")
    assert cache.load(NAME) == b"database"
    assert PatternCache(os.path.dirname(cache.folder)).load(NAME) == b"database"
    modes = {name: os.stat(os.path.join(cache.folder, name)).st_mode & 0o777 for name in os.listdir(cache.folder)}
    assert modes == {"key": 0o600, NAME: 0o600}
    assert os.stat(cache.folder).st_mode & 0o777 == 0o700


@pytest.mark.parametrize("at", [0, 20, 50, -1])
def test_a_changed_file_does_not_count(cache: PatternCache, at: int) -> None:
    cache.store(NAME, b"database of some length")
    path = Path(cache.folder, NAME)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert cache.load(NAME) is None
    assert not path.exists(), "it is made anew"


@pytest.mark.parametrize("content", [b"", b"short", b"mpp-patterns-1\n" + bytes(32)])
def test_a_short_file_does_not_count(cache: PatternCache, content: bytes) -> None:
    cache.store(NAME, b"database")
    Path(cache.folder, NAME).write_bytes(content)
    assert cache.load(NAME) is None


def test_a_file_counts_under_its_own_name_only(cache: PatternCache) -> None:
    """Attack: the sound database of one set of expressions under the name of another."""
    cache.store(NAME, b"database")
    other = "1b" * 32 + ".database"
    os.rename(os.path.join(cache.folder, NAME), os.path.join(cache.folder, other))
    assert cache.load(other) is None


def test_a_file_of_another_home_does_not_count(cache: PatternCache, tmp_path: Path) -> None:
    cache.store(NAME, b"database")
    other = PatternCache(str(tmp_path / "other"))
    other.store("1b.database", b"x")
    os.rename(os.path.join(cache.folder, NAME), os.path.join(other.folder, NAME))
    assert other.load(NAME) is None


def test_links_and_pipes_are_not_followed(cache: PatternCache, tmp_path: Path) -> None:
    cache.store(NAME, b"database")
    path = Path(cache.folder, NAME)
    moved = path.rename(tmp_path / "moved")
    path.symlink_to(moved)
    assert cache.load(NAME) is None
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert cache.load(NAME) is None


def test_a_key_that_others_can_read_is_no_key(cache: PatternCache) -> None:
    cache.store(NAME, b"database")
    os.chmod(os.path.join(cache.folder, "key"), 0o644)
    for act in (lambda: cache.load(NAME), lambda: cache.store(NAME, b"x")):
        with pytest.raises(HostFailed) as fault:
            act()
        assert fault.value.code == "host.cache_key"


def test_a_key_that_is_a_link_is_no_key(cache: PatternCache, tmp_path: Path) -> None:
    cache.store(NAME, b"database")
    key = Path(cache.folder, "key")
    moved = key.rename(tmp_path / "key")
    key.symlink_to(moved)
    with pytest.raises(HostFailed):
        cache.load(NAME)


def test_half_a_key_is_made_anew(cache: PatternCache) -> None:
    cache.store(NAME, b"database")
    Path(cache.folder, "key").write_bytes(b"half")
    assert cache.load(NAME) is None
    cache.store(NAME, b"again")
    assert cache.load(NAME) == b"again"


def test_what_is_too_large_is_not_kept(cache: PatternCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.limits, "KEPT_BYTES_MAX", 10)
    cache.store(NAME, b"x" * 11)
    cache.store(NAME, b"")
    assert cache.load(NAME) is None


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "patterns").write_bytes(b"")
    cache = PatternCache(str(tmp_path))
    cache.store(NAME, b"database")
    assert cache.load(NAME) is None


@pytest.mark.parametrize("name", ["key", "../key", "A", "", "a/b", "." + NAME])
def test_names_stay_in_the_folder(cache: PatternCache, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        cache.store(name, b"x")


def test_a_scanner_is_built_once(tmp_path: Path) -> None:
    pytest.importorskip("hyperscan", reason="Hyperscan is not installed")
    first = build_scanner(str(tmp_path), ("ab", "[0-9]{4}"))
    assert len(os.listdir(tmp_path / "patterns")) == 2
    second = build_scanner(str(tmp_path), ("ab", "[0-9]{4}"))
    assert first.is_fresh  # type: ignore[attr-defined]
    assert not second.is_fresh  # type: ignore[attr-defined]
    assert second.scan(b" ab 1234", 9) == [(1, 0), (4, 1)]
