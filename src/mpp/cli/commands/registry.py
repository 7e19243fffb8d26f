"""``mpp registry``: the group; each of its commands is a module of mpp.cli.registry."""

from __future__ import annotations

import click

from mpp.cli.groups import Modules

COMMANDS = {
    "serve": "Run a registry on this machine.",
    "add": "Name a registry that packages are installed from.",
    "list": "Show the registries of this machine.",
    "show": "Show what is known of a registry, and evidence against it.",
    "remove": "Forget a registry.",
    "login": "Say with which key or token you ask a private registry.",
    "monitor": "Recompute what a registry says from its log.",
    "backup": "Copy a registry of this machine while it runs, or check one.",
    "owners": "Show who owns a package, or say who shall.",
    "trusted": "Let builds of your repositories publish.",
    "staged": "Approve or refuse what somebody else has staged.",
    "recover": "Take the place of a publisher that lost its root key.",
    "admin": "Quarantine, revoke, approve: the work of its operator.",
    "peers": "Say which other registries a registry knows.",
    "fleet": "Serve policy and publishers to many hosts.",
}


class RegistryCommands(Modules):
    package, listed = "mpp.cli.registry", COMMANDS


@click.group(name="registry", cls=RegistryCommands, no_args_is_help=True)
def command() -> None:
    """Registries of packages: run one, and say which ones this machine asks.

    \b
    Examples:
      mpp registry serve
      mpp registry serve --data /srv/mpp --name "Example packages"
    """
