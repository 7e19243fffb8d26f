"""Servers out of bundles and registry documents."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.clients.bundles import is_registry_document, Offer, read_bundle, read_document, read_registry
from mpp.host.clients.limits import BUNDLE_MANIFEST_MAX
from mpp.host.clients.zipmember import read_member
from mpp.model.jsontext import Json

MANIFEST: dict[str, Json] = {
    "manifest_version": "0.3",
    "name": "notes",
    "server": {
        "type": "node",
        "entry_point": "server/index.js",
        "mcp_config": {"command": "node", "args": ["${__dirname}/server/index.js"], "env": {"DIR": "${__dirname}/data"}},
    },
}


def bundle(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return str(path)


def with_config(**changes: Json) -> bytes:
    server = MANIFEST["server"]
    assert isinstance(server, dict)
    config = server["mcp_config"]
    assert isinstance(config, dict)
    return json.dumps({**MANIFEST, "server": {**server, "mcp_config": {**config, **changes}}}).encode()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_server_of_a_bundle(tmp_path: Path, method: int) -> None:
    path = bundle(tmp_path / "a.mcpb", {"server/index.js": b"x" * 5000, "manifest.json": with_config()}, method)
    (packed,) = read_bundle(path, "")
    assert packed.server.name == "notes"
    assert "--folder" in packed.server.why_not
    (found,) = read_bundle(path, "/srv/notes")
    assert found.server.why_not == ""
    assert found.server.command == ("node", "/srv/notes/server/index.js")
    assert found.server.env == (("DIR", "/srv/notes/data"),)


def test_what_a_person_must_fill_in_and_what_differs_by_system(tmp_path: Path) -> None:
    path = bundle(tmp_path / "a.mcpb", {"manifest.json": with_config(env={"KEY": "${user_config.key}"})})
    assert "user_config.key" in read_bundle(path, "/x")[0].server.why_not
    path = bundle(tmp_path / "b.mcpb", {"manifest.json": with_config(platform_overrides={"linux": {"command": "sh"}})})
    assert "other systems" in read_bundle(path, "/x")[0].server.why_not


NAMES = ["../out", "/etc/passwd", "a/../../b", "C:/x", "a\\b", "./a", "a//b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_member_that_leads_out_condemns_the_bundle(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.mcpb", "w") as file:
        file.writestr("manifest.json", with_config())
        info = zipfile.ZipInfo("x")
        info.filename = name
        file.writestr(info, b"")
    with pytest.raises(Refused, match="out of its folder") as fault:
        read_bundle(str(tmp_path / "a.mcpb"), "")
    assert fault.value.code == "host.bundle"


def sound() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("manifest.json", with_config())
    return stream.getvalue()


def twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("manifest.json", with_config())
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("manifest.json", with_config(command="evil"))
    return stream.getvalue()


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("manifest.json", b" " * (BUNDLE_MANIFEST_MAX + 1))
    return stream.getvalue()


def lying_bomb() -> bytes:
    """The list says that the member is small."""
    data = bytearray(bomb())
    struct.pack_into("<I", data, data.rfind(b"PK\x01\x02") + 24, 100)
    return bytes(data)


def flagged(at: int, form: str, number: int) -> bytes:
    data = bytearray(sound())
    struct.pack_into(form, data, data.rfind(b"PK\x01\x02") + at, number)
    return bytes(data)


def ended(at: int, form: str, number: int) -> bytes:
    data = bytearray(sound())
    struct.pack_into(form, data, data.rfind(b"PK\x05\x06") + at, number)
    return bytes(data)


DAMAGED: list[tuple[str, Callable[[], bytes]]] = [
    ("empty", lambda: b""),
    ("no zip", lambda: b"x" * 1000),
    ("cut", lambda: sound()[:-30]),
    ("only an end", lambda: sound()[-22:]),
    ("prefixed", lambda: b"MZ" + sound()),
    ("zip64", lambda: sound()[:-22] + b"PK\x06\x07" + b"\0" * 16 + sound()[-22:]),
    ("no manifest", lambda: sound().replace(b"manifest.json", b"manifest.jsox")),
    ("another name inside", lambda: sound().replace(b"manifest.json", b"manifest.jsox", 1)),
    ("two manifests", twice),
    ("bomb", bomb),
    ("lying bomb", lying_bomb),
    ("encrypted", lambda: flagged(8, "<H", 1)),
    ("other method", lambda: flagged(10, "<H", 12)),
    ("stored that is packed", lambda: flagged(10, "<H", 0)),
    ("wrong sum", lambda: flagged(16, "<I", 5)),
    ("wrong size", lambda: flagged(24, "<I", 5)),
    ("cut member", lambda: flagged(20, "<I", 10)),
    ("elsewhere", lambda: flagged(42, "<I", 5)),
    ("broken list", lambda: flagged(0, "<I", 5)),
    ("huge list", lambda: ended(12, "<I", 2**31)),
]


@pytest.mark.parametrize(("name", "make"), DAMAGED, ids=[name for name, _ in DAMAGED])
def test_damaged_bundles(tmp_path: Path, name: str, make: Callable[[], bytes]) -> None:
    path = tmp_path / "a.mcpb"
    path.write_bytes(make())
    with pytest.raises(Refused) as fault:
        read_bundle(str(path), "")
    assert fault.value.code == "host.bundle", name


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match="cannot read"):
        read_member(str(tmp_path / "absent"), "a", 10)
    with pytest.raises((Refused, HostFailed)):
        read_member(str(tmp_path), "a", 10)


@pytest.mark.parametrize("data", [b"[]", b"{", b"\xff", b"{}", b'{"server": {}}', b'{"server": 5}'])
def test_manifests_that_are_none(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Refused) as fault:
        read_bundle(bundle(tmp_path / "a.mcpb", {"manifest.json": data}), "")
    assert fault.value.code in {"host.bundle", "host.client_syntax"}


def registry(packages: Json = None, remotes: Json = None) -> tuple[Offer, ...]:
    document = {"name": "io.github.ada/weather", "version": "1.0.0", "packages": packages, "remotes": remotes}
    return read_registry(document, "server.json")


PACKAGES: list[tuple[dict[str, Json], tuple[str, ...]]] = [
    ({"registryType": "npm", "identifier": "@ada/weather", "version": "1.0.2"}, ("npx", "-y", "@ada/weather@1.0.2")),
    ({"registryType": "npm", "identifier": "weather"}, ("npx", "-y", "weather")),
    ({"registryType": "pypi", "identifier": "weather", "version": "0.5.0"}, ("uvx", "weather==0.5.0")),
    ({"registryType": "oci", "identifier": "ghcr.io/ada/weather:1.0"}, ("docker", "run", "-i", "--rm", "ghcr.io/ada/weather:1.0")),
    (
        {
            "registryType": "npm",
            "identifier": "w",
            "runtimeArguments": [{"type": "positional", "value": "--silent"}],
            "packageArguments": [
                {"type": "named", "name": "--unit", "value": "C"},
                {"type": "named", "name": "--fast", "isRequired": True},
                {"type": "named", "name": "--left-out"},
                {"type": "positional", "default": "here"},
            ],
        },
        ("npx", "-y", "--silent", "w", "--unit", "C", "--fast", "here"),
    ),
]


@pytest.mark.parametrize(("row", "command"), PACKAGES)
def test_packages_of_a_registry(row: dict[str, Json], command: tuple[str, ...]) -> None:
    (found,) = registry([row])
    assert (found.server.name, found.server.command, found.server.why_not) == ("weather", command, "")


def test_what_a_package_still_needs() -> None:
    env: Json = [{"name": "UNIT", "default": "C"}, {"name": "API_KEY", "isRequired": True, "isSecret": True}, {"name": "MAYBE"}]
    (found,) = registry(
        [{"registryType": "oci", "identifier": "w", "environmentVariables": env, "packageArguments": [{"isRequired": True, "valueHint": "city"}]}]
    )
    assert found.needs == ("city", "API_KEY")
    assert found.server.env == (("UNIT", "C"),)
    assert "-e" in found.server.command


def test_addresses_of_a_registry() -> None:
    rows: Json = [
        {"type": "streamable-http", "url": "https://w.example.com/mcp", "headers": [{"name": "X-Key", "isRequired": True, "isSecret": True}]},
        {"type": "sse", "url": "https://{tenant}.example.com/sse", "headers": [{"name": "X-Kind", "value": "free"}, {"name": "X-Token", "value": "{token}"}]},
    ]
    first, second = registry(None, rows)
    assert (first.server.url, first.server.transport, first.needs) == ("https://w.example.com/mcp", "http", ("X-Key",))
    assert (second.server.headers, second.needs) == ((("X-Kind", "free"),), ("{tenant}",))


NOT: list[dict[str, Json]] = [
    {"registryType": "npm", "identifier": "--eval=x"},
    {"registryType": "npm", "identifier": "w", "version": "1 --eval"},
    {"registryType": "pypi", "identifier": "-r"},
    {"registryType": "oci", "identifier": "--privileged"},
    {"registryType": "nuget", "identifier": "w"},
    {"identifier": "w"},
    {"registryType": "npm", "identifier": "w", "transport": {"type": "sse", "url": "http://localhost:1"}},
]


@pytest.mark.parametrize("row", NOT)
def test_packages_that_are_not_taken_over(row: dict[str, Json]) -> None:
    assert registry([row])[0].server.why_not


def test_what_is_a_registry_document() -> None:
    assert is_registry_document(read_document(b'\xef\xbb\xbf{"packages": []}', "f"))
    assert not is_registry_document({"mcpServers": {}})
    with pytest.raises(Refused, match="no package"):
        registry([], [])
