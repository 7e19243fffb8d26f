"""``mpp migrate``: the group; each of its commands is a module of mpp.cli.migrate."""

from __future__ import annotations

import click

from mpp.cli.groups import Modules

COMMANDS = {
    "inspect": "Start an MCP server, list its tools, and begin a package from them.",
    "source": "Change the import of a Python MCP server written with FastMCP, and make a project of it.",
    "manifest": "Say a `permissions` block of the oldest texts as capabilities of a manifest.",
}


class MigrateCommands(Modules):
    package, listed = "mpp.cli.migrate", COMMANDS


@click.group(name="migrate", cls=MigrateCommands, no_args_is_help=True)
def command() -> None:
    """Begin a package from what is there: an MCP server, or an old description of permissions.

    \b
    Examples:
      mpp migrate inspect --trace --out ported -- npx some-mcp-server
      mpp migrate source server.py --out ported
      mpp migrate manifest permissions.yaml
    """
