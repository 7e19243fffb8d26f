"""``mpp registry owners``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.registry.as_publisher import asking, asking_options, registry_named
from mpp.cli.screen import mark, put_json, say, TICK
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.names import SHA256_HEX
from mpp.protocol.registry.documents import OwnerDoc


@click.command(name="owners")
@click.argument("package_id")
@click.option("--owner", "owners", multiple=True, metavar="ID", help="A publisher that decides about the package. May be repeated.")
@click.option("--maintainer", "maintainers", multiple=True, metavar="ID", help="A publisher that publishes and yanks versions. May be repeated.")
@asking_options
@json_option
def command(
    package_id: str, owners: tuple[str, ...], maintainers: tuple[str, ...], name: str, key: str | None, passphrase_file: str | None, as_json: bool
) -> int:  # fmt: skip
    """Show who owns PACKAGE_ID, or say who shall: all of them, by the whole ids of their publishers.

    A list takes effect when one owner, every newcomer, and every owner who would be none any more have each asked for the
    very same one. So a transfer needs both sides, and nobody is given a package or robbed of one. It is public in the log.

    \b
    Examples:
      mpp registry owners com.example.hello
      mpp registry owners com.example.hello --owner MY_ID --maintainer THEIR_ID
      mpp registry owners com.example.hello --owner THEIR_ID

    \b
    Exit code:
      0   they are shown, or the list holds
      1   others have to ask for the same list first
      40  the registry does not answer
      41  the registry refuses it
    """
    client = asking(registry_named(name, package_id), key, passphrase_file)
    if not owners and not maintainers:
        _show(client.package(package_id).owners, as_json=as_json)
        return 0
    wanted = [OwnerDoc(publisher_id=one, role="owner") for one in owners] + [OwnerDoc(publisher_id=one, role="maintainer") for one in maintainers]
    for one in wanted:
        if SHA256_HEX.fullmatch(one.publisher_id) is None:
            raise Refused("usage.option", "a publisher is named by the 64 digits of its id", where="--owner", hint="ask them for it; `mpp register` shows it")
    found = client.owners(package_id, tuple(wanted))
    if as_json:
        put_json({"ok": True, "is_done": found.is_done, "waiting_for": list(found.waiting_for), "owners": _rows(found.owners)})
    elif found.is_done:
        say(mark(TICK), f" {package_id} has new owners")
        _show(found.owners, as_json=False)
    else:
        say("Not yet. These publishers have to ask for the same list:")
        for waiting in found.waiting_for:
            say(f"  {waiting}")
    return 0 if found.is_done else 1


def _rows(owners: tuple[OwnerDoc, ...]) -> list[Json]:
    return [{"publisher_id": one.publisher_id, "role": one.role} for one in owners]


def _show(owners: tuple[OwnerDoc, ...], *, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, "owners": _rows(owners)})
        return
    for one in owners:
        say(f"  {one.role:<10}  {one.publisher_id}")
