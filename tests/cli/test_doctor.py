"""mpp doctor: what it says, and its exit code."""

from __future__ import annotations

import os

import importlib

import pytest

from mpp.errors import HostFailed
from mpp.host.barriers import Barrier, Fact
from tests.cli.conftest import Mpp

doctor = importlib.import_module("mpp.cli.commands.doctor")

ENGINE = Fact(name="engine", state="good", text="wasmtime 50")
AGENT = Fact(name="agent", state="note", text="can do all that you can", remedy="run it as another user")


def barrier(name: str, state: str = "holds", *, required: bool = True) -> Barrier:
    evidence = tuple(f"attempt {number}: EPERM" for number in range(6))
    return Barrier(name=name, state=state, required=required, evidence=evidence, lost="much", remedy="mend it")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[object, ...]]:
    """A machine made up: its barriers and facts."""
    found: dict[str, tuple[object, ...]] = {"barriers": (barrier("seccomp"), barrier("landlock", required=False)), "facts": (ENGINE, AGENT)}
    monkeypatch.setattr(doctor, "probe", lambda **_: found["barriers"])
    monkeypatch.setattr(doctor, "surroundings", lambda *_: found["facts"])
    return found


def test_this_machine_as_a_person_sees_it(mpp: Mpp) -> None:
    found = mpp("doctor")
    assert found.out.startswith("barriers\n")
    assert "open /etc/passwd: EPERM" in found.out
    assert "tools can run: " in found.out
    assert found.err == ""


def test_this_machine_as_json(mpp: Mpp) -> None:
    found = mpp("doctor", "--json")
    told = found.json
    assert told["ok"] == (found.code == 0) == told["verdict"]["can_run"]
    assert {"seccomp", "limits", "landlock"} <= {one["name"] for one in told["barriers"]}
    assert {"engine", "agent", "home", "older servers"} <= {one["name"] for one in told["surroundings"]}
    assert all(one["evidence"] for one in told["barriers"])


def test_all_is_well(mpp: Mpp, machine: dict[str, tuple[object, ...]]) -> None:
    found = mpp("doctor")
    assert found.code == 0
    lines = found.out.splitlines()
    assert " ".join(lines[1].split()) == "✓ seccomp attempt 0: EPERM, attempt 1: EPERM, attempt 2: EPERM, attempt 3: EPERM and 2 more"
    assert "  ! agent" in found.out
    assert "(run it as another user)" in found.out
    assert lines[-1] == "tools can run: yes"


def test_without_landlock(mpp: Mpp, machine: dict[str, tuple[object, ...]]) -> None:
    machine["barriers"] = (barrier("seccomp"), barrier("landlock", "missing", required=False))
    found = mpp("doctor")
    assert found.code == 0
    assert "✗ landlock" in found.out
    assert "Without it: much" in found.out
    assert "(needed)" not in found.out
    assert "tools can run: yes, without filesystem rights\nhint:  landlock: mend it\n" in found.out


def test_a_weak_barrier(mpp: Mpp, machine: dict[str, tuple[object, ...]]) -> None:
    machine["barriers"] = (barrier("seccomp"), barrier("landlock", "weak", required=False))
    found = mpp("doctor")
    assert (found.code, "✓ landlock             weak: " in found.out) == (0, True)


@pytest.mark.parametrize("what", ["barrier", "engine"])
def test_what_is_needed_is_missing(mpp: Mpp, machine: dict[str, tuple[object, ...]], what: str) -> None:
    if what == "barrier":
        machine["barriers"] = (barrier("seccomp", "missing"),)
    else:
        machine["facts"] = (Fact(name="engine", state="bad", text="none", remedy="install it"),)
    found = mpp("doctor")
    assert found.code == 1
    assert "tools can run: no\n" in found.out
    assert f"hint:  {'seccomp: mend it' if what == 'barrier' else 'engine: install it'}" in found.out
    assert mpp("doctor", "--json").json["ok"] is False


def test_where_no_tool_can_be_called_nothing_else_counts(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "try_call", lambda: HostFailed("host.sandbox", "no /proc here", hint="mount it"))
    answer = mpp("doctor")
    assert answer.code == 1
    assert "no /proc here" in answer.out
    assert "tools can run: no" in answer.out
    found = mpp("doctor", "--json").json
    assert (found["ok"], found["call"]["code"]) == (False, "host.sandbox")


def test_a_named_agent_is_compared_with_this_user(mpp: Mpp) -> None:
    facts = {one["name"]: one for one in mpp("doctor", "--agent-pid", os.getpid(), "--json").json["surroundings"]}
    assert f"(process {os.getpid()}): runs as you" in facts["agent"]["text"]
    assert mpp("doctor", "--agent-pid", 4_000_000_000).code == 2
