"""``mpp doctor``."""

from __future__ import annotations

import os
import textwrap

import click

from mpp.cli.mending import mend, Mended
from mpp.cli.options import home, json_option
from mpp.cli.screen import CAREFUL, CROSS, error_json, FINE, mark, put_json, say, styled, TICK, WRONG
from mpp.errors import MppError, Refused
from mpp.host.barriers import BAD, HOLDS, NOTE, WEAK, Barrier, Fact, Verdict, judge, probe, surroundings
from mpp.host.legacy.probing import sandbox_of_servers
from mpp.host.trial_call import try_call
from mpp.model.jsontext import Json

WIDTH = 118
NAME = 20
SHOWN = 4
"""Pieces of evidence per barrier on the screen; ``--json`` holds all."""


@click.command(name="doctor")
@click.option(
    "--agent-pid",
    default=None,
    type=click.IntRange(1),
    metavar="PID",
    help="The process of your agent: say whether it runs as you do. [default: look for known agents]",
)
@click.option("--fix", is_flag=True, help="First mend what can be mended safely in the home; each change is shown before it is made.")
@click.option("--yes", is_flag=True, help="With --fix: make the changes without asking.")
@json_option
def command(agent_pid: int | None, fix: bool, yes: bool, as_json: bool) -> int:
    """Say what keeps a tool in on this machine. Each forbidden thing is tried, and the refusal is shown.

    With --fix the home is mended first: a missing home is made, folders and keys that others may reach are closed,
    temporaries of dead processes and cached code that does not check are removed. Modes only become narrower; nothing of
    trust, policy, keys or the record is changed. What needs an administrator is printed as a command.

    \b
    Examples:
      mpp doctor
      mpp doctor --json
      mpp doctor --agent-pid 4711
      mpp doctor --fix
      mpp doctor --fix --yes

    \b
    Exit code:
      0   tools can run here, perhaps without filesystem rights
      1   a barrier that every tool needs is missing, or the engine is; or --fix left
          something that a person must look at
      2   wrong options
    """
    if yes and not fix:
        raise Refused("usage.option", "--yes is for --fix", hint="add --fix, or leave --yes out")
    mended: Mended | None = None
    if fix:
        # Before the barriers are tried: what they say should be so afterwards.
        mended = mend(home(), yes=yes, as_json=as_json)
    code = _judged(agent_pid, mended, as_json=as_json)
    return code if mended is None or mended.is_well else 1


def _judged(agent_pid: int | None, mended: Mended | None, *, as_json: bool) -> int:
    barriers, facts = probe(room=home().path), (*surroundings(home(), agent_pid or 0), sandbox_of_servers(os.environ, home().path))
    verdict = judge(barriers, facts)
    fault = try_call()
    if fault is not None:
        # Whatever the barriers say: a tool that cannot be called here cannot run here.
        verdict = Verdict(can_run=False, with_files=False, words="no", todo=(f"a real call: {fault.message}", *verdict.todo))
    if as_json:
        put_json({**_report(barriers, facts, verdict), "call": None if fault is None else error_json(fault), **_mended(mended)})
    else:
        _show(barriers, facts, verdict, fault)
    return 0 if verdict.can_run else 1


def _show(barriers: tuple[Barrier, ...], facts: tuple[Fact, ...], verdict: Verdict, fault: MppError | None) -> None:
    say("barriers")
    for one in barriers:
        _row(mark(TICK if one.state in {HOLDS, WEAK} else CROSS), one.name, _words(one))
    _row(mark(CROSS if fault is not None else TICK), "a real call", "the smallest tool was compiled and called in a worker" if fault is None else fault.message)
    say("this machine")
    for fact in facts:
        _row(_sign(fact), fact.name, fact.text + (f" ({fact.remedy})" if fact.remedy else ""))
    colour = WRONG if not verdict.can_run else FINE if verdict.with_files else CAREFUL
    say("tools can run: ", styled(verdict.words, colour, bold=True))
    for line in verdict.todo:
        say(f"hint:  {line}")


def _sign(fact: Fact) -> str:
    """A tick only for what is good: much here is neither good nor wrong, and worth knowing."""
    return styled("!", CAREFUL) if fact.state == NOTE else mark(CROSS if fact.state == BAD else TICK)


def _words(one: Barrier) -> str:
    more = len(one.evidence) - SHOWN
    shown = ", ".join(one.evidence[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    if one.state == HOLDS:
        return shown
    return f"{one.state}: {shown}. Without it: {one.lost}" + (" (needed)" if one.required else "")


def _row(sign: str, name: str, words: str) -> None:
    """A sign, a name, and words that go on below themselves."""
    first, *more = textwrap.wrap(words, WIDTH - NAME) or [""]
    say("  ", sign, f" {name:<{NAME}} {first}")
    for line in more:
        say(" " * (NAME + 5), line)


def _mended(mended: Mended | None) -> dict[str, Json]:
    return {} if mended is None else {"fix": mended.to_json()}


def _report(barriers: tuple[Barrier, ...], facts: tuple[Fact, ...], verdict: Verdict) -> dict[str, Json]:
    rows: list[Json] = [
        {"name": one.name, "state": one.state, "required": one.required, "evidence": [*one.evidence], "lost": one.lost, "remedy": one.remedy}
        for one in barriers
    ]
    around: list[Json] = [{"name": fact.name, "state": fact.state, "text": fact.text, "remedy": fact.remedy} for fact in facts]
    answer: Json = {"words": verdict.words, "can_run": verdict.can_run, "with_files": verdict.with_files, "todo": [*verdict.todo]}
    return {"ok": verdict.can_run, "verdict": answer, "barriers": rows, "surroundings": around}
