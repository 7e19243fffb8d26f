"""Images and verdicts in the cache: under the name of what they are made of, sealed, and gone on any doubt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.jail import sealed_memory
from mpp.stages.sandbox import image_cache as module, ImageCache, ImageName
from mpp.stages.sandbox.image import PAGE_BYTES, read_image, trailer

NAME = ImageName(layer="a" * 64, package="b" * 64, hash_seed=7)


@pytest.fixture
def cache(tmp_path: Path) -> ImageCache:
    made = ImageCache(str(tmp_path / "cache"))
    put(made, NAME, b"first")
    return made


def put(cache: ImageCache, name: ImageName, text: bytes) -> None:
    fd = sealed_memory(text.ljust(PAGE_BYTES, b"\0") + trailer(PAGE_BYTES, (), imported=True, note=""))
    cache.store(name, read_image(fd))
    os.close(fd)


def loaded(cache: ImageCache, name: ImageName = NAME) -> bytes | None:
    found = cache.load(name)
    if found is None:
        return None
    try:
        return os.pread(found.fd, 5, 0)
    finally:
        os.close(found.fd)


def test_an_image_is_found_under_its_name_alone(cache: ImageCache) -> None:
    assert loaded(cache) == b"first"
    for other in (
        ImageName(layer="c" * 64, package="b" * 64, hash_seed=7),
        ImageName(layer="a" * 64, package="c" * 64, hash_seed=7),
        ImageName(layer="a" * 64, package="b" * 64, hash_seed=8),
    ):
        assert loaded(cache, other) is None
    assert cache.sizes()[0] == 1


def test_another_version_of_making_images_is_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = NAME.digest
    monkeypatch.setattr(module, "IMAGE_VERSION", 2)
    assert NAME.digest != before


def test_a_changed_byte_makes_it_anew(cache: ImageCache) -> None:
    path = Path(cache.folder, f"{NAME.digest}.image")
    data = bytearray(path.read_bytes())
    data[-PAGE_BYTES] ^= 1
    path.write_bytes(data)
    assert loaded(cache) is None
    assert not path.exists()


def test_a_sealed_file_that_is_no_image_is_dropped(cache: ImageCache) -> None:
    fd = sealed_memory(b"no image")
    file = f"{NAME.digest}.image"
    cache._images.store(file, module._IMAGE_MAGIC + file.encode(), fd)
    os.close(fd)
    assert loaded(cache) is None
    assert not Path(cache.folder, file).exists()


def test_the_oldest_goes_when_there_are_too_many(cache: ImageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.limits, "IMAGES_KEPT_MAX", 2)
    os.utime(Path(cache.folder, f"{NAME.digest}.image"), (1, 1))
    for seed in (8, 9):
        put(cache, ImageName(layer="a" * 64, package="b" * 64, hash_seed=seed), b"more")
    assert loaded(cache) is None
    assert cache.sizes()[0] == 2


def test_a_verdict_is_kept_and_forgotten(cache: ImageCache) -> None:
    assert cache.verdict("c" * 64) is None
    cache.keep_verdict("c" * 64, {"wasm": "d" * 64})
    assert cache.verdict("c" * 64) == {"wasm": "d" * 64}
    assert cache.verdict("d" * 64) is None
    os.rename(Path(cache.folder, f"{'c' * 64}.layer"), Path(cache.folder, f"{'d' * 64}.layer"))
    assert cache.verdict("d" * 64) is None
    cache.keep_verdict("c" * 64, {"wasm": "d" * 64})
    cache.forget("c" * 64)
    assert cache.verdict("c" * 64) is None


def test_a_verdict_that_is_no_object_is_none(cache: ImageCache) -> None:
    file = f"{'c' * 64}.layer"
    for text in (b"[]", b"{"):
        fd = sealed_memory(text)
        cache._verdicts.store(file, module._VERDICT_MAGIC + file.encode(), fd)
        os.close(fd)
        assert cache.verdict("c" * 64) is None


def test_without_memory_no_verdict_is_kept(cache: ImageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "sealed_memory", full)
    cache.keep_verdict("c" * 64, {})
    assert cache.verdict("c" * 64) is None


def test_all_of_it_is_cleared(cache: ImageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.keep_verdict("c" * 64, {})
    Path(cache.folder, "notes.txt").write_text("mine")
    assert cache.clear()[0] == 2
    assert os.listdir(cache.folder) == ["notes.txt"]
    assert ImageCache(str(Path(cache.folder, "none"))).clear() == (0, 0)
    put(cache, NAME, b"again")

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.os, "unlink", denied)
    with pytest.raises(HostFailed):
        cache.clear()


def test_what_is_derived_belongs_to_this_home(cache: ImageCache, tmp_path: Path) -> None:
    assert cache.key.derived(b"a") == ImageCache(str(tmp_path / "cache")).key.derived(b"a")
    assert cache.key.derived(b"a") != cache.key.derived(b"b")
    assert cache.key.derived(b"a") != ImageCache(str(tmp_path / "other")).key.derived(b"a")
