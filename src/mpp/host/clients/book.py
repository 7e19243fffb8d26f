"""The book of older servers, as the place where servers of a client go: which of them fit, and what each may use there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Hashable, Mapping

from mpp.errors import HostFailed, Refused
from mpp.host.clients.planning import Move
from mpp.host.clients.servers import Server as Theirs
from mpp.host.legacy.limits import ENV_MAX, SERVERS_MAX
from mpp.host.legacy.plan import files_among, is_code_pinned, judge_command, judge_host, judge_name, judge_path, judge_variable
from mpp.host.legacy.store import LegacyStore, read_servers, write_servers
from mpp.host.legacy.types import Entry, HostRule, HTTP, Server, STDIO
from mpp.host.policy_http import check_address
from mpp.host.secret_store import SecretStore
from mpp.model.jsontext import shown
from mpp.model.scope import path_covered
from mpp.model.value import value

FETCHED_FROM: Mapping[str, tuple[str, ...]] = {"npx": ("registry.example.com",), "uvx": ("index.example.com", "files.example.com")}
"""Where runners fetch the code that they run. Without it such a server does not start."""


@value
class Given:
    """What a person allows one server in words of the command line."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


NOTHING = Given()


class Book:
    """One home's older servers. What is added says who agreed and how, once ``agreed`` was called."""

    def __init__(self, store: LegacyStore, secrets: SecretStore, mpp_home: str, *, here: str, given: Mapping[str, Given] | None = None, now: int = 0) -> None:
        self._store, self._secrets, self._home = store, secrets, mpp_home
        self._here, self._given, self._now = here, given or {}, now
        self._by = self._how = ""

    def agreed(self, by: str, how: str) -> None:
        self._by, self._how = by, how

    def names(self) -> frozenset[str]:
        return frozenset(self._store.load())

    def store_name(self, server: str, kind: str, key: str) -> str:
        """Spec: legacy: a variable is looked up under its own name. A header has a name that no package can declare, for the dashes in it."""
        return key if kind == "env" else f"legacy-{server}-{key}"

    def why_not(self, move: Move) -> str:
        if len(self._store.load()) >= SERVERS_MAX:
            return f"MPP keeps {SERVERS_MAX} servers already"
        if any(one.kind in {"word", "url"} for one in move.lifted):
            return "a secret stands in its command or its address: give it to the server as a variable or in a header, then protect it"
        theirs = move.server
        if theirs.folder:
            return "it is started in a folder of its own: use whole paths in its command"
        if len(theirs.headers) > 1 or (theirs.url and theirs.env):
            return "it is sent several headers, or variables over the network"
        if len(theirs.env) > ENV_MAX:
            return f"it has more than {ENV_MAX} variables"
        if theirs.command and os.sep in theirs.command[0] and not os.path.isabs(theirs.command[0]) and not theirs.base:
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
                return f"another value is stored under {shown(one.store_name)}: see `mpp secret list`, and give the variable another name"
        return ""

    def likeness(self, server: Theirs) -> Hashable:
        return _whole(server), server.url, server.env, server.headers, server.folder

    def known(self, move: Move) -> str:
        theirs = move.server
        header = theirs.headers[0][0] if theirs.headers else ""
        variables = tuple(one.key for one in move.lifted if one.kind == "env")
        for name, entry in self._store.load().items():
            one = entry.server
            if (one.command, one.url, one.env, one.header) == (_whole(theirs), theirs.url, variables, header) and self._has_values(name, move):
                return name
        return ""

    def _has_values(self, name: str, move: Move) -> bool:
        stored = self._secrets.load() if move.lifted else {}
        return all((kept := stored.get(self.store_name(name, one.kind, one.key))) is not None and kept.value == one.text for one in move.lifted)

    def entry(self, move: Move) -> Server:
        """What the book will say of it."""
        theirs, given = move.server, self._given.get(move.name, NOTHING)
        judge_name(move.name)
        command = judge_command(_whole(theirs))
        if theirs.url:
            check_address(theirs.url)
        write = self._paths(given.write)
        read = dict.fromkeys((*self._paths(given.read), *self._files(command)))
        header = theirs.headers[0][0] if theirs.headers else ""
        return Server(
            name=move.name,
            kind=HTTP if theirs.url else STDIO,
            command=command,
            url=theirs.url,
            read=tuple(one for one in read if not path_covered(one, (*write, *(other for other in read if other != one)))),
            write=write,
            hosts=tuple(dict.fromkeys((*map(judge_host, given.hosts), *self._fetched(theirs)))),
            env=tuple(judge_variable(one.key) for one in move.lifted if one.kind == "env"),
            header=header,
            secret=next((one.store_name for one in move.lifted if one.kind == "header"), ""),
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
        return tuple(map(judge_host, FETCHED_FROM.get(runner, ())))

    def add(self, move: Move) -> None:
        # A run that broke off may have written it already.
        self.remove(move.name)
        self._store.put(Entry(server=self.entry(move)))

    def remove(self, name: str) -> None:
        with contextlib.suppress(Refused):
            self._store.remove(name)


def _whole(theirs: Theirs) -> tuple[str, ...]:
    """The words of the command, those that are paths in its project written whole: here it is started in a folder of its own."""
    if not theirs.base or not theirs.command:
        return theirs.command
    first, *rest = theirs.command
    program = os.path.normpath(os.path.join(theirs.base, first)) if os.sep in first else first
    found = [(one, os.path.normpath(os.path.join(theirs.base, one))) for one in rest]
    return (program, *(path if (os.sep in one or "." in one) and not one.startswith("-") and os.path.exists(path) else one for one, path in found))
