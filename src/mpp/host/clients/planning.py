"""What ``mpp protect`` would do with one configuration: each server with its new name and its secrets, and those that stay, with the reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

from mpp.errors import Refused
from mpp.host.clients.config import Config, OUR_NAME
from mpp.host.clients.launcher import Launcher, looks_ours
from mpp.host.clients.lifting import has_secret_url, is_secret_url, secret_variables, secret_words, See, split_url, split_word
from mpp.host.clients.servers import Server
from mpp.host.secret_entry import make_entry, SecretEntry
from mpp.model.hosts import WEB_PORTS
from mpp.model.jsontext import shown
from mpp.model.value import value

NAME_CHARS_MAX = 40
"""Characters of the name that a server gets here. Reason: it stands before each of its tools, and clients bound those names."""


SKIPPED = "you leave it out; it bypasses MPP"


@value
class Lifted:
    """One value that goes into the store of secrets. It never shows itself."""

    kind: str
    """``env``, ``header``, ``word`` of the command, or ``url``."""
    key: str
    """The variable or the header; for a word and an address a variable that is made up for it."""
    store_name: str
    text: str
    host: str = ""
    """For a header: the only host that it is sent to."""
    index: int = 0
    """For a word: its place in the command."""
    marked: str = ""
    """For a word and an address: what is written instead, with a mark in the place of the value."""
    is_secret: bool = True
    """False: a setting that is only kept with the secrets because that is where variables are."""

    def __repr__(self) -> str:
        """Attack: a value that stands in a log because somebody printed what held it."""
        return f"Lifted({self.store_name})"

    __str__ = __repr__


@value
class Move:
    """One server that goes behind ``mpp serve``."""

    server: Server
    name: str
    lifted: tuple[Lifted, ...]
    is_known: bool = False
    """The book has this very server already, from another file or another place in this one."""


@value
class Left:
    """One server that stays where it is."""

    server: Server
    why: str


@value
class Plan:
    """Nothing of it is done yet."""

    before: Config
    after: Config
    moves: tuple[Move, ...]
    left: tuple[Left, ...]

    @property
    def changes(self) -> bool:
        return self.after.data != self.before.data


class LegacyServers(Protocol):
    """Where servers go that are put behind MPP: the book of older servers of this home."""

    def names(self) -> frozenset[str]: ...

    def store_name(self, server: str, key: str) -> str:
        """Under which name a value of a server is stored among the secrets."""

    def why_not(self, move: Move) -> str:
        """Why the book does not take it; empty if it does."""

    def likeness(self, server: Server) -> Hashable:
        """Equal for servers that are one and the same here."""

    def known(self, move: Move) -> str:
        """The name under which the book has this very server, with the same values; empty if it has not."""

    def add(self, move: Move) -> None:
        """Write it into the book, in place of one of the same name. Nothing is started."""

    def remove(self, name: str) -> None:
        """Take it out; nothing happens if it is not there."""


def make_plan(config: Config, launcher: Launcher, book: LegacyServers, see: See, *, ours: Collection[str] = (), skip: Collection[str] = ()) -> Plan:
    """``ours``: names in the book that an earlier run, which broke off, wrote for this very file. ``skip``: servers that their owner leaves where they are."""
    theirs = tuple(one for one in config.servers() if one.name != OUR_NAME or one.holder != config.client.key or not looks_ours(one))
    moves, left = sort_out(theirs, book, see, ours=ours, skip=skip)
    after = config.without(tuple(one.server for one in moves))
    if moves:
        if any(one.server.name == OUR_NAME and one.server.holder == config.client.key for one in left):
            raise Refused("host.client_name", f"another server has the name {OUR_NAME!r} and cannot be moved", where=config.where, hint="give it another name")
        after = after.with_ours(launcher.entry(config.client))
    return Plan(before=config, after=after, moves=moves, left=left)


def sort_out(
    servers: tuple[Server, ...], book: LegacyServers, see: See, *, ours: Collection[str] = (), skip: Collection[str] = ()
) -> tuple[tuple[Move, ...], tuple[Left, ...]]:  # fmt: skip
    """Those that the book takes, each with a name of its own, and those that it does not."""
    taken = set(book.names()) - set(ours)
    moves: list[Move] = []
    left: list[Left] = []
    same: dict[Hashable, str] = {}
    claimed: dict[str, str] = {}
    for server in servers:
        if server.why_not or server.name in skip:
            left.append(Left(server=server, why=server.why_not or SKIPPED))
            continue
        name = same.get(book.likeness(server), "")
        move = _move(server, name or _free(_slug(server.name), taken), book, see, is_known=bool(name))
        known = "" if name else book.known(move)
        if known and known not in ours:
            move = _move(server, known, book, see, is_known=True)
        why = "" if move.is_known else _why_in_the_clear(move, see) or _why_no_secret(move, claimed) or book.why_not(move)
        if why:
            left.append(Left(server=server, why=why))
            continue
        taken.add(move.name)
        claimed |= {one.store_name: one.text for one in move.lifted}
        same[book.likeness(server)] = move.name
        moves.append(move)
    return tuple(moves), tuple(left)


def _move(server: Server, name: str, book: LegacyServers, see: See, *, is_known: bool) -> Move:
    return Move(server=server, name=name, lifted=lift(server, name, book, see), is_known=is_known)


def lift(server: Server, name: str, book: LegacyServers, see: See) -> tuple[Lifted, ...]:
    secret = secret_variables(server, see)
    # A variable without a value is none.
    found = [Lifted(kind="env", key=key, store_name=book.store_name(name, key), text=text, is_secret=key in secret) for key, text in server.env if text]
    host = _host(server.url)
    found += [Lifted(kind="header", key=key, store_name=book.store_name(name, key), text=text, host=host) for key, text in server.headers]
    taken = {key for key, _ in server.env}
    for index in sorted(secret_words(server, see)):
        before, text = split_word(server.command[index])
        key = _unused(f"ARG_{index}", taken)
        found.append(Lifted(kind="word", key=key, store_name=book.store_name(name, key), text=text, index=index, marked=f"{before}${{{key}}}"))
    if has_secret_url(server, see):
        before, text = split_url(server.url)
        key = _unused("URL", taken)
        found.append(Lifted(kind="url", key=key, store_name=book.store_name(name, key), text=text, marked=f"{before}${{{key}}}"))
    return tuple(found)


def _unused(key: str, taken: set[str]) -> str:
    while key in taken:
        key = "_" + key
    return key


def marked_words(server: Server, lifted: tuple[Lifted, ...]) -> tuple[str, ...]:
    """The command with marks in the place of its secrets."""
    marks = {one.index: one.marked for one in lifted if one.kind == "word"}
    return tuple(marks.get(index, word) for index, word in enumerate(server.command))


def marked_url(server: Server, lifted: tuple[Lifted, ...]) -> str:
    return next((one.marked for one in lifted if one.kind == "url"), server.url)


def _host(url: str) -> str:
    """As a secret is bound to it: with its port where that is not 443."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}{'' if parts.port in {None, WEB_PORTS['https']} else f':{parts.port}'}"
    except ValueError:
        return ""


def package_of(name: str) -> str:
    """What stands where a package has its id: only this server may have the secrets."""
    return f"legacy.{name}"


def secret_of(move: Move, one: Lifted, now: int) -> SecretEntry:
    """The value as it is stored: for this server alone, and for a header bound to its host."""
    header = one.key if one.kind == "header" else ""
    return make_entry(one.store_name, one.text, created=now, host=one.host, header=header, packages=(package_of(move.name),))


def _why_in_the_clear(move: Move, see: See) -> str:
    """Attack: a secret in the host of an address, or in the name before a value, which no mark takes out."""
    url = marked_url(move.server, move.lifted)
    if (url and (is_secret_url(url) or any(True for _ in see([url])))) or any(one.kind == "url" and not one.text for one in move.lifted):
        return "a secret stands before the path of its address"
    return "a secret stands in a word of its command that MPP cannot part" if any(True for _ in see([*marked_words(move.server, move.lifted)])) else ""


def _why_no_secret(move: Move, claimed: Mapping[str, str]) -> str:
    try:
        for one in move.lifted:
            secret_of(move, one, 0)
    except Refused as fault:
        return f"{fault.message} ({shown(one.key)})"
    other = next((one.key for one in move.lifted if claimed.get(one.store_name, one.text) != one.text), "")
    return f"another server has another value for {shown(other)}: give one of them another name for it" if other else ""


def _slug(name: str) -> str:
    """A name as the book takes it: lower case, digits, single dashes, a letter first."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[:NAME_CHARS_MAX].strip("-")
    return plain if plain[:1].isalpha() else f"server-{plain}".rstrip("-")


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(one for number in range(2, len(taken) + 3) if (one := f"{name}-{number}") not in taken)


def words_of(server: Server, lifted: tuple[Lifted, ...] = ()) -> str:
    """The command or the address on a screen, without what is secret."""
    if server.url:
        return shown(marked_url(server, lifted).partition("?")[0])
    return shown(" ".join(marked_words(server, lifted)), 160)
