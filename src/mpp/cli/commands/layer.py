"""``mpp layer``: the group; each of its commands is a module of mpp.cli.layer."""

from __future__ import annotations

import click

from mpp.cli.groups import Modules

COMMANDS = {
    "build": "Build the interpreter of a language on this machine, and install it.",
    "install": "Install a layer from a file or an address.",
    "list": "Show the installed layers.",
    "verify": "Judge the installed layers again, and what was compiled of them.",
    "uninstall": "Remove a layer.",
}


class LayerCommands(Modules):
    package, listed = "mpp.cli.layer", COMMANDS


@click.group(name="layer", cls=LayerCommands, no_args_is_help=True)
def command() -> None:
    """Interpreters that tools stand on, such as Python: one signed package for all tools of a language, named by them by hash.

    \b
    Examples:
      mpp layer build python
      mpp layer install mpp-layer-python-3.13.5.mpp
      mpp layer list
      mpp layer verify
    """
