"""``mpp sign``."""

from __future__ import annotations

import os

import click

from mpp.author.keys import CHAIN_FILE, fitting_key, key_is_sealed, load_chain, load_signer
from mpp.author.rotate import match_keys
from mpp.author.sign import Signed, sign_package
from mpp.author.signer_command import CommandSigner
from mpp.cli.options import (
    EPOCH_VARIABLE,
    clock,
    find_package,
    home,
    in_shell,
    json_option,
    now_option,
    passphrase_option,
    quoted,
    read_passphrase,
    shorter,
)
from mpp.cli.screen import note, put_json, say
from mpp.crypto.ed25519 import short_id
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.files import take, write_atomic
from mpp.model.jsontext import Json
from mpp.ports import Clock, Signer
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import CREATED_MAX


@click.command(name="sign")
@click.argument("file", required=False)
@click.option(
    "-k",
    "--key",
    "keys",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="A release key; give several for several signers. [default: $MPP_HOME/keys/publisher.key]",
)
@click.option(
    "--signer-command", default=None, metavar="COMMAND", help="Sign with another program, for keys in security modules (see docs/how-to/external-signers.md)."
)
@click.option("--publisher", default=None, type=click.Path(dir_okay=False), help="The publisher.json. [default: the one beside the key]")
@click.option("--cosigner", "cosigners", multiple=True, metavar="KEY_ID", help="A release key that must sign too, later, with `mpp sign` on this file.")
@click.option("--replace", "replace_seal", is_flag=True, help="Sign a signed package anew, for example after a rotation.")
@click.option("-o", "--output", default=None, type=click.Path(dir_okay=False), help="Write the signed package here. [default: in place]")
@passphrase_option
@now_option
@json_option
def command(
    file: str | None,
    keys: tuple[str, ...],
    signer_command: str | None,
    publisher: str | None,
    cosigners: tuple[str, ...],
    replace_seal: bool,
    output: str | None,
    passphrase_file: str | None,
    now: str | None,
    as_json: bool,
) -> None:
    """Sign FILE (default: the package of the project you are in).

    Everything that a host will check is checked before the key is used, and again on the signed file before it is written.

    \b
    Examples:
      mpp sign hello-0.1.0.mpp -k ~/.mpp/keys/publisher.key
      mpp sign --key ~/.mpp/keys/publisher.key
      mpp sign hello-0.1.0.mpp --signer-command "my-hsm-tool slot-1" --publisher publisher.json
    """
    path = find_package(file)
    if signer_command is None and not keys:
        keys = (os.path.join(home().keys, "publisher.key"),)
    data = take(path, TOTAL_BYTES_MAX)
    chain = _chain(keys, publisher)
    moment = _moment(now)
    listed = match_keys(chain, cosigners)
    signers = (*(_signer(key, passphrase_file) for key in keys), *([CommandSigner(signer_command)] if signer_command is not None else []))
    try:
        signed = sign_package(data, chain, signers, moment, cosigners=listed, replace_seal=replace_seal)
    except Refused as fault:
        raise _with_fitting_key(fault, keys, chain) from None
    target = output if output is not None else path
    write_atomic(target, signed.data)
    _show(signed, chain, target, as_json)


def _moment(now: str | None) -> Clock:
    """SOURCE_DATE_EPOCH is what reproducible builds agree on; only the signer's own statement of time depends on it."""
    where = "--now" if now else EPOCH_VARIABLE
    moment = clock(now or os.environ.get(EPOCH_VARIABLE), where)
    if moment.now() > CREATED_MAX:
        raise Refused("usage.time", "a signature's time is at most the beginning of the year 2100", where=where, hint="give an earlier time")
    return moment


def _with_fitting_key(fault: Refused, keys: tuple[str, ...], chain: RootChain) -> Refused:
    """After a rotation that was interrupted, the key that fits lies under its own name beside the one that was used."""
    found = fitting_key(os.path.dirname(keys[0]) or ".", chain) if fault.code == "key.not_release" and keys else None
    if found is None:
        return fault
    return Refused(fault.code, fault.message, where=fault.where, hint=f"the release key is here: sign with -k {in_shell(shorter(found))}")


def _chain(keys: tuple[str, ...], publisher: str | None) -> RootChain:
    if publisher is None and not keys:
        raise Refused("usage.option", "--signer-command needs the publisher's root document", hint="give it with --publisher publisher.json")
    for key in keys:
        _is_there(key, "key file", "make keys with `mpp keygen`, or name your release key with -k")
    path = publisher if publisher is not None else os.path.join(os.path.dirname(keys[0]), CHAIN_FILE)
    _is_there(path, "publisher.json", "name it with --publisher")
    return load_chain(path)


def _is_there(path: str, what: str, hint: str) -> None:
    if not os.path.lexists(path):
        raise Refused("usage.no_file", f"there is no {what}", where=path, hint=hint)


def _signer(path: str, passphrase_file: str | None) -> Signer:
    passphrase = read_passphrase(passphrase_file, confirm=False, what=os.path.basename(path)) if key_is_sealed(path) else None
    return load_signer(path, "release", passphrase)


def _show(signed: Signed, chain: RootChain, target: str, as_json: bool) -> None:
    shown = shorter(target)
    statement = signed.statement
    missing: list[Json] = [short_id(key) for key in signed.missing]
    if as_json:
        put_json(
            {
                "ok": True,
                "file": shown,
                "package": f"{statement.package_id}@{statement.version}",
                "content_hash": statement.content_hash,
                "publisher_id": chain.publisher_id,
                "signers": [short_id(key) for key in statement.signers],
                "missing": missing,
                "bytes": len(signed.data),
            }
        )
        return
    say(f"Signed {shown}  ({statement.package_id} {statement.version})")
    say(f"content   sha256:{statement.content_hash}")
    say(f"publisher {quoted(chain.newest.name)}, keys {', '.join(short_id(key) for key in statement.signers)}")
    if missing:
        note(f"Still missing: {', '.join(short_id(key) for key in signed.missing)}. Until they have signed it too, everybody refuses the package.")
        say(f"Next, with each of these keys: mpp sign {in_shell(shown)} -k THEIR.key --publisher publisher.json")
    else:
        say(f"Next: mpp verify {in_shell(shown)}")
