"""What a package carries of the SDK, how large that is, and the page that is made of its docstrings."""

from __future__ import annotations

import ast
import importlib.util
import io
import subprocess
import sys
import tomllib
import zipfile
from types import ModuleType

import pytest

import mpp_sdk
from mpp.author.vendoring.sdk import sdk_members
from mpp_sdk import _members
from tests.unit.sdk_python.conftest import ROOT, SDK

CORE_BYTES_MAX = 36 * 1024
"""Bytes of what every package carries, compressed. Reason: half of it is what the host's own C adapter weighs; more must be noticed."""
ALL_BYTES_MAX = 64 * 1024
"""Bytes with FastMCP and the stand-in for pydantic, compressed. Reason: as above."""
BUILD_ONLY = {"_members.py", "describe.py", "docstrings.py", "testing.py", "checking.py", "fastmcp/static.py"}


def weight(names: tuple[str, ...]) -> int:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in names:
            archive.write(SDK / "mpp_sdk" / name, f"lib/mpp_sdk/{name}")
    return len(out.getvalue())


def test_every_file_is_for_packages_or_for_builds() -> None:
    files = {str(path.relative_to(SDK / "mpp_sdk")) for path in (SDK / "mpp_sdk").rglob("*.py")}
    assert files == {*_members.CORE, *_members.FASTMCP} | BUILD_ONLY
    assert not set(_members.CORE) & set(_members.FASTMCP)


def test_a_package_stays_small() -> None:
    assert weight(_members.CORE) <= CORE_BYTES_MAX
    assert weight((*_members.CORE, *_members.FASTMCP)) <= ALL_BYTES_MAX


@pytest.mark.parametrize("wanted", [frozenset({"mpp_sdk"}), frozenset({"mpp_sdk", "mpp_sdk.fastmcp", "pydantic"})], ids=["core", "fastmcp"])
def test_what_a_package_carries_imports_by_itself(wanted: frozenset[str], tmp_path) -> None:
    """Attack on oneself: a module of the core that imports one that only builds have."""
    for name, data in sdk_members(wanted).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    modules = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in sdk_members(wanted)]
    code = f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\nimport mpp_sdk\nprint(mpp_sdk.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}"], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().startswith(str(tmp_path))


def test_only_the_standard_library_is_imported() -> None:
    own = {"mpp_sdk", "__future__", "_mpp", "pydantic", "requests", "httpx"}
    for path in (SDK / "mpp_sdk").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in own or top in sys.stdlib_module_names, f"{path.name}: {name}"


def test_the_distribution_says_the_same_version() -> None:
    project = tomllib.loads((ROOT / "sdk" / "python" / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["version"], project["dependencies"], project["license"]) == ("mpp-sdk", mpp_sdk.__version__, [], "Apache-2.0")


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sdk_reference", ROOT / "sdk" / "python" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_page_is_made_of_the_docstrings() -> None:
    maker = reference()
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run python sdk/python/reference.py"
    listed = {name for _, _, _, names in maker.PARTS for name in names}
    assert set(mpp_sdk.__all__) - listed <= {"context", "http", "kv", "log", "Secret"}


def test_the_examples_of_the_how_to_run(tmp_path) -> None:
    """Each block of the page, as it stands there."""
    blocks = (ROOT / "docs" / "how-to" / "python-sdk.md").read_text().split("```python\n")[1:]
    first, second, third = (block.partition("```")[0] for block in blocks)
    (tmp_path / "main.py").write_text(f"{first}\n{second}")
    (tmp_path / "test_main.py").write_text(third)
    described = subprocess.run(
        [sys.executable, "-m", "mpp_sdk.describe", "main.py"], capture_output=True, cwd=tmp_path, env={"PYTHONPATH": str(SDK)}, timeout=60, check=False
    )
    assert described.returncode == 0, described.stderr.decode()
    code = "import test_main\ntest_main.test_a_ticket_is_closed()\nfrom mpp_sdk.testing import Bench\nwith Bench() as bench:\n    print(bench.call('forecast', city='Oslo', days=1).structured)\n    print(bench.call('forecast', city='Atlantis').text)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path, env={"PYTHONPATH": str(SDK)}, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().splitlines() == ["{'result': ['day 1: fine']}", "there is no weather station in Atlantis"]
