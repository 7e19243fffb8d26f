"""The rules of the house as code: layers, cycles, budgets and forbidden things.

tests/test_tidy.py holds the tree to them; tests/test_tidy_rules.py shows that each rule can fail.
A rule takes parsed modules and gives findings; nothing here imports the product.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import io
import re
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("archive", "gatekeeper", "policy", "approval", "sandbox", "privacy", "audit")

LAYERS: dict[str, int] = {
    **dict.fromkeys(("errors", "limits", "version"), 0),
    **dict.fromkeys(("model", "crypto", "ports"), 1),
    **dict.fromkeys(("protocol", "ledger", "jail", "files", "pages"), 2),
    "stages": 3,
    **dict.fromkeys(("host", "author", "remote"), 4),
    **dict.fromkeys(("cli", "serve", "console", "adapters", "__main__"), 5),
    "testing": 6,  # builders and simulators sit on top: they may use all, nothing may use them
}
OURS = ("mpp", "mpp_registry")
"""The packages of our two distributions. The second stands on the first, which knows it in its command line alone."""

SIBLINGS = frozenset(("host", "author", "remote"))
PUBLIC_OF_A_STAGE = frozenset(("types", "limits", "ports"))
INNER_DOORS = frozenset(("mpp.stages.audit.forward", "mpp.stages.audit.report", "mpp.stages.privacy.guard"))
"""Packages of a stage with a door of their own, because a call needs neither: what else the stage gives is imported without them."""
SEES_PRIVATES = frozenset(("testing",))  # it makes packages that are wrong on purpose

FUNCTION_LINES_MAX = 50
COMPLEXITY_MAX = 10
FILE_LINES_MAX = 500
TABLES: dict[str, str] = {}
"""Files exempt from the length budget, because they are tables of data: name and reason."""
EDGES: dict[str, str] = {
    "mpp.stages.sandbox.core": "callbacks of the engine: an exception must not pass through its frames",
    "mpp.stages.sandbox.component": "callbacks of the engine, as in core",
    "mpp.host.plugins": "code of somebody else: whatever it raises, its detector is not there",
    "mpp.serve.running": "threads that serve calls: a defect in one call must not end the thread that serves the others",
}
"""The only modules that may catch everything: name and reason. Four at most: driver, serve loop, worker loop, WASI callbacks."""

_WORDS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK", "NotImplemented" + "Error")) + r")\b")

_CLASSES = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[0-9]*,?[0-9]*\})\+")

Node = TypeVar("Node", bound=ast.AST)


class Finding(NamedTuple):
    where: str
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.words}"


class Module(NamedTuple):
    """One parsed source file; ``name`` is dotted, packages without ``__init__``."""

    name: str
    text: str
    tree: ast.Module
    is_package: bool

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))


class Edge(NamedTuple):
    """One import: of ``target``, and of ``name`` out of it if it is a from-import."""

    target: str
    name: str
    line: int


def parse(name: str, text: str, *, is_package: bool = False) -> Module:
    return Module(name, text, ast.parse(text), is_package)


def load(base: Path) -> list[Module]:
    """All modules below ``base``, which is the folder that stands on the import path. Templates are data."""
    return list(_loaded(base))


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Trees are millions of objects that all stay: to look for garbage among them takes longer than to parse."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@functools.cache
def _loaded(base: Path) -> tuple[Module, ...]:
    """Parsed once in a process."""
    found = []
    with _uncollected():
        for path in sorted(base.rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            if "templates" not in parts:
                is_package = parts[-1] == "__init__"
                found.append(parse(".".join(parts[:-1] if is_package else parts), path.read_text(encoding="utf-8"), is_package=is_package))
    return tuple(found)


@functools.cache
def _nodes(tree: ast.Module) -> dict[type[ast.AST], list[ast.AST]]:
    """All nodes of a tree by their kind: every rule asks for a few kinds, and to walk a tree takes longer than to make it."""
    found: dict[type[ast.AST], list[ast.AST]] = {}
    with _uncollected():
        for node in ast.walk(tree):
            found.setdefault(type(node), []).append(node)
    return found


def every(tree: ast.Module, *kinds: type[Node]) -> Iterator[Node]:
    """All nodes of these kinds, one kind after the other."""
    known = _nodes(tree)
    for kind in kinds:
        yield from known.get(kind, ())  # type: ignore[misc]


def imports(module: Module) -> Iterator[Edge]:
    """Every import in the module, inside functions too: a late import is still a dependency."""
    for plain in every(module.tree, ast.Import):
        yield from (Edge(alias.name, "", plain.lineno) for alias in plain.names)
    for node in every(module.tree, ast.ImportFrom):
        base = _absolute(module, node)
        yield from (Edge(base, alias.name, node.lineno) for alias in node.names)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    up = node.level - 1 if module.is_package else node.level
    kept = module.parts[: len(module.parts) - up]
    return ".".join((*kept, *((node.module,) if node.module else ())))


def _inner(module: Module, names: frozenset[str]) -> Iterator[tuple[Edge, tuple[str, ...]]]:
    """The imports of our own modules, each with the parts of the module it truly reaches."""
    for edge in imports(module):
        full = f"{edge.target}.{edge.name}"
        reached = full if full in names else edge.target
        if reached.partition(".")[0] in OURS:
            yield edge, tuple(reached.split("."))


def _names(modules: Iterable[Module]) -> frozenset[str]:
    return frozenset(module.name for module in modules)


def layers(modules: list[Module]) -> Iterator[Finding]:
    """Imports point only down; siblings of one layer and later stages are out of reach."""
    names = _names(modules)
    for module in modules:
        if module.parts[0] == "mpp" and len(module.parts) > 1:
            for edge, reached in _inner(module, names):
                fault = _layer_fault(module.parts, reached)
                if fault:
                    yield Finding(module.name, edge.line, fault)


def _layer_fault(here: tuple[str, ...], there: tuple[str, ...]) -> str:
    if there[0] == "mpp_registry":
        return "" if here[1] == "cli" else f"{here[1]} imports the registry, which not every host has"
    if len(there) == 1:
        return "imports the top door 'mpp' from inside"
    if here[1] not in LAYERS or there[1] not in LAYERS:
        return f"{here[1] if here[1] not in LAYERS else there[1]!r} has no layer in tools/tidy.py"
    if LAYERS[there[1]] > LAYERS[here[1]]:
        return f"{here[1]} (layer {LAYERS[here[1]]}) imports {there[1]} (layer {LAYERS[there[1]]})"
    if here[1] in SIBLINGS and there[1] in SIBLINGS and here[1] != there[1]:
        return f"the sibling {here[1]} imports the sibling {there[1]}"
    if here[1] == there[1] == "stages" and len(here) > 2 and len(there) > 2 and STAGES.index(there[2]) > STAGES.index(here[2]):
        return f"the stage {here[2]} imports the later stage {there[2]}"
    return ""


def privates(modules: list[Module]) -> Iterator[Finding]:
    """A stage is entered by its door, its types, limits and ports; an underscore name belongs to its module."""
    names = _names(modules)
    for module in modules:
        if module.parts[1:2] and module.parts[1] in SEES_PRIVATES:
            continue
        for edge, reached in _inner(module, names):
            if edge.name.startswith("_") and not edge.name.startswith("__"):
                yield Finding(module.name, edge.line, f"imports the private name {edge.name}")
            outside = reached[1:2] == ("stages",) and module.parts[:3] != reached[:3]
            is_inner = ".".join(reached) in INNER_DOORS
            if outside and len(reached) > 3 and reached[3] not in PUBLIC_OF_A_STAGE and not is_inner:
                yield Finding(module.name, edge.line, f"reaches past the door of the stage {reached[2]}: {'.'.join(reached)}")


def cycles(modules: list[Module]) -> Iterator[Finding]:
    """No module reaches itself through imports, late ones included. The lazy top door is exempt."""
    names = _names(modules)
    reach = {module.name: sorted({".".join(reached) for _, reached in _inner(module, names)} & names - {*OURS, module.name}) for module in modules}
    done: set[str] = set()
    for start in sorted(reach):
        if start not in OURS:
            yield from _walk(start, reach, [], done)


def _walk(at: str, reach: dict[str, list[str]], path: list[str], done: set[str]) -> Iterator[Finding]:
    if at in path:
        yield Finding(at, 1, "import cycle: " + " > ".join((*path[path.index(at) :], at)))
    elif at not in done:
        for target in reach[at]:
            yield from _walk(target, reach, [*path, at], done)
        done.add(at)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from every(tree, ast.FunctionDef)
    yield from every(tree, ast.AsyncFunctionDef)


_NO_CODE = frozenset((tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER))


def _code_lines(module: Module) -> list[int]:
    """The lines that hold code, in order: no blank, no comment, no docstring."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in every(module.tree, ast.Expr):
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sorted(lines)


def function_length(modules: list[Module]) -> Iterator[Finding]:
    for module in modules:
        # What is short with all its blanks and comments is short without: few files have to be taken apart for the exact count.
        long = [node for node in _functions(module.tree) if (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES_MAX]
        lines = _code_lines(module) if long else []
        for node in long:
            count = bisect_right(lines, node.end_lineno or node.lineno) - bisect_left(lines, node.lineno)
            if count > FUNCTION_LINES_MAX:
                yield Finding(module.name, node.lineno, f"{node.name} has {count} code lines, at most {FUNCTION_LINES_MAX}")


_BRANCHES: tuple[type[ast.AST], ...] = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)


def _line(node: ast.AST) -> int:
    """The line of a branch; a case has none of its own."""
    line: int = node.pattern.lineno if isinstance(node, ast.match_case) else getattr(node, "lineno", 0)
    return line


def complexity(modules: list[Module]) -> Iterator[Finding]:
    """McCabe's number: one more than the branches, nested functions counted with the outer one; comprehensions are none."""
    for module in modules:
        lines = sorted(_line(node) for kind in _BRANCHES for node in every(module.tree, kind))
        for node in _functions(module.tree):
            first = min((node.lineno, *(decorator.lineno for decorator in node.decorator_list)))
            # Its lines hold at least its own branches; most have so few that they need not be walked.
            if bisect_right(lines, node.end_lineno or node.lineno) - bisect_left(lines, first) < COMPLEXITY_MAX:
                continue
            count = 1 + sum(isinstance(inner, _BRANCHES) for inner in ast.walk(node))
            if count > COMPLEXITY_MAX:
                yield Finding(module.name, node.lineno, f"{node.name} has complexity {count}, at most {COMPLEXITY_MAX}")


def file_length(modules: list[Module]) -> Iterator[Finding]:
    for module in modules:
        count = module.text.count("\n")
        if count > FILE_LINES_MAX and module.name not in TABLES:
            yield Finding(module.name, 1, f"{count} lines, at most {FILE_LINES_MAX}")


def catch_all(modules: list[Module]) -> Iterator[Finding]:
    """A catch-all hides defects. It is allowed at the named edges, and where the handler ends by raising again."""
    for module in modules:
        if module.name in EDGES:
            continue
        for node in every(module.tree, ast.ExceptHandler):
            if _takes_all(node.type) and not _raises_again(node):
                yield Finding(module.name, node.lineno, "catches everything")
        for call in every(module.tree, ast.Call):
            if _last_name(call.func) == "suppress" and any(_takes_all(arg) for arg in call.args):
                yield Finding(module.name, call.lineno, "suppresses everything")


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _takes_all(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_takes_all(one) for one in caught.elts)
    return caught is None or _last_name(caught) in {"Exception", "BaseException"}


def _raises_again(node: ast.ExceptHandler) -> bool:
    last = node.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def asserts(modules: list[Module]) -> Iterator[Finding]:
    """``python -O`` drops an assert, and with it the check."""
    for module in modules:
        for node in every(module.tree, ast.Assert):
            yield Finding(module.name, node.lineno, "an assert outside of tests")


def any_type(modules: list[Module]) -> Iterator[Finding]:
    """``Any`` switches the type checker off; untrusted JSON is ``Json`` and is opened through typed getters."""
    for module in modules:
        named = [node.lineno for node in every(module.tree, ast.Name) if node.id == "Any"]
        named += [node.lineno for node in every(module.tree, ast.Attribute) if node.attr == "Any"]
        quoted = (node for node in every(module.tree, ast.Constant) if isinstance(node.value, str) and "Any" in node.value)
        named += [node.lineno for node in quoted if re.fullmatch(r"[\w\[\], .|]*\bAny\b[\w\[\], .|]*\]", str(node.value))]
        yield from (Finding(module.name, line, "uses Any") for line in named)


def words(modules: list[Module]) -> Iterator[Finding]:
    """What is unfinished is not merged."""
    for module in modules:
        for number, line in enumerate(module.text.splitlines(), 1):
            found = _WORDS.search(line)
            if found:
                yield Finding(module.name, number, f"holds the word {found[1]}")


def names(modules: list[Module]) -> Iterator[Finding]:
    """A module is named for what it does."""
    for module in modules:
        if module.parts[-1] in {"utils", "util", "helpers", "misc", "common"}:
            yield Finding(module.name, 1, "a name that says nothing")


def _written(node: ast.AST) -> str:
    """The text of a literal, with a figure wherever a value is put in; a letter in place of what is escaped and of classes of characters."""
    parts: list[ast.AST] = [*node.values] if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(part.value) if isinstance(part, ast.Constant) and isinstance(part.value, str) else "0" for part in parts)
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        text = node.value.decode("latin-1")
    return _CLASSES.sub("c", text)


def possessive(modules: list[Module]) -> Iterator[Finding]:
    """Python 3.11.0 to 3.11.4, Debian's among them, goes on behind the last turn of ``(...)*+`` that did not fit: it matches too much, or nothing."""
    for module in modules:
        for node in (*every(module.tree, ast.Constant), *every(module.tree, ast.JoinedStr)):
            if _POSSESSIVE_GROUP.search(_written(node)):
                yield Finding(module.name, node.lineno, "a possessive quantifier behind a group; write (?>(?:...)*)")


Rule = Callable[[list[Module]], Iterator[Finding]]
PRODUCT_RULES: tuple[Rule, ...] = (layers, privates, cycles, function_length, complexity, file_length, catch_all, asserts, any_type, possessive, words, names)
OTHER_RULES: tuple[Rule, ...] = (function_length, complexity, file_length, words, names)
"""For tests, tools, conformance and benchmarks, where asserts and foreign types are at home."""
