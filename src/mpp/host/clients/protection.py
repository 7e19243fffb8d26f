"""Putting a client's servers behind MPP and taking that back, each in steps of which any may be the last.

The order is what makes it safe: first all that undoing needs, then what the servers need here, and the client's own file last, in
one step. Until then the client works as before; from then on everything that it needs is there.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mpp.errors import HostFailed, Refused
from mpp.files import locked, make_private_folder
from mpp.host.clients import place as places
from mpp.host.clients.config import Config, OUR_NAME
from mpp.host.clients.journal import BEGUN, Change, Changes, DONE, UNDOING
from mpp.host.clients.known import Client
from mpp.host.clients.launcher import Launcher, looks_ours
from mpp.host.clients.lifting import See
from mpp.host.clients.place import Place
from mpp.host.clients.planning import LegacyServers, Lifted, make_plan, Move, package_of, Plan
from mpp.host.clients.servers import Server
from mpp.host.secret_entry import make_entry, SecretEntry
from mpp.host.secret_store import SecretStore
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.ports import Clock


@value
class Tools:
    """What the steps need of this host."""

    home: str
    book: LegacyServers
    secrets: SecretStore
    clock: Clock
    launcher: Launcher
    see: See
    owner: int


@value
class Undone:
    """What came back, and what did not."""

    path: str
    servers: tuple[str, ...]
    kept_secrets: tuple[str, ...]
    """Values that somebody changed since; they stay in the store."""
    earlier: int
    """Changes of the same file before this one, which still hold."""


class Protection:
    """One configuration of one client."""

    def __init__(self, client: Client, path: str, tools: Tools) -> None:
        self._client, self._tools = client, tools
        self.place = places.look(path, tools.owner)
        self._changes = Changes(tools.home, client.name, self.place.path)

    def plan(self) -> Plan:
        return make_plan(self._config(self.place.data), self._tools.launcher, self._tools.book, self._tools.see, ours=self._broken_off())

    def _config(self, data: bytes) -> Config:
        return Config(self._client, data, self.place.named)

    def _broken_off(self) -> tuple[str, ...]:
        found = self._changes.newest()
        return found.servers if found is not None and found.phase == BEGUN and not self._is_written(found) else ()

    def _is_written(self, change: Change) -> bool:
        """Did the file get what ``change`` had for it? Perhaps its client has written it anew since."""
        if self.place.digest in {change.before, change.after}:
            return self.place.digest == change.after
        there = {(one.holder, one.name) for one in self._config(self.place.data).servers()}
        return any((one.holder, one.name) not in there for one in self._moved(change))

    def _moved(self, change: Change) -> tuple[Server, ...]:
        after = {(one.holder, one.name) for one in self._config(change.written()).servers()}
        return tuple(one for one in self._config(change.original()).servers() if (one.holder, one.name) not in after)

    def apply(self, plan: Plan) -> Change:
        """Do what ``plan`` says, which was made from this very file."""
        with self._alone():
            self._settle()
            now = self._tools.clock.now()
            entries = tuple(_entry(move, one, now) for move in plan.moves for one in move.lifted)
            change = self._changes.begin(
                self.place.data,
                plan.after.data,
                servers=tuple(one.name for one in plan.moves),
                secrets=tuple(dict.fromkeys(one.name for one in entries)),
                at=now,
            )
            if entries:
                self._tools.secrets.change(lambda known: {**known, **{one.name: one for one in entries}})
            for move in plan.moves:
                self._tools.book.add(move)
            places.replace(self.place, plan.after.data)
            return self._finished(change)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        folder = os.path.join(self._tools.home, "clients")
        make_private_folder(folder)
        with locked(os.path.join(folder, "lock"), "the clients"):
            yield

    def _settle(self) -> None:
        """A change that broke off: finished if the file has it, else taken back, because it is made anew now."""
        found = self._changes.newest()
        if found is None or found.phase == DONE:
            return
        if found.phase == BEGUN and self._is_written(found):
            self._finished(found)
        elif found.phase == BEGUN or self._is_back(found):
            self._forget(found)
        else:
            raise HostFailed("host.client_changed", "undoing broke off", where=self.place.named, hint="finish it first: mpp protect --undo")

    def _is_back(self, change: Change) -> bool:
        """Is the file what it was before, or what undoing was to make of it?"""
        return self.place.digest == change.before or (change.phase == UNDOING and self.place.digest == change.target)

    def _finished(self, change: Change) -> Change:
        """Copies that ``mpp connect`` made beside the file hold the same secrets: they go where the others are."""
        done = self._changes.put(replace(change, phase=DONE))
        for path in places.backups(self.place):
            places.take_away(path, self._changes.folder)
        return done

    def undo(self, *, force: bool) -> Undone:
        """The file as it was before the newest change, byte for byte."""
        with self._alone():
            change = self._changes.newest()
            if change is None:
                raise Refused("host.client_missing", "MPP has moved no server of this file", where=self.place.named, hint="see `mpp protect --check`")
            if not self._is_back(change) and (change.phase != BEGUN or self._is_written(change)):
                self._restore(change, force=force)
            kept = self._forget(change)
            return Undone(path=self.place.path, servers=change.servers, kept_secrets=kept, earlier=self._changes.count())

    def _restore(self, change: Change, *, force: bool) -> None:
        if self.place.digest == change.after:
            data = change.original()
        elif force:
            now, ours = self._config(self.place.data), self._ours
            had_ours = any(map(ours, self._config(change.original()).servers()))
            kept = now if had_ours else now.without(tuple(filter(ours, now.servers())))
            data = kept.with_back(self._moved(change), self._config(change.original())).data
        else:
            message = "the file was changed since: " + "; ".join(self.difference(change))
            hint = "with --force the servers are put back and everything else stays as it is now"
            raise Refused("host.client_changed", message, where=self.place.named, hint=hint)
        self._changes.put(replace(change, phase=UNDOING, target=places.digest(data)))
        places.replace(self.place, data)

    def _ours(self, one: Server) -> bool:
        return one.name == OUR_NAME and one.holder == self._client.key and looks_ours(one)

    def difference(self, change: Change) -> tuple[str, ...]:
        """How the file differs from what was written: names and numbers only, because values may be secrets."""
        before, now = _entries_of(self._config(change.written())), _entries_of(self._config(self.place.data))
        told = [f"server {shown(one)} was added" for one in sorted(now.keys() - before.keys())]
        told += [f"server {shown(one)} was removed" for one in sorted(before.keys() - now.keys())]
        told += [f"server {shown(one)} was changed" for one in sorted(before.keys() & now.keys()) if before[one] != now[one]]
        lines = [Counter(data.splitlines()) for data in (change.written(), self.place.data)]
        count = max((lines[0] - lines[1]).total(), (lines[1] - lines[0]).total())
        return (*told, f"{count} lines differ" if count else "the order of lines differs")

    def _forget(self, change: Change) -> tuple[str, ...]:
        """Servers and secrets of a change go; a value that somebody has stored anew since stays."""
        for name in change.servers:
            self._tools.book.remove(name)
        stored = self._tools.secrets.load() if change.secrets else {}
        ours = frozenset(name for name in change.secrets if name in stored and stored[name].created == change.at)
        if ours:
            self._tools.secrets.change(lambda known: {name: entry for name, entry in known.items() if name not in ours})
        self._changes.end(change)
        return tuple(name for name in change.secrets if name in stored and name not in ours)


def _entry(move: Move, one: Lifted, now: int) -> SecretEntry:
    return make_entry(one.store_name, one.text, created=now, packages=(package_of(move.name),))


def _entries_of(config: Config) -> Mapping[str, object]:
    return {" ".join((*one.holder[1:-1], one.name)): config.entry(one) for one in config.servers()}


def protected(client: Client, found: Place, home: str) -> Change | None:
    """The newest change of a file."""
    return Changes(home, client.name, found.path).newest()
