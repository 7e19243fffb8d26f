"""A plan on the screen and as JSON: names, words and places, never a value that could be a secret."""

from __future__ import annotations

from mpp.cli.screen import note, say
from mpp.host.clients.book import Book, caution
from mpp.host.clients.place import Place
from mpp.host.clients.planning import Left, Move, Plan, words_of
from mpp.host.legacy.types import Server
from mpp.model.jsontext import Json, shown


def servers(count: int) -> str:
    return f"{count} server{'' if count == 1 else 's'}"


def show_plan(plan: Plan, place: Place, book: Book) -> None:
    client = plan.before.client
    say(f"{client.title}: {place.path}")
    if place.is_link:
        note(f"{place.named} leads to {place.path}.")
    for one in plan.moves:
        show_move(one, book.entry(one))
    for left in plan.left:
        say(f"  {shown(left.server.name)} stays: {left.why}")
    if not plan.moves:
        say("  There is nothing to move.")


def show_move(move: Move, server: Server) -> None:
    project = move.server.holder[1] if len(move.server.holder) > 2 else ""
    say(f"  {shown(move.server.name)} {'is there already as' if move.is_known else 'becomes'} {move.name}: {_starts(move)}")
    if move.is_known:
        return
    # Only after a person saw it: a server that one project had is there in all of them now.
    lines = [("only in", shown(project) + ", from now on everywhere")] if project else []
    lines += [
        ("secrets", ", ".join(one.key for one in move.lifted if one.is_secret)),
        ("settings", ", ".join(one.key for one in move.lifted if not one.is_secret)),
    ]
    lines += [("starts in", shown(server.folder))]
    lines += [("may read", ", ".join(map(shown, server.read))), ("may write", ", ".join(map(shown, server.write)))]
    lines += [("may reach", ", ".join(one.shown for one in server.hosts) or ("" if server.url else "no host"))]
    lines += [("lost", ", ".join(move.server.lost)), ("switched off", "yes, but served by MPP" if move.server.is_disabled else "")]
    lines += [("caution", caution(server))]
    for name, words in lines:
        if words:
            say(f"      {name}: {words}")


def _starts(move: Move) -> str:
    return words_of(move.server, move.lifted)


def plan_json(plan: Plan, place: Place, book: Book) -> dict[str, Json]:
    moves: list[Json] = [move_json(one, book.entry(one)) for one in plan.moves]
    left: list[Json] = [left_json(one) for one in plan.left]
    return {"client": plan.before.client.name, "file": place.path, "changed": False, "moves": moves, "left": left}


def move_json(move: Move, server: Server) -> Json:
    secrets: list[Json] = [{"key": one.key, "stored_as": one.store_name, "secret": one.is_secret} for one in move.lifted]
    hosts: list[Json] = [one.shown for one in server.hosts]
    allowed: dict[str, Json] = {"read": [*server.read], "write": [*server.write], "hosts": hosts}
    return {
        "server": move.server.name, "place": [*move.server.holder], "name": move.name, "known": move.is_known, "starts": _starts(move), "kind": server.kind,
        "values": secrets, "lost": [*move.server.lost], "disabled": move.server.is_disabled, "folder": server.folder, "caution": caution(server), **allowed,
    }  # fmt: skip


def left_json(left: Left) -> Json:
    return {"server": left.server.name, "place": [*left.server.holder], "why": left.why}
