"""spec/codes.toml, mpp.errors and the source name the same codes, and the reference page shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import FAMILIES
from tools import codes, reference, tidy

TABLE = codes.read_table()
RAISED = codes.scan(codes.product_modules(), frozenset(FAMILIES))


def scan(text: str) -> codes.Raised:
    return codes.scan([tidy.parse("mpp.a", text)], frozenset(FAMILIES))


def test_families_are_those_of_the_source() -> None:
    listed = {name: (row.stage, row.check, row.exit_code) for name, row in TABLE.families.items()}
    assert listed == {name: tuple(family) for name, family in FAMILIES.items()}
    assert list(listed) == list(FAMILIES), "the order is the order of judgement"


def test_every_raised_code_is_listed() -> None:
    absent = codes.missing(RAISED, TABLE)
    assert not absent, f"python -m tools.codes prints what spec/codes.toml lacks: {absent}"


def test_what_is_not_listed_is_found() -> None:
    found = scan("def f(family='manifest'):\n    raise Refused('archive.novel', 'words')\n    code = family + '.strange'")
    assert codes.missing(found, TABLE) == {"?.strange": "mpp.a:3", "archive.novel": "mpp.a:2"}


def test_every_listed_code_is_raised() -> None:
    unused = sorted(code for code in TABLE.codes if not RAISED.covers(code))
    assert not unused, f"nothing raises these codes of spec/codes.toml: {unused}"


def test_no_code_is_strange() -> None:
    assert not RAISED.strange


def test_each_code_has_a_known_family_and_words() -> None:
    for entry in TABLE.codes.values():
        assert entry.code.partition(".")[0] in FAMILIES
        assert entry.meaning.endswith("."), entry
        assert entry.hint.endswith("."), entry


def test_numbers_for_servers_are_in_range() -> None:
    for row in TABLE.families.values():
        # Outside of what JSON-RPC and MCP keep for themselves.
        assert -31099 <= row.jsonrpc <= -31000 or row.jsonrpc == -32602, row
        assert 400 <= row.http <= 599, row


def test_the_reference_page_is_up_to_date() -> None:
    assert not reference.is_stale("codes.md"), "run python -m tools.reference"


FOUND = [
    ("raise Refused('archive.gap', 'words')", "archive.gap"),
    ("raise errors.HostFailed('host.file', 'words')", "host.file"),
    ("RULES = (('wasm.import', 1),)", "wasm.import"),
    ("return PathFault('depth', 'words')", "path.depth"),
    ("self.cursor.fault('section', 'words')", "wasm.section"),
    ("faults.add('host', where, 'words', 'hint', family='capability')", "capability.host"),
    ("faults = Faults('manifest')\nfaults.add('version', where, 'words', 'hint')", "manifest.version"),
    ("read(data, family='key', where=where)", "key.json"),
]


@pytest.mark.parametrize(("text", "code"), FOUND)
def test_the_scanner_finds_a_code(text: str, code: str) -> None:
    assert code in scan(text).codes


@pytest.mark.parametrize("text", ["open('manifest.json')", "seen.add('archive')", "x = 'nothing.here'", "PathFault(name)"])
def test_the_scanner_takes_nothing_else_for_a_code(text: str) -> None:
    assert scan(text) == codes.Raised({}, {}, frozenset(), {})


@pytest.mark.parametrize("text", ["faults.add('type', where, 'words', 'hint')", "code = family + '.type'", "raise Refused(f'{family}.type', 'words')"])
def test_the_scanner_leaves_a_family_open(text: str) -> None:
    found = scan("def f(family='manifest'):\n    " + text)
    assert found.covers("manifest.type")
    assert not found.covers("key.type")
    assert not found.covers("manifest.form")


@pytest.mark.parametrize(
    "text", ["raise Refused('novel.code', 'words')", "raise Refused(f'{a}{b}', 'words')", "raise Refused(make(), 'words')", "code = 'a' + b"]
)
def test_the_scanner_reports_what_cannot_be_looked_up(text: str) -> None:
    assert scan(text).strange


@pytest.mark.parametrize("text", ["raise Refused(code, 'words')", "raise Refused(rule.code, 'words')", "raise Refused(f'path.{fault.code}', 'words')"])
def test_a_code_that_is_held_elsewhere_is_not_strange(text: str) -> None:
    assert not scan(text).strange


def test_a_code_listed_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codes.toml"
    path.write_text('[families]\n[shared.type]\nfamilies = ["key"]\nmeaning = "a"\nhint = "b"\n[codes."key.type"]\nmeaning = "a"\nhint = "b"\n')
    with pytest.raises(ValueError, match=r"key\.type"):
        codes.read_table(path)
