"""``mpp yank``."""

from __future__ import annotations

import click

from mpp.cli.first_use import confirm
from mpp.cli.options import json_option, passphrase_option, plain
from mpp.cli.screen import mark, note, put_json, safe, say, TICK
from mpp.cli.store.publisher import load_publisher, publisher_options
from mpp.cli.store.registries import known_name, load_config, memory_of, terms_of
from mpp.errors import Refused, RemoteFailed
from mpp.model.jsontext import shown
from mpp.protocol.registry.limits import REASON_MAX
from mpp.remote.client import RegistryClient
from mpp.remote.proofs import judge_bundle, Proof
from mpp.remote.resolving import read_wish

DONE = {"yanked": "Yanked", "deprecated": "Deprecated", "revoked": "Revoked, for good,", "active": "Made usable again:"}


@click.command(name="yank")
@click.argument("what", metavar="NAME@VERSION")
@click.option("--reason", default="", metavar="TEXT", help="Why, shown to everybody.")
@click.option("--deprecate", "status", flag_value="deprecated", help="It stays usable; whoever takes it is told.")
@click.option("--revoke", "status", flag_value="revoked", help="It is stopped everywhere, and never comes back.")
@click.option("--undo", "status", flag_value="active", help="Take back a yank or a deprecation.")
@click.option("--registry", "name", default="", metavar="NAME|URL", help="Which registry. [default: that of the name space, else the usual one]")
@click.option("--yes", is_flag=True, help="With --revoke: you are the person who wants that.")
@publisher_options
@passphrase_option
@json_option
def command(
    what: str, reason: str, status: str | None, name: str, yes: bool, key: str | None, signer_command: str | None, publisher: str | None,
    passphrase_file: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Take back a version that you published: nobody gets it by a range any more, and hosts stop it by default.

    NAME is the whole package id. Nothing is deleted: the log keeps that it was there, and why it went. A host that installed
    it hears of it within minutes. To --revoke is for versions that do harm; it cannot be undone, so a person agrees to it.

    \b
    Examples:
      mpp yank com.example.hello@0.1.0 --reason "loses data on leap days"
      mpp yank com.example.hello@0.1.0 --deprecate --reason "use 1.0"
      mpp yank com.example.hello@0.1.0 --revoke --reason "signed with a stolen key"
      mpp yank com.example.hello@0.1.0 --undo

    \b
    Exit code:
      0   its log says so from now on
      22  nobody agreed to a revocation
      41  the registry refuses it
    """
    wish = read_wish(what)
    if wish is None or not wish.is_id or not wish.range.exact:
        raise Refused("usage.registry", f"{shown(what)!r} is not one version of a package", hint="write com.example.hello@0.1.0")
    wanted, reason = status or "yanked", plain(reason, "--reason", REASON_MAX)
    if not reason and wanted != "active":
        raise Refused("usage.option", "people want to know why", where="--reason", hint='give a reason in one line: --reason "loses data on leap days"')
    who, registry = load_publisher(key, signer_command, publisher, passphrase_file), load_config().for_package(wish.name, known_name(name))
    if wanted == "revoked" and not yes and not confirm(safe(f"Revoke {what} for everybody, for good?") + "\nType yes to do it: "):
        raise Refused("consent.missing", "nobody agreed to the revocation", where=shown(what), hint="answer yes in a terminal, or add --yes")
    client = RegistryClient(registry, credentials=who.signed_for(registry))
    client.set_status(wish.name, wish.range.exact, wanted, reason)
    proof = _proven(client, wish.name, wish.range.exact, wanted)
    if as_json:
        put_json({
            "ok": True, "package_id": wish.name, "version": wish.range.exact, "status": wanted, "registry": registry.name, "log_size": proof.proven.size,
        })  # fmt: skip
        return
    say(mark(TICK), f" {DONE[wanted]} {wish.name} {wish.range.exact}, as the log of {registry.name} with {proof.proven.size} entries proves.")
    if wanted == "revoked":
        note("Look at how it came to this: a stolen key is replaced with `mpp keygen --rotate`.")


def _proven(client: RegistryClient, package_id: str, version: str, wanted: str) -> Proof:
    """Attack: a registry that says yes and goes on offering it."""
    proof = judge_bundle(client.bundle(package_id, version), memory_of(client.registry.registry_id), client.consistency, terms_of(client.registry))
    found = proof.proven
    if (found.package_id, found.version, found.status) != (package_id, version, wanted):
        raise RemoteFailed("remote.answer", "the registry said yes, and its log says otherwise", where=client.registry.url, hint="tell who runs the registry")
    return proof
