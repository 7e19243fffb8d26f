"""``mpp audit``: the group; each of its commands is a module of mpp.cli.audit."""

from __future__ import annotations

import click

from mpp.cli.groups import Modules

COMMANDS = {
    "tail": "Show the newest entries, and follow them.",
    "show": "Show one entry, or all entries of one call.",
    "search": "Find entries by package, tool, agent, user, host, decision or time.",
    "stats": "Count calls, refusals, approvals and what they used.",
    "verify": "Say how far the record holds, and why.",
    "prove": "Write a proof that one entry is in the record.",
    "verify-proof": "Check such a proof.",
    "export": "Copy the record, or part of it, to take away.",
    "forward": "Send entries to other systems: SIEM, syslog, OTLP, files.",
    "report": "Write a compliance report with its evidence.",
    "replay": "Run a recorded call of a deterministic tool again, and compare.",
    "erase": "Erase what is kept about a person; the record stays whole.",
    "vault": "Keep payloads sealed for a recipient, and open them.",
    "witness": "Have the record witnessed, or be a witness for others.",
    "tend": "Seal, compress, prune and upload segments.",
    "upload": "Copy sealed segments to object storage, where nobody can change them.",
    "recover": "Let the record go on after a fault of the disk.",
    "restart": "Put a broken record aside and begin a new one.",
}
"""Each command is the attribute ``command`` of the module of its name in mpp.cli.audit, with ``_`` for ``-``."""


class AuditCommands(Modules):
    package, listed = "mpp.cli.audit", COMMANDS


@click.group(name="audit", cls=AuditCommands, no_args_is_help=True)
def command() -> None:
    """Read the record of all calls, prove what is in it, and hand it on.

    \b
    Examples:
      mpp audit tail
      mpp audit search --package com.example.crm --since 7d
      mpp audit verify --deep
      mpp audit prove 1234 > proof.json
    """
