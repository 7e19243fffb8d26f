"""Servers out of what others hand out: an .mcpb bundle, or the server.json of a registry. Only definitions are read; nothing is unpacked, fetched or run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mpp.errors import Refused
from mpp.host.clients.jsonspan import Tree
from mpp.host.clients.limits import BUNDLE_MANIFEST_MAX, SERVERS_MAX
from mpp.host.clients.servers import read_server, Server
from mpp.host.clients.zipmember import read_member
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

MANIFEST = "manifest.json"
_FOLDER = "${__dirname}"
_RUNNERS: Mapping[str, tuple[str, ...]] = {"npm": ("npx", "-y"), "pypi": ("uvx",), "oci": ("docker", "run", "-i", "--rm")}
_BETWEEN = {"npm": "@", "pypi": "=="}
_IDENTIFIER = {
    "npm": re.compile(r"(?:@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*"),
    "pypi": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"),
    "oci": re.compile(r"[a-z0-9][a-z0-9._/:-]*(?:@sha256:[0-9a-f]{64})?"),
}
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,127}")
_BLANK = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


@value
class Offer:
    """One way to have a server, and what it still needs."""

    server: Server
    needs: tuple[str, ...] = ()
    """Variables, headers or words whose values nobody gave yet."""


def read_bundle(path: str, folder: str) -> tuple[Offer, ...]:
    """The server of an .mcpb file. ``folder``: where it was unpacked; empty where it was not."""
    manifest = read_document(read_member(path, MANIFEST, BUNDLE_MANIFEST_MAX), f"{path}: {MANIFEST}")
    server = _table(manifest, "server", path)
    config = _table(server, "mcp_config", path)
    kept: dict[str, Json] = {key: _placed(config[key], folder) for key in ("command", "args", "env") if key in config}
    found = read_server(_text(manifest, "name"), kept, ())
    if not folder and _FOLDER in repr(config):
        found = replace(found, why_not="it runs what is in the bundle: unpack it, then give --folder DIR")
    elif config.get("platform_overrides"):
        # Attack: a bundle that shows one command and has another for this system.
        found = replace(found, why_not="it has other commands for other systems: add it by hand")
    return (Offer(server=found),)


def _placed(item: Json, folder: str) -> Json:
    """``item`` with the folder of the bundle filled in."""
    if isinstance(item, str):
        return item.replace(_FOLDER, folder) if folder else item
    if isinstance(item, list):
        return [_placed(one, folder) for one in item]
    return {key: _placed(one, folder) for key, one in item.items()} if isinstance(item, dict) else item


def is_registry_document(document: Mapping[str, Json]) -> bool:
    return isinstance(document.get("packages"), list) or isinstance(document.get("remotes"), list)


def read_registry(document: Mapping[str, Json], where: str) -> tuple[Offer, ...]:
    """Each package and each address of a server.json."""
    name = _text(document, "name").rpartition("/")[2]
    offers = [_package(name, one) for one in _rows(document, "packages")]
    offers += [_remote(name, one) for one in _rows(document, "remotes")]
    if not 0 < len(offers) <= SERVERS_MAX:
        raise Refused("host.bundle", "it names no package and no address, or too many", where=where, hint="see that it is the server.json of a registry")
    return tuple(offers)


def _package(name: str, row: Mapping[str, Json]) -> Offer:
    kind, identifier, version = _text(row, "registryType"), _text(row, "identifier"), _text(row, "version")
    form = _IDENTIFIER.get(kind)
    if form is None or form.fullmatch(identifier) is None or (version and _VERSION.fullmatch(version) is None):
        return Offer(server=Server(name=name, holder=(), why_not=f"packages of the kind {shown(kind)!r} with this name are not known here"))
    transport = row.get("transport")
    if isinstance(transport, dict) and transport.get("type") not in {None, "stdio"}:
        return Offer(server=Server(name=name, holder=(), why_not="it is started as a server of its own: start it, then add its address"))
    needs: list[str] = []
    before, behind = _arguments(row, "runtimeArguments", needs), _arguments(row, "packageArguments", needs)
    env = _values(row, "environmentVariables", needs)
    if kind == "oci":
        # A container gets only the variables that are named to it.
        before = [*before, *(word for key in [*env, *needs] for word in ("-e", key))]
    whole = identifier + (_BETWEEN[kind] + version if version and kind in _BETWEEN else "")
    words: list[Json] = [*_RUNNERS[kind][1:], *before, whole, *behind]
    item: dict[str, Json] = {"command": _RUNNERS[kind][0], "args": words, "env": env}
    return Offer(server=read_server(name, item, ()), needs=tuple(needs))


def _remote(name: str, row: Mapping[str, Json]) -> Offer:
    needs: list[str] = []
    headers = _values(row, "headers", needs)
    url = _text(row, "url")
    needs += [shown(one) for one in _BLANK.findall(url)]
    item: dict[str, Json] = {"url": url, "type": _text(row, "type"), "headers": headers}
    return Offer(server=read_server(name, item, ()), needs=tuple(needs))


def _arguments(row: Mapping[str, Json], key: str, needs: list[str]) -> list[Json]:
    words: list[Json] = []
    for one in _rows(row, key):
        named = _text(one, "name")
        said = _said(one)
        if said is None and one.get("isRequired") is True:
            needs.append(shown(named or _text(one, "valueHint") or "an argument"))
        if one.get("type") == "named":
            words += [named, said] if said is not None else [named] if one.get("isRequired") is True else []
        elif said is not None:
            words.append(said)
    return words


def _values(row: Mapping[str, Json], key: str, needs: list[str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for one in _rows(row, key):
        said = _said(one)
        if said is not None:
            found[_text(one, "name")] = said
        elif one.get("isRequired") is True or one.get("isSecret") is True:
            needs.append(_text(one, "name"))
    return found


def _said(row: Mapping[str, Json]) -> str | None:
    """What is given, or taken where nobody gives anything. A text with blanks in it is nothing yet."""
    said = row.get("value", row.get("default"))
    return said if isinstance(said, str) and _BLANK.search(said) is None else None


def read_document(data: bytes, where: str) -> Mapping[str, Json]:
    try:
        tree = Tree(data.decode("utf-8-sig"), where)
    except UnicodeDecodeError:
        raise Refused("host.client_syntax", "the text is not UTF-8", where=where, hint="get it again from where it was made") from None
    found = tree.json(tree.root)
    if not isinstance(found, dict):
        raise Refused("host.bundle", "it is no object", where=where, hint="get it again from where it was made")
    return found


def _table(row: Mapping[str, Json], key: str, where: str) -> Mapping[str, Json]:
    found = row.get(key)
    if not isinstance(found, dict):
        raise Refused("host.bundle", f"{key!r} is missing", where=where, hint="get it again from where it was made")
    return found


def _rows(row: Mapping[str, Json], key: str) -> Iterator[Mapping[str, Json]]:
    found = row.get(key)
    yield from (one for one in (found[:SERVERS_MAX] if isinstance(found, list) else []) if isinstance(one, dict))


def _text(row: Mapping[str, Json], key: str) -> str:
    found = row.get(key)
    return found if isinstance(found, str) else ""
