"""How older servers look in JSON, and on the screen where it needs a time."""

from __future__ import annotations

from mpp.cli.options import show_time
from mpp.host.legacy.offers import PROMPT, RESOURCE, TEMPLATE
from mpp.host.legacy.shown import callable_of, COMMAND_SHOWN, state_of
from mpp.host.legacy.types import Barriers, Entry, HTTP
from mpp.host.sources.naming import public_name
from mpp.model.jsontext import Json, shown


def entry_json(entry: Entry, barriers: Barriers | None) -> dict[str, Json]:
    server = entry.server
    held: list[Json] = [{"name": one.name, "why": one.why} for one in entry.held]
    headers: list[Json] = [{"name": one.name, "secret": one.secret} for one in server.headers]
    found: dict[str, Json] = {
        "name": server.name, "package": server.package_id, "verified": False, "kind": server.kind, "command": [*server.command], "url": server.url,
        "read": [*server.read], "write": [*server.write], "hosts": [one.shown for one in server.hosts], "env": [*server.env], "folder": server.folder, "headers": headers, "sandboxed": server.sandboxed,
        "code_pinned": server.pinned_code, "state": state_of(entry), "tools": [*callable_of(entry)], "served_as": {one: public_name(server.name, one) for one in callable_of(entry)}, "prompts": [*callable_of(entry, PROMPT)],
        "resources": [*callable_of(entry, RESOURCE)], "templates": [*callable_of(entry, TEMPLATE)], "held": held, "content": entry.content_hash,
        "added": server.added, "by": server.by,
    }  # fmt: skip
    if server.login is not None:
        scopes: list[Json] = [*server.login.scopes]
        found["login"] = {
            "issuer": server.login.issuer,
            "client_id": server.login.client_id,
            "secret": server.login.secret,
            "scopes": scopes,
            "own": server.login.own,
        }
    if entry.stopped is not None:
        found["stopped"] = {"since": entry.stopped.since, "why": entry.stopped.why}
    if barriers is not None and server.kind != HTTP:
        found["barriers"] = {"held": dict(barriers.held), "missing": dict(barriers.missing)}
    return found


def stopped_words(entry: Entry) -> str:
    return "" if entry.stopped is None else f"given up on {show_time(entry.stopped.since)}: {shown(entry.stopped.why, COMMAND_SHOWN)}"
