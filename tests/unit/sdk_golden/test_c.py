"""The SDK for C: the golden set in the sandbox, and, where it needs no host, natively under the sanitizers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mpp.author.build import build_project, Wishes
from mpp.author.compile import default_cache
from mpp.author.project import read_project
from mpp.testing import golden
from tools.golden import GOLDEN, run_golden
from tools.golden_projects import SDK, write_project


@pytest.mark.skipif(not Path(default_cache(), "o").is_dir(), reason="the C library for WebAssembly was not prepared yet: mpp build of a C project does it")
def test_the_golden_set_in_the_sandbox(tmp_path: Path) -> None:
    pytest.importorskip("ziglang", reason="the C compiler for WebAssembly (PyPI: ziglang) is not installed")
    write_project("c", tmp_path)
    built = build_project(read_project(str(tmp_path)), progress=lambda _: None, wishes=Wishes(cache=default_cache()))
    verdicts = list(run_golden(built.data, cache=str(tmp_path / "cache")))
    assert [f"{one.name}: {one.wrong}" for one in verdicts if one.wrong] == []
    assert len(verdicts) > len(golden.read_cases(GOLDEN))


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("native") / "golden"
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-Wno-unused-function"]
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1"]
    try:
        command = ["gcc", *strict, *checks, f"-I{SDK / 'c'}", str(SDK / "c/golden/main.c"), "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no native C compiler")
    if "cannot find -lasan" in done.stderr:
        pytest.skip("the native C compiler has no sanitizers")
    assert done.returncode == 0, done.stderr
    return made


ALONE = [case for case in golden.read_cases(GOLDEN) if not case.host and case.tool != "environment"]


def test_the_golden_set_natively(native: Path) -> None:
    wrong = []
    for case in ALONE:
        done = subprocess.run([native], input=case.line, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()[:2000]
        found = golden.difference(case.reply, golden._usual(json.loads(done.stdout)), "")
        wrong += [f"{case.name}: {found}"] if found else []
    assert wrong == []


def test_without_a_host_each_call_is_unavailable(native: Path) -> None:
    case = next(case for case in golden.read_cases(GOLDEN) if case.name == "kv-get")
    reply = json.loads(subprocess.run([native], input=case.line, capture_output=True, check=True, timeout=60).stdout)
    assert reply["result"] == {"content": [{"type": "text", "text": "unavailable"}], "isError": True}
