"""What Python sources import and cannot have in the sandbox, found by reading them: at build, with file and line, not at the first call."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from mpp.errors import Fault, Refused
from mpp.model.value import value

# Modules that no interpreter for WebAssembly has, and what to take instead.
ABSENT: dict[str, str] = {
    "ctypes": "native libraries cannot be loaded; take a pure-Python library",
    "_ctypes": "native libraries cannot be loaded; take a pure-Python library",
    "cffi": "native libraries cannot be loaded; take a pure-Python library",
    "curses": "there is no terminal; answer with text",
    "readline": "there is no terminal; answer with text",
    "termios": "there is no terminal; answer with text",
    "tty": "there is no terminal; answer with text",
    "pty": "there is no terminal; answer with text",
    "tkinter": "there is no screen; answer with text or an image",
    "turtle": "there is no screen; answer with text or an image",
    "idlelib": "there is no screen; answer with text or an image",
    "fcntl": "a call has its files to itself: no lock is needed",
    "msvcrt": "it belongs to Windows",
    "winreg": "it belongs to Windows",
    "winsound": "it belongs to Windows",
    "grp": "there are no users; mpp_sdk.Context says who calls",
    "pwd": "there are no users; mpp_sdk.Context says who calls",
    "spwd": "there are no users; mpp_sdk.Context says who calls",
    "resource": "the limits are those of the manifest",
    "syslog": "write a log line with mpp_sdk.log",
    "ensurepip": "dependencies are packed at build",
    "venv": "dependencies are packed at build",
    "pip": "dependencies are packed at build",
    "mmap": "read the file instead",
    "_posixsubprocess": "no program can be started",
    "_multiprocessing": "no process can be started",
    "multiprocessing": "no process can be started; do the work in order, or declare another tool",
}

# Calls that exist and fail whenever they are made.
_NO_PROGRAM = "no program can be started in the sandbox"
_NO_THREAD = "no thread can be started in the sandbox; async def works, and so does doing things in order"
_NO_LISTEN = "a tool listens to nobody; it is called"
FAILING: dict[str, str] = {
    **dict.fromkeys(("os.system", "os.popen", "os.fork", "os.forkpty", "os.execv", "os.execve", "os.execvp", "os.spawnv", "os.posix_spawn"), _NO_PROGRAM),
    **{f"subprocess.{name}": _NO_PROGRAM for name in ("run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput")},
    **{f"asyncio.{name}": _NO_PROGRAM for name in ("create_subprocess_exec", "create_subprocess_shell")},
    **{f"threading.{name}": _NO_THREAD for name in ("Thread", "Timer")},
    "_thread.start_new_thread": _NO_THREAD,
    **{f"concurrent.futures.{name}": _NO_THREAD for name in ("ThreadPoolExecutor", "ProcessPoolExecutor")},
    **{f"{name}.{made}": _NO_LISTEN for name in ("http.server", "socketserver") for made in ("HTTPServer", "ThreadingHTTPServer", "TCPServer", "UDPServer")},
    "asyncio.start_server": _NO_LISTEN,
    "signal.alarm": "there are no signals; the manifest's timeout_ms ends a call",
    "signal.setitimer": "there are no signals; the manifest's timeout_ms ends a call",
}


_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)
_SOFT = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.If)


@value
class Finding:
    """One place in the sources."""

    where: str
    """``app/main.py:12``."""
    message: str
    hint: str
    is_fatal: bool
    """The import fails whenever the module is loaded, and nothing catches that."""


@value
class Looked:
    """What was found in all sources."""

    imported: frozenset[str]
    """Modules, with the parts of their names above them."""
    findings: tuple[Finding, ...]


def look(sources: Mapping[str, bytes], *, own: str = "app/") -> Looked:
    """Read all sources. Those below ``own`` are the author's: only in them a missing module is fatal; in a dependency it may never be reached."""
    imported: set[str] = set()
    findings: list[Finding] = []
    for name in sorted(sources):
        if name.endswith(".py"):
            reader = _Reader(name, is_own=name.startswith(own))
            reader.read(parsed(name, sources[name]))
            imported |= reader.imported
            findings += reader.findings
    return Looked(imported=frozenset(imported), findings=tuple(findings))


def parsed(name: str, source: bytes) -> ast.Module:
    """The syntax tree. Attack: nesting that ends the parser. Python says so by one of these."""
    try:
        return ast.parse(source, name)
    except SyntaxError as fault:
        hint = "mend the syntax; what a newer Python knows needs MPP under that Python"
        raise Refused("project.compile", f"this is no Python: {fault.msg}", where=f"{name}:{fault.lineno or 1}", hint=hint) from None
    except (ValueError, RecursionError, MemoryError):
        raise Refused("project.compile", "this is no Python: it holds a NUL byte, or is nested too deep", where=name, hint="write it simpler") from None


class _Reader:
    """Reads one module."""

    def __init__(self, name: str, *, is_own: bool) -> None:
        self._name, self._is_own = name, is_own
        self._names: dict[str, str] = {}
        self.imported: set[str] = set()
        self.findings: list[Finding] = []

    def read(self, tree: ast.Module) -> None:
        """Imports first, because a call may stand above the import that names it."""
        # An import is a statement. Calls are looked at in the author's own files alone, and most nodes are expressions.
        nodes = list(_walk(tree, _STATEMENTS if not self._is_own else ast.AST))
        for node, is_soft in nodes:
            if isinstance(node, ast.Import):
                self._import(node, is_soft=is_soft)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module is not None:
                self._import_from(node, node.module, is_soft=is_soft)
        for node, _ in nodes:
            # Only the author's own calls: a library has many that a tool never reaches.
            if isinstance(node, ast.Call) and self._is_own:
                self._call(node)
        self.findings.sort(key=lambda one: int(one.where.rpartition(":")[2]))

    def _import(self, node: ast.Import, *, is_soft: bool) -> None:
        for item in node.names:
            self._take(item.name, node.lineno, is_soft=is_soft)
            top = item.name.partition(".")[0]
            self._names[item.asname or top] = item.name if item.asname else top

    def _import_from(self, node: ast.ImportFrom, module: str, *, is_soft: bool) -> None:
        self._take(module, node.lineno, is_soft=is_soft)
        for item in node.names:
            self.imported.add(f"{module}.{item.name}")
            self._names[item.asname or item.name] = f"{module}.{item.name}"

    def _take(self, module: str, line: int, *, is_soft: bool) -> None:
        self.imported.update(_upwards(module))
        top = module.partition(".")[0]
        if top in ABSENT:
            words = f"imports {module}, which the sandbox does not have"
            self.findings.append(Finding(where=f"{self._name}:{line}", message=words, hint=ABSENT[top], is_fatal=self._is_own and not is_soft))

    def _call(self, node: ast.Call) -> None:
        first, _, rest = _dotted(node.func).partition(".")
        full = self._names.get(first, first) + (f".{rest}" if rest else "")
        if full in FAILING:
            self.findings.append(Finding(where=f"{self._name}:{node.lineno}", message=f"calls {full}", hint=FAILING[full], is_fatal=False))


def _walk(tree: ast.Module, kinds: type | tuple[type, ...]) -> Iterator[tuple[ast.AST, bool]]:
    """Every node of these kinds, and whether something around it may keep it from being run, or catches what it raises.

    Attack: an expression of a hundred thousand terms is a tree that deep, so this does not call itself.
    """
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, is_soft = waiting.pop()
        yield node, is_soft
        inner = is_soft or isinstance(node, _SOFT) or (isinstance(node, ast.Try | ast.TryStar) and bool(node.handlers))
        waiting += [(child, inner) for child in ast.iter_child_nodes(node) if isinstance(child, kinds)]


def _upwards(module: str) -> Iterator[str]:
    while module:
        yield module
        module = module.rpartition(".")[0]


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else ""


def judge(looked: Looked) -> tuple[str, ...]:
    """Refuse what cannot work; the rest as warnings."""
    fatal = [one for one in looked.findings if one.is_fatal]
    if fatal:
        raise Refused.of(tuple(Fault("project.import", one.where, one.message, one.hint) for one in fatal))
    return tuple(f"{one.where} {one.message}: {one.hint}" for one in looked.findings)
