"""The codes of spec/codes.toml, and those that the source raises. tests/test_codes.py holds them equal.

A code is found where it stands whole as a literal ("archive.truncated"), where a name is noted in a list of
faults (``faults.add("type", ...)``) or in a table of names (NAME_TABLES), or where a reader is told the family
(``family="signature"``). ``python -m tools.codes`` prints what is not listed yet. A code put together in any other way is a fault of its own: it could not be looked up.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mpp.protocol.registry.events import KINDS
from tools.tidy import ROOT, Module, load

CODES_PATH = ROOT / "spec" / "codes.toml"

RAISING = frozenset(("Refused", "HostFailed", "ToolFailed", "RemoteFailed"))
NAME_TABLES: dict[str, str] = {"PathFault": "path", "fault": "wasm"}
"""Calls whose first literal is the name of a code, and the family of that code."""

_FILE_ENDINGS = frozenset(("json", "toml", "md", "mpp", "wasm", "py", "txt", "key", "pub", "jsonl", "pem", "lock", "c", "o", "wit", "html", "db"))


class Entry(NamedTuple):
    code: str
    meaning: str
    hint: str


class FamilyEntry(NamedTuple):
    name: str
    stage: str
    check: int | None
    exit_code: int
    jsonrpc: int
    http: int
    meaning: str


class Table(NamedTuple):
    """spec/codes.toml, its shared names written out for each family."""

    families: dict[str, FamilyEntry]
    codes: dict[str, Entry]


class Raised(NamedTuple):
    """What the source raises, each with its place: ``codes`` surely, ``either`` in one family or more of ``families``."""

    codes: dict[str, str]
    either: dict[str, str]
    families: frozenset[str]
    strange: dict[str, str]
    """Codes of no family, and codes put together in a way that cannot be followed."""

    def covers(self, code: str) -> bool:
        family, _, name = code.partition(".")
        return code in self.codes or (name in self.either and family in self.families)


def read_table(path: Path = CODES_PATH) -> Table:
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    families = {
        name: FamilyEntry(name, row["stage"], row.get("check"), row["exit"], row["jsonrpc"], row["http"], row["meaning"])
        for name, row in found["families"].items()
    }
    codes = {code: Entry(code, row["meaning"], row["hint"]) for code, row in found["codes"].items()}
    for name, row in found["shared"].items():
        for family in row["families"]:
            code = f"{family}.{name}"
            if code in codes:
                raise ValueError(f"{code} stands both under codes and under shared")
            codes[code] = Entry(code, row["meaning"], row["hint"])
    return Table(families, codes)


def scan(modules: list[Module], families: frozenset[str]) -> Raised:
    """All codes that ``modules`` raise."""
    shape = re.compile(rf"({'|'.join(sorted(families))})\.([a-z][a-z0-9_]*)")
    out = Raised({}, {}, frozenset(_document_families(modules)), {})
    for module in modules:
        for node in ast.walk(module.tree):
            place = f"{module.name}:{getattr(node, 'lineno', 0)}"
            text = _text(node)
            if text is not None:
                match = shape.fullmatch(text)
                if match and match[2] not in _FILE_ENDINGS and text not in KINDS:
                    out.codes.setdefault(text, place)
            elif isinstance(node, ast.Call) and node.args:
                _scan_call(module, node, place, families, out)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code" and isinstance(node.value, ast.JoinedStr | ast.BinOp):
                _scan_code(node.value, place, families, out)
    return out


def _scan_call(module: Module, node: ast.Call, place: str, families: frozenset[str], out: Raised) -> None:
    called = ast.unparse(node.func).rpartition(".")[2]
    first = _text(node.args[0])
    if called in RAISING:
        _scan_code(node.args[0], place, families, out)
    elif called in NAME_TABLES and first is not None:
        out.codes.setdefault(f"{NAME_TABLES[called]}.{first}", place)
    elif called == "add" and first is not None and len(node.args) >= 4:
        _scan_noted(module, node, first, place, out)
    elif called in {"read", "read_canonical"}:
        out.codes.update({f"{family}.json": place for family in _family_words(node)})


def _scan_code(node: ast.expr, place: str, families: frozenset[str], out: Raised) -> None:
    """The code of one raise. A name, an attribute or a subscript holds a literal that stands elsewhere and is found there."""
    text = _text(node)
    if text is not None:
        if text.partition(".")[0] in families:
            out.codes.setdefault(text, place)
        else:
            out.strange.setdefault(text, place)
        return
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return
    shown = ast.unparse(node)
    match = re.fullmatch(r"""f['"]\{\w+\}\.(\w+)['"]|\w+ \+ ['"]\.(\w+)['"]""", shown)
    prefix = re.match(r"""f['"](\w+)\.\{""", shown)
    if match:
        out.either.setdefault(match[1] or match[2], place)
    elif not (prefix and prefix[1] in NAME_TABLES.values()):
        out.strange.setdefault(shown, place)


def _scan_noted(module: Module, node: ast.Call, name: str, place: str, out: Raised) -> None:
    """A noted fault has the family of its list: known if the call says it or this module makes lists of one family only."""
    found = set(_family_words(node)) or set(_document_families([module]))
    if len(found) == 1:
        out.codes.setdefault(f"{found.pop()}.{name}", place)
    else:
        out.either.setdefault(name, place)


def _family_words(node: ast.Call) -> Iterator[str]:
    for word in node.keywords:
        family = _text(word.value) if word.arg == "family" else None
        if family:
            yield family


def _document_families(modules: list[Module]) -> Iterator[str]:
    """The families of documents: of a list of faults, ``Faults("manifest")``, of a ``family=`` and of its default."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                yield from _family_words(node)
                if ast.unparse(node.func).rpartition(".")[2] == "Faults" and node.args:
                    yield _text(node.args[0]) or ""
            elif isinstance(node, ast.arguments):
                with_default = zip(node.args[len(node.args) - len(node.defaults) :], node.defaults, strict=True)
                yield from (_text(default) or "" for arg, default in with_default if arg.arg == "family")


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def missing(raised: Raised, table: Table) -> dict[str, str]:
    """The codes that are raised and not listed, with a place each."""
    absent = {code: place for code, place in raised.codes.items() if code not in table.codes}
    for name, place in raised.either.items():
        if not any(f"{family}.{name}" in table.codes for family in raised.families):
            absent[f"?.{name}"] = place
    return dict(sorted(absent.items()))


def product_modules() -> list[Module]:
    """The product without mpp.testing, which makes what is wrong on purpose and raises no code of its own."""
    return [module for module in load(ROOT / "src") + load(ROOT / "registry" / "src") if module.parts[1:2] != ("testing",)]


def main() -> int:
    """Print an entry to fill in for each code that is not listed yet."""
    table = read_table()
    absent = missing(scan(product_modules(), frozenset(table.families)), table)
    for code, place in absent.items():
        print(f'# {place}\n[codes."{code}"]\nmeaning = ""\nhint = ""\n')
    return bool(absent)


if __name__ == "__main__":
    sys.exit(main())
