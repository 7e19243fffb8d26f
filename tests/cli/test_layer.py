"""mpp layer, and the other commands with tools that stand on a layer."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.host.home import Home
from mpp.stages.archive import LAYER_NAME
from mpp.testing import packages
from mpp.testing.installing import trust
from mpp.testing.keys import publisher
from tests import layered
from tests.cli.conftest import Mpp

CODE = layered.sound()
BODY = layered.layer_body(CODE)
HASH = sha256(BODY).hexdigest()
NAMED = layered.ref(BODY)


@pytest.fixture
def known(home: Path) -> Home:
    """A home that trusts the publisher of layers and tools."""
    found = Home(path=str(home))
    trust(found, publisher())
    return found


@pytest.fixture
def file() -> Callable[..., Path]:
    def write(data: bytes, name: str = "layer.mpp") -> Path:
        Path(name).write_bytes(data)
        return Path(name)

    return write


def events(home: Home) -> str:
    return "".join(path.read_text() for path in sorted(Path(home.path, "audit").rglob("*.jsonl")))


def test_a_layer_is_installed_listed_verified_and_removed(mpp: Mpp, known: Home, file: Callable[..., Path]) -> None:
    done = mpp("layer", "install", file(layered.layer(code=CODE)))
    assert done.code == 0
    assert "Installed com.example.interpreter 1.0.0" in done.out
    assert HASH in done.out
    assert "compiled once" in done.err
    again = mpp("layer", "install", file(layered.layer(code=CODE)), "--json")
    assert again.json == {
        "ok": True, "id": "com.example.interpreter", "version": "1.0.0", "sha256": HASH, "publisher_id": publisher().id, "new": False,
        "file": f"{known.layers}/{HASH}.mpp",
    }  # fmt: skip
    assert again.err == ""
    listed = mpp("layer", "list", "--json").json["layers"]
    assert [(row["id"], row["version"], row["sha256"], row["publisher"]) for row in listed] == [("com.example.interpreter", "1.0.0", HASH, "Example Publisher")]
    assert HASH[:16] in mpp("layer", "list").out
    verified = mpp("layer", "verify")
    assert verified.code == 0
    assert "signed by pub_" in verified.out
    assert "; compiled" in verified.out
    gone = mpp("layer", "uninstall", HASH[:12], "--yes", "--json")
    assert (gone.code, gone.json["sha256"], gone.json["users"]) == (0, HASH, [])
    assert mpp("layer", "list").out.startswith("No layer is installed")
    assert mpp("layer", "verify").out.startswith("No layer is installed")
    record = events(known)
    assert record.count('"change":"installed"') == 1
    assert record.count('"change":"removed"') == 1
    assert HASH in record


def test_an_unknown_publisher_is_asked_about(mpp: Mpp, home: Path, file: Callable[..., Path]) -> None:
    refused = mpp("layer", "install", file(layered.layer(code=CODE)))
    assert refused.code == 20
    assert "publisher.unknown" in refused.err
    assert not Path(home, "layers").exists()


def test_what_is_no_layer_is_not_installed_as_one(mpp: Mpp, known: Home, file: Callable[..., Path]) -> None:
    refused = mpp("layer", "install", file(packages.signed()))
    assert (refused.code, "layer.type" in refused.err) == (31, True)
    refused = mpp("install", file(layered.layer(code=CODE)))
    assert (refused.code, "call.runtime" in refused.err) == (21, True)
    assert "mpp layer install" in refused.err
    assert mpp("layer", "install", "nowhere.mpp").code == 2
    unsound = layered.layer_body(layered.wasm("", "", "(global (mut i32) (i32.const 0))"))
    refused = mpp("verify", file(unsound, "unsound.mpp"))
    assert refused.code != 0


def test_a_file_address_is_fetched(mpp: Mpp, known: Home, file: Callable[..., Path]) -> None:
    path = file(layered.layer(code=CODE)).resolve()
    assert mpp("layer", "install", f"file://{path}").code == 0


def test_a_damaged_layer_is_found_and_installed_again(mpp: Mpp, known: Home, file: Callable[..., Path]) -> None:
    mpp("layer", "install", file(layered.layer(code=CODE)))
    stored = Path(known.layers, f"{HASH}.mpp")
    data = bytearray(stored.read_bytes())
    data[200] ^= 1
    stored.write_bytes(data)
    found = mpp("layer", "verify", "--json")
    assert found.code == 31
    assert not found.json["ok"]
    assert found.json["layers"][0]["code"] == "layer.changed"
    shown = mpp("layer", "verify")
    assert shown.code == 31
    assert "layer.changed" in shown.err
    assert mpp("layer", "install", file(layered.layer(code=CODE)), "--json").json["new"]
    found = mpp("layer", "verify", "com.example.interpreter", "--json")
    assert (found.code, found.json["layers"][0]["compiled"]) == (0, True)


def test_verify_says_when_nothing_is_compiled(mpp: Mpp, known: Home, file: Callable[..., Path]) -> None:
    mpp("layer", "install", file(layered.layer(code=CODE)))
    assert mpp("cache", "clear", "--json").json["removed"] >= 1
    found = mpp("layer", "verify")
    assert (found.code, "to be compiled when it is used" in found.out) == (0, True)


def test_a_tool_on_a_layer_is_run_installed_and_shown(mpp: Mpp, known: Home, file: Callable[..., Path]) -> None:
    tool = file(layered.tool(NAMED), "tool.mpp")
    missing = mpp("run", tool, "--args", "{}")
    assert (missing.code, "layer.missing" in missing.err, "mpp layer install" in missing.err) == (31, True, True)
    missing = mpp("install", tool)
    assert (missing.code, "layer.missing" in missing.err) == (31, True)
    assert mpp("list", "--json").json["packages"] == []
    mpp("layer", "install", file(layered.layer(code=CODE)))
    for _ in range(2):
        done = mpp("run", tool, "--args", "{}")
        assert (done.code, done.out.strip()) == (0, "from the image")
    installed = mpp("install", tool)
    assert installed.code == 0
    assert f"Runs on the layer com.example.interpreter 1.0.0 ({HASH[:16]})." in installed.out
    shown = mpp("inspect", tool)
    assert f"stands on the layer com.example.interpreter 1.0.0, sha256:{HASH}" in shown.out
    assert mpp("inspect", tool, "--json").json["manifest"]["runtime"]["layer"] == NAMED
    assert "images of tools" in mpp("cache", "list").out
    assert mpp("cache", "list", "--json").json["images"]["count"] == 1
    warm = mpp("cache", "warm", tool, "--json").json["packages"][0]
    assert not warm["fresh"]
    refused = mpp("layer", "uninstall", "com.example.interpreter", "--yes")
    assert (refused.code, "layer.used" in refused.err, "com.example.interpreted" in refused.err) == (31, True, True)
    gone = mpp("layer", "uninstall", "com.example.interpreter", "--yes", "--force", "--json")
    assert (gone.code, gone.json["users"]) == (0, ["com.example.interpreted"])
    assert mpp("run", tool, "--args", "{}").code == 31


def test_a_package_that_carries_its_layer_runs_and_leaves_it_when_installed(mpp: Mpp, known: Home, file: Callable[..., Path]) -> None:
    tool = file(layered.tool(NAMED, extra={LAYER_NAME: layered.layer(publisher("Somebody Else"), CODE)}), "tool.mpp")
    done = mpp("run", tool, "--args", "{}")
    assert (done.code, done.out.strip()) == (0, "from the image")
    assert mpp("layer", "list", "--json").json["layers"] == []
    assert mpp("install", tool).code == 0
    assert [row["sha256"] for row in mpp("layer", "list", "--json").json["layers"]] == [HASH]
    assert mpp("layer", "verify").code == 0


def test_nobody_agreed_so_nothing_is_removed(mpp: Mpp, known: Home, file: Callable[..., Path]) -> None:
    mpp("layer", "install", file(layered.layer(code=CODE)))
    refused = mpp("layer", "uninstall", "com.example.interpreter")
    assert (refused.code, "consent.missing" in refused.err) == (22, True)
    assert mpp("layer", "uninstall", "com.example.none", "--yes").code == 31
    assert len(mpp("layer", "list", "--json").json["layers"]) == 1


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A recipe in the place of the real ones, which take minutes."""
    asked: list[object] = []

    def build(*, cache: str, progress: Callable[[str], None]) -> object:
        asked.append(cache)
        progress("compiling nothing")
        return types.SimpleNamespace(data=BODY, name="mpp-layer-test.mpp", content_hash=HASH)

    module = types.ModuleType("tests_recipe")
    module.build = build  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tests_recipe", module)
    monkeypatch.setattr("mpp.cli.layer.build.recipes", lambda: {"test": "tests_recipe:build"})
    return asked


def test_a_layer_is_built_and_installed(mpp: Mpp, home: Path, recipe: list[object]) -> None:
    done = mpp("layer", "build", "test", "-o", "out.mpp")
    assert done.code == 0
    assert "Built and installed com.example.interpreter 1.0.0" in done.out
    assert "compiling nothing" in done.err
    assert recipe == [str(home / "cache" / "layers")]
    stored = Path(home, "layers", f"{HASH}.mpp").read_bytes()
    assert Path("out.mpp").read_bytes() == stored
    again = mpp("layer", "build", "test", "--json")
    assert (again.json["new"], again.json["sha256"], again.err) == (False, HASH, "")
    assert mpp("layer", "verify").code == 0


def test_a_layer_is_built_with_a_key_of_ones_own(mpp: Mpp, home: Path, recipe: list[object]) -> None:
    assert mpp("keygen", "--name", "Ada", "--no-passphrase").code == 0
    key = home / "keys" / "publisher.key"
    assert mpp("layer", "build", "test", "-k", key, "-o", "out.mpp").code == 0
    assert mpp("verify", "out.mpp").code == 0
    missing = mpp("layer", "build", "test", "-k", "none.key")
    assert (missing.code, "usage.no_file" in missing.err) == (2, True)


def test_only_known_layers_are_built(mpp: Mpp, recipe: list[object]) -> None:
    refused = mpp("layer", "build", "cobol")
    assert (refused.code, "layer.kind" in refused.err, "known are: test" in refused.err) == (31, True, True)


def test_what_was_built_keeps_the_rules(mpp: Mpp, home: Path, recipe: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    unsound = layered.layer_body(layered.wasm("", "", "(global (mut i32) (i32.const 0))"))
    monkeypatch.setattr(sys.modules["tests_recipe"], "build", lambda **_: types.SimpleNamespace(data=unsound, name="x.mpp", content_hash=""))
    refused = mpp("layer", "build", "test")
    assert (refused.code, "wasm.layer_global" in refused.err) == (17, True)
    assert not Path(home, "layers").exists()


@pytest.mark.parametrize("name", ["build", "install", "list", "verify", "uninstall"])
def test_each_command_says_how_it_is_used(name: str, mpp: Mpp) -> None:
    found = mpp("layer", name, "--help")
    assert found.code == 0
    assert "Example" in found.out
    assert max(map(len, found.out.splitlines())) <= 100
