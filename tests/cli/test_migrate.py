"""``mpp migrate``: begin a package from a server, or from an old description of permissions."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from mpp.model.manifest import parse_manifest
from tests.cli.conftest import Mpp

SERVERS = Path(__file__).parent.parent / "unit" / "host" / "replays" / "servers.py"
SERVER = ("--", sys.executable, "-S", "-E", str(SERVERS))


def test_a_server_is_looked_at_and_nothing_is_written(mpp: Mpp) -> None:
    answer = mpp("migrate", "inspect", *SERVER)
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[:3] == ["fake-server: 2 tools", "  echo", "  env_of"]
    assert "changed: env_of, parameters: /properties/x: nullable became a type" in lines
    assert "  + variable ECHO_CITY: its name stands in the sources" in lines
    assert "--trace looks for them" in answer.err
    assert list(Path.cwd().iterdir()) == []


def test_a_project_is_begun_with_a_recording(mpp: Mpp) -> None:
    answer = mpp("migrate", "inspect", "--out", "ported", "--id", "org.ada.ported", "--publisher", "Ada", "--call", 'echo={"text": "hi"}', *SERVER)
    assert answer.code == 0, answer.err
    assert "Made ported" in answer.out
    manifest = parse_manifest(Path("ported/manifest.json").read_bytes())
    assert (manifest.package_id, manifest.publisher.name, len(manifest.tool_definitions)) == ("org.ada.ported", "Ada", 2)
    recording = Path("ported/calls.jsonl")
    assert json.loads(recording.read_text())["result"]["content"][0]["text"] == "hi"
    assert recording.stat().st_mode & 0o077 == 0
    assert "Open questions" in Path("ported/README.md").read_text()
    again = mpp("migrate", "inspect", "--out", "ported", "--", "/no/such/server")
    assert (again.code, "[project.exists]" in again.err) == (3, True)


def test_json_holds_draft_and_evidence(mpp: Mpp) -> None:
    found = mpp("migrate", "inspect", "--json", *SERVER).json
    assert (found["ok"], found["server"], found["traced"], found["folder"]) == (True, "fake-server", False, "")
    assert found["renamed"] == [["env of", "env_of"]]
    assert found["capabilities"] == [{"what": "variable ECHO_CITY", "drafted": True, "evidence": "its name stands in the sources"}]
    assert found["manifest_faults"] == []
    assert json.loads(found["manifest"])["name"] == "fake-server"


def test_under_a_trace_it_is_seen_what_a_call_does(mpp: Mpp, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: nothing can be traced here")
    made = tmp_path / "made.txt"
    answer = mpp("migrate", "inspect", "--trace", "--json", "--call", f'write={{"path": "{made}"}}', *SERVER)
    if answer.code == 30:
        pytest.skip("strace may not trace here")
    rows = {row["what"]: row["drafted"] for row in answer.json["capabilities"]}
    assert answer.json["traced"] is True
    assert rows[f"write {made}"] is True
    seen_only = mpp("migrate", "inspect", "--trace", *SERVER)
    assert "only its start was seen" in seen_only.err


def test_without_strace_it_goes_on_and_says_so(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.cli.migrate.inspect.STRACE", "no-such-program")
    answer = mpp("migrate", "inspect", "--trace", *SERVER)
    assert answer.code == 0
    assert "strace is not installed" in answer.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "usage.syntax"),
        (("--", "/no/such/server"), "usage.file"),
        ((*SERVER, "old"), "tool.protocol"),
        (("--out", "x", *SERVER, "no-tools"), "usage.file"),
        (("--out", "x", "--id", "Bad Id", *SERVER), "project.package_id"),
    ],
)
def test_what_cannot_be_begun_is_refused(mpp: Mpp, words: tuple[str, ...], code: str) -> None:
    assert f"[{code}]" in mpp("migrate", "inspect", *words).err
    assert not Path("x").exists()


def test_faults_that_stay_are_told(mpp: Mpp) -> None:
    answer = mpp("migrate", "inspect", "--id", "Bad Id", *SERVER)
    assert "mpp build will refuse" in answer.err


OLD = "permissions:\n  filesystem:\n    read: [/data]\n  network:\n    outbound: ['api.example.com:443']\nname: x\n"


def test_old_permissions_are_said_as_capabilities(mpp: Mpp) -> None:
    Path("p.yaml").write_text(OLD)
    wanted = {"network": ["api.example.com:443"], "filesystem": {"read": ["/data"], "write": []}, "env_vars": []}
    answer = mpp("migrate", "manifest", "p.yaml")
    assert json.loads(answer.out) == {"capabilities": wanted}
    assert answer.err == "passed over, beside the block: name\n"
    assert mpp("migrate", "manifest", "p.yaml", "--json").json == {"ok": True, "capabilities": wanted, "passed_over": ["name"]}
    Path("p.yaml").write_text("permissions:\n  filesystem:\n    read: [/proc]\n")
    assert mpp("migrate", "manifest", "p.yaml").code == 17
    Path("p.yaml").write_text("permissions:\n  env: []\n")
    assert mpp("migrate", "manifest", "p.yaml").err == ""
