"""``$MPP_HOME/legacy/servers.json``: the older servers of one home, what each may use, and what it was agreed to be. Spec: legacy, section 1."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace

from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.host.legacy.limits import (
    COMMAND_WORDS_MAX,
    DEFINITION_BYTES_MAX,
    ENV_MAX,
    HEADERS_MAX,
    HOSTS_MAX,
    PATHS_MAX,
    SERVERS_BYTES_MAX,
    SERVERS_MAX,
    PINS_MAX,
    WORD_BYTES_MAX,
)
from mpp.host.legacy.oauth.limits import SCOPES_MAX, TEXT_CHARS_MAX
from mpp.host.legacy.stamp import stamp
from mpp.host.legacy.types import Entry, Header, Held, HostRule, KINDS, Login, Pin, Server, Stopped
from mpp.model.events import EVENT_TIME_MAX
from mpp.model.fields import Faults, Fields, near
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.limits import ENV_NAME_MAX, HOST_CHARS_MAX, NAME_MAX
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.protocol.mcp_client.limits import URI_CHARS_MAX

WHY_CHARS_MAX = 400
"""Characters of why a tool or a server is kept back. Reason: two lines on the screen."""

PIN_NAME_MAX = URI_CHARS_MAX + NAME_MAX
"""Characters of the name of a pin. Reason: an address with the word for its kind before it."""

Entries = Mapping[str, Entry]


class LegacyStore:
    """One document, changed under a lock and replaced whole. Reading is cheap while it stays the same."""

    def __init__(self, home: str) -> None:
        self.path = os.path.join(home, "legacy", "servers.json")
        self._seen: tuple[Hashable, Entries] | None = None

    def revision(self) -> Hashable:
        """Equal as long as the document is the same."""
        return stamp(self.path)

    def load(self) -> Entries:
        now = self.revision()
        if self._seen is None or self._seen[0] != now:
            self._seen = (now, read_servers(read_bounded(self.path, SERVERS_BYTES_MAX), where=self.path) if now else {})
        return self._seen[1]

    def find(self, name: str) -> Entry:
        entries = self.load()
        if name not in entries:
            hint = near(name, entries) or "see `mpp legacy list`"
            raise Refused("usage.legacy", f"there is no older server {shown(name)!r}", where="name", hint=hint)
        return entries[name]

    def change(self, step: Callable[[Entries], Entries]) -> Entries:
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the older servers"):
            before = self.load()
            after = step(before)
            if after is not before and dict(after) != dict(before):
                write_atomic(self.path, _readable(after), PRIVATE)
        return after

    def put(self, entry: Entry) -> None:
        """Add it; another one of the name is refused."""

        def step(entries: Entries) -> Entries:
            if entry.server.name in entries:
                raise Refused("usage.legacy", f"there is a server {entry.server.name!r} already", where="name", hint="remove it first: mpp legacy remove NAME")
            if len(entries) >= SERVERS_MAX:
                raise Refused("usage.legacy", f"there are {SERVERS_MAX} servers already", where="name", hint="remove some")
            return {**entries, entry.server.name: entry}

        self.change(step)

    def update(self, entry: Entry) -> None:
        """What was found out about a server. One that was removed, or changed, meanwhile stays so."""

        def step(entries: Entries) -> Entries:
            known = entries.get(entry.server.name)
            return {**entries, entry.server.name: entry} if known is not None and known.server == entry.server else entries

        self.change(step)

    def remove(self, name: str) -> Entry:
        found = self.find(name)
        self.change(lambda entries: {one: entry for one, entry in entries.items() if one != name})
        return found

    def stop(self, name: str, since: int, why: str) -> None:
        """Start it no more, until its owner tries it."""
        self.change(
            lambda entries: {**entries, name: replace(entries[name], stopped=Stopped(since=since, why=why[:WHY_CHARS_MAX]))} if name in entries else entries
        )


def _readable(entries: Entries) -> bytes:
    """Attack: one server that nobody can read again takes all others with it, so what is written is read first."""
    try:
        data = write_servers(entries)
        if len(data) <= SERVERS_BYTES_MAX and dict(read_servers(data, where="servers")) == dict(entries):
            return data
        why = f"they would take more than {SERVERS_BYTES_MAX} bytes, or read otherwise than they were written"
    except (HostFailed, ValueError) as fault:
        why = fault.message if isinstance(fault, HostFailed) else "a text of them is no Unicode"
    raise Refused("usage.legacy", f"the server cannot be kept: {why}", where="servers", hint="look at its words, paths and names")


def write_servers(entries: Entries) -> bytes:
    rows: list[Json] = [_row(entries[name]) for name in sorted(entries)]
    return canonical({"mpp_legacy": 1, "servers": rows})


def _row(entry: Entry) -> Json:
    server = entry.server
    hosts: list[Json] = [{"host": one.host, "port": one.port, "wildcard": one.wildcard} for one in server.hosts]
    headers: list[Json] = [{"name": one.name, "secret": one.secret} for one in server.headers]
    held: list[Json] = [{"name": one.name, "why": one.why} for one in entry.held]
    found: dict[str, Json] = {
        "name": server.name, "kind": server.kind, "command": [*server.command], "url": server.url, "read": [*server.read], "write": [*server.write],
        "hosts": hosts, "env": [*server.env], "headers": headers, "folder": server.folder, "sandboxed": server.sandboxed,
        "pinned_code": server.pinned_code, "added": server.added, "by": server.by, "amr": server.amr, "held": held,
    }  # fmt: skip
    if server.login is not None:
        one = server.login
        found["login"] = {"issuer": one.issuer, "client_id": one.client_id, "secret": one.secret, "scopes": [*one.scopes], "own": one.own}
    if entry.pins is not None:
        found["pins"] = [{"name": one.name, "digest": one.digest, "document": one.document} for one in entry.pins]
    if entry.stopped is not None:
        found["stopped"] = {"since": entry.stopped.since, "why": entry.stopped.why}
    return found


def read_servers(data: bytes, *, where: str) -> Entries:
    """Attack: a document that somebody else wrote into this home. It is read as strictly as any."""
    faults = Faults("policy")
    try:
        document = read(data, family="policy", where=where)
    except Refused as fault:
        raise _broken(fault.message, where) from None
    fields = Fields(document, where, faults)
    fields.number("mpp_legacy", least=1, most=1)
    found = fields.each("servers", lambda item, at: _entry(Fields(item, at, faults)), most=SERVERS_MAX)
    fields.end()
    if faults.found:
        raise _broken(faults.found[0].message, faults.found[0].where)
    return {entry.server.name: entry for entry in found}


def _broken(how: str, where: str) -> HostFailed:
    return HostFailed("host.legacy", f"the older servers cannot be read: {how}", where=where, hint="mend the file, or move it away")


def _entry(fields: Fields) -> Entry:
    server = _server(fields)
    held = fields.each("held", lambda item, at: _held(Fields(item, at, fields.faults)), most=2 * PINS_MAX)
    pins = fields.each("pins", lambda item, at: _pin(Fields(item, at, fields.faults)), most=PINS_MAX) if fields.has("pins") else None
    stopped = fields.object("stopped", required=False)
    entry = Entry(server=server, pins=pins, held=held, stopped=None if stopped is None else _stopped(stopped))
    fields.end()
    return entry


def _server(fields: Fields) -> Server:
    login = fields.object("login", required=False)
    return Server(
        name=fields.text("name", most=NAME_MAX),
        kind=fields.one_of("kind", KINDS),
        command=fields.each("command", lambda item, at: _word(item, at, fields.faults), most=COMMAND_WORDS_MAX),
        url=fields.text("url", most=WORD_BYTES_MAX, least=0),
        read=fields.texts("read", most=PATHS_MAX, each_most=WORD_BYTES_MAX),
        write=fields.texts("write", most=PATHS_MAX, each_most=WORD_BYTES_MAX),
        hosts=fields.each("hosts", lambda item, at: _host(Fields(item, at, fields.faults)), most=HOSTS_MAX),
        env=fields.texts("env", most=ENV_MAX, each_most=ENV_NAME_MAX),
        headers=fields.each("headers", lambda item, at: _header(Fields(item, at, fields.faults)), most=HEADERS_MAX),
        login=None if login is None else _login(login),
        folder=fields.text("folder", most=WORD_BYTES_MAX, least=0),
        sandboxed=fields.flag("sandboxed"),
        pinned_code=fields.flag("pinned_code"),
        added=fields.number("added", least=0, most=EVENT_TIME_MAX),
        by=fields.text("by", most=NAME_MAX, least=0),
        amr=fields.text("amr", most=NAME_MAX, least=0),
    )


def _word(item: Json, at: str, faults: Faults) -> str:
    """A word may be empty, and may stand twice: ``-e ONE -e TWO``."""
    return Fields({"word": item}, at, faults).text("word", most=WORD_BYTES_MAX, least=0)


def _login(fields: Fields) -> Login:
    found = Login(
        issuer=fields.text("issuer", most=TEXT_CHARS_MAX),
        client_id=fields.text("client_id", most=TEXT_CHARS_MAX, least=0),
        secret=fields.text("secret", most=ENV_NAME_MAX, least=0),
        scopes=fields.texts("scopes", most=SCOPES_MAX, each_most=TEXT_CHARS_MAX),
        own=fields.flag("own"),
    )
    fields.end()
    return found


def _header(fields: Fields) -> Header:
    found = Header(name=fields.text("name", most=NAME_MAX), secret=fields.text("secret", most=ENV_NAME_MAX))
    fields.end()
    return found


def _host(fields: Fields) -> HostRule:
    found = HostRule(host=fields.text("host", most=HOST_CHARS_MAX), port=fields.number("port", least=1, most=65535), wildcard=fields.flag("wildcard"))
    fields.end()
    return found


def _held(fields: Fields) -> Held:
    found = Held(name=fields.text("name", most=PIN_NAME_MAX), why=fields.text("why", most=WHY_CHARS_MAX))
    fields.end()
    return found


def _pin(fields: Fields) -> Pin:
    found = Pin(
        name=fields.text("name", most=PIN_NAME_MAX),
        digest=fields.text("digest", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        document=fields.text("document", most=DEFINITION_BYTES_MAX),
    )
    fields.end()
    return found


def _stopped(fields: Fields) -> Stopped:
    found = Stopped(since=fields.number("since", least=0, most=EVENT_TIME_MAX), why=fields.text("why", most=WHY_CHARS_MAX))
    fields.end()
    return found
