"""Tools that stand on a layer in a whole host, in a program that embeds one, and in a replay."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.crypto.sealedbox import public_of
from mpp import Gatekeeper, Granted, PermissionPolicy, SandboxConfig, WasmSandbox
from mpp.host.audit.reader import LogReader
from mpp.host.audit.vault import find_call, open_call
from mpp.host.audit.vault_store import save_config, VaultConfig
from mpp.host.home import Home
from mpp.host.host import Host
from mpp.host.layers import LayerStore
from mpp.host.replaying import replay
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Outcome
from mpp.stages.audit.vaulted import KEEPS
from mpp.stages.gatekeeper import package_of
from mpp.testing import packages
from mpp.testing.installing import install, trust
from mpp.testing.keys import publisher
from tests import layered
from tests.unit.host.audit.test_vault import PRIVATE

CODE = layered.sound()
BODY = layered.layer_body(CODE)
HASH = sha256(BODY).hexdigest()
TOOL = layered.tool(layered.ref(BODY))


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    """A home with the layer, whose filter is compiled already."""
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    made = Home(path=str(home))
    LayerStore(made).put(HASH, layered.layer(code=CODE))
    trust(made, publisher())
    return made


def called(host: Host) -> Outcome:
    return host.call("interpreted__greet", {})


def text_of(outcome: Outcome) -> Json:
    content = outcome.result["content"]
    first = content[0] if isinstance(content, list) else None
    return first.get("text") if isinstance(first, dict) else None


def test_a_host_serves_it(place: Home) -> None:
    install(place, TOOL)
    with Host.open(place.path) as host:
        for _ in range(2):
            assert text_of(called(host)) == "from the image"


def test_a_host_without_the_layer_says_so_and_serves_the_others(place: Home) -> None:
    install(place, TOOL)
    LayerStore(place).remove(HASH)
    with Host.open(place.path) as host:
        outcome = called(host)
        assert outcome.result["isError"] is True
        LayerStore(place).put(HASH, layered.layer(code=CODE))
        assert text_of(called(host)) == "from the image"


def test_a_program_that_runs_it_can_have_the_call_again(place: Home, tmp_path: Path) -> None:
    path = tmp_path / "tool.mpp"
    path.write_bytes(TOOL)
    found = Gatekeeper.verify_file(path, packages.trusting(publisher()), packages.NOW)
    granted = PermissionPolicy().trust_package("com.example.interpreted").evaluate(found.manifest, "greet")
    assert isinstance(granted, Granted)
    save_config(place.log, VaultConfig(recipient=public_of(PRIVATE), keep=KEEPS))
    config = SandboxConfig(stdin_data=b'{"tool": "greet", "arguments": {"name": "Ada"}}', capability_token=granted.token)
    with WasmSandbox(home=place) as box:
        output = box.execute(found.wasm_binary, config)
        assert "from the image" in str(output.response())
    reader = LogReader(place.log)
    opened = open_call(reader, find_call(reader, output.invocation), PRIVATE)
    assert replay(package_of(found.manifest), opened, place.log, place).same
