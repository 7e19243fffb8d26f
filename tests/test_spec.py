"""The specification holds together: clauses are unique, what is cited exists, and each code it names is listed."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from mpp.errors import FAMILIES
from tools import codes

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "spec"
TEXTS = sorted(SPEC.glob("*.md"))
SOURCES = sorted(path for folder in ("src", "tools") for ending in ("py", "c", "h") for path in (ROOT / folder).rglob(f"*.{ending}"))

LETTERS = {
    "A": "1-archive.md",
    "G": "2-gatekeeper.md",
    "W": "2-gatekeeper.md",
    "K": "keys.md",
    "M": "manifest.md",
    "C": "call-contract.md",
    "S": "5-sandbox.md",
    "P": "3-policy.md",
    "R": "3-policy.md",
    "T": "3-policy.md",
    "H": "4-approval.md",
    "N": "attestation.md",
    "I": "identity.md",
    "B": "policy-bundle.md",
    "E": "events.md",
    "L": "7-audit.md",
    "F": "6-privacy.md",
    "X": "static-content.md",
    "J": "mcp-front.md",
    "D": "store.md",
    "V": "legacy.md",
    "Y": "layers.md",
    "Z": "registry.md",
    "U": "federation.md",
    "Q": "fleet.md",
}
"""The letter of a clause says in which text it stands."""

# A clause begins a row of a table, or a paragraph.
DEFINED = re.compile(r"^(?:\| \**([A-Z]-\d+)\** \||\*\*([A-Z]-\d+)\.?\*\*)", re.MULTILINE)
# Not part of a longer word such as SHA-256; P-256 is a curve.
CITED = re.compile(rf"(?<![\w-])(?!P-256\b)([{''.join(LETTERS)}]-\d+)\b")
SECTION = re.compile(r"spec/([\w-]+\.md) sections? (\d+)(?:(?: and |, )(\d+))?")
CODE = re.compile(rf"`({'|'.join(FAMILIES)})\.([a-z][a-z0-9_]*)`")

FIELDS = frozenset(("publisher.name", "publisher.url", "publisher.email", "publisher.verified_key_id", "trust.level"))
"""Fields of a manifest that look like codes."""
FILES = frozenset(("manifest.json", "manifest.md", "publisher.json", "publisher.key"))

COMPLETE = ("archive", "size", "path", "content", "signature", "publisher", "wasm")
"""Families of which the specification names every code: what a gatekeeper answers."""
OF_COMMANDS = frozenset(("size.input",))


def clauses(text: str) -> list[str]:
    return [row or paragraph for row, paragraph in DEFINED.findall(text)]


def codes_in(text: str) -> set[str]:
    return {f"{family}.{name}" for family, name in CODE.findall(text)} - FIELDS - FILES


def texts(paths: list[Path]) -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


SPEC_TEXTS = texts(TEXTS)
DEFINITIONS = {name: clauses(text) for name, text in SPEC_TEXTS.items()}
KNOWN = frozenset(clause for found in DEFINITIONS.values() for clause in found)
NAMED = {name: codes_in(text) for name, text in SPEC_TEXTS.items()}


def test_clauses_are_unique() -> None:
    counts = Counter(clause for found in DEFINITIONS.values() for clause in found)
    assert [clause for clause, times in counts.items() if times > 1] == []


@pytest.mark.parametrize("name", sorted(set(LETTERS.values())))
def test_a_text_has_clauses_of_its_letters_only(name: str) -> None:
    found = {clause[0] for clause in DEFINITIONS[f"spec/{name}"]}
    assert found == {letter for letter, text in LETTERS.items() if text == name}


def test_every_cited_clause_exists() -> None:
    everything = {**texts(SOURCES), **SPEC_TEXTS}
    absent = {f"{name}: {clause}" for name, text in everything.items() for clause in CITED.findall(text) if clause not in KNOWN}
    assert sorted(absent) == []


def test_the_source_cites_clauses_of_every_letter() -> None:
    assert {clause[0] for text in texts(SOURCES).values() for clause in CITED.findall(text)} == set(LETTERS)


def test_every_cited_section_exists() -> None:
    absent = []
    for name, text in texts(SOURCES).items():
        for page, *numbers in SECTION.findall(text):
            headings = SPEC_TEXTS.get(f"spec/{page}", "")
            absent += [f"{name}: {page} section {one}" for one in numbers if one and not re.search(rf"^## {one}\. ", headings, re.MULTILINE)]
    assert absent == []


def test_every_code_of_the_texts_is_listed() -> None:
    listed = codes.read_table().codes
    assert sorted({f"{name}: {code}" for name, found in NAMED.items() for code in found if code not in listed}) == []


def test_every_code_of_a_gatekeeper_stands_in_the_texts() -> None:
    named = set().union(*NAMED.values())
    ours = {code for code in codes.read_table().codes if code.partition(".")[0] in COMPLETE}
    assert sorted(ours - named - OF_COMMANDS) == []


EXAMPLES = [
    ("| A-1 | A rule. | `archive.gap` |\n| **M-2** | Bold. |\n**K-80.** Words, A-9.", ["A-1", "M-2", "K-80"]),
    ("Text about A-1 and | A-2 | in a row", []),
]


@pytest.mark.parametrize(("text", "found"), EXAMPLES)
def test_clauses_are_found(text: str, found: list[str]) -> None:
    assert clauses(text) == found


def test_citations_are_found() -> None:
    assert CITED.findall("Spec: keys K-28, G-1 to G-3; SHA-256, ML-DSA-44, UTF-8, [A-9a]") == ["K-28", "G-1", "G-3"]


def test_codes_are_found() -> None:
    assert codes_in("`archive.gap`, `manifest.json`, `publisher.name`, wasm.size, `wasm.*`") == {"archive.gap"}
