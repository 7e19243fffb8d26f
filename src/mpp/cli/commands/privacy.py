"""``mpp privacy``: the group; each of its commands is a module of mpp.cli.privacy."""

from __future__ import annotations

import click

from mpp.cli.groups import Modules

COMMANDS = {
    "test": "Filter messages as answers are filtered, and print what would be shown.",
    "explain": "Say of each thing that is found where it stands, and why.",
    "patterns": "List what is searched for, and what is done with it.",
    "bench": "Measure how fast this machine filters, beside other filters.",
}


class PrivacyCommands(Modules):
    package, listed = "mpp.cli.privacy", COMMANDS


@click.group(name="privacy", cls=PrivacyCommands, no_args_is_help=True)
def command() -> None:
    """See what the privacy filter takes out of a tool's answers: try it, ask why, and measure it.

    \b
    Examples:
      mpp privacy test answer.json
      mpp privacy explain answer.json
      mpp privacy patterns
      mpp privacy bench
    """
