"""Older servers in a whole host: beside packages, behind its front, with the vault on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.crypto.sealedbox import public_of
from mpp.errors import Refused
from mpp.host.audit.reader import LogReader
from mpp.host.audit.vault import find_call, open_call
from mpp.host.audit.vault_store import save_config, VaultConfig
from mpp.host.backend import HostBackend, ServeOptions
from mpp.host.home import Home
from mpp.host.host import Host
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.types import Entry
from mpp.host.toolcall import META
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, UPDATED
from mpp.stages.audit.vaulted import KEEPS
from mpp.testing.installing import install_tool
from mpp.testing.tools import greeting
from tests import records
from tests.unit.host.audit.test_vault import PRIVATE
from tests.unit.host.legacy.test_beside import offering
from tests.unit.host.legacy.test_calling import ALLOW, policy
from tests.unit.host.legacy.world import Heard, meta, text_of, until

WHO = Caller()


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    policy(home, ALLOW)
    return Home(path=str(home))


@pytest.fixture
def host(place: Home) -> Iterator[Host]:
    install_tool(place, greeting("Hello!"))
    LegacyStore(place.path).put(Entry(server=offering()))
    with Host.open(place.path) as made:
        until(lambda: any("tests__" in str(one) for one in made.tools().items))
        yield made


def names(listing: tuple[Json, ...], key: str = "name") -> list[str]:
    return [str(one[key]) for one in listing if isinstance(one, dict)]


def test_a_front_has_what_older_servers_offer_beside_what_packages_ship(host: Host) -> None:
    backend = HostBackend(host, ServeOptions())
    assert names(backend.prompts(WHO).items) == ["tests__asking", "tests__greet"]
    assert names(HostBackend(host, ServeOptions(plain_names=True)).prompts(WHO).items) == ["asking", "greet"]
    assert names(backend.resources(WHO).items, "uri")[-2:] == ["notes://pixel", "notes://today"]
    assert names(backend.resource_templates(WHO).items, "uriTemplate") == ["mpp://audit/{entry}/proof", "notes://by/{day}"]
    (found,) = backend.read(WHO, "notes://today")
    assert isinstance(found, dict)
    assert found["_meta"] == {META + "package": "legacy.tests", META + "verified": False}
    assert "Greet Bob" in json.dumps(backend.prompt(WHO, "tests__greet", {"who": "Bob"}, {}))
    assert backend.complete(WHO, {"type": "ref/prompt", "name": "tests__greet"}, "who", "t") == ["tuesday"]
    assert backend.complete(WHO, {"type": "ref/prompt", "name": "none"}, "who", "t") == ()
    for missing in (lambda: backend.read(WHO, "notes://none"), lambda: backend.prompt(WHO, "none", {}, {})):
        with pytest.raises(Refused):
            missing()
    backend.close()


def test_a_damaged_list_of_older_servers_takes_nothing_of_packages(host: Host, place: Home) -> None:
    backend = HostBackend(host, ServeOptions())
    Path(place.path, "legacy", "servers.json").write_text("damaged", encoding="utf-8")
    assert names(backend.prompts(WHO).items) == []
    assert all(uri.startswith("mpp://packages/") for uri in names(backend.resources(WHO).items, "uri"))
    backend.follow(WHO, "notes://today")
    backend.close()


def test_whoever_watches_a_resource_is_told(host: Host) -> None:
    backend = HostBackend(host, ServeOptions())
    told: list[str] = []
    end = backend.watch(told.append)
    backend.follow(WHO, "mpp://packages/hello/manifest.json")
    backend.follow(WHO, "notes://today")

    def hears() -> bool:
        host.call("tests__touch", {})
        return f"{UPDATED}local notes://today" in told

    until(hears)
    end()
    backend.close()


def test_calls_are_held_against_the_schema_of_the_server(host: Host, place: Home) -> None:
    refused = host.call("tests__ask", {"n": "many"})
    assert meta(refused)["code"] == "call.arguments"
    assert "/n" in text_of(refused.result)
    assert "intent" not in [one.kind for one in records.events(Path(place.path))]


def test_a_name_that_nobody_knows_is_in_the_record(host: Host, place: Home) -> None:
    with pytest.raises(Refused):
        host.call("tests__none", {})
    last = records.events(Path(place.path))[-1]
    assert (last.kind, last.body["code"], last.body["tool"]) == ("refused", "call.tool", "tests__none")


def test_the_vault_keeps_calls_of_older_servers(host: Host, place: Home) -> None:
    save_config(place.log, VaultConfig(recipient=public_of(PRIVATE), keep=KEEPS))
    done = host.call("tests__count", {})
    assert text_of(done.result) == "0"
    reader = LogReader(place.log)
    entry = meta(done)["entry"]
    assert isinstance(entry, int)
    opened = open_call(reader, find_call(reader, entry), PRIVATE)
    assert opened.holds
    assert opened.payload.sent is not None
    assert opened.payload.sent.line == b'{"tool":"count","arguments":{}}'
    assert opened.payload.answered is not None
    assert b'"text": "0"' in opened.payload.answered.raw
    HostBackend(host, ServeOptions()).read(WHO, "notes://today")
    last = [one for one in records.events(Path(place.path)) if one.kind == "result"][-1]
    assert len(str(last.body["vault"])) == 64
    assert Heard().gone_fd == -1
