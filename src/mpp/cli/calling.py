"""One call from the command line: judged, asked about if need be, judged anew."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mpp.cli.options import home
from mpp.cli.screen import note, safe
from mpp.errors import MppError, Refused
from mpp.host.answering import keys_here, mine
from mpp.host.finishing import refused
from mpp.host.judging import Judged, Request, Services, Setting, judge
from mpp.stages.approval import Answer, Question, accept, required, vouch

if TYPE_CHECKING:
    from mpp.cli.approve_terminal import Person

Ask = Callable[[Question], Answer | None]
"""Shows a question to the person who sits here; None where nobody does, or nobody answered."""


def obtain(request: Request, at: Setting, on: Services, ask: Ask) -> Judged:
    """The call judged, and leave for it; else a refusal. After an answer everything is judged anew."""
    for fault in at.faults:
        note(f"warning: {safe(fault.message)} ({safe(fault.where)}) [{fault.code}]")
    found = judge(request, at, on)
    if isinstance(found, Judged):
        return found
    answer = ask(found)
    if answer is None:
        raise _waiting(found)
    accept(found, answer, on.desk(fleet=at.fleet, least=at.strength), on.clock.now())
    again = judge(request, at, on)
    if isinstance(again, Judged):
        return again
    raise _waiting(again)


def by_flag(question: Question, at: Setting, on: Services) -> Answer:
    """Attack: ``--yes`` in the hands of an agent that can call commands. It is recorded as a flag, counts little, and fleets refuse it."""
    if at.fleet:
        raise Refused("consent.fleet", "this host does not take --yes: it knows its publishers, and policy decides", hint="ask its administrator")
    for line in question.text.splitlines():
        note(f"approved by --yes: {line}")
    return vouch(question, yes=True, user=user_name(), amr="flag", now=on.clock.now())


def _waiting(question: Question) -> Refused:
    """Attack: an agent that reads our output learns a reference, and not how to approve. A person at a terminal learns both."""
    if sys.stderr.isatty():
        note(f"waiting for approval until it is answered: mpp approve {question.ref}")
    return required(question)


@contextmanager
def recorded(on: Services, *, tenant: str, invocation: str, package_id: str, tool: str) -> Iterator[None]:
    """Whatever ends the call before it runs is told to the record."""
    try:
        yield
    except MppError as fault:
        refused(fault, on, tenant=tenant, invocation=invocation, package_id=package_id, tool=tool)
        raise


def person_here(on: Services) -> Person:
    """Who sits at this terminal, with the key of an approver if one of this host's lies in this home."""
    from mpp.cli.approve_terminal import Person  # noqa: PLC0415 - who only needs a name does without the terminal

    user = user_name()
    here = keys_here(home().keys, on.approvers.current())
    chosen = mine(here, user)
    return Person(user=user, approver=chosen, key_path=here.get(chosen, ""))


def user_name() -> str:
    """The name of the user of this process, as the system's list of users has it.

    Attack: LOGNAME and USER, by which an agent would name whom a policy allows.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def origin_of(*, is_agent: bool) -> str:
    """Who had the idea: an agent, a person at a terminal, or a program."""
    if is_agent:
        return "model"
    return "human" if sys.stdin.isatty() and sys.stdout.isatty() else "automation"
