"""Commands start fast: each imports what it needs, and nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mpp.author.running import is_confined

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


def _loaded(*words: object, before: str = "") -> tuple[int, set[str]]:
    probe = PROBE.replace("code = run(", before + "code = run(")
    done = subprocess.run([sys.executable, "-c", probe, *map(str, words)], capture_output=True, text=True, check=True)
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


HELP_MAX, LIST_MAX, BUILD_MAX, RUN_MAX = 140, 330, 400, 640
"""Modules that a command loads in all, with those of Python. Reason: half of the time after an edit was imports of two processes; each is a tenth above what it is."""

NOT_TO_BUILD = frozenset(
    ("importlib.metadata", "email", "asyncio", "ssl", "http", "wasmtime", "hyperscan", "apsw", "jsonschema_rs", "mpp.author.languages.python_component",
     "mpp.author.vendoring.fetching", "mpp.author.toolchains", "mpp.stages.policy", "mpp.stages.approval", "mpp.stages.sandbox", "mpp.stages.privacy.detectors")
)  # fmt: skip
NOT_TO_RUN = frozenset(("importlib.metadata", "email", "asyncio", "http.client", "wasmtime", "mpp.serve", "mpp.console", "mpp.remote", "mpp.host.legacy"))
NOT_TO_LIST = frozenset(("importlib.metadata", "email", "asyncio", "apsw", "mpp.stages.privacy.detectors", "mpp.host.judging", "mpp.stages.sandbox.worker"))
LIGHT = frozenset(("mpp.cli.toolchains", "mpp.author.toolchains.places", "mpp.author.toolchains"))


ON_A_LAYER = """
from mpp.author.languages.ports import LayerFile
from mpp.cli.commands import build
from mpp.model.manifest import LayerRef
build.newest_layer = lambda _: LayerFile(ref=LayerRef(id="dev.example.layer", version="1.0.0", sha256="1" * 64), path="/nowhere")
"""
"""Put into the probe: the store has a layer for every language."""


def _among(modules: set[str], never: frozenset[str]) -> set[str]:
    return {name for name in modules for one in never if (name == one or name.startswith(one + ".")) and name not in LIGHT}


def test_help_of_the_program_is_small() -> None:
    assert len(_loaded("--help")[1]) <= HELP_MAX


def test_list_loads_what_it_shows(home: Path) -> None:
    code, modules = _loaded("list")
    assert code == 0
    assert not _among(modules, NOT_TO_LIST)
    assert len(modules) <= LIST_MAX


def test_run_help_loads_nothing_of_a_host() -> None:
    code, modules = _loaded("run", "--help")
    assert code == 0
    assert not [name for name in modules if name.startswith(("mpp.stages", "mpp.host.judging", "mpp.host.sandbox"))]


@pytest.mark.skipif(not is_confined(), reason="this system has no Landlock, so no Python tool is described")
def test_a_build_on_a_layer_loads_little(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert _loaded("init", "hello")[0] == 0
    monkeypatch.chdir("hello")
    code, modules = _loaded("build", before=ON_A_LAYER)
    assert code == 0
    assert "mpp.author.languages.python_describe" in modules, "the probe sees what is imported"
    assert not _among(modules, NOT_TO_BUILD)
    assert len(modules) <= BUILD_MAX


def test_run_loads_what_a_call_needs(home: Path) -> None:
    code, modules = _loaded("run", "absent.mpp")
    assert code == 2
    assert "mpp.host.sandbox" in modules, "the probe sees what is imported"
    assert not _among(modules, NOT_TO_RUN)
    assert len(modules) <= RUN_MAX
