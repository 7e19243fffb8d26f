"""``mpp registry fleet trust``: whom all machines of a fleet trust, signed as policies are."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from mpp.cli.groups import Words
from mpp.cli.options import clock, json_option, passphrase_option, plain, quoted, shorter, show_time
from mpp.cli.policy_signing import seconds
from mpp.cli.registry.fleet_backend import admin_options, call, part, target, where
from mpp.cli.screen import note, put_json, say
from mpp.crypto.ed25519 import fingerprint
from mpp.errors import Refused
from mpp.files import read_bounded, write_atomic
from mpp.model.jsontext import shown
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.ports import Signer

if TYPE_CHECKING:
    from mpp.host.enrolment.trust_bundle import TrustBody


@click.group(cls=Words, no_args_is_help=True)
def trust() -> None:
    """Sign and hand on whom all machines of the fleet trust.

    \b
    Examples:
      mpp registry fleet trust sign trust.json --name example-fleet -k release.key
      mpp registry fleet trust put example-fleet-trust.json
    """


@trust.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--name", required=True, metavar="NAME", help="The name of the trust; machines stay with the one that they were enrolled for.")
@click.option(
    "-k", "--key", "keys", multiple=True, required=True, type=click.Path(dir_okay=False), help="A release key of the fleet's signer. May be repeated."
)
@click.option("--publisher", default=None, type=click.Path(dir_okay=False), help="Its publisher.json; beside the first key if left out.")
@click.option("--registry", "registries", multiple=True, metavar="NAMESPACE=ID=URL", help='Which registry answers for a namespace, or "*". May be repeated.')
@click.option("--revoke-content", "contents", multiple=True, metavar="SHA256", help="A content hash that runs nowhere any more. May be repeated.")
@click.option("--revoke-publisher", "gone", multiple=True, metavar="ID", help="A publisher that is trusted nowhere any more. May be repeated.")
@click.option("--expires", default="30d", metavar="TIME", show_default=True, help="How long the bundle may be taken.")
@click.option("--version", "version", type=click.IntRange(1, 2**31 - 1), default=None, help="One more than the bundle that is there, if left out.")
@click.option("-o", "--output", default=None, type=click.Path(dir_okay=False), help="The file; NAME-trust.json if left out.")
@click.option("--now", "now", default=None, hidden=True, help="Judge as if it were this time.")
@passphrase_option
@json_option
def sign(
    file: str, name: str, keys: tuple[str, ...], publisher: str | None, registries: tuple[str, ...], contents: tuple[str, ...], gone: tuple[str, ...], expires: str, version: int | None, output: str | None,
    now: str | None, passphrase_file: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Sign a trust document, such as $MPP_HOME/trust/trust.json of a machine where you have set it up.

    Publishers, pins, prefixes and revocations are taken; what is installed there, and whether it asks people, is not.
    On a host, a revocation is never taken back by a later bundle; what a later bundle does not name is trusted no more.

    \b
    Examples:
      mpp registry fleet trust sign ~/.mpp/trust/trust.json --name example-fleet \\
          -k policy-keys/publisher.key --registry "*=4e73bb58…=https://packages.example.com"
      mpp registry fleet trust sign ~/.mpp/trust/trust.json --name example-fleet \\
          -k policy-keys/publisher.key --revoke-content 1f2e3d4c…
    """
    from mpp.author.keys import CHAIN_FILE, load_chain  # noqa: PLC0415 - only who signs needs it
    from mpp.host.enrolment.trust_bundle import read_trust_bundle, sign_trust  # noqa: PLC0415

    moment = clock(now).now()
    path = publisher if publisher is not None else os.path.join(os.path.dirname(keys[0]), CHAIN_FILE)
    chain, place = load_chain(path), output or f"{plain(name, '--name', 56)}-trust.json"
    number = version if version is not None else _next(place, chain.publisher_id)
    body = _body(file, name, number, moment, moment + seconds(expires, "--expires"), registries)
    body = _revoking(body, contents, gone)
    for one in body.publishers.values():
        if one.any_package:
            # `mpp keygen` gives this to keys of its own machine; a fleet seldom means it.
            note(f"warning: {quoted(one.chain.newest.name)} is trusted for any package, on every machine of the fleet")
    data = sign_trust(body, chain, [_signer(key, passphrase_file) for key in keys])
    write_atomic(place, data)
    found = read_trust_bundle(data, where=place)
    if as_json:
        put_json(
            {
                "ok": True,
                "file": shorter(place),
                "name": name,
                "version": number,
                "expires": body.expires,
                "digest": found.digest,
                "publishers": len(body.publishers),
            }
        )
        return
    say(f"Signed {shorter(place)}  ({quoted(name)} version {number}, {len(body.publishers)} publishers)")
    say(f"digest    sha256:{found.digest}")
    say(f"signer    {fingerprint(chain.publisher_id)}")
    note(f"May be taken until {show_time(body.expires)}. Next: mpp registry fleet trust put {shorter(place)}")


def _signer(path: str, passphrase_file: str | None) -> Signer:
    from mpp.author.keys import key_is_sealed, load_signer  # noqa: PLC0415
    from mpp.cli.options import read_passphrase  # noqa: PLC0415

    passphrase = read_passphrase(passphrase_file, confirm=False, what=os.path.basename(path)) if key_is_sealed(path) else None
    return load_signer(path, "release", passphrase)


def _next(place: str, publisher_id: str) -> int:
    from mpp.host.enrolment.trust_bundle import read_trust_bundle, TRUST_BUNDLE_BYTES_MAX  # noqa: PLC0415

    if not os.path.lexists(place):
        return 1
    found = read_trust_bundle(read_bounded(place, TRUST_BUNDLE_BYTES_MAX), where=place)
    if found.chain.publisher_id != publisher_id:
        raise Refused("policy.publisher", "the bundle that is there is of another signer", where=place, hint="write to another file with -o")
    return found.body.version + 1


def _body(file: str, name: str, version: int, issued: int, expires: int, registries: tuple[str, ...]) -> TrustBody:
    from mpp.host.enrolment.trust_bundle import RegistryPin, TrustBody  # noqa: PLC0415
    from mpp.host.trust_store import load_trust_file  # noqa: PLC0415

    state = load_trust_file(file)
    pins = []
    for text in registries:
        namespace, _, rest = text.partition("=")
        registry_id, _, url = rest.partition("=")
        if not url:
            raise Refused("usage.option", f"{shown(text)!r} is not NAMESPACE=ID=URL", where="--registry", hint='write "*=4e73…=https://packages.example.com"')
        pins.append(RegistryPin(namespace=namespace, url=url, registry_id=registry_id))
    gone = state.revoked_publishers
    # What was revoked on that machine is trusted nowhere: a pin to it would be refused as a slip.
    return TrustBody(
        name=name, version=version, issued=issued, expires=expires, publishers={one: row for one, row in state.publishers.items() if one not in gone},
        pins={one: owner for one, owner in state.pins.items() if owner not in gone},
        prefixes={one: owner for one, owner in state.prefixes.items() if owner not in gone},
        revoked_publishers=gone, revoked_content=state.revoked_content, registries=tuple(pins),
    )  # fmt: skip


def _revoking(body: TrustBody, contents: tuple[str, ...], gone: tuple[str, ...]) -> TrustBody:
    """What is revoked is trusted no more: a pin to it would be a slip that each machine finds."""
    for text, option in ((one, option) for option, given in (("--revoke-content", contents), ("--revoke-publisher", gone)) for one in given):
        if SHA256_HEX.fullmatch(text) is None:
            raise Refused("usage.option", f"{shown(text)!r} is not {SHA256_HEX_FORM}", where=option, hint="give the whole hash or id")
    return replace(
        body, revoked_content=body.revoked_content | set(contents), revoked_publishers=body.revoked_publishers | set(gone),
        publishers={one: row for one, row in body.publishers.items() if one not in gone},
        pins={one: owner for one, owner in body.pins.items() if owner not in gone},
        prefixes={one: owner for one, owner in body.prefixes.items() if owner not in gone},
    )  # fmt: skip


@trust.command()
@click.argument("file", type=click.Path(dir_okay=False))
@admin_options
@json_option
def put(file: str, as_json: bool, **which: str) -> None:
    """Hand on a trust bundle. An older one than is here is refused, and one of another signer.

    \b
    Example:
      mpp registry fleet trust put example-fleet-trust.json
    """
    from mpp.host.enrolment.trust_bundle import read_trust_bundle, TRUST_BUNDLE_BYTES_MAX  # noqa: PLC0415

    data = read_bounded(file, TRUST_BUNDLE_BYTES_MAX)
    found = call(where(**which), "PUT", target(f"trust/{part(read_trust_bundle(data, where=file).body.name)}"), data)
    if as_json:
        put_json({"ok": True, **found})
        return
    say(f"Here is version {found['version']} of the trust {found['name']}.")
    say(f"digest    sha256:{found['digest']}")
