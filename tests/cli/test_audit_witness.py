"""``mpp audit witness``: from both sides."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.ledger.notes import COSIGNATURE, NoteKey
from tests.cli.conftest import EXECUTABLE, Mpp
from tests.unit.host.audit.witnesses import Running, running

OTHER = NoteKey(name="other.example", public=SeedSigner(b"o" * 32).public_key, algorithm=COSIGNATURE)


@pytest.fixture
def record(mpp: Mpp, home: Path) -> str:
    """A record with an entry; the key of its log."""
    assert mpp("stop", "--package", "com.example.hello").code == 0
    return str(mpp("audit", "witness", "key", "--json").json["key"])


@pytest.fixture
def witness(tmp_path: Path, record: str, mpp: Mpp) -> Iterator[Running]:
    with running(tmp_path / "w") as found:
        assert mpp("audit", "witness", "accept", record, "--data", tmp_path / "w").code == 0
        yield found


def test_help_is_there_for_each_command(mpp: Mpp) -> None:
    answer = mpp("audit", "witness", "--help")
    assert answer.code == 0
    for name in ("add", "list", "remove", "ask", "serve", "accept", "drop", "logs", "key"):
        assert f"\n  {name} " in answer.out
        assert "Example" in mpp("audit", "witness", name, "--help").out
    assert mpp("audit", "witness", "asc").err.startswith("error: there is no command audit witness 'asc'")
    assert "did you mean 'ask'" in mpp("audit", "witness", "asc").err


def test_the_key_of_the_record(mpp: Mpp, record: str) -> None:
    answer = mpp("audit", "witness", "key")
    assert answer.out == record + "\n"
    assert answer.err == f"On the witness: mpp audit witness accept {record}\n"
    assert mpp("audit", "witness", "key", "--json").json["origin"] == record.partition("+")[0]


def test_there_is_no_key_before_there_is_a_record(mpp: Mpp) -> None:
    assert "audit.no_checkpoint" in mpp("audit", "witness", "key").err


def test_witnesses_are_added_listed_and_removed(mpp: Mpp) -> None:
    assert mpp("audit", "witness", "list").out == "No witness is known. `mpp audit witness add` adds one.\n"
    answer = mpp("audit", "witness", "add", "board", "--url", "https://w.example", "--key", OTHER)
    assert answer.code == 0
    assert answer.out == "Added the witness board (other.example).\n"
    assert mpp("audit", "witness", "list").out == f"board  https://w.example  {OTHER}\n"
    assert mpp("audit", "witness", "list", "--json").json == {"ok": True, "witnesses": [{"name": "board", "url": "https://w.example", "key": str(OTHER)}]}
    assert mpp("audit", "witness", "add", "board", "--url", "http://w.example", "--key", OTHER).code == 27
    assert mpp("audit", "witness", "add", "b", "--url", "https://w.example", "--key", OTHER, "--json").json["error"]["code"] == "audit.witness_key"
    assert mpp("audit", "witness", "remove", "none").code == 27
    assert mpp("audit", "witness", "remove", "board").out == "Removed the witness board.\n"
    assert mpp("audit", "witness", "add", "board", "--url", "https://w.example", "--key", OTHER, "--json").json["witness"]["name"] == "board"
    assert mpp("audit", "witness", "remove", "board", "--json").json == {"ok": True, "changed": "board"}


def test_a_record_is_witnessed_and_verified(mpp: Mpp, witness: Running, home: Path) -> None:
    assert mpp("audit", "witness", "ask").err.startswith("error: no witness is known")
    assert mpp("audit", "witness", "add", "board", "--url", witness.url, "--key", witness.key).code == 0
    answer = mpp("audit", "witness", "ask")
    assert answer.code == 0, answer.err
    assert " board  signed at 20" in answer.out
    found = mpp("audit", "witness", "ask", "--json").json
    assert (found["ok"], found["signed"], found["witnesses"][0]["signed"]) == (True, 1, True)
    assert (home / "audit" / "witnessed").read_text().count("\n— ") == 3
    rows = mpp("audit", "witness", "logs", "--data", witness.folder.path, "--json").json["logs"]
    assert [(row["origin"], row["size"], row["accepted"], row["forked"]) for row in rows] == [(found["origin"], found["size"], True, False)]
    assert "entries signed" in mpp("audit", "witness", "logs", "--data", witness.folder.path).out


def test_a_quorum_that_is_not_reached(mpp: Mpp, witness: Running) -> None:
    mpp("audit", "witness", "add", "board", "--url", witness.url, "--key", witness.key)
    mpp("audit", "witness", "add", "down", "--url", "http://127.0.0.1:1", "--key", OTHER)
    answer = mpp("audit", "witness", "ask")
    assert answer.code == 27
    assert "error: 1 of 2 witnesses signed [audit.quorum]" in answer.err
    assert "(down: http://127.0.0.1:1) [remote.witness]" in answer.err
    assert mpp("audit", "witness", "ask", "--quorum", 1).code == 0
    assert mpp("audit", "witness", "ask", "--quorum", 1, "--json").json["witnesses"][1]["code"] == "remote.witness"
    error = mpp("audit", "witness", "ask", "--json").json["error"]
    assert [fault["code"] for fault in error["faults"]] == ["audit.quorum", "remote.witness"]
    assert mpp("audit", "witness", "ask", "--quorum", 0).code == 2


def test_a_fork_is_an_alarm_whatever_the_quorum(mpp: Mpp, witness: Running, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpp("audit", "witness", "add", "down", "--url", "http://127.0.0.1:1", "--key", OTHER)
    mpp("audit", "witness", "add", "board", "--url", witness.url, "--key", witness.key)
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    mpp("stop", "--all")
    assert mpp("audit", "witness", "ask", "--quorum", 1).code == 0
    monkeypatch.setenv("MPP_HOME", str(copy))
    mpp("stop", "--publisher", "a" * 64)
    answer = mpp("audit", "witness", "ask", "--quorum", 1)
    assert answer.code == 27
    assert answer.err.startswith("error: the witness knows another history")
    assert "[audit.fork]" in answer.err
    assert mpp("audit", "witness", "ask", "--json").json["error"]["code"] == "audit.fork"
    assert "FORKED" in mpp("audit", "witness", "logs", "--data", witness.folder.path).out


def test_a_witness_accepts_and_drops_logs(mpp: Mpp, record: str, home: Path) -> None:
    origin = record.partition("+")[0]
    assert mpp("audit", "witness", "logs").out == "No log is accepted yet. `mpp audit witness accept VKEY` accepts one.\n"
    assert mpp("audit", "witness", "accept", record).out == f"The witness signs for {origin} from now on.\n"
    assert (home / "witness" / "logs.json").exists()
    assert mpp("audit", "witness", "logs").out == f"{origin}  nothing signed yet\n"
    assert mpp("audit", "witness", "accept", record, "--json").json == {"ok": True, "changed": origin, "key": record}
    assert mpp("audit", "witness", "accept", OTHER).code == 27
    assert mpp("audit", "witness", "drop", origin).out == f"The witness signs for {origin} no more.\n"
    assert mpp("audit", "witness", "drop", origin).code == 27
    mpp("audit", "witness", "accept", record)
    assert mpp("audit", "witness", "drop", origin, "--json").json == {"ok": True, "changed": origin}


def test_what_was_signed_for_a_dropped_log_is_still_shown(mpp: Mpp, witness: Running, record: str) -> None:
    mpp("audit", "witness", "add", "board", "--url", witness.url, "--key", witness.key)
    mpp("audit", "witness", "ask")
    mpp("audit", "witness", "drop", record.partition("+")[0], "--data", witness.folder.path)
    assert "dropped" in mpp("audit", "witness", "logs", "--data", witness.folder.path).out
    assert mpp("audit", "witness", "ask").code == 27


@pytest.mark.parametrize("listen", ["", "127.0.0.1", "8730", "127.0.0.1:99999", "example.com:80", "[::1:80", "127.0.0.1:x"])
def test_where_it_cannot_listen(mpp: Mpp, listen: str) -> None:
    assert mpp("audit", "witness", "serve", "--name", "w", "--listen", listen).code == 2


def test_a_witness_needs_a_name_the_first_time(mpp: Mpp) -> None:
    assert "audit.witness_name" in mpp("audit", "witness", "serve", "--listen", "127.0.0.1:0").err


def serve(tmp_path: Path, *words: str) -> tuple[subprocess.Popen[str], list[str]]:
    """A witness as a process; what it says first."""
    process = subprocess.Popen(
        [*EXECUTABLE, "audit", "witness", "serve", "--data", str(tmp_path / "w"), *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    while (line := process.stdout.readline()) and not line.startswith(("Key", "}")):
        lines.append(line)
    return process, [*lines, line]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_witness_as_a_process(tmp_path: Path, mpp: Mpp, record: str, end: int) -> None:
    mpp("audit", "witness", "accept", record, "--data", tmp_path / "w")
    process, lines = serve(tmp_path, "--name", "w.example/1", "--listen", "127.0.0.1:0", "--json")
    try:
        about: dict[str, Any] = json.loads("".join(lines))
        assert (about["ok"], about["name"], about["logs"]) == (True, "w.example/1", 1)
        assert mpp("audit", "witness", "add", "board", "--url", about["url"], "--key", about["key"]).code == 0
        assert mpp("audit", "witness", "ask").code == 0
    finally:
        process.send_signal(end)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "127.0.0.1 POST 200" in err
    process, lines = serve(tmp_path, "--listen", "0.0.0.0:0")
    process.send_signal(end)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert lines[0].startswith("The witness w.example/1 signs for 1 log at http://0.0.0.0:")
    assert lines[1] == f"Key  {about['key']}\n"
    assert "plain HTTP" in err


def test_a_port_that_is_taken(mpp: Mpp, witness: Running, tmp_path: Path) -> None:
    answer = mpp("audit", "witness", "serve", "--name", "x", "--data", tmp_path / "x", "--listen", f"127.0.0.1:{witness.port}")
    assert answer.code == 1
    assert "[host.listen]" in answer.err
