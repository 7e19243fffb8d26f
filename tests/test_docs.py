"""What the texts promise: doors with four words, limits with a reason, commands with a page, links that lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

from mpp.model.events import KINDS
from tools import docs, reference, tidy

PRODUCT = tidy.load(tidy.ROOT / "src")
DOORS = [module for module in PRODUCT if module.is_package and module.parts[:2] == ("mpp", "stages") and len(module.parts) == 3]
LIMITS = list(reference.limits(PRODUCT))
FOUR_WORDS = ("Takes:", "Gives:", "Refuses:", "Limits:")


def absent_words(module: tidy.Module) -> list[str]:
    text = ast.get_docstring(module.tree) or ""
    return [word for word in FOUR_WORDS if not any(line.startswith(word) for line in text.splitlines())]


@pytest.mark.parametrize("module", DOORS, ids=lambda module: module.name)
def test_a_door_opens_with_the_four_words(module: tidy.Module) -> None:
    assert absent_words(module) == []


def test_a_door_without_the_words_is_found() -> None:
    door = '"""Stage.\n\nTakes: a.\nGives: b.\nIt Refuses: all.\n"""'
    assert absent_words(tidy.parse("mpp.stages.a", door)) == ["Refuses:", "Limits:"]
    assert absent_words(tidy.parse("mpp.stages.a", "")) == list(FOUR_WORDS)


def test_doors_and_limits_were_found() -> None:
    assert {"mpp.stages.archive", "mpp.stages.gatekeeper"} <= {module.name for module in DOORS}
    assert ("mpp.limits", "JSON_DEPTH_MAX") in {(limit.module, limit.name) for limit in LIMITS}


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: f"{limit.module}.{limit.name}")
def test_a_limit_has_a_unit_and_a_reason(limit: reference.Limit) -> None:
    assert "Reason:" in limit.words, f"{limit.module}:{limit.line}: write a docstring under {limit.name}: unit, then 'Reason: ...'"


@pytest.mark.parametrize("page", reference.MAKERS)
def test_the_made_pages_are_up_to_date(page: str) -> None:
    assert not reference.is_stale(page), "run python -m tools.reference"


def test_every_limit_stands_in_the_reference() -> None:
    page = (reference.PAGES / "limits.md").read_text(encoding="utf-8")
    assert [limit.name for limit in LIMITS if f"| `{limit.name}` |" not in page] == []


def test_every_command_stands_in_the_reference() -> None:
    top = reference.find_command()
    page = (reference.PAGES / "cli.md").read_text(encoding="utf-8")
    assert top is not None
    assert [path for path, _ in reference.commands(top) if f"## {' '.join(path)}\n" not in page] == []


def test_without_a_command_line_there_is_no_command() -> None:
    assert reference.find_command("mpp.absent") is None


def test_links_commands_and_pages_hold() -> None:
    found = docs.findings()
    assert not found, "\n".join(map(str, found))


COUNTED = [
    ("mpp.limits", 'DEPTH = 32\n"""Levels. Reason: stack."""', [("DEPTH", "Levels. Reason: stack.")]),
    ("mpp.a.wasm_limits", "SIZE: int = 2 * MIB", [("SIZE", "")]),
    ("mpp.a", 'NAME_MAX = 3\nOTHER = 4\n"""words"""', [("NAME_MAX", "")]),
    ("mpp.limits", "MIB = 1024 * KIB\n_HIDDEN_MAX = 3\nNAMES = ('a',)\nON = True\nSAME = DEPTH\nTEXT = 'x'\nx: int", []),
]


@pytest.mark.parametrize(("name", "text", "found"), COUNTED)
def test_limits_are_found(name: str, text: str, found: list[tuple[str, str]]) -> None:
    assert [(limit.name, limit.words) for limit in reference.limits([tidy.parse(name, text)])] == found


TEXT = """# One page

[good](other.md) [anchor](other.md#a-heading-here) [self](#one-page) [away](https://example.org/x) `[no](link.md)`
[bad](absent.md)
[bad anchor](other.md#nothing)

```
[also](no-link.md)
```

[named]: gone.md
"""


def test_broken_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(TEXT)
    (tmp_path / "other.md").write_text("# A heading, here!\n")
    assert [(found.line, found.words) for found in docs.broken_links(page)] == [
        (4, "the link absent.md leads nowhere"),
        (5, "the link other.md#nothing names no heading"),
        (11, "the link gone.md leads nowhere"),
    ]


@click.group()
@click.option("--json", is_flag=True)
def top(json: bool) -> None: ...


@top.group()
def trust() -> None: ...


@trust.command()
@click.option("--until")
@click.argument("file")
def add(until: str, file: str) -> None: ...


@top.command(hidden=True)
def secret() -> None: ...


USES = [
    ("mpp trust add FILE --until DATE", ""),
    ("mpp trust add hello-0.1.0.mpp --until=DATE   # --not-read", ""),
    ("mpp --json trust add X", ""),
    ("mpp trust add [--until DATE] | less --raw", ""),
    ("mpp trust", ""),
    ("mpp trust add --help", ""),
    ("mpp trust ad FILE", "there is no command 'ad'"),
    ("mpp fly", "there is no command 'fly'"),
    ("mpp trust add FILE --untill DATE", "add has no option --untill"),
]


@pytest.mark.parametrize(("use", "fault"), USES)
def test_uses_of_commands_are_judged(use: str, fault: str) -> None:
    assert docs.wrong_use(use, top) == fault


def test_uses_of_commands_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Say `mpp fly` or `mpp soar`, mpp fly.\n\n```\n$ mpp trust ad X\nmpp trust add X\n```\n")
    assert [found.line for found in docs.wrong_uses(page, top, frozenset(("soar",)))] == [4, 1]


def test_hidden_commands_have_no_page() -> None:
    assert [path for path, _ in reference.commands(top)] == [("mpp",), ("mpp", "trust"), ("mpp", "trust", "add")]


def test_the_modules_of_one_call_are_there() -> None:
    page = (tidy.ROOT / "docs" / "one-call.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:stages|host|cli)/[\w/]+\.py)`", page))
    assert len(named) > 12
    assert [name for name in sorted(named) if not (tidy.ROOT / "src" / "mpp" / name).is_file()] == []


def test_the_events_of_one_call_are_kinds_of_events() -> None:
    page = (tidy.ROOT / "docs" / "one-call.md").read_text(encoding="utf-8")
    cells = [row.split("|")[-2] for row in page.splitlines() if row.startswith("| ") and row.count("|") == 6]
    told = {kind for cell in cells for kind in re.findall(r"`([\w-]+)`", cell)}
    assert told
    assert told <= set(KINDS)
