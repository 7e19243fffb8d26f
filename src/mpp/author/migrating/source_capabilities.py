"""Which hosts, files and variables a source names. Read, not run: what is put together when it runs is not found, and told."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from mpp.author.migrating.draft import Row, WORKSPACE
from mpp.author.migrating.source_state import variable_read
from mpp.model.capabilities import is_never_env, read_capabilities
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

_ADDRESS = re.compile(r"(https?)://([A-Za-z0-9.-]*)(:[0-9]{1,5})?(.?)", re.DOTALL)
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH")
_FILE_CALLS = frozenset(("open", "Path", "PurePath", "listdir", "scandir", "walk", "glob", "makedirs", "mkdir", "remove", "unlink"))
_WRITES = ("write_text", "write_bytes", "mkdir", "makedirs", "unlink", "remove", "rename", "replace", "touch", "rmtree", "copyfile", "copy")


@value
class Wanted:
    """The draft of ``capabilities``, the evidence for each row, and what stays open: place, words, advice."""

    capabilities: Mapping[str, Json]
    rows: tuple[Row, ...]
    open: tuple[tuple[str, str, str], ...]


def wanted_in(trees: Mapping[str, ast.Module]) -> Wanted:
    """What all modules together name."""
    rows: list[Row] = []
    opened: list[tuple[str, str, str]] = []
    hosts: dict[str, tuple[Json, str]] = {}
    paths: dict[str, dict[str, str]] = {"read": {}, "write": {}}
    variables: dict[str, str] = {}
    for name, tree in trees.items():
        _hosts(tree, name, hosts, opened)
        _paths(tree, name, paths, opened)
        for node in ast.walk(tree):
            found = variable_read(node)
            if found:
                variables.setdefault(found, f"{name}:{getattr(node, 'lineno', 1)}")
    network: list[Json] = [rule for what, (rule, where) in sorted(hosts.items()) if _may(rows, f"network {what}", where, {"network": [rule]})]
    read = _kept(rows, "read", paths["read"].items())
    write = _kept(rows, "write", paths["write"].items())
    env: list[Json] = [found for found, where in sorted(variables.items()) if _variable(rows, found, where)]
    return Wanted(capabilities={"network": network, "filesystem": {"read": read, "write": write}, "env_vars": env}, rows=tuple(rows), open=tuple(opened))


def _may(rows: list[Row], what: str, where: str, block: dict[str, Json], note: str = "") -> bool:
    """Whether a manifest may ask for it, by the reader that judges manifests."""
    _, faults = read_capabilities(block, "/capabilities", newer=False, optional=frozenset())
    refused = f"; not drafted: {faults[0].message}" if faults else ""
    rows.append(Row(what=shown(what, 200), evidence=f"it stands in {where}{note}{refused}", drafted=not faults))
    return not faults


def _kept(rows: list[Row], mode: str, found: Iterable[tuple[str, str]]) -> list[Json]:
    return [path for path, where in sorted(found) if _may(rows, f"{mode} {path}", where, {"filesystem": {mode: [path]}})]


def _variable(rows: list[Row], name: str, where: str) -> bool:
    if is_never_env(name):
        rows.append(Row(what=f"variable {shown(name)}", evidence=f"it stands in {where}; not drafted: it steers programs and is never granted", drafted=False))
        return False
    note = "; it looks like a secret: better bind it to a host under `secrets`, so that the tool never sees it" if _SECRET.search(name) else ""
    return _may(rows, f"variable {name}", where, {"env_vars": [name]}, note)


def _hosts(tree: ast.Module, name: str, hosts: dict[str, tuple[Json, str]], opened: list[tuple[str, str, str]]) -> None:
    words = _docstrings(tree)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in words:
            continue
        for scheme, host, port, after in _ADDRESS.findall(node.value):
            where = f"{name}:{node.lineno}"
            if not host or host.endswith(".") or (not after and id(node) in parts):
                opened.append((where, "an address is put together when the tool runs", "name its hosts under capabilities.network in manifest.json"))
                continue
            place = host.lower() + ("" if port in {"", ":443"} else port)
            rule: Json = place if scheme == "https" else _plain_http(host.lower(), port)
            hosts.setdefault(place if scheme == "https" else f"http://{place}", (rule, where))


def _plain_http(host: str, port: str) -> Json:
    ports: dict[str, Json] = {"ports": [int(port[1:])]} if port else {}
    return {"host": host, "schemes": ["http"], **ports}


def _docstrings(tree: ast.Module) -> set[int]:
    """Texts that stand by themselves: words for people, not values."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}


def _paths(tree: ast.Module, name: str, paths: dict[str, dict[str, str]], opened: list[tuple[str, str, str]]) -> None:
    module_writes = any(isinstance(node, ast.Attribute) and node.attr in _WRITES for node in ast.walk(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _called(node) not in _FILE_CALLS or (_called(node) == "glob" and isinstance(node.func, ast.Attribute)):
            continue
        where = f"{name}:{node.lineno}"
        mode = "write" if _writes(node) or (_called(node) != "open" and module_writes) else "read"
        found = [path for argument in node.args[:1] for path in _texts(argument)]
        if any(path.startswith("~") for path in found) or not found:
            hint = "name its folder under capabilities.filesystem in manifest.json; ${workspace} is the folder that the user works in"
            opened.append((where, f"{_called(node)} takes a path that is not known before the tool runs", hint))
        for path in found:
            if not path.startswith("~"):
                paths[mode].setdefault(_placed(path), where)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return (
        node.func.attr
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id in {"os", "io", "pathlib", "glob"}
        else ""
    )


def _writes(node: ast.Call) -> bool:
    modes = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and isinstance(mode.value, str) and bool(set(mode.value) & set("wax+")) for mode in modes)


def _texts(node: ast.expr) -> Iterator[str]:
    """Paths that stand in an expression: the whole of it, or what stands in for a variable that is not set."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.Call) and variable_read(node):
        yield from (text for argument in node.args[1:] for text in _texts(argument))
    elif isinstance(node, ast.BoolOp):
        yield from (text for one in node.values for text in _texts(one))


def _placed(path: str) -> str:
    """Where a manifest puts it: a path that is not absolute lies in the workspace."""
    found = posixpath.normpath(path)
    return found if found.startswith("/") else WORKSPACE if found == "." else f"{WORKSPACE}/{found}"
