"""Who runs agents on this machine, as the kernel says it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.agent_user import AgentProcess, agent_processes, judge_processes, process_of


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    rows = {
        "1": b"/sbin/init\0",
        "7": b"/usr/bin/node\0/usr/local/bin/claude\0--resume\0",
        "8": b"python3\0-m\0aider\0",
        "9": b"vim\0claude.md\0",
        "10": b"/opt/x/cursor-agent\0",
        "11": b"",
        "self": b"codex\0",
    }
    for name, words in rows.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "cmdline").write_bytes(words)
    (tmp_path / "12").mkdir()
    return tmp_path


def test_programs_that_run_agents_are_found(proc: Path) -> None:
    assert [(one.pid, one.name) for one in agent_processes(str(proc))] == [(7, "claude"), (8, "aider"), (9, "claude"), (10, "cursor-agent")]


def test_a_named_process_is_taken_as_it_is(proc: Path) -> None:
    assert process_of(1, str(proc)) == AgentProcess(pid=1, uid=os.getuid(), name="init")
    with pytest.raises(Refused, match="there is no process 99"):
        process_of(99, str(proc))


def test_root_and_the_same_user_can_do_what_this_user_can() -> None:
    mine, roots, other = (AgentProcess(pid=uid, uid=uid, name="claude") for uid in (1000, 0, 1001))
    assert judge_processes((mine, roots, other), 1000) == ((mine, roots), (other,))


def test_without_a_list_of_processes_none_is_found(tmp_path: Path) -> None:
    assert agent_processes(str(tmp_path / "absent")) == ()
