"""The vectors on the disk are those that the tables make, and each is what its folder and the specification say."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from conformance.make.__main__ import all_audits, all_cases, make
from conformance.make.case import shrink
from conformance.suite.cases import VECTORS, Case, expand, load
from conformance.suite.documents import load_documents
from conformance.suite.privacy import load_privacy

CASES = load()
FILES = [case for case in CASES if not case.is_run]
RUNS = [case for case in CASES if case.is_run]
STAGES = {"archive": {1, 2, 3}, "signature": {4, 5}, "manifest": {6}, "capabilities": {7}}
CLAUSE = re.compile(r"^(?:\| |\*\*)([ACGKMSWY]-[0-9]+)\b", re.MULTILINE)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_tables_make_exactly_the_vectors_that_are_there(tmp_path: Path) -> None:
    count = make(tmp_path / "vectors")
    fresh, kept = contents(tmp_path / "vectors"), contents(VECTORS)
    assert count == len(CASES) + len(load_documents()) + len([*all_audits()]) + len(load_privacy())
    assert len(CASES) >= 240
    assert fresh.keys() == kept.keys(), "run python -m conformance.make"
    assert [name for name in fresh if fresh[name] != kept[name]] == [], "run python -m conformance.make"


def test_no_id_stands_twice() -> None:
    assert [name for name, count in Counter(case.id for case in all_cases()).items() if count > 1] == []


@pytest.mark.parametrize("stage", [*STAGES, "accept", "run"])
def test_each_stage_has_vectors(stage: str) -> None:
    assert sum(case.id.startswith(f"{stage}/") for case in CASES) >= 15


def test_each_case_stands_in_the_folder_of_its_check() -> None:
    odd = [case.id for case in FILES if case.accept != case.id.startswith("accept/")]
    odd += [case.id for case in FILES if not case.accept and case.check not in STAGES[case.id.partition("/")[0]]]
    # Capabilities of a later version are a fault of the manifest; they stand with the other capabilities.
    # A signature that breaks a member's CRC, and the like, are found by the check that reads it.
    assert odd == ["capabilities/newer-key"]


def test_calls_stand_in_a_folder_of_their_own() -> None:
    assert [case.id for case in CASES if case.is_run != case.id.startswith("run/")] == []


def test_there_are_calls_of_every_outcome() -> None:
    assert len(RUNS) >= 40
    found = Counter(case.exit for case in RUNS)
    assert min(found[code] for code in (0, 17, 20, 21, 30)) >= 2, found
    assert found[22] >= 1
    assert found[0] >= 40


def test_each_call_that_succeeds_says_what_must_come_back() -> None:
    silent = [case.id for case in RUNS if (case.accept or case.code in GIVE_A_RESULT) and case.expected("result") is None and case.expected("text") is None]
    assert silent == []


def test_each_exit_code_of_a_call_follows_from_its_family() -> None:
    exits = {"archive": 11, "content": 14, "signature": 15, "publisher": 20, "wasm": 17, "call": 21, "consent": 22, "tool": 30, "layer": 31}
    assert [case.id for case in RUNS if case.exit != (exits[case.code.partition(".")[0]] if case.code else 0)] == []


GIVE_A_RESULT = {"tool.said_no", "tool.asks"}


def test_each_clause_is_one_of_the_specification(root: Path) -> None:
    known = {clause for path in (root / "spec").glob("*.md") for clause in CLAUSE.findall(path.read_text(encoding="utf-8"))}
    assert len(known) > 100
    unknown = {clause: case.id for case in CASES for clause in case.clauses if clause not in known}
    assert unknown == {}


def test_each_code_is_one_of_the_specification(root: Path) -> None:
    listed = (root / "spec" / "codes.toml").read_text(encoding="utf-8")
    families = set(re.findall(r"^\[families\.([a-z]+)\]", listed, re.MULTILINE))
    assert {case.code.partition(".")[0] for case in CASES if not case.accept} <= families


@pytest.mark.parametrize(
    "family", ["archive", "size", "path", "content", "signature", "publisher", "manifest", "capability", "wasm", "call", "layer", "consent", "tool"]
)
def test_each_code_of_a_judging_family_has_a_vector(root: Path, family: str) -> None:
    listed = (root / "spec" / "codes.toml").read_text(encoding="utf-8")
    codes = set(re.findall(rf'^\[codes\."({family}\.[a-z0-9_]+)"', listed, re.MULTILINE))
    assert codes - {case.code for case in CASES} <= UNREACHED, "a code without a vector"


UNREACHED = {
    "layer.bundle",  # a bound of a host's own
    "layer.changed",  # of a store of layers
    "layer.many",
    "layer.name",
    "layer.used",
    "layer.revoked",
    "layer.kind",
    "call.runtime",  # a layer has no tools, so no tool of it is called
    "call.prompt",  # of fronts, and of what packages ship beside tools
    "call.resource",
    "tool.cancelled",  # of a client that went away
    "consent.downgrade",  # of a store of packages
    "consent.growth",
    "content.file",
    "tool.start",  # what could not start is refused by the gatekeeper first
    "size.input",  # of other documents than packages
    "wasm.runtime",  # the manifest is refused first
    "publisher.fingerprint",  # of first use, which a person answers
    "publisher.unconfirmed",
    "wasm.compile_time",  # bounds of a host's own
    "wasm.compile_memory",
    "call.schema",
    "call.work",
    "tool.result_work",
    "call.map",  # of places on a machine, which no vector knows
    "call.path_kind",
    "call.path_link",
    "call.path_never",
    "call.device",
    "call.limit",  # of what the command of a host is not asked for
    "call.in_process",
    "consent.missing",
    "consent.development",
    "consent.size",  # the manifest is refused first
    "tool.crashed",  # of a host's own processes
    "tool.protocol",
}


def test_the_vectors_are_small() -> None:
    sizes = [path.stat().st_size for path in VECTORS.rglob("*") if path.is_file()]
    assert sum(sizes) < 12 * 1024 * 1024
    large = {"accept/members-4096", "archive/members-4097", "signature/root-chain-101", "run/answer-long"}
    assert {case.id for case in CASES if not case.generate and case.file(VECTORS).stat().st_size > 40_000} == large


@pytest.mark.parametrize("data", [b"", b"short", b"a" * 30_000, b"x" * 10 + bytes(30_000) + b"y" * 25_000 + b"z", bytes(range(256)) * 100])
def test_a_recipe_gives_the_bytes_it_was_made_from(data: bytes, tmp_path: Path) -> None:
    recipe, part = shrink(data)
    target = tmp_path / "made"
    if recipe:
        expand(recipe, part, target)
        assert target.read_bytes() == data
        assert len(part) < len(data)
    else:
        assert part == data


@pytest.mark.parametrize("recipe", ["fill:00*400000000", "make:1", "take", "fill:zz*3"])
def test_a_bad_recipe_is_an_error(recipe: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"fill|make|take|unpack|invalid|hexadecimal"):
        expand(recipe, b"", tmp_path / "made")


def test_a_case_knows_its_trust_document() -> None:
    missing = [case.id for case in CASES if not case.trust.is_file()]
    assert missing == []
    assert isinstance(CASES[0], Case)
