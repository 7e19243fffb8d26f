"""A Python MCP server that was written with FastMCP, read and not run: its import changed, what it uses, and what will not work in a package."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping

from mpp.author.migrating.limits import SOURCE_BYTES_MAX, SOURCES_MAX
from mpp.author.migrating.source_capabilities import Wanted, wanted_in
from mpp.author.migrating.source_imports import changed_imports, Edit
from mpp.author.migrating.source_state import state_in
from mpp.author.migrating.source_words import DISTRIBUTIONS, SOCKETS
from mpp.author.vendoring.advice import advice, NATIVE, REPLACED
from mpp.author.vendoring.imports import look, parsed
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.model.value import value


@value
class Report:
    """Something that a person should look at."""

    where: str
    """File and line."""
    message: str
    hint: str
    will_fail: bool
    """It cannot work in a package; else it works otherwise, or perhaps not."""


@value
class Migrated:
    """What became of a server, before anything is written."""

    entry: str
    """The file that a package starts with, by its name."""
    files: Mapping[str, bytes]
    """The server and the modules beside it that it imports, with changed imports."""
    edits: tuple[Edit, ...]
    wanted: Wanted
    requirements: tuple[str, ...]
    reports: tuple[Report, ...]


def migrate_source(path: str) -> Migrated:
    """Read the server, and the modules of its folder that it imports. Refuses a file that is no server of FastMCP."""
    entry = os.path.basename(path)
    sources = _with_neighbours(path)
    files: dict[str, bytes] = {}
    edits: list[Edit] = []
    reports: list[Report] = []
    trees = {name: parsed(name, data) for name, data in sources.items()}
    for name, data in sources.items():
        made = changed_imports(name, data.decode("utf-8", "replace"), trees[name])
        files[name] = made.text.encode("utf-8")
        edits += made.edits
        reports += [Report(where=where, message=message, hint=hint, will_fail=True) for where, message, hint in made.faults]
    if not edits:
        hint = "this command changes servers that import FastMCP; others: mpp migrate inspect -- COMMAND"
        raise Refused("usage.file", "it imports no FastMCP", where=entry, hint=hint)
    reports += [
        Report(where=one.where, message=one.message, hint=one.hint, will_fail=one.is_fatal or one.message.startswith("calls "))
        for one in look(sources, own="").findings
    ]
    for name, tree in trees.items():
        reports += [Report(where=f"{name}:{line}", message=message, hint=hint, will_fail=False) for line, message, hint in state_in(tree)]
    requirements, more = _requirements(path, trees, {name.partition("/")[0].removesuffix(".py") for name in sources})
    wanted = wanted_in(trees)
    reports += [*more, *(Report(where=where, message=message, hint=hint, will_fail=False) for where, message, hint in wanted.open)]
    return Migrated(entry=entry, files=files, edits=tuple(edits), wanted=wanted, requirements=requirements, reports=tuple(sorted(reports, key=_place)))


def _place(report: Report) -> tuple[str, int]:
    name, _, line = report.where.rpartition(":")
    return (name, int(line)) if line.isdigit() else (report.where, 0)


def _with_neighbours(path: str) -> dict[str, bytes]:
    """The file, and those modules of its folder that it needs, by their names relative to it."""
    folder = os.path.dirname(os.path.abspath(path))
    found: dict[str, bytes] = {}
    waiting = [os.path.basename(path)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if len(found) >= SOURCES_MAX:
            raise Refused("usage.file", f"more than {SOURCES_MAX} modules belong to it", where=name, hint="begin with a smaller part of it")
        found[name] = read_bounded(os.path.join(folder, *name.split("/")), SOURCE_BYTES_MAX)
        waiting += [beside for beside in _beside(parsed(name, found[name]), folder, name) if beside not in found]
    return found


def _beside(tree: ast.Module, folder: str, name: str) -> Iterator[str]:
    """The modules of the folder that a module imports, as files."""
    package = name.rpartition("/")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield from _files_of(folder, item.name)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield from _files_of(folder, base)
            for item in node.names:
                yield from _files_of(folder, f"{base}.{item.name}" if base else item.name)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split("/")[: len(package.split("/")) - node.level + 1] if package else []
    return ".".join([*parts, *((node.module,) if node.module else ())])


def _files_of(folder: str, module: str) -> Iterator[str]:
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return
    for count in range(1, len(parts) + 1):
        inner = "/".join(parts[:count])
        for name in (f"{inner}.py", f"{inner}/__init__.py"):
            path = os.path.join(folder, *name.split("/"))
            # Attack: a link in a folder from elsewhere would bring a file of this machine into the package.
            if os.path.isfile(path) and os.path.realpath(path) == os.path.join(os.path.realpath(folder), *name.split("/")):
                yield name


_ASKED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def _requirements(path: str, trees: Mapping[str, ast.Module], own: set[str]) -> tuple[tuple[str, ...], list[Report]]:
    """What the server needs from an index: by its imports, with versions where a requirements.txt beside it has some."""
    versions = _versions(os.path.join(os.path.dirname(os.path.abspath(path)), "requirements.txt"))
    asked: dict[str, str] = {}
    reports: list[Report] = []
    for name, line, module in _imported(trees):
        top = module.partition(".")[0]
        if top in own or top in sys.stdlib_module_names or top in {"mpp_sdk", *REPLACED}:
            if top in SOCKETS:
                reports.append(Report(where=f"{name}:{line}", message=f"imports {top}", hint=SOCKETS[top], will_fail=top not in {"socket", "ssl"}))
            continue
        distribution = DISTRIBUTIONS.get(top, top.replace("_", "-").lower())
        if distribution in NATIVE or top in SOCKETS:
            hint = SOCKETS.get(top) or advice(distribution)
            reports.append(Report(where=f"{name}:{line}", message=f"imports {top}, which cannot come along", hint=hint, will_fail=True))
        else:
            asked.setdefault(distribution, versions.get(distribution, distribution))
    return tuple(asked[name] for name in sorted(asked)), reports


def _imported(trees: Mapping[str, ast.Module]) -> Iterator[tuple[str, int, str]]:
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((name, node.lineno, item.name) for item in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                yield name, node.lineno, node.module


def _versions(path: str) -> dict[str, str]:
    if not os.path.isfile(path):
        return {}
    found: dict[str, str] = {}
    for line in read_bounded(path, SOURCE_BYTES_MAX).decode("utf-8", "replace").splitlines():
        text = line.partition("#")[0].strip()
        match = _ASKED.match(text)
        if match is not None and not text.startswith("-"):
            found[match[1].lower().replace("_", "-")] = text
    return found
