"""Each rule of tools/tidy.py finds what it must and leaves alone what is right."""

from __future__ import annotations

import pytest

from tools import tidy


def modules(files: dict[str, str]) -> list[tidy.Module]:
    return [tidy.parse(name.removesuffix("/"), text, is_package=name.endswith("/")) for name, text in files.items()]


def body(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


def branches(count: int) -> str:
    return "def f(x):\n" + "    if x:\n        pass\n" * count


UNFINISHED = "TO" + "DO"
ABSENT = "NotImplemented" + "Error"
DOOR, READER = {"mpp.stages.archive/": ""}, {"mpp.stages.archive.reader": ""}

WRONG = [
    ("layers", {"mpp.model.a": "from mpp.crypto.b import c\nimport mpp.host.x"}),
    ("layers", {"mpp.errors": "from mpp.limits import A\nfrom mpp.model.value import value"}),
    ("layers", {"mpp.author.a": "from mpp.host.home import x"}),
    ("layers", {"mpp.stages.archive.a": "from mpp.stages.gatekeeper.types import x"}),
    ("layers", {"mpp.stages.archive.a": "def f():\n    from mpp.stages.audit import x"}),
    ("layers", {"mpp.stages.archive.a": "from ..policy.types import x"}),
    ("layers", {"mpp.stages.archive/": "from ..policy.types import x"}),
    ("layers", {"mpp.host.a": "from mpp.cli import main"}),
    ("layers", {"mpp.host.a": "from mpp.testing.packages import x"}),
    ("layers", {"mpp.host.a": "import mpp"}),
    ("layers", {"mpp.host.a": "from mpp import verify"}),
    ("layers", {"mpp.novel.a": "from mpp.errors import x"}),
    ("layers", {"mpp.host.a": "from mpp.novel import x"}),
    ("privates", {"mpp.host.a": "from mpp.stages.archive.reader import x"} | READER),
    ("privates", {"mpp.stages.gatekeeper.a": "from mpp.stages.archive import reader"} | DOOR | READER),
    ("privates", {"mpp.host.a": "from mpp.model.fields import _kind"}),
    ("cycles", {"mpp.model.a": "from mpp.model.b import x", "mpp.model.b": "from mpp.model.a import y"}),
    ("cycles", {"mpp.model.a": "import mpp.model.b", "mpp.model.b": "from mpp.model import c", "mpp.model.c": "def f():\n    from mpp.model import a"}),
    ("function_length", {"mpp.a": body(51)}),
    ("function_length", {"mpp.a": 'def f():\n    return """' + "\n" * 60 + '"""\n'}),
    ("complexity", {"mpp.a": branches(10)}),
    ("complexity", {"mpp.a": "async def f(x):\n    return " + " if x else ".join("123456789ab")}),
    ("file_length", {"mpp.a": "x = 1\n" * 501}),
    ("catch_all", {"mpp.a": "try:\n    f()\nexcept:\n    pass"}),
    ("catch_all", {"mpp.a": "try:\n    f()\nexcept Exception as e:\n    raise ValueError from e"}),
    ("catch_all", {"mpp.a": "try:\n    f()\nexcept (KeyError, builtins.BaseException):\n    pass"}),
    ("catch_all", {"mpp.a": "with contextlib.suppress(Exception):\n    f()"}),
    ("asserts", {"mpp.a": "def f(x):\n    assert x"}),
    ("any_type", {"mpp.a": "from typing import Any\ndef f(x: dict[str, Any]) -> None: ..."}),
    ("any_type", {"mpp.a": "import typing\nx: typing.Any = 1"}),
    ("any_type", {"mpp.a": "x: 'dict[str, Any]' = {}"}),
    ("possessive", {"mpp.a": "X = r'(?:a|bc)*+'"}),
    ("possessive", {"mpp.a": "X = rb'(?:[^a]|b(c)){1,3}+d'"}),
    ("possessive", {"mpp.a": "X = rf'({Y}){{{Z}}}+'"}),
    ("words", {"mpp.a": f"x = 1  # {UNFINISHED}: more"}),
    ("words", {"mpp.a": f"raise {ABSENT}"}),
    ("names", {"mpp.model.utils": "x = 1"}),
]

RIGHT = [
    ("layers", {"mpp/": "def f():\n    import mpp.host.x", "mpp.cli.a": "from mpp.host.x import y\nfrom mpp.author import z\nfrom mpp.serve import s"}),
    ("layers", {"mpp.stages.gatekeeper.a": "import json\nfrom mpp.stages.archive.types import x\nfrom mpp.stages import STAGES"}),
    ("layers", {"mpp.testing.a": "from mpp.cli import x\nfrom mpp.author import y", "tests.a": "import mpp"}),
    ("privates", {"mpp.host.a": "from mpp.stages.archive import Archive\nfrom mpp.stages.archive.types import x"} | DOOR | READER),
    ("privates", {"mpp.stages.archive.writer": "from mpp.stages.archive.reader import x\nfrom mpp.version import __version__"} | READER),
    ("privates", {"mpp.testing.a": "from mpp.stages.archive.reader import x"} | READER),
    (
        "cycles",
        {"mpp.model.a": "from mpp.model.b import x\nfrom mpp.model.c import x", "mpp.model.b": "from mpp.model.c import y", "mpp.model.c": "import json"},
    ),
    ("function_length", {"mpp.a": body(50) + "\n    # a remark\n"}),
    ("function_length", {"mpp.a": 'def f():\n    """' + "\n" * 60 + '    """\n    return 1\n'}),
    ("complexity", {"mpp.a": branches(9)}),
    ("file_length", {"mpp.a": "x = 1\n" * 500}),
    ("catch_all", {"mpp.a": "try:\n    f()\nexcept ValueError:\n    pass\nexcept BaseException:\n    g()\n    raise"}),
    ("asserts", {"mpp.a": "x = 'assert this'"}),
    ("any_type", {"mpp.a": "x = any([1])\ny = 'Any text may say Any.'"}),
    ("possessive", {"mpp.a": "X = r'(?>(?:[a-c()*+]++|\\\\)+x{1,3}+)*)'"}),
    ("words", {"mpp.a": "x = 'todos'"}),
    ("names", {"mpp.model.fields": "x = 1"}),
]


@pytest.mark.parametrize(("rule", "files"), WRONG)
def test_a_rule_finds_what_is_wrong(rule: str, files: dict[str, str]) -> None:
    assert list(getattr(tidy, rule)(modules(files)))


@pytest.mark.parametrize(("rule", "files"), RIGHT)
def test_a_rule_leaves_alone_what_is_right(rule: str, files: dict[str, str]) -> None:
    assert list(getattr(tidy, rule)(modules(files))) == []


def test_every_rule_has_a_wrong_and_a_right_example() -> None:
    rules = {rule.__name__ for rule in (*tidy.PRODUCT_RULES, *tidy.OTHER_RULES)}
    assert rules == {rule for rule, _ in WRONG} == {rule for rule, _ in RIGHT}


@pytest.mark.parametrize(
    ("table", "rule", "text"), [("TABLES", "file_length", "x = 1\n" * 501), ("EDGES", "catch_all", "try:\n    f()\nexcept Exception:\n    pass")]
)
def test_a_named_exception_is_let_through(monkeypatch: pytest.MonkeyPatch, table: str, rule: str, text: str) -> None:
    monkeypatch.setattr(tidy, table, {"mpp.a": "a reason"})
    assert list(getattr(tidy, rule)(modules({"mpp.a": text}))) == []


def test_a_finding_reads_as_a_place_and_a_sentence() -> None:
    (found,) = tidy.asserts(modules({"mpp.a": "\nassert 1"}))
    assert str(found) == "mpp.a:2: an assert outside of tests"
