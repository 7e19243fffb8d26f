"""The one import that a FastMCP server changes. Only the name of the module is replaced: everything else stays as it was written."""

from __future__ import annotations

import ast
import re

from mpp.author.migrating.source_words import FASTMCP_NAMES, MODULES, PROMPT_NAMES
from mpp.model.value import value


@value
class Edit:
    """One changed line."""

    where: str
    before: str
    after: str


@value
class Changed:
    """A source with its imports changed."""

    text: str
    edits: tuple[Edit, ...]
    faults: tuple[tuple[str, str, str], ...]
    """Place, words and advice for what has no counterpart."""


def changed_imports(name: str, text: str, tree: ast.Module) -> Changed:
    """Pure."""
    lines = text.splitlines(keepends=True)
    edits: list[Edit] = []
    faults: list[tuple[str, str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            faults += _faults_from(node, f"{name}:{node.lineno}")
            _replace(lines, node.lineno, node.module, MODULES.get(node.module), edits, name)
        elif isinstance(node, ast.Import):
            for item in node.names:
                _import(item, node.lineno, lines, edits, faults, name)
    return Changed(text="".join(lines), edits=tuple(sorted(edits, key=lambda one: int(one.where.rpartition(":")[2]))), faults=tuple(faults))


def _faults_from(node: ast.ImportFrom, where: str) -> list[tuple[str, str, str]]:
    module = node.module or ""
    target = MODULES.get(module)
    if target is None:
        if module.partition(".")[0] in {"mcp", "fastmcp"}:
            return [
                (where, f"imports {module}, which has no counterpart in a package", "the host speaks the protocol: keep the functions, and make them tools")
            ]
        return []
    known = PROMPT_NAMES if target.endswith(".prompts") else FASTMCP_NAMES
    return [
        (where, f"{item.name} of {module} has no counterpart in a package", "leave it out, or take a plain value in its place")
        for item in node.names
        if item.name not in known and item.name != "*"
    ]


def _import(item: ast.alias, line: int, lines: list[str], edits: list[Edit], faults: list[tuple[str, str, str]], name: str) -> None:
    """``import fastmcp`` keeps its name by ``as``; ``import mcp.server.fastmcp`` without ``as`` is used by its long name, which is gone."""
    target = MODULES.get(item.name)
    if target is not None and (item.asname is not None or "." not in item.name):
        _replace(lines, line, item.name, target if item.asname is not None else f"{target} as {item.name}", edits, name)
    elif item.name.partition(".")[0] in {"mcp", "fastmcp"}:
        faults.append(
            (
                f"{name}:{line}",
                f"imports {item.name}, which has no counterpart in a package",
                "write from mpp_sdk.fastmcp import ..., with the names that are used",
            )
        )


def _replace(lines: list[str], line: int, module: str, target: str | None, edits: list[Edit], name: str) -> None:
    if target is None:
        return
    before = lines[line - 1]
    after = re.sub(rf"\b(from|import)(\s+){re.escape(module)}(?![\w.])", rf"\g<1>\g<2>{target}", before, count=1)
    if after != before:
        lines[line - 1] = after
        edits.append(Edit(where=f"{name}:{line}", before=before.strip(), after=after.strip()))
