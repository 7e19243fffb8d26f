"""What a server keeps between calls, and reads when it is loaded: a package begins each call anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mpp.author.migrating.source_words import CHANGES, MUTABLE_CALLS

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def state_in(tree: ast.Module) -> list[tuple[int, str, str]]:
    """Line, words and advice."""
    out: list[tuple[int, str, str]] = []
    kept = _module_state(tree)
    told: set[str] = set()
    for line, name in _changes(tree):
        if name in kept and name not in told:
            told.add(name)
            out.append(
                (
                    line,
                    f"changes {name}, which the module keeps; each call starts anew, so the change is forgotten",
                    "keep it with mpp_sdk.kv, and declare storage.kv",
                )
            )
    for node in _outside_of_functions(tree):
        name = variable_read(node)
        if name:
            words = f"reads the variable {name} when the module is loaded; a host must then load all modules anew in each call, which is slow"
            out.append((node.lineno, words, "read it in the function that needs it"))
    out += [
        (getattr(node, "lineno", 1), "reads from the terminal", "make it an argument, or ask with ctx.elicit") for node in ast.walk(tree) if _is_input(node)
    ]
    return out


def variable_read(node: ast.AST) -> str:
    """The variable of the environment that an expression reads, where it stands there as a text."""
    wanted: ast.expr | None = None
    if isinstance(node, ast.Subscript) and _ends(node.value, "environ"):
        wanted = node.slice
    elif (
        isinstance(node, ast.Call)
        and node.args
        and (_ends(node.func, "getenv") or (_ends(node.func, "get") and isinstance(node.func, ast.Attribute) and _ends(node.func.value, "environ")))
    ):
        wanted = node.args[0]
    return wanted.value if isinstance(wanted, ast.Constant) and isinstance(wanted.value, str) else ""


def _ends(node: ast.expr, name: str) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == name) or (isinstance(node, ast.Name) and node.id == name)


def _is_input(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "input"


def _module_state(tree: ast.Module) -> set[str]:
    """Names of the module that hold something changeable, and those that a function makes global."""
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    for node in tree.body:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if value is None or not _is_mutable(value):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def _is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else value.func.id if isinstance(value.func, ast.Name) else ""
        return name in MUTABLE_CALLS
    return isinstance(value, (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp))


def _changes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines inside of functions that change something, and its name."""
    for function in ast.walk(tree):
        if isinstance(function, _FUNCTIONS):
            local = _locals(function)
            for node in ast.walk(function):
                for name in _changed_by(node, function):
                    if name not in local:
                        yield getattr(node, "lineno", function.lineno), name


def _locals(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    shared = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    arguments = function.args
    found = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    found |= {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return found - shared


def _changed_by(node: ast.AST, function: ast.AST) -> list[str]:
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete)):
        targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [node.target]
        inner = [target.value.id for target in targets if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)]
        shared = {name for one in ast.walk(function) if isinstance(one, ast.Global) for name in one.names}
        return inner + [target.id for target in targets if isinstance(target, ast.Name) and target.id in shared]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES and isinstance(node.func.value, ast.Name):
        return [node.func.value.id]
    return []


def _outside_of_functions(tree: ast.Module) -> Iterator[ast.expr]:
    """Expressions that run when the module is loaded. What stands under ``if __name__ == "__main__"`` does not run in a package."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*_FUNCTIONS, ast.Lambda)) or (isinstance(node, ast.If) and "__main__" in ast.dump(node.test)):
            continue
        if isinstance(node, ast.expr):
            yield node
        waiting += ast.iter_child_nodes(node)
