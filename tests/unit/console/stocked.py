"""A home with something on every page: two versions of a package, an older server that is kept back in part, a registry, keys."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mpp.host.audit.log import AuditLog
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.types import Entry, Held, HostRule, Pin, Server, Stopped
from mpp.host.store import PackageStore
from mpp.host.trust_store import TrustStore
from mpp.host.withdrawn import remember, Status
from mpp.model.jsontext import Json
from mpp.remote.config import ConfigFile, Registry, with_registry
from mpp.remote.memory import MemoryFile
from mpp.testing.installing import install, trust
from mpp.testing.keys import publisher
from mpp.testing.packages import manifest, NOW, signed, TestClock, TestRandom

HELLO = "com.example.hello"


def tool(**changes: Json) -> list[Json]:
    """The tool of the small package, with changes."""
    found = manifest()["tool_definitions"]
    first = found[0] if isinstance(found, list) else None
    return [{**first, **changes}] if isinstance(first, dict) else []


def stock(folder: Path, *, at: int = NOW) -> None:
    home = Home(path=str(folder))
    _packages(home, at)
    _servers(home)
    _registry(home)
    host_key(home)


def _packages(home: Home, at: int) -> None:
    who = publisher()
    trust(home, who)
    more = {
        "version": "0.2.0", "capabilities/network": ["api.example.com"],
        "tool_definitions": [*tool(description="Greets a person warmly, in the language of the system"), *tool(name="wave", description="Waves", security_level="medium")],
    }  # fmt: skip
    with AuditLog(home, clock=TestClock(at), random=TestRandom()) as log:
        install(home, signed(who, {"capabilities/env_vars": ["LANG"]}), events=log)
        install(home, signed(who, more), events=log)
    row = PackageStore(home, TrustStore(home.trust), TestClock(at)).find(HELLO)
    remember(home, row.content_hash, Status(package_id=HELLO, version="0.2.0", registry="corp", status="deprecated", at=at))


def _servers(home: Home) -> None:
    document = json.dumps(
        {"name": "read_file", "description": "Read a file as text.", "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}}}
    )
    files = Server(
        name="files", kind="stdio", command=("npx", "-y", "@modelcontextprotocol/server-filesystem@2025.8.21", "/home/ada/notes"), write=("/home/ada/notes",),
        hosts=(HostRule(host="api.example.com", port=443),), env=("TOKEN",), pinned_code=True, added=NOW, by="ada", amr="tty",
    )  # fmt: skip
    store = LegacyStore(home.path)
    held = (Held(name="send_file", why="nobody agreed to it"), Held(name="read_file", why="it is described otherwise than was agreed to"))
    store.put(Entry(server=files, pins=(Pin(name="read_file", digest="c" * 64, document=document),), held=held))
    wiki = Server(name="wiki", kind="http", url="https://mcp.example.com/mcp", added=NOW, by="ada", amr="flag")
    store.put(Entry(server=wiki, stopped=Stopped(since=NOW, why="it ended three times in a row")))


def _registry(home: Home) -> None:
    who = publisher("Corp registry")
    ConfigFile(home.registries).change(
        lambda config: with_registry(config, Registry(name="corp", url="https://packages.example.com", registry_id=who.id), default=True)
    )
    MemoryFile(os.path.join(home.path, "registries"), who.id).begin(who.chain)
