"""Taking an older server in: what was asked for, judged; started once; what it says of itself, shown and pinned. `mpp protect` does the same for many."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from mpp.cli.options import here, home, is_fleet
from mpp.errors import Refused
from mpp.host.fleet import fleet_settings, refuse_in_fleet
from mpp.host.legacy.http_connection import what_it_says
from mpp.host.legacy.keeping import Surroundings
from mpp.host.legacy.limits import ENV_MAX, HOSTS_MAX, PATHS_MAX
from mpp.host.legacy.looking import at_home, look_at, Seen
from mpp.host.legacy.plan import (
    files_among,
    find_program,
    is_code_pinned,
    judge_command,
    judge_folder,
    judge_headers,
    judge_host,
    judge_name,
    judge_path,
    judge_variable,
)
from mpp.host.legacy.oauth.held import forget
from mpp.host.legacy.oauth.login import log_in, login_of, Person
from mpp.host.legacy.oauth.web import Web
from mpp.host.legacy.types import Entry, HTTP, Login, Server, STDIO
from mpp.host.legacy.values import check_marked, mark
from mpp.host.policy_http import is_address
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.scope import path_covered
from mpp.model.value import value


@value
class Wish:
    """What the command was asked for, as it was written."""

    name: str
    words: tuple[str, ...]
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """One for each of the headers."""
    folder: str = ""
    unsandboxed: bool = False
    login: Login | None = None
    """Log in with OAuth; what the owner left out is what the server names."""


def around() -> Surroundings:
    """What starting a server needs, at the command line: as a host of this home would have it."""
    return at_home(home(), SystemClock(), is_fleet=is_fleet)


def server_of(wish: Wish, *, by: str, now: int) -> Server:
    """The server that was asked for. Raises Refused ``usage.legacy`` for what cannot be."""
    name = judge_name(wish.name)
    if wish.unsandboxed:
        refuse_in_fleet(fleet_settings(), "--unsandboxed")
        if is_fleet():
            raise Refused("consent.fleet", "this host starts no server without a sandbox", where=name, hint="ask its administrator")
    if len(wish.words) == 1 and is_address(wish.words[0]):
        return _remote(wish, name, by, now)
    if wish.login is not None:
        raise Refused("usage.legacy", "--oauth is for a server with an address", where=name, hint="leave it out")
    if wish.headers or wish.secrets:
        raise Refused("usage.legacy", "--header and --secret are for a server with an address", where=name, hint="give a variable with --env")
    return _local(wish, name, by, now)


def _remote(wish: Wish, name: str, by: str, now: int) -> Server:
    url = wish.words[0]
    try:
        check_marked(url)
    except Refused as fault:
        raise Refused("usage.legacy", fault.message, where=fault.where, hint="give an https address, or http to this machine") from None
    env = tuple(dict.fromkeys(map(judge_variable, wish.env)))
    if wish.read or wish.write or wish.hosts or wish.folder or wish.unsandboxed or any(mark(one) not in url for one in env):
        raise Refused(
            "usage.legacy", "a server with an address runs elsewhere: there are no paths or hosts to give, and variables only that stand in its address",
            where=name, hint="leave them out",
        )  # fmt: skip
    if len(wish.headers) != len(wish.secrets):
        raise Refused("usage.legacy", "--header and --secret go together", where=name, hint="such as --header Authorization --secret WIKI_TOKEN")
    headers = judge_headers(tuple(zip(wish.headers, wish.secrets, strict=True)))
    login = None if wish.login is None else _login(wish.login, wish, name)
    return Server(name=name, kind=HTTP, url=url, headers=headers, env=env, login=login, pinned_code=False, added=now, by=by)


def _login(asked: Login, wish: Wish, name: str) -> Login:
    """With what the server names, for a person to see. Spec: legacy V-70."""
    url = wish.words[0]
    if wish.env or "?" in url or "#" in url or any(one.lower() == "authorization" for one in wish.headers):
        raise Refused("usage.legacy", "a login has an address without values and query, and no other Authorization", where=name, hint="leave them out")
    if (asked.own and not asked.secret) or (asked.secret and not asked.client_id):
        raise Refused("usage.legacy", "a secret is that of a client, and --own needs both", where=name, hint="give --client-id and --client-secret")
    web = Web(url, around().private())
    try:
        return login_of(web, url, asked)
    finally:
        web.close()


def logged_in(server: Server, port: int, show: Callable[[str], None]) -> None:
    """A person logs in at it, or this host does. Spec: legacy V-73."""
    if server.login is None:
        raise Refused("usage.legacy", f"{server.name} is not added with --oauth", where="name", hint="remove it and add it again with --oauth")
    about, web = around(), Web(server.url, around().private())
    try:
        log_in(server, server.login, web, about.secrets, about.environment, about.clock, SystemRandom(), Person(show=show, port=port))
    finally:
        web.close()


def logged_out(server: Server) -> bool:
    """Forgotten here, and told to the issuer. Was it told?"""
    about, web = around(), Web(server.url, around().private())
    try:
        return forget(about.secrets, server, about.environment, web)
    finally:
        web.close()


def _local(wish: Wish, name: str, by: str, now: int) -> Server:
    about, place = around(), here()
    if len(wish.read) + len(wish.write) > PATHS_MAX or len(wish.hosts) > HOSTS_MAX or len(wish.env) > ENV_MAX:
        raise Refused("usage.legacy", "it would get more than a person can look through", where=name, hint="give less")
    words = judge_command(wish.words)
    folder = judge_folder(wish.folder, about.home, here=place) if wish.folder else ""
    find_program(words[0] if os.sep not in words[0] else os.path.join(place, words[0]), about.environment)
    write = tuple(judge_path(one, about.home, here=place) for one in wish.write)
    read = (*(judge_path(one, about.home, here=place) for one in wish.read), *files_among(words, about.home, here=place), *((folder,) if folder else ()))
    return Server(
        name=name, kind=STDIO, command=_whole(words, place), read=_each(read, write), write=_each(write, ()),
        hosts=tuple(dict.fromkeys(judge_host(one) for one in wish.hosts)), env=tuple(dict.fromkeys(judge_variable(one) for one in wish.env)),
        folder=folder, sandboxed=not wish.unsandboxed, pinned_code=is_code_pinned(words), added=now, by=by,
    )  # fmt: skip


def _each(paths: tuple[str, ...], wider: tuple[str, ...]) -> tuple[str, ...]:
    """Each once, and none that lies in another one."""
    found = dict.fromkeys(paths)
    return tuple(one for one in found if not path_covered(one, (*wider, *(other for other in found if other != one))))


def _whole(words: Sequence[str], place: str) -> tuple[str, ...]:
    """Paths that mean something from here only, written whole: the server stands in a folder of its own."""
    first, *rest = words
    program = os.path.normpath(os.path.join(place, os.path.expanduser(first))) if os.sep in first else first
    found = [(one, os.path.join(place, os.path.expanduser(one))) for one in rest]
    return (program, *(os.path.realpath(path) if (os.sep in one or "." in one) and os.path.exists(path) else one for one, path in found))


def look(entry: Entry, others: frozenset[str] = frozenset()) -> Seen:
    """Start it, hear what it says of itself, end it."""
    return look_at(entry, around(), others)


def says(seen: Seen) -> str:
    return what_it_says(seen.greeted)
