"""The book of older servers, as the place where servers of a client go: which of them fit, and what each may use there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Hashable, Mapping

from mpp.errors import HostFailed, Refused
from mpp.host.clients.planning import marked_url, Move
from mpp.host.clients.servers import Server as Theirs
from mpp.host.legacy.limits import ENV_MAX, SERVERS_MAX
from mpp.host.legacy.plan import (
    files_among,
    is_code_pinned,
    judge_command,
    judge_folder,
    judge_headers,
    judge_host,
    judge_name,
    judge_path,
    judge_variable,
)
from mpp.host.legacy.store import LegacyStore, read_servers, write_servers
from mpp.host.legacy.types import Entry, HostRule, HTTP, Server, STDIO
from mpp.host.legacy.values import check_marked, stored_name
from mpp.host.policy_http import check_address
from mpp.host.secret_store import SecretStore
from mpp.model.jsontext import shown
from mpp.model.scope import path_covered
from mpp.model.value import value

BY_SOCKET = frozenset(("docker", "nerdctl", "podman"))
"""Programs that work through a socket of this machine. No sandbox shows one."""

FETCHERS = frozenset(("npx", "uvx"))
"""Runners that fetch the code that they run, at each start. Without their registry such a server does not start."""

Registries = Callable[[str], tuple[str, ...]]
"""``host:port`` of the registry that a runner uses here."""


@value
class Given:
    """What a person allows one server in words of the command line."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


NOTHING = Given()


class Book:
    """One home's older servers. What is added says who agreed and how, once ``agreed`` was called."""

    def __init__(
        self, store: LegacyStore, secrets: SecretStore, mpp_home: str, *, here: str, given: Mapping[str, Given] | None = None, now: int = 0,
        registries: Registries = lambda _: (),
    ) -> None:  # fmt: skip
        self._store, self._secrets, self._home = store, secrets, mpp_home
        self._here, self._given, self._now, self._registries = here, given or {}, now, registries
        self._by = self._how = ""

    def agreed(self, by: str, how: str) -> None:
        self._by, self._how = by, how

    def names(self) -> frozenset[str]:
        return frozenset(self._store.load())

    def store_name(self, server: str, key: str) -> str:
        """Spec: legacy V-12. Two servers may have two values for one variable."""
        return stored_name(server, key)

    def why_not(self, move: Move) -> str:
        if len(self._store.load()) >= SERVERS_MAX:
            return f"MPP keeps {SERVERS_MAX} servers already"
        theirs = move.server
        if any(one.kind == "word" and one.index == 0 for one in move.lifted):
            return "its program looks like a secret"
        if theirs.url and theirs.env:
            return "it is sent variables over the network"
        if sum(one.kind != "header" for one in move.lifted) > ENV_MAX:
            return f"it has more than {ENV_MAX} variables"
        if theirs.folder and not _place(theirs):
            return "it is started in a folder that only the client knows: use its whole path"
        if theirs.command and os.sep in theirs.command[0] and not os.path.isabs(theirs.command[0]) and not _place(theirs):
            return "its program lies in a folder that only the client knows: use its whole path"
        try:
            written = write_servers({move.name: Entry(server=self.entry(move))})
            # What could not be read again would take all other servers with it.
            read_servers(written, where=move.name)
        except (Refused, HostFailed) as fault:
            return fault.message
        return self._conflict(move)

    def _conflict(self, move: Move) -> str:
        stored = self._secrets.load() if move.lifted else {}
        for one in move.lifted:
            kept = stored.get(one.store_name)
            if kept is not None and (kept.value, kept.kind, kept.host) != (one.text, "literal", one.host):
                return f"another value is stored under {shown(one.store_name)}: see `mpp secret list`, and remove it if nothing needs it"
        return ""

    def likeness(self, server: Theirs) -> Hashable:
        return _whole(server), server.url, server.env, server.headers, server.folder

    def known(self, move: Move) -> str:
        theirs = move.server
        headers = tuple(one.key for one in move.lifted if one.kind == "header")
        this = (_command(move), marked_url(theirs, move.lifted), _variables(move), headers, _folder(theirs))
        for name, entry in self._store.load().items():
            one = entry.server
            that = (one.command, one.url, one.env, tuple(header.name for header in one.headers), one.folder)
            if that == this and self._has_values(one, move):
                return name
        return ""

    def _has_values(self, server: Server, move: Move) -> bool:
        """Are the values that the server would get those of the move?"""
        stored = self._secrets.load() if move.lifted else {}
        headers = {one.name: one.secret for one in server.headers}
        for one in move.lifted:
            own = stored.get(headers.get(one.key, "") if one.kind == "header" else stored_name(server.name, one.key))
            kept = stored.get(one.key) if own is None and one.kind != "header" else own
            if kept is None or kept.value != one.text:
                return False
        return True

    def entry(self, move: Move) -> Server:
        """What the book will say of it."""
        theirs, given = move.server, self._given.get(move.name, NOTHING)
        judge_name(move.name)
        command, url = judge_command(_command(move)), marked_url(theirs, move.lifted)
        if url:
            check_address(theirs.url)
            check_marked(url)
        folder = judge_folder(_folder(theirs), self._home, here="/") if theirs.folder else ""
        write = self._paths(given.write)
        read = dict.fromkeys((*self._paths(given.read), *((folder,) if folder else ()), *self._files(command)))
        return Server(
            name=move.name,
            kind=HTTP if theirs.url else STDIO,
            command=command,
            url=url,
            read=tuple(one for one in read if not path_covered(one, (*write, *(other for other in read if other != one)))),
            write=write,
            hosts=tuple(dict.fromkeys((*map(judge_host, given.hosts), *self._fetched(theirs)))),
            env=tuple(map(judge_variable, _variables(move))),
            headers=judge_headers(tuple((one.key, one.store_name) for one in move.lifted if one.kind == "header")),
            folder=folder,
            pinned_code=bool(command) and is_code_pinned(command),
            added=self._now,
            by=self._by,
            amr=self._how,
        )

    def _paths(self, written: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(judge_path(one, self._home, here=self._here) for one in written)

    def _files(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """Files and folders that the command names: they are what the server is about. It may read them."""
        whole = tuple(one for one in command[1:] if os.path.isabs(one))
        folders = tuple(one for one in whole if os.path.isdir(one))
        return (*files_among(("", *whole), self._home, here="/"), *self._paths(folders))

    def _fetched(self, theirs: Theirs) -> tuple[HostRule, ...]:
        runner = os.path.basename(theirs.command[0]) if theirs.command else ""
        return tuple(map(judge_host, self._registries(runner))) if runner in FETCHERS else ()

    def add(self, move: Move) -> None:
        # A run that broke off may have written it already.
        self.remove(move.name)
        self._store.put(Entry(server=self.entry(move)))

    def remove(self, name: str) -> None:
        with contextlib.suppress(Refused):
            self._store.remove(name)


def caution(server: Server) -> str:
    """What a person should know of it before it is moved; empty for most."""
    runner = os.path.basename(server.command[0]) if server.command else ""
    if runner in FETCHERS and not server.hosts:
        return (
            f"{runner} fetches its code at each start, and nobody says from where: name the host of its registry with --allow-host, or install the server once"
        )
    if server.command and os.path.basename(server.command[0]) in BY_SOCKET and server.sandboxed:
        return f"{os.path.basename(server.command[0])} works through a socket that no sandbox shows: it does not start behind MPP before you add it with --unsandboxed"
    return ""


def _place(theirs: Theirs) -> str:
    """The folder in which relative paths of it lie; empty if only the client knows."""
    found = os.path.join(theirs.base, theirs.folder)
    return os.path.normpath(found) if os.path.isabs(found) else ""


def _folder(theirs: Theirs) -> str:
    """Where it says that it is started."""
    return os.path.realpath(_place(theirs)) if theirs.folder and _place(theirs) else ""


def _variables(move: Move) -> tuple[str, ...]:
    return tuple(one.key for one in move.lifted if one.kind != "header")


def _command(move: Move) -> tuple[str, ...]:
    """The words as they are kept: paths written whole, marks in the place of secrets."""
    marks = {one.index: one.marked for one in move.lifted if one.kind == "word"}
    return tuple(marks.get(index, word) for index, word in enumerate(_whole(move.server)))


def _whole(theirs: Theirs) -> tuple[str, ...]:
    """The words of the command, those that are paths in its project or its folder written whole."""
    place = _place(theirs)
    if not place or not theirs.command:
        return theirs.command
    first, *rest = theirs.command
    program = os.path.normpath(os.path.join(place, first)) if os.sep in first else first
    found = [(one, os.path.normpath(os.path.join(place, one))) for one in rest]
    return (program, *(path if (os.sep in one or "." in one) and not one.startswith("-") and os.path.exists(path) else one for one, path in found))
