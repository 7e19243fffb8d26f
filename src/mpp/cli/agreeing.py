"""A person's yes to a change of who is known or trusted here, and its event.

Attack: an agent that can call commands makes a key of its own that of an agent, a user or an approver whom policy allows.
"""

from __future__ import annotations

import click

from mpp.cli.calling import user_name
from mpp.cli.first_use import confirm
from mpp.cli.options import home, trust_store
from mpp.cli.screen import safe
from mpp.errors import Refused
from mpp.host.audit.log import AuditLog
from mpp.host.system import SystemClock
from mpp.host.told import trust_event
from mpp.model.jsontext import shown

FLAG, TERMINAL = "flag", "tty"

yes_option = click.option("--yes", is_flag=True, help="You are the person who agrees; recorded as such, and refused in fleet mode.")


def agreed(what: str, where: str, *, yes: bool | None) -> str:
    """How a person said yes to ``what``, a sentence that ends in a question mark. ``yes`` None: no option of a command counts for it."""
    if yes:
        if not trust_store().load().first_use:
            raise Refused("consent.fleet", "this host does not take --yes: its administrator decides", hint="ask its administrator")
        return FLAG
    if confirm(safe(what) + "\nType yes to allow it: "):
        return TERMINAL
    hint = "answer yes in a terminal" + (", or add --yes if you are that person" if yes is not None else "; no option does it")
    raise Refused("consent.missing", "nobody agreed to this change", where=shown(where), hint=hint)


def told(kind: str, name: str, change: str, how: str) -> None:
    """The change is on the disk, and so is that it was made."""
    with AuditLog(home()) as log:
        log.record(trust_event(kind, name, change, by=user_name(), how=how, at=SystemClock().now()), durable=True)
