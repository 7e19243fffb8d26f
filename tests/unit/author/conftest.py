"""One project, compiled once per session for the runs on WebAssembly and once natively with sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mpp.author.compile import compile_project, default_cache
from mpp.author.project import read_project
from mpp.author.scaffold import create_project

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh project; tests that change it take a copy."""
    return Path(create_project("hello", lang="c", parent=str(tmp_path_factory.mktemp("author")), publisher="Ada Example").folder)


@pytest.fixture(scope="session")
def zig_cache() -> str:
    """The user's cache where there is one, so that the C library is compiled once and not with each run of the tests."""
    pytest.importorskip("ziglang", reason="the C compiler for WebAssembly (PyPI: ziglang) is not installed")
    return default_cache()


@pytest.fixture(scope="session")
def module(hello: Path, zig_cache: str) -> bytes:
    return compile_project(read_project(str(hello)), progress=lambda _: None, cache=zig_cache).module


@pytest.fixture(scope="session")
def gcc() -> str:
    """A native C compiler with both sanitizers."""
    found = shutil.which("gcc") or shutil.which("clang")
    if found is None:
        pytest.skip("no native C compiler: the adapter is not fuzzed here")
    return found


@pytest.fixture(scope="session")
def driver(hello: Path, gcc: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter with a tool that uses all of it, under the address and undefined-behaviour sanitizers."""
    made = tmp_path_factory.mktemp("native") / "driver"
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
    folders = [f"-I{hello / 'include'}", f"-I{hello / 'src'}"]
    sources = [str(HERE / "fuzz_driver.c"), str(hello / "src" / "mpp.c")]
    done = subprocess.run([gcc, *strict, *checks, *folders, *sources, "-o", str(made)], capture_output=True, text=True, check=False)
    if "cannot find -lasan" in done.stderr or "cannot find -lubsan" in done.stderr:
        pytest.skip("the native C compiler has no sanitizers: the adapter is not fuzzed here")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return made
