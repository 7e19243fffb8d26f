from __future__ import annotations

import pytest

from mpp.author.vendoring.imports import judge, look
from mpp.errors import Refused


def found(source: str, name: str = "app/main.py") -> list[tuple[str, str, bool]]:
    return [(one.where, one.message, one.is_fatal) for one in look({name: source.encode()}).findings]


@pytest.mark.parametrize(
    "source", ["import ctypes", "import ctypes.util as c", "from ctypes import CDLL", "import os, ctypes", "try:\n    import ctypes\nfinally:\n    pass"]
)
def test_a_missing_module_is_fatal_where_it_is_always_imported(source: str) -> None:
    assert [fatal for *_, fatal in found(source)] == [True]
    with pytest.raises(Refused, match=r"project\.import") as refusal:
        judge(look({"app/main.py": source.encode()}))
    assert refusal.value.where.startswith("app/main.py:")
    assert refusal.value.hint


@pytest.mark.parametrize("source", [
    "try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", "def f():\n    import ctypes", "if x:\n    import pwd", "async def f():\n    import pwd", "f = lambda: __import__('x')\nif 1:\n    import grp",
])  # fmt: skip
def test_an_import_that_may_not_matter_is_told(source: str) -> None:
    assert [fatal for *_, fatal in found(source)] == [False]
    assert len(judge(look({"app/main.py": source.encode()}))) == 1


def test_in_a_dependency_it_is_never_fatal() -> None:
    assert found("import ctypes", "lib/x.py") == [("lib/x.py:1", "imports ctypes, which the sandbox does not have", False)]


@pytest.mark.parametrize(("source", "message"), [
    ("import subprocess\nsubprocess.run(['x'])", "calls subprocess.run"), ("from subprocess import run as go\ngo(['x'])", "calls subprocess.run"),
    ("import subprocess as s\ns.Popen(['x'])", "calls subprocess.Popen"), ("import os\nos.system('x')", "calls os.system"),
    ("import threading\nthreading.Thread(target=f).start()", "calls threading.Thread"),
    ("from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as pool: pass", "calls concurrent.futures.ThreadPoolExecutor"),
    ("import concurrent.futures\nconcurrent.futures.ProcessPoolExecutor()", "calls concurrent.futures.ProcessPoolExecutor"),
    ("from http import server\nserver.HTTPServer(a, b)", "calls http.server.HTTPServer"),
    ("def f():\n    return go(1)\nfrom os import fork as go", "calls os.fork"),
])  # fmt: skip
def test_calls_that_always_fail_are_told(source: str, message: str) -> None:
    assert [words for _, words, _ in found(source)] == [message]


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "import threading\nthreading.Lock()",
        "run(1)",
        "x.y.z()",
        "f()()",
        "import ssl, socket, asyncio",
        "from . import ctypes",
        "from .os import fork\nfork()",
    ],
)
def test_what_works_is_not_told(source: str) -> None:
    assert found(source) == []


def test_what_is_imported_is_known_with_the_names_above() -> None:
    looked = look(
        {"app/a.py": b"import xml.etree.ElementTree\nfrom mpp_sdk.fastmcp import FastMCP\ndef f():\n    import late", "app/data.txt": b"import nothing"}
    )
    assert looked.imported == {"xml", "xml.etree", "xml.etree.ElementTree", "mpp_sdk", "mpp_sdk.fastmcp", "mpp_sdk.fastmcp.FastMCP", "late"}


@pytest.mark.parametrize("source", [b"def (", b"x = \x00", "x = 'é".encode("latin-1")])
def test_what_is_no_python(source: bytes) -> None:
    with pytest.raises(Refused, match="is no Python") as refusal:
        look({"app/bad.py": source})
    assert refusal.value.where.startswith("app/bad.py")


def test_findings_come_in_the_order_of_lines() -> None:
    source = "import os\ndef f():\n    os.system('x')\n    import ctypes\n    os.popen('x')\n"
    assert [where for where, *_ in found(source)] == ["app/main.py:3", "app/main.py:4", "app/main.py:5"]
