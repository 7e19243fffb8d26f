"""The entry that starts MPP for a client, and how to know it again."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mpp.host.clients.known import Client
from mpp.host.clients.servers import Server
from mpp.model.jsontext import Json
from mpp.model.value import value

SCRIPTS = ("mpp", "model-package-protocol")
SERVE = ("serve", "--agent")
HOME_VARIABLE = "MPP_HOME"


@value
class Launcher:
    """How the MPP that runs now is started by another program."""

    command: tuple[str, ...]
    """Full path of the program, and words before those of MPP itself."""
    home: str
    names_home: bool
    """Must the entry say where the home is, because it is not the usual place?"""

    def entry(self, client: Client) -> Json:
        """What a client's configuration says to start it."""
        words: list[Json] = [*self.command, *SERVE, client.name]
        started: dict[str, Json] = {"command": words} if client.as_list else {"command": words[0], "args": words[1:]}
        found: dict[str, Json] = {**dict(client.more), **started}
        return {**found, "environment" if client.as_list else "env": {HOME_VARIABLE: self.home}} if self.names_home else found

    def starts(self, server: Server) -> bool:
        """Is ``server`` this very MPP?

        Attack: an entry that only looks like ours: a program named mpp elsewhere, another home, a variable that loads code into it.
        """
        words = (*self.command, *SERVE)
        said = server.command
        has_own_home = server.env == ((HOME_VARIABLE, self.home),) or (not server.env and not self.names_home)
        return not server.folder and not server.url and has_own_home and said[:-1] == words and not said[-1].startswith("-")


def looks_ours(server: Server) -> bool:
    """Was the entry written by some MPP, perhaps another one on this machine?"""
    said = server.command
    if "serve" not in said[1:]:
        return False
    at = said.index("serve", 1)
    program = os.path.basename(said[0]).removesuffix(".exe")
    return (at == 1 and program in SCRIPTS) or said[1:at] == ("-m", "mpp")


def find_launcher(executable: str, environment: Mapping[str, str], home: str) -> Launcher:
    """The script ``mpp`` beside the interpreter, else the interpreter with ``-m mpp``; and the home if a variable names it."""
    script = os.path.join(os.path.dirname(os.path.abspath(executable)), SCRIPTS[0])
    command = (script,) if os.path.isfile(script) and os.access(script, os.X_OK) else (os.path.abspath(executable), "-m", "mpp")
    return Launcher(command=command, home=home, names_home=bool(environment.get(HOME_VARIABLE)))
