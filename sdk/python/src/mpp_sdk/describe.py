"""``python -m mpp_sdk.describe FILE``: the tools of a source file as the manifest wants them, as JSON.

It imports the file, so it runs its code: ``mpp build`` does that in its compile jail. A signature that cannot be a tool's is told with
file, line and parameter, and what to write instead.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from typing import Any, NamedTuple

from mpp_sdk import _reply, _tools
from mpp_sdk._types import Unsupported
from mpp_sdk.checking import check
from mpp_sdk.docstrings import read_docstring
from mpp_sdk.schemas import described, Schemas, with_default, wrapped

LEVELS = ("low", "medium", "high", "critical")
DESCRIPTION_CHARS_MAX = 8_192
"""Characters of a description. Reason: manifest M-30."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ANSWER = {"type": "object", "description": "The answer to a question that this tool asks. Leave it out."}


class Fault(NamedTuple):
    """What is wrong, and what to write instead."""

    file: str
    line: int
    parameter: str
    message: str
    hint: str

    def __str__(self) -> str:
        where = f" ({self.parameter})" if self.parameter else ""
        return f"{self.file}:{self.line}: {self.message}{where}\n  hint: {self.hint}"


class Faulty(Exception):
    """The sources cannot be described."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class Site:
    """Where the parameters of a function stand in its source."""

    def __init__(self, fn: Any, root: str) -> None:
        code = _tools.code_of(fn)
        self.path = code.co_filename
        self.file = os.path.relpath(self.path, root) if root else self.path
        self.line: int = code.co_firstlineno
        self.node = _node_at(self.path, code.co_name, code.co_firstlineno)

    def of(self, parameter: str) -> int:
        arguments = self.node.args if self.node is not None else None
        if arguments is not None:
            self_and_others = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
            for one in self_and_others:
                if one is not None and one.arg == parameter:
                    found: int = one.lineno
                    return found
        return self.line


def _node_at(path: str, name: str, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    try:
        with open(path, encoding="utf-8") as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first <= line <= node.lineno:
                return node
    return None


def definition(tool: _tools.Tool, root: str = "") -> dict[str, Any]:
    """One tool as ``tool_definitions`` has it. Raises ``Faulty``."""
    site = Site(tool.fn, root)
    faults = list(_faults_of(tool, site))
    is_open = bool(tool.extra.get("open"))
    own = read_docstring(tool.fn.__doc__)
    try:
        hints = tool.hints()
    except NameError as fault:
        hint = "import it at the top of the module, and not only under TYPE_CHECKING"
        raise Faulty([*faults, Fault(site.file, site.line, "", f"a type is not known: {fault}", hint)]) from None
    parameters, more = _parameters(tool, site, hints, {} if is_open else own.parameters, is_open=is_open)
    if faults or more:
        raise Faulty(sorted([*faults, *more]))
    out: dict[str, Any] = {"name": tool.name, **({"title": tool.title} if tool.title else {})}
    out["description"] = _text_of(tool)
    out["parameters"] = parameters
    returns = _returns(tool, site, hints, is_open=is_open)
    if returns is not None:
        out["returns"] = returns
    out["security_level"] = tool.security_level
    return out


def _text_of(tool: _tools.Tool) -> str:
    """What is said of the tool: all of it where another framework would say all of it, else without the parts on parameters."""
    found = tool.description or tool.fn.__doc__ or ""
    return cleandoc(found).strip() if tool.extra.get("open") else read_docstring(found).text


def _faults_of(tool: _tools.Tool, site: Site) -> Iterator[Fault]:
    """What can be seen without the types."""
    code = _tools.code_of(tool.fn)
    line = site.line
    if _NAME.fullmatch(tool.name) is None:
        yield Fault(site.file, line, "", f"{tool.name!r} is no name of a tool", "a name has 1 to 64 letters, digits, _, . and -: @tool(name=...)")
    if tool.security_level not in LEVELS:
        yield Fault(site.file, line, "", f"security_level is {tool.security_level!r}", f"write one of {', '.join(LEVELS)}")
    text = _text_of(tool)
    if not text:
        yield Fault(site.file, line, "", f"the tool {tool.name!r} has no description", "write a docstring: models choose a tool by it")
    if len(text) > DESCRIPTION_CHARS_MAX:
        yield Fault(site.file, line, "", f"the description of {tool.name!r} has more than {DESCRIPTION_CHARS_MAX} characters", "write less")
    for name in tool.asks:
        if _NAME.fullmatch(name) is None:
            yield Fault(site.file, line, "", f"{name!r} is no name of a question", "take letters, digits and _")
    yield from _faults_of_kinds(code, site)


def _faults_of_kinds(code: Any, site: Site) -> Iterator[Fault]:
    """Parameters that take what has no name, or any name."""
    names = code.co_varnames[code.co_argcount + code.co_kwonlyargcount :]
    star = code.co_flags & _tools.VAR_POSITIONAL
    if star:
        yield Fault(site.file, site.of(names[0]), f"*{names[0]}", "arguments have names, so *args has no place", f"write a parameter {names[0]}: list[...]")
    if code.co_flags & _tools.VAR_KEYWORDS:
        last = names[1 if star else 0]
        hint = f"write a parameter {last}: dict[str, ...], or one for each key"
        yield Fault(site.file, site.of(last), f"**{last}", "what a tool takes is declared, so **kwargs has no place", hint)
    if code.co_flags & _tools.GENERATORS:
        yield Fault(site.file, site.line, "", "a tool gives one answer, so it cannot yield", "give back a list, and tell how far it is with progress()")
    if code.co_posonlyargcount:
        yield Fault(site.file, site.line, code.co_varnames[0], "arguments have names, so a parameter cannot be positional only", "leave out the /")


def _parameters(tool: _tools.Tool, site: Site, hints: dict[str, Any], words: dict[str, str], *, is_open: bool) -> tuple[dict[str, Any], list[Fault]]:
    schemas, faults = Schemas(is_open=is_open), list[Fault]()
    properties: dict[str, Any] = {}
    given = tool.given(hints)
    defaults = tool.defaults()
    for name in given:
        if name not in hints and not is_open:
            faults.append(Fault(site.file, site.of(name), name, "the parameter has no type", f"write {name}: str, or the type that it has"))
            continue
        try:
            schema = described(schemas.of(hints[name]) if name in hints else {"type": "string"}, words.get(name, ""))
            is_lenient = is_open and name in defaults and defaults[name] is None
            kind = hints.get(name, str) | None if is_lenient and _is_class(hints.get(name, str)) else hints.get(name, str)
            properties[name] = _with_default(schema, kind, defaults, name)
        except Unsupported as fault:
            faults.append(Fault(site.file, site.of(name), name, str(fault), fault.hint))
    out: dict[str, Any] = {"type": "object", "properties": {**properties, **{name: dict(_ANSWER) for name in tool.asks if name not in properties}}}
    required = [name for name in given if name not in defaults]
    if required:
        out["required"] = required
    if not is_open:
        out["additionalProperties"] = False
    if tool.examples:
        out["examples"] = [dict(one) for one in tool.examples]
    out = schemas.whole(out)
    if not faults:
        faults += _example_faults(tool, site, out)
    return out, faults


def _is_class(kind: Any) -> bool:
    return isinstance(kind, type)


def _with_default(schema: dict[str, Any], kind: Any, defaults: dict[str, Any], name: str) -> dict[str, Any]:
    return with_default(schema, kind, defaults.get(name), is_needed=name not in defaults)


def _example_faults(tool: _tools.Tool, site: Site, schema: dict[str, Any]) -> list[Fault]:
    found = []
    for number, example in enumerate(tool.examples, 1):
        wrong = check(json.loads(json.dumps(dict(example))), schema)
        if wrong:
            found.append(Fault(site.file, site.line, "", f"example {number} of {tool.name!r} is not what the tool takes: {wrong[0]}", "mend the example"))
    return found


def _returns(tool: _tools.Tool, site: Site, hints: dict[str, Any], *, is_open: bool) -> dict[str, Any] | None:
    make = tool.extra.get("returns")
    if make is not None:
        found: dict[str, Any] | None = make(tool, hints)
        return found
    kind = hints.get("return", Any)
    is_wrapped = _reply.wraps(kind)
    if not is_wrapped and not _reply.is_object(kind):
        return None
    schemas = Schemas(is_open=is_open)
    try:
        schema = schemas.whole(wrapped(schemas.of(kind))) if is_wrapped else schemas.root(kind)
    except Unsupported as fault:
        raise Faulty([Fault(site.file, site.line, "return", str(fault), fault.hint)]) from None
    words = read_docstring(tool.fn.__doc__).returns
    return {**schema, "description": words} if words else schema


def load(path: str) -> Any:
    """Import the file under its own name, as the layer does. What it prints goes to standard error."""
    folder, name = os.path.split(os.path.abspath(path))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        return importlib.import_module(name.removesuffix(".py"))
    finally:
        sys.stdout = out


def describe(path: str, root: str = "") -> dict[str, Any]:
    """All that the package of this file says of itself. Raises ``Faulty``."""
    root = os.path.abspath(root or os.path.dirname(path) or ".")
    _load_or_say(path, root)
    definitions, faults = [], list[Fault]()
    for tool in _tools.tools.values():
        try:
            definitions.append(definition(tool, root))
        except Faulty as fault:
            faults += fault.faults
    for first, second in (pair for pair in _tools.replaced if _tools.tools.get(pair[1].name) is pair[1]):
        site, line = Site(first.fn, root), _tools.code_of(second.fn).co_firstlineno
        faults.append(
            Fault(site.file, site.line, "", f"a second tool {first.name!r} in line {line} takes the place of this one", "give one of them another name")
        )
    if not _tools.tools and not _tools.handlers:
        faults.append(Fault(os.path.relpath(path, root), 1, "", "there is no tool in this file, and in none that it imports", "write @tool above a function"))
    if faults:
        raise Faulty(faults)
    found: dict[str, Any] = {"tools": definitions, "handler": bool(_tools.handlers), "prompts": None, "resources": None, "files": {}, "reports": []}
    compatible = sys.modules.get("mpp_sdk.fastmcp")
    if compatible is not None:
        found.update(importlib.import_module("mpp_sdk.fastmcp.static").static_content(root))
    return found


def _load_or_say(path: str, root: str) -> None:
    try:
        load(path)
    except (Exception, SystemExit) as fault:  # noqa: BLE001 - whatever the sources do when they are imported, their author is told where
        raise Faulty([_import_fault(fault, path, root)]) from None


def _import_fault(fault: BaseException, path: str, root: str) -> Fault:
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if os.path.abspath(frame.filename).startswith(root + os.sep)]
    file, line = (frames[-1].filename, frames[-1].lineno or 1) if frames else (os.path.abspath(path), 1)
    if isinstance(fault, SyntaxError) and fault.filename:
        file, line = fault.filename, fault.lineno or 1
    if isinstance(fault, ImportError):
        hint = "is it among the dependencies of the project, and pure Python?"
    else:
        hint = 'the file is imported when the package is built: put what starts a server under `if __name__ == "__main__":`'
    text = str(fault).splitlines()[0] if str(fault) else ""
    return Fault(os.path.relpath(file, root), line, "", f"importing it fails: {type(fault).__name__}: {text}", hint)


def main(arguments: Sequence[str]) -> int:
    import argparse  # noqa: PLC0415 - the command's own need

    parser = argparse.ArgumentParser(prog="python -m mpp_sdk.describe", description="The tools of a Python source as JSON.")
    parser.add_argument("file", help="the source that a package starts with")
    parser.add_argument("--root", default="", help="the project, for the file names in faults")
    options = parser.parse_args(arguments)
    # What a module registers, it registers with the SDK that the sources import, not with this file run as a script.
    from mpp_sdk import describe as here  # noqa: PLC0415, PLW0406 - see above

    return here.tell(options.file, options.root)


def tell(file: str, root: str) -> int:
    """Write the description, or what is wrong with the sources, as one line of JSON; the exit code."""
    try:
        found = describe(file, root)
    except Faulty as fault:
        sys.stdout.write(json.dumps({"errors": [one._asdict() for one in fault.faults]}, ensure_ascii=False) + "\n")
        sys.stderr.write(f"{fault}\n")
        return 2
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
