"""Does an agent run as the same user as this host? Then no barrier of ours stands between it and what you can do.

The kernel is asked: whose processes there are, and which of them are programs that run agents. A name can be anything, so finding
none proves nothing, and that is said.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from mpp.errors import Refused
from mpp.model.value import value

PROCESSES_MAX = 50_000
"""Processes that are looked at. Reason: bounds the search on a machine that has very many."""

NAME_BYTES_MAX = 4096
"""Bytes of a command line that are read. Reason: its first words say which program it is."""

SHOWN_MAX = 5
"""Agents that are named. Reason: one line for a person."""

KNOWN = frozenset((
    "aider", "amp", "autogen", "claude", "cline", "codex", "continue", "copilot", "crewai", "crush", "cursor", "cursor-agent", "devin", "gemini", "goose", "kiro",
    "langgraph", "llm", "open-interpreter", "opencode", "openhands", "qwen", "roo", "windsurf", "zed",
))  # fmt: skip
"""Programs that run agents, by the name of their executable or script."""


@value
class AgentProcess:
    pid: int
    uid: int
    name: str


def agent_processes(proc: str = "/proc") -> tuple[AgentProcess, ...]:
    """The processes whose first words name a program that runs agents."""
    found = (one for pid in _pids(proc) if (one := _look(proc, pid)) is not None and one.name in KNOWN)
    return tuple(found)


def process_of(pid: int, proc: str = "/proc") -> AgentProcess:
    """The process that a person names as the agent."""
    found = _look(proc, pid)
    if found is None:
        raise Refused("usage.option", f"there is no process {pid}", where="--agent-pid", hint="give the number of the running agent, as ps shows it")
    return found


def judge_processes(found: tuple[AgentProcess, ...], me: int) -> tuple[tuple[AgentProcess, ...], tuple[AgentProcess, ...]]:
    """Those that can do what this user can, and the others. Root can do what everybody can."""
    same = tuple(one for one in found if one.uid in {me, 0})
    return same, tuple(one for one in found if one not in same)


def _pids(proc: str) -> Iterator[int]:
    try:
        names = os.listdir(proc)
    except OSError:
        return
    yield from sorted(int(name) for name in names[:PROCESSES_MAX] if name.isdigit())


def _look(proc: str, pid: int) -> AgentProcess | None:
    place = os.path.join(proc, str(pid))
    try:
        uid = os.stat(place).st_uid
        with open(os.path.join(place, "cmdline"), "rb") as stream:
            words = stream.read(NAME_BYTES_MAX).split(b"\0")
    except OSError:
        return None
    # node /usr/bin/claude, python -m aider, /opt/cursor-agent: the first two words that are no options.
    names = [os.path.splitext(os.path.basename(os.fsdecode(word)))[0].lower() for word in words if word and not word.startswith(b"-")][:2]
    known = [name for name in names if name in KNOWN]
    return AgentProcess(pid=pid, uid=uid, name=(known or names or [""])[0])
