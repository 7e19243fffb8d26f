"""Which registry is asked for the layer that a tool stands on, where the layer is not on this machine."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mpp.cli.store import layers
from mpp.errors import Refused
from mpp.model.manifest import LayerRef
from mpp.remote.config import Config, Registry

FIRST = Registry(name="first", url="https://first.example", registry_id="a" * 64)
PEER = Registry(name="peer-bbbbbbbb", url="https://peer.example", registry_id="b" * 64, introduced_by=("a" * 64,))
LAYER = LayerRef(id="dev.example.python", version="3.13.5", sha256="c" * 64)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which way was gone; nobody has the layer."""
    ways: list[str] = []

    def absent(way: str) -> object:
        def ask(*_words: object, **_named: object) -> None:
            ways.append(way)
            raise Refused("registry.absent", "not here", where=LAYER.id)

        return ask

    monkeypatch.setattr(layers, "load_config", lambda: Config(registries={one.name: one for one in (FIRST, PEER)}, default="first"))
    monkeypatch.setattr(layers, "fetch", absent("as each package"))
    monkeypatch.setattr(layers, "fetch_from", absent("with the registry of the tool"))
    return ways


def origin(registry_id: str) -> layers.Origin:
    return SimpleNamespace(chosen=SimpleNamespace(registry_id=registry_id))  # type: ignore[return-value] # all that is read of it


def test_the_registry_of_the_tool_is_asked_for_its_layer(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert layers.fetch_layer(LAYER, origin("a" * 64), quiet=False) is None
    assert asked == ["with the registry of the tool"]
    assert "first has not the layer dev.example.python 3.13.5 either" in capsys.readouterr().err


def test_a_registry_that_was_introduced_for_the_tool_does_not_answer_for_every_name(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Attack: an introduced peer that hands out the layer of everybody."""
    assert layers.fetch_layer(LAYER, origin("b" * 64), quiet=True) is None
    assert asked == ["as each package"]
    assert capsys.readouterr().err == ""


def test_nobody_is_asked_where_the_registry_is_gone_or_the_version_is_none(asked: list[str]) -> None:
    assert layers.fetch_layer(LAYER, origin("d" * 64), quiet=True) is None
    assert layers.fetch_layer(LayerRef(id=LAYER.id, version="newest", sha256=LAYER.sha256), origin("a" * 64), quiet=True) is None
    assert asked == []


def test_another_refusal_is_passed_on(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def lied(*_words: object, **_named: object) -> None:
        raise Refused("registry.proof", "the proof does not hold", where=LAYER.id)

    monkeypatch.setattr(layers, "fetch_from", lied)
    with pytest.raises(Refused) as caught:
        layers.fetch_layer(LAYER, origin("a" * 64), quiet=True)
    assert caught.value.code == "registry.proof"
