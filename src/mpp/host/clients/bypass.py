"""Which servers a client reaches without MPP, in every file of every client that we know."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.clients.config import Config
from mpp.host.clients.documents import table_at
from mpp.host.clients.known import Client, CLIENTS, Surroundings, user_paths
from mpp.host.clients.launcher import Launcher, looks_ours
from mpp.host.clients.limits import PROJECTS_MAX
from mpp.host.clients.place import look
from mpp.host.clients.servers import Server
from mpp.model.value import value


@value
class Looked:
    """One file, and what is in it."""

    client: Client
    path: str
    config: Config | None
    """None: it cannot be read, so nobody knows what it names."""
    fault: str = ""


@value
class Bypass:
    """One server that a client reaches by itself."""

    client: str
    path: str
    server: Server
    why: str


def files(at: Surroundings, folders: Iterable[str], owner: int, *, only: tuple[Client, ...] = CLIENTS, projects: bool = True) -> Iterator[Looked]:
    """The files of all clients that are there: the user's, those in ``folders``, and those of the projects that a client remembers."""
    seen: set[str] = set()
    named = tuple(folders)
    waiting = [(client, path) for client in only for path in _found(client, at, named)]
    while waiting:
        client, path = waiting.pop(0)
        real = os.path.realpath(path)
        if real in seen or not os.path.lexists(path):
            continue
        seen.add(real)
        looked = read_file(client, path, owner)
        yield looked
        if projects and looked.config is not None and client.has_projects and client.project:
            waiting += [(client, os.path.join(one, client.project)) for one in _projects(looked.config)]


def read_file(client: Client, path: str, owner: int) -> Looked:
    try:
        config = Config(client, look(path, owner).data, path)
        config.servers()
    except (Refused, HostFailed) as fault:
        return Looked(client=client, path=path, config=None, fault=_words(fault))
    return Looked(client=client, path=path, config=config)


def _words(fault: MppError) -> str:
    return f"{fault.message} ({fault.where})" if fault.where else fault.message


def _found(client: Client, at: Surroundings, folders: tuple[str, ...]) -> Iterator[str]:
    for path in user_paths(client, at):
        if "*" in path:
            lead, _, rest = path.partition("*")
            yield from sorted(glob.glob(glob.escape(lead) + "*" + glob.escape(rest)))[:PROJECTS_MAX]
        else:
            yield path
    if client.project:
        yield from (os.path.join(folder, client.project) for folder in folders)


def _projects(config: Config) -> list[str]:
    # In the file of a project the key means nothing; a look costs nothing either.
    try:
        found = table_at(config.document.meaning, ("projects",), config.where)
    except Refused:
        return []
    return [one for one in found if os.path.isabs(one) and "\0" not in one][:PROJECTS_MAX]


def bypassing(looked: Looked, launcher: Launcher) -> tuple[Bypass, ...]:
    """Every server in the file but this MPP itself. One that is switched off counts: whoever uses the client can switch it on."""
    if looked.config is None:
        return ()
    return tuple(Bypass(client=looked.client.name, path=looked.path, server=one, why=_why(one)) for one in looked.config.servers() if not launcher.starts(one))


def _why(one: Server) -> str:
    if looks_ours(one):
        return "starts another MPP than this one, or with another home"
    what = "is called by the client itself" if one.url else "is started by the client itself"
    return what + (", once it is switched on" if one.is_disabled else "")
