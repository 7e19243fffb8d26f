"""This machine, this user and this MPP, as the commands about clients need them; and which files a command means."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping

import click

from mpp.cli.options import here, home
from mpp.errors import Refused
from mpp.cli.clients.registries import registries
from mpp.host.clients.book import Book, Given
from mpp.host.clients.bypass import files
from mpp.host.clients.known import Client, client_of_file, CLIENTS, find_client, Surroundings, user_paths
from mpp.host.clients.launcher import find_launcher, Launcher
from mpp.host.clients.lifting import See
from mpp.host.clients.protection import Tools
from mpp.host.legacy.store import LegacyStore
from mpp.host.secret_store import open_secrets
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json, shown

NAMES_OPTION = "NAME=VALUE"

config_option = click.option("--config", "config", default=None, metavar="FILE", help="Use this file of the client instead of the usual one.")


def surroundings() -> Surroundings:
    return Surroundings(environment=os.environ, platform=sys.platform)


def launcher() -> Launcher:
    return find_launcher(sys.executable, os.environ, home().path)


def owner() -> int:
    return os.geteuid()


def client_for(name: str | None, config: str | None) -> Client:
    """The client that is named, or the one whose file it is."""
    if name:
        return find_client(name)
    found = client_of_file(os.path.abspath(config)) if config else None
    if found is None:
        what = f"whose file {shown(config)!r} is" if config else "which client"
        raise Refused("usage.client", f"nothing says {what}", hint=f"name one: {', '.join(one.name for one in CLIENTS)}")
    return found


def usual_file(client: Client) -> str:
    """The file that is there; else the one that the client would make."""
    paths = [one for one in user_paths(client, surroundings()) if "*" not in one]
    if not paths:
        raise Refused("host.client_missing", f"{client.title} has no file on this system", hint="name it with --config FILE")
    return next((one for one in paths if os.path.lexists(one)), paths[0])


def files_of(client: Client | None) -> list[tuple[Client, str]]:
    """The user's own files of one client, or of all, as far as they are there."""
    wanted = CLIENTS if client is None else (client,)
    return [(one.client, one.path) for one in files(surroundings(), (), owner(), only=wanted, projects=False)]


def seeing() -> See:
    """What the privacy filter of this host takes for a secret. A host without its engine sees nothing and says so by failing."""
    from mpp.cli.privacy.given import open_trial  # noqa: PLC0415 - brings the engine
    from mpp.host.privacy_trial import NOTHING  # noqa: PLC0415 - likewise
    from mpp.stages.privacy import explain_message, group_of  # noqa: PLC0415

    trial = open_trial(NOTHING)

    def see(message: Json) -> Iterable[str]:
        return [one.where for one in explain_message(message, trial) if group_of(one.type) == "api_key"] if message else []

    return see


def tools(given: Mapping[str, Given] | None = None, see: Callable[[], See] = seeing) -> tuple[Tools, Book]:
    secrets = open_secrets(home())
    book = Book(LegacyStore(home().path), secrets, home().path, here=here(), given=given, now=int(time.time()), registries=registries)
    found = Tools(home=home().path, book=book, secrets=secrets, clock=SystemClock(), launcher=launcher(), see=see(), owner=owner())
    return found, book


def given_of(read: Iterable[str], write: Iterable[str], hosts: Iterable[str]) -> dict[str, Given]:
    """``NAME=VALUE`` of the options, by the names of the servers."""
    found: dict[str, dict[str, list[str]]] = {}
    for option, said in (("read", read), ("write", write), ("hosts", hosts)):
        for one in said:
            name, mark, what = one.partition("=")
            if not (name and mark and what):
                raise Refused("usage.option", f"{shown(one)!r} does not say for which server", hint="write NAME=VALUE with the name that the plan shows")
            found.setdefault(name, {}).setdefault(option, []).append(what)
    return {name: Given(**{option: tuple(all_) for option, all_ in said.items()}) for name, said in found.items()}
