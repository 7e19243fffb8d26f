"""``mpp legacy``: the group; each of its commands is a module of mpp.cli.legacy."""

from __future__ import annotations

import click

from mpp.cli.groups import Modules

COMMANDS = {
    "add": "Take an older server in: say what it may use, see its tools, agree.",
    "list": "List the older servers, and what is kept back.",
    "show": "Show all that is known of one server.",
    "test": "Start a server, list its tools, and say what holds it.",
    "approve": "Accept what a server says of itself now, after seeing the difference.",
    "login": "Log in anew at a server with OAuth.",
    "remove": "Take a server out.",
}


class LegacyCommands(Modules):
    package, listed = "mpp.cli.legacy", COMMANDS


@click.group(name="legacy", cls=LegacyCommands, no_args_is_help=True)
def command() -> None:
    """Use older MCP servers beside packages. Nobody verified them, so each runs in a sandbox of the system, and its calls go
    through the same policy, approval, privacy filter and record as those of packages.

    \b
    Examples:
      mpp legacy add files --write ~/notes -- npx -y @modelcontextprotocol/server-filesystem@2025.8.21 ~/notes
      mpp legacy add wiki https://mcp.example.com/mcp
      mpp legacy list
      mpp legacy approve files
    """
