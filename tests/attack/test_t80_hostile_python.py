"""T80, a hostile or broken tool in Python on the real layer: each call ends in a clear failure or in one valid reply, and the next one works.

It prints, exits, recurses, allocates, starts threads and processes, and replaces what Python is made of. Skipped without the layer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mpp.stages.sandbox import Run
from tests.javascripted import Engine, MIB

SECONDS = 30.0
ENTRY = "app/main.py"
MEMORY = 96 * MIB

# A small server of its own, so that these tests say something about the layer and not about the SDK.
SERVER = """
import json, os, sys
def mpp_main():
    line = sys.stdin.readline()
    stdout, sys.stdout = sys.stdout, sys.stderr
    found = go(json.loads(line))
    os.write(1, (json.dumps({"found": found}) + "\\n").encode())
"""
GOOD = "def go(request):\n    return 'good'\n"


def files(body: str) -> dict[str, bytes]:
    return {ENTRY: (SERVER + body).encode()}


def indent(body: str) -> str:
    return "def go(request):\n" + "".join(f"    {line}\n" for line in body.splitlines())


def found(run: Run) -> object:
    assert run.fault is None, (run.fault, run.stderr[-2000:])
    assert run.exit_code == 0, run.stderr[-2000:]
    return json.loads(run.stdout)["found"]


@pytest.fixture(scope="module")
def engine(python_layer: Path) -> Iterator[Engine]:
    made = Engine(python_layer)
    yield made
    assert found(attacked(made, GOOD)) == "good"
    made.close()


def attacked(engine: Engine, body: str, *, memory: int = MEMORY, seconds: float = SECONDS, more: Mapping[str, bytes] | None = None) -> Run:
    with engine.tool({**files(body), **(more or {})}, memory=memory, entrypoint=ENTRY) as tool:
        return tool.line(b'{"x": 1}\n', seconds)


EXCEPTIONS = {
    "recursion": ("f = lambda: f()\nf()", "RecursionError"),
    "repr": ("x = []\nfor _ in range(10**5): x = [x]\nrepr(x)", "RecursionError"),
    "json read": ("json.loads('[' * 10**5)", "RecursionError"),
    "json written": ("x = []\nfor _ in range(10**5): x = [x]\njson.dumps(x)", "RecursionError"),
    "source": ("eval('(' * 5000 + '1' + ')' * 5000)", "MemoryError"),
    "signs": ("eval('-' * 10**5 + '1')", "MemoryError"),
    "sums": ("eval('+'.join(['1'] * 10**5))", "RecursionError"),
    "attributes": ("class A:\n    def __getattr__(self, name): return getattr(A(), name)\nA().x", "RecursionError"),
    "equality": ("class A:\n    def __eq__(self, other): return A() == A()\nA() == A()", "RecursionError"),
    "sorting": ("f = lambda _: sorted([1, 2], key=f)\nf(0)", "RecursionError"),
    "groups": ("import re\nre.compile('(' * 5000 + 'a' + ')' * 5000)", "RecursionError"),
    "pickle": ("import pickle\nx = []\nfor _ in range(10**5): x = [x]\npickle.dumps(x)", "RecursionError"),
    "marshal": ("import marshal\nx = []\nfor _ in range(10**5): x = [x]\nmarshal.dumps(x)", "ValueError"),
    "one block": ("bytes(2**31 - 100)", "MemoryError"),
    "blocks": ("x = []\nwhile True: x.append(bytes(10**6))", "MemoryError"),
    "threads": ("import threading\nthreading.Thread(target=print).start()", "RuntimeError"),
    "threads below": ("import _thread\n_thread.start_new_thread(print, ())", "RuntimeError"),
    "processes": ("import subprocess\nsubprocess.run(['ls'])", "OSError"),
    "fork": ("os.fork()", "AttributeError"),
    "shell": ("os.system('ls')", "AttributeError"),
    "listening": ("import socket\nsocket.create_server(('', 80))", "PermissionError"),
    "mail": ("import socket\nsocket.create_connection(('mail.example.com', 25)).sendall(b'EHLO x\\r\\n')", "OSError"),
    "datagrams": ("import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "OSError"),
    "writing the package": ("open('/package/app/main.py', 'w')", "PermissionError"),
    "reading the machine": ("open('/etc/passwd')", "FileNotFoundError"),
    "native code": ("import ctypes", "ModuleNotFoundError"),
}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_what_cannot_be_done_is_an_exception_that_the_tool_can_answer_with(engine: Engine, name: str):
    body, kind = EXCEPTIONS[name]
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    run = attacked(engine, indent(f"try:\n{lines}except Exception as fault:\n    return type(fault).__name__"))
    assert found(run) == kind


ENDS = {
    "exit code": ("sys.exit(3)", 3),
    "words": ("sys.exit('no')", 1),
    "at once": ("os._exit(4)", 4),
    "exception": ("raise ValueError('what the tool did not expect')", 1),
    "no exception": ("raise KeyboardInterrupt", 1),
}


@pytest.mark.parametrize("name", ENDS)
def test_an_early_end_has_its_exit_code_and_no_reply(engine: Engine, name: str):
    body, code = ENDS[name]
    run = attacked(engine, indent(body))
    assert (run.fault, run.exit_code, run.stdout) == (None, code, b"")


def test_an_exception_shows_the_lines_of_the_tool(engine: Engine):
    run = attacked(engine, indent("raise ValueError('what the tool did not expect')"))
    words = run.stderr.decode()
    assert 'File "/package/app/main.py"' in words
    assert "raise ValueError('what the tool did not expect')" in words
    assert "_mpp_boot" not in words


TRAPS = {
    "iterators in iterators": "x = iter([1])\nfor _ in range(50000): x = map(abs, x)\nlist(x)",
    "abort": "os.abort()",
    "a lock that nobody opens": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
    "a queue that nobody fills": "import queue\nqueue.Queue().get()",
}


@pytest.mark.parametrize("name", TRAPS)
def test_what_python_cannot_survive_is_a_fault_of_the_run(engine: Engine, name: str):
    run = attacked(engine, indent(TRAPS[name]))
    assert run.fault is not None
    assert run.fault.code == "tool.trap"
    assert run.stdout == b""


def test_a_recursion_that_uses_up_all_memory_does_not_look_like_an_answer(engine: Engine):
    run = attacked(engine, indent("sys.setrecursionlimit(10**9)\ndef g(n): yield from g(n + 1)\nlist(g(0))"))
    assert run.fault is not None or run.exit_code != 0
    assert run.stdout == b""


def test_a_loop_ends_at_the_deadline(engine: Engine):
    run = attacked(engine, indent("while True: pass"), seconds=0.5)
    assert run.fault is not None
    assert run.fault.code == "tool.deadline"


NOISE = {
    "printing": "print('noise')",
    "at import": "",
    "the real one": "print('noise', file=sys.__stderr__)",
    "warnings": "import warnings\nwarnings.warn('noise')",
    "logging": "import logging\nlogging.warning('noise')",
}


@pytest.mark.parametrize("name", NOISE)
def test_noise_is_log_and_never_part_of_the_reply(engine: Engine, name: str):
    body = indent(f"{NOISE[name]}\nreturn 'good'")
    run = attacked(engine, body if name != "at import" else "print('noise')\n" + body)
    assert found(run) == "good"
    if name != "at import":
        assert b"noise" in run.stderr


MONKEYS = {
    "json": "json.loads = json.dumps = None",
    "the variables": "os.environ = None",
    "streams": "sys.stderr = sys.__stderr__ = sys.__stdout__ = sys.stdout = None",
    "modules": "sys.modules.clear()",
    "the boot": "import _mpp_boot\n_mpp_boot._end = _mpp_boot._call = _mpp_boot.run = None",
    "the host": "import _mpp\n_mpp.call = None",
    "builtins": "import builtins\nfor name in list(vars(builtins)): setattr(builtins, name, None)",
    "excepthook": "sys.excepthook = None\nraise ValueError",
    "atexit": "import atexit\natexit.register(lambda: 1 / 0)",
}


@pytest.mark.parametrize("name", MONKEYS)
def test_what_a_call_replaces_is_gone_in_the_next(engine: Engine, name: str):
    body = "def go(request):\n    if request['x'] == 2:\n        return 'good'\n" + "".join(f"    {line}\n" for line in MONKEYS[name].splitlines())
    with engine.tool(files(body), memory=MEMORY, entrypoint=ENTRY) as tool:
        first = tool.line(b'{"x": 1}\n', SECONDS)
        assert first.fault is not None or first.exit_code != 0 or json.loads(first.stdout)["found"] is None
        assert found(tool.line(b'{"x": 2}\n', SECONDS)) == "good"


def test_a_native_module_in_the_package_is_refused_by_name(engine: Engine):
    run = attacked(
        engine,
        indent("try:\n    import fast\nexcept ImportError as fault:\n    return str(fault)"),
        more={"lib/fast.cpython-313-x86_64-linux-gnu.so": b"\x7fELF"},
    )
    assert "fast is native code" in str(found(run))
