"""The tree keeps the rules of the house (tools/tidy.py), and the first two stages stay light."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys

import pytest

from tools import tidy

PRODUCT = tidy.load(tidy.ROOT / "src") + tidy.load(tidy.ROOT / "registry" / "src")
HEAVY = ("wasmtime", "hyperscan", "re2", "sqlite3", "apsw", "click", "rich", "asyncio")


@functools.cache
def parsed(folder: str) -> list[tidy.Module]:
    """Read once for all rules: there are two thousand files."""
    return tidy.load(tidy.ROOT / folder)


def show(findings: list[tidy.Finding]) -> str:
    return "\n".join(map(str, findings))


@pytest.mark.parametrize("rule", tidy.PRODUCT_RULES, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule: tidy.Rule) -> None:
    assert len(PRODUCT) > 10, "the product was not found"
    found = list(rule(PRODUCT))
    assert not found, show(found)


@pytest.mark.parametrize("folder", ["tests", "tools", "conformance", "benchmarks"])
@pytest.mark.parametrize("rule", tidy.OTHER_RULES, ids=lambda rule: rule.__name__)
def test_all_other_code_keeps_the_rule(rule: tidy.Rule, folder: str) -> None:
    found = list(rule(parsed(folder)))
    assert not found, show(found)


def test_exceptions_to_the_rules_name_modules_that_exist() -> None:
    known = {module.name for module in PRODUCT}
    assert known >= {*tidy.TABLES, *tidy.EDGES}
    assert len(tidy.EDGES) <= 4
    assert all({**tidy.TABLES, **tidy.EDGES}.values()), "each exception has a reason"


def loaded_by(statement: str) -> list[str]:
    """The heavy packages in memory after ``statement``, in a process of its own and without coverage's own imports."""
    code = f"import sys, json; {statement}; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    env = {key: text for key, text in os.environ.items() if not key.startswith("COV")}
    env["PYTHONPATH"] = str(tidy.ROOT / "src")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("statement", ["import mpp", "import mpp.stages.archive", "import mpp.stages.gatekeeper"])
def test_importing_the_first_stages_loads_nothing_heavy(statement: str) -> None:
    assert loaded_by(statement) == []


def test_the_probe_for_heavy_imports_can_fail() -> None:
    assert loaded_by("import sqlite3, click") == ["sqlite3", "click"]
