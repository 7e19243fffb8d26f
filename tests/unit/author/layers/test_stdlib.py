"""Which modules are frozen, from what text, and the tables that name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.author.layers import stdlib
from mpp.author.layers.stdlib import find_modules, Module, read_sizes, write_sources, write_tables
from mpp.errors import HostFailed


def write(base: Path, *names: str) -> Path:
    for name in names:
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return base


def test_what_is_of_use_is_found_and_stand_ins_take_its_place(tmp_path: Path):
    library = write(
        tmp_path / "lib", "json/__init__.py", "json/tool.py", "json/tests/__init__.py", "ssl.py", "turtle.py", "test/__init__.py", "tkinter/__init__.py",
        "__pycache__/a.py", "not-a-package/a.py", "data/a.py", "os.py", "os.txt", "select/__init__.py", "select/inner.py", "unittest/__init__.py", "unittest/test.py",
    )  # fmt: skip
    own = write(tmp_path / "own", "ssl.py", "json/tool.py", "_mpp_boot.py", "select.py")
    found = find_modules(str(library), str(own))
    assert [(one.name, one.is_package) for one in found] == [
        ("_mpp_boot", False), ("json", True), ("json.tool", False), ("os", False), ("select", False), ("ssl", False), ("unittest", True), ("unittest.test", False),
    ]  # fmt: skip
    assert {one.name for one in found if one.path.startswith(str(own))} == {"_mpp_boot", "json.tool", "select", "ssl"}


def test_sources_become_utf8_whatever_they_were(tmp_path: Path):
    path = tmp_path / "old.py"
    path.write_bytes("# -*- coding: latin-1 -*-\r\nx = 'é'\r\n".encode("latin-1"))
    listed = write_sources((Module(name="old", path=str(path), is_package=False),), str(tmp_path / "work"))
    assert listed == "old\t/shop/py/0\n"
    assert (tmp_path / "work" / "py" / "0").read_bytes() == "# -*- coding: latin-1 -*-\nx = 'é'\n".encode()


def test_tables_say_where_each_module_lies():
    names = ("a", "importlib._bootstrap", "importlib._bootstrap_external", "p", "zipimport")
    modules = tuple(Module(name=name, path="", is_package=name == "p") for name in names)
    sizes = read_sizes("a 5\nimportlib._bootstrap 7\nimportlib._bootstrap_external 9\np 11\nzipimport 2\n")
    text = write_tables(modules, sizes, "frozen/frozen.bin")
    assert '#embed "frozen/frozen.bin"' in text
    for row in ('{"a", held + 0, 5, 0}', '{"_frozen_importlib", held + 5, 7, 0}', '{"_frozen_importlib_external", held + 12, 9, 0}', '{"p", held + 21, 11, 1}'):
        assert row in text
    first, rest = text.split("mpp_frozen[]")
    assert '"zipimport"' in first
    assert '"zipimport"' not in rest


def test_too_much_bytecode_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stdlib, "FROZEN_BYTES_MAX", 3)
    with pytest.raises(HostFailed):
        read_sizes("a 4\n")
