"""Doors that open name by name: what the table says, what type checkers read and what ``__all__`` names is the same."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import mpp
from mpp.model.door import door

SOURCE = Path(mpp.__file__).parent


def _doors() -> dict[str, ast.Module]:
    """The packages with such a door, by name."""
    found = {}
    for path in sorted(SOURCE.rglob("__init__.py")):
        text = path.read_text(encoding="utf-8")
        if "__getattr__ = door(" in text:
            found[".".join(("mpp", *path.parent.relative_to(SOURCE).parts))] = ast.parse(text)
    return found


DOORS = _doors()


def _read_by_type_checkers(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Outside name to module and inside name."""
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname or alias.name: (node.module or "", alias.name) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }  # fmt: skip


def _table(package: str, tree: ast.Module) -> dict[str, tuple[str, str]]:
    call = next(node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call))
    assert isinstance(call, ast.Call)
    found = {}
    for module, words in ast.literal_eval(call.args[1]).items():
        for word in words.split():
            outside, _, inside = word.partition("=")
            found[outside] = (module if module.startswith("mpp.") else f"{package}.{module}", inside or outside)
    return found


def test_the_doors_were_found() -> None:
    assert {"mpp.stages.privacy", "mpp.stages.policy", "mpp.stages.sandbox", "mpp.host.store"} <= set(DOORS)


@pytest.mark.parametrize("package", sorted(DOORS))
def test_table_and_imports_and_public_names_agree(package: str) -> None:
    told = _read_by_type_checkers(DOORS[package])
    assert _table(package, DOORS[package]) == told
    public = importlib.import_module(package).__all__
    assert sorted(public) == sorted(told)


@pytest.mark.parametrize("package", sorted(DOORS))
def test_each_name_is_there_and_is_no_module_beside_it(package: str) -> None:
    found = importlib.import_module(package)
    for name in found.__all__:
        assert getattr(found, name) is not None
    folder = SOURCE.joinpath(*package.split(".")[1:])
    assert not {name for name in found.__all__ if (folder / f"{name}.py").exists() or (folder / name).is_dir()}


def test_another_name_is_not_there() -> None:
    stage = importlib.import_module("mpp.stages.privacy")
    with pytest.raises(AttributeError, match="has no attribute 'Fliter'"):
        _ = stage.Fliter
    with pytest.raises(ImportError):
        exec("from mpp.stages.privacy import Fliter")


def test_a_name_from_elsewhere_and_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    package = type(sys)("a_package_for_this")
    monkeypatch.setitem(sys.modules, package.__name__, package)
    opened = door(package.__name__, {"mpp.model.value": "value", "mpp.model.names": "form=PACKAGE_ID_FORM"})
    from mpp.model import names
    from mpp.model.value import value

    assert opened("value") is value is package.value
    assert opened("form") is names.PACKAGE_ID_FORM
    with pytest.raises(AttributeError):
        opened("PACKAGE_ID_FORM")


@pytest.mark.parametrize("package", sorted(DOORS))
def test_opening_a_door_loads_nothing_behind_it(package: str) -> None:
    code = f"import sys, {package}; print(*[name for name in sys.modules if name.startswith('{package}.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
