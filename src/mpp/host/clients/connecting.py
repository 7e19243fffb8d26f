"""Our entry into a client's file, and out of it again."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.host.clients import place as places
from mpp.host.clients.config import Config, OUR_NAME
from mpp.host.clients.journal import alone
from mpp.host.clients.known import Client
from mpp.host.clients.launcher import Launcher, looks_ours
from mpp.host.clients.place import Place
from mpp.host.clients.servers import Server
from mpp.model.value import value


@value
class Change:
    """What would be written, from what was taken."""

    place: Place
    before: Config
    after: Config

    @property
    def changes(self) -> bool:
        return self.after.data != self.before.data

    @property
    def others(self) -> int:
        """Servers in the file that are not ours."""
        return sum(one.name != OUR_NAME or not looks_ours(one) for one in self.after.servers())


def connection(client: Client, path: str, launcher: Launcher, owner: int) -> Change:
    """With our entry, which replaces an older one of ours and nothing else."""
    place, before = _taken(client, path, owner)
    ours = _ours(before)
    if ours is not None and before.entry(ours) == launcher.entry(client):
        return Change(place=place, before=before, after=before)
    return Change(place=place, before=before, after=before.with_ours(launcher.entry(client)))


def removal(client: Client, path: str, owner: int) -> Change:
    """Without our entry."""
    place, before = _taken(client, path, owner)
    ours = _ours(before)
    return Change(place=place, before=before, after=before if ours is None else before.without((ours,)))


def _taken(client: Client, path: str, owner: int) -> tuple[Place, Config]:
    place = places.look(path, owner)
    return place, Config(client, place.data, place.named)


def _ours(config: Config) -> Server | None:
    found = next((one for one in config.servers() if one.name == OUR_NAME and one.holder == config.client.key), None)
    if found is not None and not looks_ours(found):
        message = f"a server of the name {OUR_NAME!r} is there that MPP did not write"
        raise Refused("host.client_name", message, where=config.where, hint="give it another name there, or move it with `mpp protect`")
    return found


def write(change: Change, home: str) -> str:
    """The path of the copy that was made first; empty where there was no file."""
    with alone(home):
        copy = places.back_up(change.place)
        places.replace(change.place, change.after.data)
    return copy
