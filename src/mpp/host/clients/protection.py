"""Putting a client's servers behind MPP and taking that back, each in steps of which any may be the last.

The order is what makes it safe: first all that undoing needs, then what the servers need here, and the client's own file last, in
one step. Until then the client works as before; from then on everything that it needs is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from mpp.errors import HostFailed, Refused
from mpp.host.clients import place as places
from mpp.host.clients.config import Config, OUR_NAME
from mpp.host.clients.journal import alone, BEGUN, Change, Changes, DONE, UNDOING
from mpp.host.clients.known import Client
from mpp.host.clients.launcher import Launcher, looks_ours
from mpp.host.clients.lifting import every_text, See
from mpp.host.clients.place import Place
from mpp.host.clients.planning import LegacyServers, lift, make_plan, Move, package_of, Plan, secret_of
from mpp.host.clients.servers import Server
from mpp.host.secret_entry import SecretEntry
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

    def plan(self, skip: Collection[str] = ()) -> Plan:
        """``skip``: names of servers that stay where they are."""
        return make_plan(self._config(self.place.data), self._tools.launcher, self._tools.book, self._tools.see, ours=self._broken_off(), skip=skip)

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

    def apply(self, plan: Plan) -> Change | None:
        """Do what ``plan`` says, which was made from this very file. Where it says nothing, what broke off earlier is finished."""
        with alone(self._tools.home):
            self._settle()
            if not plan.changes:
                return self._changes.newest()
            now = self._tools.clock.now()
            new = tuple(one for one in plan.moves if not one.is_known)
            ours = {name for other in self._changes.others() for name in other.owned} | {one.name for one in new}
            names = tuple(one.name for one in plan.moves)
            change = self._changes.begin(
                self.place.data,
                plan.after.data,
                servers=names,
                owned=tuple(one for one in dict.fromkeys(names) if one in ours),
                secrets=tuple(dict.fromkeys(one.store_name for move in plan.moves for one in move.lifted)),
                at=now,
            )
            register(new, self._tools.book, self._tools.secrets, now)
            places.replace(self.place, plan.after.data)
            return self._finished(change)

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

    @property
    def is_changed(self) -> bool:
        return self._changes.newest() is not None

    def may_undo(self, *, force: bool) -> None:
        """Refuse what ``undo`` would refuse, before anybody is asked."""
        change = self._newest()
        if self._needs_restoring(change):
            self._restored(change, force=force)

    def _newest(self) -> Change:
        change = self._changes.newest()
        if change is None:
            raise Refused("host.client_missing", "MPP has moved no server of this file", where=self.place.named, hint="see `mpp protect --check`")
        return change

    def _needs_restoring(self, change: Change) -> bool:
        return not self._is_back(change) and (change.phase != BEGUN or self._is_written(change))

    def undo(self, *, force: bool) -> Undone:
        """The file as it was before the newest change, byte for byte."""
        with alone(self._tools.home):
            change = self._newest()
            if self._needs_restoring(change):
                data = self._restored(change, force=force)
                self._changes.put(replace(change, phase=UNDOING, target=places.digest(data)))
                places.replace(self.place, data)
            kept = self._forget(change)
            return Undone(path=self.place.path, servers=change.servers, kept_secrets=kept, earlier=self._changes.count())

    def _restored(self, change: Change, *, force: bool) -> bytes:
        """The file as it was; or with ``force``, as it is now with the servers that it had."""
        original = change.original()
        if self.place.digest == change.after:
            return original
        if not force:
            message = "the file was changed since: " + "; ".join(self.difference(change))
            hint = "with --force the servers are put back and everything else stays as it is now"
            raise Refused("host.client_changed", message, where=self.place.named, hint=hint)
        now, then = self._config(self.place.data), self._config(original)
        kept = now if any(map(self._ours, then.servers())) else now.without(tuple(filter(self._ours, now.servers())))
        return kept.with_back(self._moved(change), then).data

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
        """Servers and secrets of a change go, but for those that another file needs; a value that somebody has stored anew since stays."""
        gone = frozenset(change.owned) - {name for other in self._changes.others(change) for name in other.servers}
        for name in gone:
            self._tools.book.remove(name)
        kept = forget_secrets(tuple(one for one in self._moves(change) if one.name in gone), self._tools.secrets) if change.secrets else ()
        self._changes.end(change)
        return kept

    def _moves(self, change: Change) -> Iterator[Move]:
        """What was moved, with the names that it got."""
        for one, name in zip(self._moved(change), change.servers, strict=False):
            # Which words were secrets is in the journal: it is not looked for again.
            lifted = tuple(each for each in lift(one, name, self._tools.book, every_text) if each.store_name in change.secrets)
            yield Move(server=one, name=name, lifted=lifted)


def register(moves: tuple[Move, ...], book: LegacyServers, secrets: SecretStore, now: int) -> None:
    """Values first, so that no server is there without what it needs."""
    wanted = [secret_of(move, one, now) for move in moves for one in move.lifted]
    if wanted:
        secrets.change(lambda known: _with(known, wanted))
    for move in moves:
        book.add(move)


def _with(known: Mapping[str, SecretEntry], wanted: Iterable[SecretEntry]) -> Mapping[str, SecretEntry]:
    """A value that is there already is for one server more; another value stays, and the plan said so."""
    found = dict(known)
    for one in wanted:
        there = found.get(one.name, one)
        if (there.value, there.host, there.kind) != (one.value, one.host, one.kind):
            raise Refused("secret.exists", "another value was stored under the name meanwhile", where=one.name, hint="run the command again")
        # Without packages it is for all.
        found[one.name] = replace(there, packages=tuple(sorted({*there.packages, *one.packages}))) if there.packages else there
    return found


def forget_secrets(moves: tuple[Move, ...], secrets: SecretStore) -> tuple[str, ...]:
    """The values of servers that go. One that is for others too stays for them; one that was stored anew stays whole, and is named."""
    kept: list[str] = []

    def step(known: Mapping[str, SecretEntry]) -> Mapping[str, SecretEntry]:
        found = dict(known)
        for move in moves:
            for one in move.lifted:
                there = found.get(one.store_name)
                if there is None or package_of(move.name) not in there.packages:
                    continue
                if there.value != one.text:
                    kept.append(one.store_name)
                    continue
                left = tuple(name for name in there.packages if name != package_of(move.name))
                found.pop(one.store_name)
                found |= {one.store_name: replace(there, packages=left)} if left else {}
        return known if found == known else found

    secrets.change(step)
    return tuple(dict.fromkeys(kept))


def _entries_of(config: Config) -> Mapping[str, object]:
    return {" ".join((*one.holder[1:-1], one.name)): config.entry(one) for one in config.servers()}


def protected(client: Client, found: Place, home: str) -> Change | None:
    """The newest change of a file."""
    return Changes(home, client.name, found.path).newest()
