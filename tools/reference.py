"""Make the reference pages from what they describe: codes, limits, commands, patterns, keys of manifests and policies, figures.

``python -m tools.reference`` writes docs/reference/; with ``--check`` it only tells what is out of date.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from tools import reference_benchmarks, reference_keys
from tools.codes import read_table
from tools.tidy import ROOT, Module, load

PAGES = ROOT / "docs" / "reference"
MADE = "<!-- Made by tools/reference.py; do not edit. -->\n\n"

_LIMIT_ENDING = re.compile(r"[A-Z][A-Z0-9_]*_(MAX|MIN|SECONDS|MS|LEAST|MOST)")
_ANY_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
UNITS = frozenset(("KIB", "MIB", "GIB"))


class Limit(NamedTuple):
    """One limit: where, its name, the text of its value, and the docstring under it."""

    module: str
    name: str
    value: str
    words: str
    line: int


def limits(modules: list[Module]) -> Iterator[Limit]:
    """Whole numbers at module level: all in limits modules, elsewhere those named like a limit. Private names are none."""
    for module in modules:
        is_home = module.parts[-1] == "limits" or module.parts[-1].endswith("_limits")
        wanted = _ANY_CONSTANT if is_home else _LIMIT_ENDING
        for at, node in enumerate(module.tree.body):
            name = _target(node)
            if name and wanted.fullmatch(name) and name not in UNITS:
                value = _whole(node.value) if isinstance(node, ast.Assign | ast.AnnAssign) else ""
                if value:
                    yield Limit(module.name, name, value, _words_after(module, at), node.lineno)


def _target(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
    return target.id if isinstance(target, ast.Name) else ""


def _whole(node: ast.expr | None) -> str:
    """The text of a value that is a whole number: digits, units and arithmetic. Anything else is no limit."""
    parts = [] if node is None else list(ast.walk(node))
    allowed = (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Name, ast.Load)
    numbers = all(isinstance(part, allowed) or (isinstance(part, ast.Constant) and type(part.value) in {int, float}) for part in parts)
    return ast.unparse(node) if node is not None and numbers and not isinstance(node, ast.Name) else ""


def _words_after(module: Module, at: int) -> str:
    after = module.tree.body[at + 1 : at + 2]
    if after and isinstance(after[0], ast.Expr) and isinstance(after[0].value, ast.Constant) and isinstance(after[0].value.value, str):
        return " ".join(after[0].value.value.split())
    return ""


def codes_page() -> str:
    table = read_table()
    out = ["# Codes\n", MADE + "Every refusal and failure has one of these codes. The exit code of the command follows from the family.\n"]
    for family in table.families.values():
        check = f", check {family.check}" if family.check else ""
        out.append(
            f"## {family.name}\n\n{family.meaning}\n\nStage {family.stage}{check}; exit code {family.exit_code}; JSON-RPC {family.jsonrpc}; HTTP {family.http}.\n"
        )
        rows = [entry for entry in table.codes.values() if entry.code.startswith(family.name + ".")]
        if rows:
            lines = (f"| `{entry.code}` | {_cell(entry.meaning)} | {_cell(entry.hint)} |" for entry in sorted(rows))
            out.append("| code | meaning | what to do |\n|---|---|---|\n" + "\n".join(lines) + "\n")
    return "\n".join(out)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def limits_page() -> str:
    out = ["# Limits\n", MADE + "Every limit, its value, its unit and its reason.\n"]
    by_module: dict[str, list[Limit]] = {}
    for limit in limits(load(ROOT / "src")):
        by_module.setdefault(limit.module, []).append(limit)
    for module, rows in by_module.items():
        lines = (f"| `{row.name}` | {_value(row)} | {_cell(row.words)} |" for row in rows)
        out.append(f"## {module}\n\n| limit | value | unit and reason |\n|---|---|---|\n" + "\n".join(lines) + "\n")
    return "\n".join(out)


def _value(limit: Limit) -> str:
    number = getattr(importlib.import_module(limit.module), limit.name)
    plain = f"{number:,}"
    return plain if limit.value.replace("_", "") == str(number) else f"{plain} (`{limit.value}`)"


def find_command(home: str = "mpp.cli.app") -> click.Command | None:
    """The top command, the one named ``app``, or None as long as there is no command line."""
    try:
        found = getattr(importlib.import_module(home), "app", None)
    except ModuleNotFoundError as fault:
        if fault.name and home.startswith(fault.name):
            return None
        raise
    return found if isinstance(found, click.Command) else None


def commands(top: click.Command, path: tuple[str, ...] = ("mpp",)) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every visible command with its full name, depth first."""
    yield path, top
    if isinstance(top, click.Group):
        context = click.Context(top)
        for name in top.list_commands(context):
            inner = top.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from commands(inner, (*path, name))


def cli_page() -> str:
    top = find_command()
    out = ["# Commands\n", MADE + "What `--help` says, for every command.\n"]
    for path, command in commands(top) if top is not None else ():
        out.append(f"## {' '.join(path)}\n\n```\n{_help(path, command)}\n```\n")
    return "\n".join(out)


def _help(path: tuple[str, ...], command: click.Command) -> str:
    context: click.Context | None = None
    for depth, name in enumerate(path, 1):
        # What is above has no arguments of this command; else its usage would name them after each word.
        here = command if depth == len(path) else click.Group(name)
        # The names of --help as the program itself has them: click keeps the option that the first context made.
        context = click.Context(here, info_name=name, parent=context, terminal_width=100, max_content_width=100, help_option_names=["-h", "--help"])
    text = command.get_help(context) if context is not None else ""
    return "\n".join(line.rstrip() for line in text.splitlines())


OTHERS = "persons"
"""Patterns that are in no group."""


def patterns_page() -> str:
    """What the privacy filter searches for of itself; plug-ins of this machine are left out."""
    privacy = importlib.import_module("mpp.stages.privacy")
    out = ["# Patterns of the privacy filter\n", MADE + _PATTERNS_HEAD.format(count=len(privacy.known_types()))]
    rows: dict[str, list[str]] = {OTHERS: [], **{group: [] for group in privacy.GROUPS}}
    for kind in sorted(privacy.known_types()):
        group = privacy.group_of(kind)
        quiet = " Off unless a policy names it in `on`." if kind in privacy.OFF_BY_DEFAULT else ""
        rows[OTHERS if group == kind else group].append(f"| `{kind}` | {_cell(privacy.words_for(kind))}{'.' + quiet if quiet else ''} |")
    for group, lines in rows.items():
        head = "Persons, machines and money" if group == OTHERS else f"Group {group}"
        words = "These belong to no group." if group == OTHERS else f"`{group}` stands for all of them: {privacy.GROUPS[group]}."
        out.append(f"## {head}\n\n{words}\n\n| pattern | what it is |\n|---|---|\n" + "\n".join(lines) + "\n")
    return "\n".join(out)


_PATTERNS_HEAD = """What the filter searches for in every answer, {count} patterns in all. The names are those that a manifest and a policy use.

"By a word beside it" means that a label, a key, a heading of a table or the words before it say what the value is; the same characters alone are left. "By its name" means the same of a secret. "With checksum" means that the
value is taken where its checksum is right; close to a word that means nothing else it is taken with a wrong one too. Names of persons and postal addresses are not found: [how to use the filter](../how-to/privacy.md) says what else is not.
"""

MAKERS: dict[str, Callable[[], str]] = {
    "codes.md": codes_page,
    "limits.md": limits_page,
    "cli.md": cli_page,
    "privacy-patterns.md": patterns_page,
    "manifest.md": lambda: reference_keys.manifest_page(MADE),
    "../benchmarks.md": lambda: reference_benchmarks.page(MADE),
    "policy.md": lambda: reference_keys.policy_page(MADE),
}


def is_stale(name: str, folder: Path = PAGES) -> bool:
    """Whether a page is not what it would be if made now."""
    return not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != MAKERS[name]()


def stale(folder: Path = PAGES) -> list[str]:
    """The pages that are not what they would be if made now."""
    return [name for name in MAKERS if is_stale(name, folder)]


def main(arguments: list[str]) -> int:
    names = stale()
    if arguments == ["--check"]:
        for name in names:
            print(f"error: docs/reference/{name} is out of date\nhint: run python -m tools.reference", file=sys.stderr)
        return bool(names)
    PAGES.mkdir(parents=True, exist_ok=True)
    for name in names:
        (PAGES / name).write_text(MAKERS[name](), encoding="utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
