"""``mpp replay``: the group; each of its commands is a module of mpp.cli.replay."""

from __future__ import annotations

import click

from mpp.cli.groups import Modules

COMMANDS = {
    "record": "Call tools of an MCP server, and write down what it answers.",
    "run": "Make recorded calls again: of a package, or of another server.",
    "diff": "Compare two recordings, call by call.",
}


class ReplayCommands(Modules):
    package, listed = "mpp.cli.replay", COMMANDS


@click.group(name="replay", cls=ReplayCommands, no_args_is_help=True)
def command() -> None:
    """Show that a package answers as the MCP server did whose place it takes: record, run, compare.

    This calls real tools, with all that they do. (`mpp audit replay` is something else: it judges calls of the log once more, and runs nothing.)

    \b
    Examples:
      mpp replay record --out calls.jsonl --call 'echo={"message": "hi"}' -- npx some-mcp-server
      mpp replay run calls.jsonl --against port-0.1.0.mpp --yes --out got.jsonl
      mpp replay diff calls.jsonl got.jsonl --allow redaction
    """
