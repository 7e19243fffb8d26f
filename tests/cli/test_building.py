from __future__ import annotations

import pytest

from pathlib import Path

from mpp.author.languages.ports import LayerFile
from mpp.author.layers import LAYERS
from mpp.cli.building import find_or_install, layer_or_built, newest_layer
from mpp.errors import HostFailed, Refused
from mpp.model.manifest import LayerRef
from tests import layered

LAYER = LayerFile(ref=LayerRef(id="dev.example.layer", version="1.0.0", sha256="1" * 64), path="/nowhere")


class Recipe:
    """Stands in for the sources of an interpreter: what comes out is a real layer, unsigned."""

    data = layered.layer_body(changes={"package_id": "dev.mpp.layers.javascript"})
    made = 0


def recipe(*, cache: str, progress: object) -> Recipe:
    Recipe.made += 1
    return Recipe()


@pytest.fixture
def sources(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recipe, "made", 0)
    monkeypatch.setitem(LAYERS, "javascript", f"{__name__}:recipe")  # type: ignore[arg-type]


def test_a_layer_that_is_absent_is_built_once(sources: None) -> None:
    said: list[str] = []
    found = layer_or_built("javascript", find=newest_layer, install=True, progress=said.append)
    assert found is not None
    assert (found.ref.id, Recipe.made, len(said)) == ("dev.mpp.layers.javascript", 1, 1)
    assert "QuickJS" in said[0]
    assert layer_or_built("javascript", find=newest_layer, install=True, progress=said.append) == found
    assert (Recipe.made, len(said)) == (1, 1)


def test_no_layer_is_built_against_a_wish_or_where_there_is_another_way(sources: None) -> None:
    silent: list[str] = []
    assert layer_or_built("javascript", find=newest_layer, install=False, progress=silent.append) is None
    assert layer_or_built("python", find=newest_layer, install=True, progress=silent.append) is None
    assert layer_or_built("python", find=lambda _: LAYER, install=True, progress=silent.append) is LAYER
    assert (Recipe.made, silent) == (0, [])


def test_what_stops_the_build_of_a_layer_is_said(sources: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recipe, "data", b"no package")
    with pytest.raises(Refused, match="archive"):
        layer_or_built("javascript", find=newest_layer, install=True, progress=lambda _: None)


def test_a_home_without_layers_has_none() -> None:
    assert newest_layer("python") is None
    assert newest_layer("wasm32-wasip1") is None


def test_a_toolchain_that_is_not_there_is_named(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_TOOLCHAINS", str(tmp_path))
    with pytest.raises(HostFailed, match=r"host\.compiler_missing"):
        find_or_install("go", install=False)
