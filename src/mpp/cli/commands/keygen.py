"""``mpp keygen``."""

from __future__ import annotations

import os

import click

from mpp.author.keys import CHAIN_FILE, RELEASE_FILE, ROOT_FILE, PublisherKeys, check_free, key_is_sealed, load_signer, make_publisher, make_second
from mpp.author.rotate import Plan, read_public, rotate_folder
from mpp.author.scaffold import guess_publisher
from mpp.cli.options import home, in_shell, json_option, passphrase_option, plain, quoted, read_passphrase, shorter, trust_store
from mpp.cli.screen import note, put_json, say
from mpp.crypto import base64text
from mpp.crypto.ed25519 import fingerprint, key_id, short_id
from mpp.crypto.roots import NAME_MAX, REASON_MAX, RootChain
from mpp.errors import HostFailed, Refused
from mpp.host.system import SystemRandom
from mpp.host.trust_store import TrustStore, with_publisher
from mpp.model.jsontext import Json


@click.command(name="keygen")
@click.option("-o", "--output", default=None, type=click.Path(file_okay=False), help="Folder for the keys. [default: $MPP_HOME/keys]")
@click.option("--name", default="", metavar="NAME", help="Publisher name shown to users. [default: your name as git knows it]")
@click.option("--no-passphrase", is_flag=True, help="Leave the private keys readable to whoever can read the files.")
@passphrase_option
@click.option(
    "--rotate",
    "rotating",
    is_flag=True,
    help="Write a new root version; needs the root key in the folder. Makes a new release key, unless --add or --new-root is given.",
)
@click.option(
    "--add",
    multiple=True,
    metavar="PUBLIC",
    help="With --rotate: put this release key (base64 of a public key) in place of the old ones; beside them with --keep-old.",
)
@click.option("--new-root", is_flag=True, help="With --rotate: replace the root key.")
@click.option("--keep-old", is_flag=True, help="With --rotate: the old release keys stay valid beside the new one, for a co-signer.")
@click.option("--revoke", default="", metavar="REASON", help="With --rotate: list the removed keys as revoked, for this reason.")
@click.option("--threshold", default=0, type=click.IntRange(0, 32), help="With --rotate: how many release keys must sign each package.")
@click.option("--add-second", multiple=True, metavar="PUBLIC", help="With --rotate: this key of a second person may approve what is staged. May be repeated.")
@click.option("--remove-second", multiple=True, metavar="KEY_ID", help="With --rotate: this key of a second person may not any more. May be repeated.")
@click.option("--seconds", default=0, type=click.IntRange(0, 32), help="With --rotate: how many second persons must approve each version.")
@click.option("--second", is_flag=True, help="Make only a key for yourself as a second person, and print its public half for the owner of the root key.")
@json_option
def command(
    output: str | None,
    name: str,
    no_passphrase: bool,
    passphrase_file: str | None,
    rotating: bool,
    add: tuple[str, ...],
    new_root: bool,
    keep_old: bool,
    revoke: str,
    threshold: int,
    add_second: tuple[str, ...],
    remove_second: tuple[str, ...],
    seconds: int,
    second: bool,
    as_json: bool,
) -> None:
    """Make a publisher: a root key, a release key, and the public publisher.json that travels in every package.

    The root key says who may sign and is needed only to rotate: keep it offline. The release key signs packages.
    This machine trusts the new publisher at once; others compare the fingerprint printed here.

    A second person makes a key with --second, of another kind: it signs no packages, and agrees to versions that a
    registry has staged (`mpp registry staged`). Once a root version names such a key, nothing is published without it.

    \b
    Examples:
      mpp keygen -o ~/.mpp/keys
      mpp keygen -o ~/.mpp/keys --rotate --revoke "laptop stolen"
      mpp keygen --second
      mpp keygen --rotate --add-second Jm4R…Qk=
      mpp keygen --rotate --add-second Zs1k…Bw= --remove-second pub_0123456789abcdef
    """
    folder = os.path.abspath(output) if output is not None else home().keys
    name, revoke = plain(name, "--name", NAME_MAX), plain(revoke, "--revoke", REASON_MAX)
    store = trust_store()
    store.load()  # A trust document that cannot be read is a reason to stop before keys are made.
    plan = Plan(
        add=tuple(read_public(one) for one in add), new_root=new_root, keep_old=keep_old, revoke_reason=revoke, threshold=threshold,
        add_second=tuple(read_public(one) for one in add_second), remove_second=remove_second, seconds=seconds,
    )  # fmt: skip
    if not rotating and plan != Plan():
        options = "--add, --new-root, --keep-old, --revoke, --threshold, --add-second, --remove-second and --seconds"
        raise Refused("usage.option", f"{options} go with --rotate", hint="add --rotate")
    if second:
        _second(folder, passphrase_file, no_passphrase=no_passphrase, alone=not rotating and not name, as_json=as_json)
        return
    if keep_old and revoke:
        raise Refused("usage.option", "--keep-old and --revoke exclude each other", hint="give one of them")
    if rotating:
        made = _rotate(folder, passphrase_file, no_passphrase, plan, store)
    else:
        check_free(folder)
        passphrase = None if no_passphrase else read_passphrase(passphrase_file, confirm=True, what="the new keys")
        made = make_publisher(name or plain(" ".join(guess_publisher().split()), "--name", NAME_MAX), folder, SystemRandom(), passphrase)
    _trust(store, made)
    _show(made, as_json, sealed=not no_passphrase)


def _second(folder: str, passphrase_file: str | None, *, no_passphrase: bool, alone: bool, as_json: bool) -> None:
    """One key of one person. Whose publisher it is for, the owner of a root key says."""
    if not alone:
        raise Refused("usage.option", "--second makes one key and goes without --rotate and --name", hint="give it alone")
    passphrase = None if no_passphrase else read_passphrase(passphrase_file, confirm=True, what="the new key")
    path, public = make_second(folder, SystemRandom(), passphrase)
    text = base64text.encode(public)
    if as_json:
        put_json({"ok": True, "key_id": short_id(key_id(public)), "public_key": text, "file": path, "sealed": not no_passphrase})
        return
    say(f"Key id       {short_id(key_id(public))}")
    say(f"Public key   {text}")
    say(f"File         {path}")
    say(f"Next, by the owner of the root key: mpp keygen --rotate --add-second {text}")
    if no_passphrase:
        note("warning: the private key is not sealed; whoever reads the file can approve as you")


def _trust(store: TrustStore, made: PublisherKeys) -> None:
    """The maker of a key is believed on this machine."""
    try:
        store.change(lambda state: with_publisher(state, made.chain, any_package=True))
    except HostFailed as fault:
        again = f"the keys are made and stay; mend this, then: mpp trust add {in_shell(os.path.join(made.folder, CHAIN_FILE))}"
        raise HostFailed(fault.code, fault.message, where=fault.where, hint=again) from None


def _rotate(folder: str, passphrase_file: str | None, no_passphrase: bool, plan: Plan, store: TrustStore) -> PublisherKeys:
    root_path = os.path.join(folder, ROOT_FILE)
    if not os.path.lexists(root_path):
        raise Refused("usage.no_file", "the root key is not here", where=root_path, hint="bring it back from where you keep it, or name its folder with -o")
    passphrase = read_passphrase(passphrase_file, confirm=False, what="the root key") if key_is_sealed(root_path) else None
    root = load_signer(root_path, "root", passphrase)
    if passphrase is None and not no_passphrase and (plan.new_root or not (plan.add or plan.is_about_seconds)):
        passphrase = read_passphrase(passphrase_file, confirm=True, what="the new key")
    return rotate_folder(folder, root, SystemRandom(), None if no_passphrase else passphrase, plan, check=lambda chain: _check_newest(chain, store, folder))


def _check_newest(chain: RootChain, store: TrustStore, folder: str) -> None:
    """Attack on oneself: a rotation of an old copy makes a second version of one number, and hosts refuse the publisher for good."""
    known = store.load().publishers.get(chain.publisher_id)
    if known is not None and not chain.begins_with(known.chain):
        raise Refused(
            "key.stale",
            f"this machine has seen root version {known.chain.newest.version} of the publisher, which publisher.json here does not hold",
            where=folder,
            hint="rotate in the folder that holds the newest publisher.json",
        )


def _show(made: PublisherKeys, as_json: bool, *, sealed: bool) -> None:
    chain: RootChain = made.chain
    public, seconds = base64text.encode(chain.newest.keys[made.release_key]), chain.newest.role("publish-approve")
    if as_json:
        files: list[Json] = [*made.files]
        put_json(
            {
                "ok": True,
                "key_id": short_id(made.release_key),
                "public_key": public,
                "publisher_id": chain.publisher_id,
                "name": chain.newest.name,
                "root_version": chain.newest.version,
                "second_keys": [short_id(one) for one in seconds.keys],
                "seconds": seconds.threshold,
                "folder": made.folder,
                "files": files,
                "sealed": sealed,
            }
        )
        return
    say(f"Publisher    {quoted(chain.newest.name)}")
    say(f"Key id       {short_id(made.release_key)}")
    say(f"Public key   {public}")
    say(f"Fingerprint  {fingerprint(chain.publisher_id)}")
    say(f"Root version {chain.newest.version}")
    if seconds.keys:
        say(f"Approved by  {seconds.threshold} of {', '.join(short_id(one) for one in seconds.keys)}, before a registry publishes")
    say(f"Files        {made.folder}: {', '.join(made.files)}")
    say("This machine trusts the publisher for any package. Others compare the fingerprint on first use.")
    say(f"Next: mpp sign FILE -k {in_shell(shorter(os.path.join(made.folder, RELEASE_FILE)))}")
    if not sealed:
        note("warning: the private keys are not sealed; whoever reads the files can sign as you")
    note(f"Keep {ROOT_FILE} offline: it is needed only to rotate keys. A lost root key cannot be replaced.")
