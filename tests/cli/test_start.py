"""`mpp verify` starts fast: it imports what it needs, and nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

NEVER = frozenset(
    [
        "wasmtime",
        "ziglang",
        "sqlite3",
        "asyncio",
        "http",
        "email",
        "urllib",
        "tomllib",
        "difflib",
        "pathlib",
        "zipfile",
        "tempfile",
        "subprocess",
        "shutil",
        "socket",
        "ssl",
        "logging",
        "importlib.metadata",
        "getpass",
        "cryptography",
        "orjson",
        "msgspec",
        "jsonschema_rs",
        "concurrent",
        "multiprocessing",
        "unittest",
        "decimal",
        "random",
        "mpp.author",
        "mpp.testing",
    ]
)
PROBE = """
import sys
before = set(sys.modules)
from mpp.cli.app import run
code = run(sys.argv[1:])
print(code, *sorted(set(sys.modules) - before), file=sys.stderr)
"""


def _loaded(*words: object) -> tuple[int, set[str]]:
    done = subprocess.run([sys.executable, "-c", PROBE, *map(str, words)], capture_output=True, text=True, check=True)
    code, *modules = done.stderr.splitlines()[-1].split()
    return int(code), set(modules)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_verify_imports_only_what_it_needs(signed: Path, more: list[str]) -> None:
    code, modules = _loaded("verify", signed, *more)
    assert code == 0
    assert "mpp.stages.gatekeeper.checks" in modules, "the probe sees what is imported"
    assert not {name for name in modules for never in NEVER if name == never or name.startswith(never + ".")}


def test_verify_of_a_project_needs_no_compiler(keys: Path, signed: Path) -> None:
    from mpp.testing import packages
    import json

    Path("manifest.json").write_text(json.dumps(packages.manifest()))
    code, modules = _loaded("verify")
    assert code == 0
    assert not modules & {"mpp.author.compile", "importlib.metadata", "subprocess", "email", "tomllib"}


def test_help_loads_no_command() -> None:
    _, modules = _loaded("--help")
    assert not {name for name in modules if name.startswith(("mpp.stages", "mpp.crypto", "nacl", "mpp.cli.commands."))}
