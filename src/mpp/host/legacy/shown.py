"""How older servers are put in words, for a screen and for a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpp.host.legacy.offers import own_name, TOOL
from mpp.host.legacy.types import Barriers, Entry, HTTP, Login
from mpp.model.jsontext import shown
from mpp.stages.privacy.guard import Change

COMMAND_SHOWN = 300
"""Characters of a command or an address that are shown. Reason: three lines; `--json` has it whole."""

SAID_SHOWN = 200
"""Characters of a text of a server that are shown of a difference. Reason: as for a line of a question."""


def state_of(entry: Entry) -> str:
    """In a word or two."""
    if entry.stopped is not None:
        return "given up"
    if entry.pins is None:
        return "not listed yet"
    return f"{len(entry.held)} kept back" if entry.held else "ready"


def place_of(entry: Entry) -> str:
    server = entry.server
    return shown(server.url if server.kind == HTTP else " ".join(server.command), COMMAND_SHOWN)


def callable_of(entry: Entry, kind: str = TOOL) -> list[str]:
    """The tools, or what else of this kind, that are as they were agreed to, by their own names."""
    held = {one.name for one in entry.held}
    return [own_name(one.name) for one in entry.of(kind) if one.name not in held]


def permissions(entry: Entry) -> Iterator[tuple[str, str]]:
    """What it may use, a line each."""
    server = entry.server
    yield ("address" if server.kind == HTTP else "command"), place_of(entry)
    if server.kind == HTTP:
        yield from (("secret", f"{one.secret}, sent as {one.name}") for one in server.headers)
        yield from (("secret", f"the variable {name}, from the secrets of this home, in the address") for name in server.env)
        if server.login is not None:
            yield from _login(server.login)
        return
    yield "sandbox", "of the system" if server.sandboxed else "NONE: it can do all that you can"
    if server.folder:
        yield "starts in", shown(server.folder, COMMAND_SHOWN)
    yield from (("may read", shown(one, COMMAND_SHOWN)) for one in server.read)
    yield from (("may change", shown(one, COMMAND_SHOWN)) for one in server.write)
    yield from (("may reach", one.shown) for one in server.hosts)
    if not server.hosts and server.sandboxed:
        yield "may reach", "no host"
    yield from (("is given", f"the variable {name}, from the secrets of this home") for name in server.env)
    yield "code", "one version" if server.pinned_code else "NOT PINNED: each start may run another version"


def _login(login: Login) -> Iterator[tuple[str, str]]:
    yield "login", f"at {shown(login.issuer, COMMAND_SHOWN)}, {'by the right of this host alone' if login.own else 'by you, in a browser'}"
    yield (
        "known as",
        f"{shown(login.client_id, COMMAND_SHOWN) or 'whatever it registers this host as'}{f', with the secret {login.secret}' if login.secret else ''}",
    )
    yield "may", ", ".join(shown(one, COMMAND_SHOWN) for one in login.scopes) or "what the issuer gives without being asked for more"


def barrier_lines(barriers: Barriers) -> Iterator[tuple[str, str]]:
    yield from ((name, f"holds: {words}") for name, words in sorted(barriers.held.items()))
    yield from ((name, f"MISSING: {words}") for name, words in sorted(barriers.missing.items()))


def change_lines(changes: Sequence[Change]) -> Iterator[str]:
    for one in changes:
        where = f"{shown(one.tool)}{shown(one.where)}"
        if one.was or one.now:
            yield f"{where}: {one.what}"
            yield from (f"    {sign} {shown(text, SAID_SHOWN)}" for sign, text in (("-", one.was), ("+", one.now)) if text)
        else:
            yield f"{where}: {one.what}"
