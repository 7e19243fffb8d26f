"""Logs that the product wrote, read by the two verifiers that share no line with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.host.audit.log import AuditLog
from mpp.host.audit.tending import compress, prune
from mpp.host.home import Home
from tests.auditlogs import Story, runs
from tests.verifier.running import MODES, NODE, SCRIPT_MODES, flags, page, python


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    """Three segments, the first two compressed."""
    found = AuditLog(Home(path=str(tmp_path)))
    for number in range(1, 31):
        found.record_all(runs(Story(number=number, approver="ada" if number % 3 == 0 else "")), durable=True)
        if number % 12 == 0:
            found.seal()
    compress(found.places)
    found.close()
    return found


def verdicts(folder: str) -> set[tuple[str, int, int]]:
    """Of the script and, where there is Node, of the page, in each way of verifying: verdict, entries, and how many are signed."""
    answers = [json.loads(python("log", folder, "--json", *flags(mode)).stdout) for mode in SCRIPT_MODES]
    if NODE is not None:
        answers += page([{"command": "log", "file": folder, "want": {"mode": mode}} for mode in MODES])
    return {(found["verdict"], found["size"], found["covers"]["signed"]) for found in answers}


def test_they_hold(log: AuditLog) -> None:
    ((verdict, size, signed),) = verdicts(log.places.folder)
    assert (verdict, size) == ("signed", signed)
    assert size > 200


def test_they_hold_when_they_were_pruned(log: AuditLog) -> None:
    assert len(prune(log, 10**11, "no longer needed", "ada", 1)[0]) == 2
    log.close()
    ((verdict, size, signed),) = verdicts(log.places.folder)
    assert (verdict, size) == ("signed", signed)


def test_a_changed_byte_is_found(log: AuditLog) -> None:
    newest = max(Path(log.places.segments).glob("*.jsonl"))
    data = bytearray(newest.read_bytes())
    data[data.index(b'"kind":"intent"') + 8] ^= 1
    newest.write_bytes(data)
    assert {verdict for verdict, _, _ in verdicts(log.places.folder)} == {"broken"}
