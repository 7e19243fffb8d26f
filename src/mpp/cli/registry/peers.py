"""``mpp registry peers``: whom a registry of this machine asks about packages that it does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mpp.cli.groups import Words
from mpp.cli.options import json_option, quoted, show_time
from mpp.cli.registry.opening import opened_here, registry_options
from mpp.cli.screen import note, put_json, say, styled, table, WRONG
from mpp.crypto.roots import read_chain, RootChain
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.model.jsontext import Json, shown

if TYPE_CHECKING:
    from mpp.protocol.registry.peerlist import PeerList

_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


@click.group(name="peers", cls=Words, no_args_is_help=True)
def command() -> None:
    """Say which other registries a registry of this machine asks about packages that it does not have.

    The list is signed with the registry's log key, and its digest goes into the log. A peer is believed for nothing but
    what its own log proves, and only for the namespaces that you name. A name that lies in a private namespace is told
    to nobody.

    \b
    Examples:
      mpp registry peers add https://packages.example.org --id 4e73bb58… --namespace org.example
      mpp registry peers add https://packages.example.net --root root.json --namespace "*"
      mpp registry peers private add com.example.internal
      mpp registry peers list
    """


@command.command()
@click.argument("url")
@click.option("--id", "registry_id", default="", metavar="ID", help="The whole id of the registry, that you got another way: 64 digits.")
@click.option("--root", default="", metavar="FILE", type=click.Path(dir_okay=False), help="Its root documents, in place of asking for them.")
@click.option("--namespace", "namespaces", multiple=True, required=True, metavar="NAME", help='What it answers for: com.example, or "*". May be repeated.')
@click.option("--introduces", is_flag=True, help="It may answer with registries that are not in the list.")
@registry_options
@json_option
def add(
    url: str, registry_id: str, root: str, namespaces: tuple[str, ...], introduces: bool, data: str, database_url: str, blobs: str, as_json: bool
) -> None:  # fmt: skip
    """Ask the registry at URL from now on, about the packages of some namespaces.

    A namespace that is named for a peer is asked for there and nowhere else. "*" stands for all that nobody is named
    for, but for those that are proven here. One that is in the list already is replaced.

    \b
    Examples:
      mpp registry peers add https://packages.example.org --id 4e73bb58… --namespace org.example
      mpp registry peers add https://hub.example.net --root hub-root.json --namespace "*" --introduces

    \b
    Exit code:
      0        it is asked from now on
      2, 41    no such registry, namespace or address
      40       it does not answer
    """
    with opened_here(data, database_url, blobs) as services:
        from mpp.protocol.registry.peerlist import check_url, Peer  # noqa: PLC0415 - the registry is not everywhere
        from mpp_registry.federation.peers import add_peer  # noqa: PLC0415

        checked = check_url(url)
        chain = _chain_of(checked, registry_id, root)
        listed = add_peer(services, Peer(chain=chain, url=checked, namespaces=namespaces, introduces=introduces))
    _show_change(listed, chain.publisher_id, "added", as_json)


def _chain_of(url: str, registry_id: str, root: str) -> RootChain:
    """Whose log is it? That is never learned from the address alone. Spec: federation U-5."""
    if root:
        chain = read_chain(read_bounded(root, 256 * 1024 + 1).removesuffix(b"\n"), where=root)
    elif registry_id:
        from mpp.host.enrolment.wire import Patience, Web  # noqa: PLC0415 - only here
        from mpp.protocol.registry.answers import read_info  # noqa: PLC0415

        info = read_info(Web().get(f"{url}/v1/registry", {"Accept": "application/json"}, 512 * 1024, Patience(seconds=20)).body, where=url)
        chain = read_chain(info.roots, where=shown(url))
    else:
        raise Refused("usage.option", "say which registry you mean", hint="give its whole id with --id, or its root documents with --root")
    if registry_id and chain.publisher_id != registry_id.replace(" ", "").lower():
        raise Refused("registry.identity", "another registry is there than the one that you mean", where=shown(url), hint="stop: compare the ids")
    return chain


def _show_change(listed: PeerList, registry_id: str, change: str, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, "changed": registry_id, "change": change, "version": listed.version, "peers": len(listed.peers)})
        return
    say(f"The registry {registry_id[:16]} was {change}. The list has {len(listed.peers)} peers, and is version {listed.version}.")


@command.command()
@click.argument("registry_id")
@registry_options
@json_option
def remove(registry_id: str, data: str, database_url: str, blobs: str, as_json: bool) -> None:
    """Ask the registry with this id no more: 16 digits or more of it.

    \b
    Example:
      mpp registry peers remove 4e73bb58d6639694
    """
    with opened_here(data, database_url, blobs) as services:
        from mpp_registry.federation.peers import remove_peer  # noqa: PLC0415 - the registry is not everywhere

        listed = remove_peer(services, registry_id)
    _show_change(listed, registry_id, "removed", as_json)


@command.command(name="list")
@registry_options
@json_option
def list_(data: str, database_url: str, blobs: str, as_json: bool) -> None:
    """Show the peers, what was seen of their logs, and what speaks against them.

    How they answered lately is known to the server that runs: see its /v1/peers.

    \b
    Example:
      mpp registry peers list --json
    """
    with opened_here(data, database_url, blobs) as services:
        from mpp_registry.federation.page import peers_json  # noqa: PLC0415 - the registry is not everywhere
        from mpp_registry.federation.peers import private_namespaces  # noqa: PLC0415
        from mpp_registry.federation.proxy import kept_bytes  # noqa: PLC0415

        with services.database.read() as rows:
            found, private, kept = peers_json(services, rows, whole=True), private_namespaces(rows), kept_bytes(rows)
    if as_json:
        put_json({"ok": True, **found, "private": list[Json](private), "proxy_bytes": kept})
        return
    _show_list(found, private, kept)


def _show_list(found: dict[str, Json], private: tuple[str, ...], kept: int) -> None:
    peers = [one for one in _list(found["peers"]) if isinstance(one, dict)]
    if not peers:
        say("There are no peers. `mpp registry peers add` adds one.")
    rows = []
    for one in peers:
        seen = one["seen"]
        size = f"{seen['size']} leaves" if isinstance(seen, dict) else "not seen yet"
        names = ", ".join(str(name) for name in _list(one["namespaces"]))
        rows.append((str(one["registry_id"])[:16], quoted(str(one["name"])), str(one["url"]), names + (", introduces" if one["introduces"] else ""), size))
    table(rows, indent="")
    if private:
        say(f"Never asked about outside: {', '.join(private)}")
    if kept:
        say(f"Files of others are handed on and kept, up to {kept} bytes.")
    for item in _list(found["evidence"]):
        if isinstance(item, dict):
            one = item
            say(styled("evidence", WRONG) + f"  {str(one['registry_id'])[:16]}  {one['kind']}  {show_time(int(str(one['at'])))}  {one['words']}")
    if _list(found["evidence"]):
        note("Both pieces of each are in `mpp registry peers list --json`. After you have looked: mpp registry peers clear ID")


def _list(found: Json) -> list[Json]:
    return found if isinstance(found, list) else []


@command.command()
@click.argument("registry_id")
@click.option("--forget", is_flag=True, help="Forget the checkpoint that was seen last too, so that the next one begins anew.")
@registry_options
@json_option
def clear(registry_id: str, forget: bool, data: str, database_url: str, blobs: str, as_json: bool) -> None:
    """Put away what speaks against a registry, after you have looked into it. A forked one is asked again from then on.

    \b
    Examples:
      mpp registry peers clear 4e73bb58d6639694956a211d496aba1f3f5f96066659125c6150569ad925586f
      mpp registry peers clear 4e73bb58… --forget
    """
    with opened_here(data, database_url, blobs) as services:
        from mpp_registry.federation.peers import all_evidence, all_seen, clear_evidence  # noqa: PLC0415 - the registry is not everywhere

        with services.database.read() as rows:
            known = {one.registry_id for one in all_evidence(rows)} | set(all_seen(rows))
        fits = [one for one in known if one.startswith(registry_id)] if len(registry_id) >= 16 else []
        if len(fits) != 1:
            raise Refused("registry.peers", "nothing is known of a registry with this id", where=shown(registry_id), hint="see `mpp registry peers list`")
        count = clear_evidence(services, fits[0], forget=forget)
    if as_json:
        put_json({"ok": True, "changed": fits[0], "cleared": count})
        return
    say(f"Put away {count} rows about {fits[0][:16]}.")


@command.command()
@click.argument("change", type=click.Choice(("add", "remove")))
@click.argument("namespace")
@registry_options
@json_option
def private(change: str, namespace: str, data: str, database_url: str, blobs: str, as_json: bool) -> None:
    """Keep a namespace here: names in it are never asked about outside.

    The namespaces of private packages are kept without this. Nobody can learn from an answer whether a package is
    private or not there.

    \b
    Examples:
      mpp registry peers private add com.example.internal
      mpp registry peers private remove com.example.internal
    """
    with opened_here(data, database_url, blobs) as services:
        from mpp_registry.federation.peers import keep_private, private_namespaces, unkeep_private  # noqa: PLC0415 - the registry is not everywhere

        if change == "add":
            keep_private(services, namespace)
        elif not unkeep_private(services, namespace):
            raise Refused("registry.peers", "this namespace is not in the list", where=shown(namespace), hint="see `mpp registry peers list`")
        with services.database.read() as rows:
            after = private_namespaces(rows)
    if as_json:
        put_json({"ok": True, "changed": namespace, "private": list[Json](after)})
        return
    say(f"Never asked about outside: {', '.join(after) or 'nothing that is named'}")


@command.command()
@click.argument("size")
@registry_options
@json_option
def proxy(size: str, data: str, database_url: str, blobs: str, as_json: bool) -> None:
    """Hand on files of other registries, and keep up to SIZE of them: 2g, 500m, or off.

    Only files of packages whose home is in the list, each checked against the log of its home. Those that were asked for
    longest ago go first.

    \b
    Examples:
      mpp registry peers proxy 2g
      mpp registry peers proxy off
    """
    most = 0 if size == "off" else _bytes(size)
    with opened_here(data, database_url, blobs) as services:
        from mpp_registry.federation.proxy import keep_bytes  # noqa: PLC0415 - the registry is not everywhere

        keep_bytes(services, most)
    if as_json:
        put_json({"ok": True, "proxy_bytes": most})
        return
    say(f"Files of others are handed on and kept, up to {most} bytes." if most else "Files of others are not handed on.")


def _bytes(text: str) -> int:
    number, unit = text[:-1], _UNITS.get(text[-1:].lower())
    if unit is None or not number.isdecimal() or not 0 < int(number) <= 1_000_000:
        raise Refused("usage.option", f"{shown(text)!r} is no size", where="SIZE", hint="write 2g, 500m or off")
    return int(number) * unit
