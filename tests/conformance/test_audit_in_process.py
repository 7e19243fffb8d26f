"""The audit vectors against the product's own verifier, as the stand-alone ones are held to them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mpp.cli.audit.given import read_anchor
from mpp.errors import MppError
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.verifying import THOROUGH, Wanted, verify_log
from mpp.ledger.notes import read_key
from mpp.stages.audit import verify_proof
from mpp.stages.audit.proof import read_proof

VECTORS = Path(__file__).parents[2] / "conformance" / "vectors" / "audit"
LOGS = sorted(path.name for path in (VECTORS / "log").iterdir())
PROOFS = sorted(path.name for path in (VECTORS / "proof").iterdir())

MILDER = {"room-torn": "after a power cut such bytes may stand behind the room: the next writer sets them aside, and until then they are torn"}
"""Logs that the product judges milder than the vector, and why."""


def case(kind: str, name: str) -> tuple[Path, dict[str, Any]]:
    folder = VECTORS / kind / name
    return folder, tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", LOGS)
def test_a_log(name: str) -> None:
    folder, wanted = case("log", name)
    keys = tuple(read_key(text) for text in wanted.get("witnesses", ()))
    try:
        anchors = tuple(read_anchor(str(folder / one) if (folder / one).exists() else one) for one in wanted.get("anchors", ()))
        asked = Wanted(depth=THOROUGH, log_id=wanted.get("log_id", ""), anchors=anchors, witnesses=keys, quorum=wanted.get("quorum", len(keys) or 1))
        found = verify_log(LogPlaces(folder=str(folder / "log"), keys="nowhere"), asked)
    except MppError:
        assert wanted["verdict"] == "broken"
        return
    if name in MILDER:
        assert found.holds
        assert found.notes
        return
    assert found.level == wanted["verdict"], found.faults
    if found.holds:
        assert [found.covered.of(level) for level in ("chained", "signed")] == [wanted["chained"], wanted["signed"]]


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof(name: str) -> None:
    folder, wanted = case("proof", name)
    try:
        found = verify_proof(read_proof((folder / "proof.json").read_bytes(), where=name), where=name, log_id=wanted.get("log_id", ""))
    except MppError:
        assert wanted["verdict"] == "broken"
        return
    assert wanted["verdict"] in {"signed", "witnessed"}
    assert found.entry.seq == wanted.get("entry", found.entry.seq)
