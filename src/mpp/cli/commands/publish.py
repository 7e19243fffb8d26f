"""``mpp publish``."""

from __future__ import annotations

import os
from hashlib import sha256

import click

from mpp.cli.options import find_package, in_shell, json_option, passphrase_option, quoted, shorter, show_time
from mpp.cli.screen import mark, note, put_json, say, TICK
from mpp.cli.store.progress import Bar
from mpp.cli.store.publisher import known_there, load_publisher, Publisher, publisher_options
from mpp.cli.store.registries import known_name, load_config, memory_of, terms_of
from mpp.errors import RemoteFailed
from mpp.files import take, write_atomic
from mpp.host.store.disk import BUNDLE_ENDING
from mpp.host.system import SystemClock
from mpp.host.trust_store import with_publisher
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.model.words import capability_words
from mpp.remote.client import RegistryClient
from mpp.remote.config import Registry
from mpp.remote.proofs import judge_bundle, Proof
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import NO_TRUST, verify, VerifiedPackage


@value
class Ready:
    """What would become public."""

    path: str
    data: bytes
    package: VerifiedPackage
    registry: Registry


@click.command(name="publish")
@click.argument("file", required=False)
@click.option("--registry", "name", default="", metavar="NAME|URL", help="Which registry. [default: that of the name space, else the usual one]")
@click.option("--private", is_flag=True, help="Show a package that is new to its owners only.")
@click.option("--dry-run", is_flag=True, help="Say what would become public, and send nothing.")
@publisher_options
@passphrase_option
@json_option
def command(
    file: str | None, name: str, private: bool, dry_run: bool, key: str | None, signer_command: str | None, publisher: str | None, passphrase_file: str | None, as_json: bool
) -> None:  # fmt: skip
    """Publish FILE, a signed package (default: that of the project you are in).

    A registry that does not know your publisher yet is told (see `mpp register`). All that a host checks is checked before
    anything is sent. What is public stays public: a version is never replaced,
    only deprecated, yanked or revoked. The registry's proof of it is verified and written beside the file, as FILE.bundle.

    \b
    Examples:
      mpp publish
      mpp publish hello-0.1.0.mpp --dry-run
      mpp publish hello-0.1.0.mpp --registry corp

    \b
    Exit code:
      0        it is public, or waits for a second person of the registry
      3        the key is not the publisher's release key
      11 … 17  the package is refused, here or by the registry
      40       the registry does not answer; whether it took the package, `mpp publish` says again
      41       the registry refuses it: the version exists, the name space is not yours
    """
    who = load_publisher(key, signer_command, publisher, passphrase_file)
    ready = prepared(find_package(file), known_name(name), who)
    if dry_run:
        _show_plan(ready, as_json=as_json)
        return
    client = RegistryClient(ready.registry, credentials=who.signed_for(ready.registry))
    if known_there(client, who.chain)[1] and not as_json:
        note(f"{ready.registry.name} knows publisher {quoted(who.chain.newest.name)} from now on")
    bar = Bar("uploading", quiet=as_json)
    if not as_json:
        note(f"publishing {ready.package.package_id} {ready.package.version} ({len(ready.data) / 1e6:.2f} MB) to {ready.registry.name}")
    try:
        answer = client.publish(ready.data, bar, visibility="private" if private else "public")
    finally:
        bar.end()
    for line in answer.notes if not as_json else ():
        note(f"{ready.registry.name} says: {line}")
    if answer.version is None:
        _staged(ready, answer.staged_id, as_json=as_json)
        return
    _done(ready, judged(client, ready, answer.bundle), as_json=as_json)


def prepared(path: str, name: str, who: Publisher) -> Ready:
    """Verified as by a host that trusts this publisher, whoever else it trusts."""
    data = bytes(take(path, TOTAL_BYTES_MAX))
    package = verify(data, with_publisher(NO_TRUST, who.chain, any_package=True), SystemClock().now())
    return Ready(path=path, data=data, package=package, registry=load_config().for_package(package.package_id, name))


def judged(client: RegistryClient, ready: Ready, bundle: bytes) -> Proof:
    """Attack: a registry that says yes and published nothing, or something else. Only its log counts."""
    proof = judge_bundle(bundle, memory_of(ready.registry.registry_id), client.consistency, terms_of(ready.registry))
    found, package = proof.proven, ready.package
    said = (found.package_id, found.version, found.publisher_id, found.content_hash, found.file_hash)
    if said != (package.package_id, package.version, package.publisher_id, package.content_hash, sha256(ready.data).hexdigest()):
        message = "the registry's proof is about another package than the one that was sent"
        raise RemoteFailed("remote.answer", message, where=ready.registry.url, hint="tell who runs the registry")
    return proof


def _address(ready: Ready) -> str:
    return f"{ready.registry.url}/packages/{ready.package.package_id}/versions/{ready.package.version}"


def _rows(ready: Ready) -> dict[str, Json]:
    package = ready.package
    return {
        "package_id": package.package_id, "version": package.version, "publisher_id": package.publisher_id, "content_hash": package.content_hash,
        "file_hash": package.file_hash, "bytes": len(ready.data), "registry": ready.registry.name, "address": _address(ready),
    }  # fmt: skip


def _show_plan(ready: Ready, *, as_json: bool) -> None:
    members: list[Json] = [one.name for one in ready.package.archive.members]
    if as_json:
        put_json({"ok": True, "dry_run": True, **_rows(ready), "members": members})
        return
    say(f"Would become public, for good, at {ready.registry.name} ({ready.registry.url}):")
    _say_rows(ready)
    for line in capability_words(ready.package.manifest.capabilities):
        say(f"  - {line}")
    say(f"  files      {len(members)}, {len(ready.data) / 1e6:.2f} MB")
    for name in members:
        say(f"    {name}")
    note("Nothing was sent. Without --dry-run it is published.")


def _say_rows(ready: Ready) -> None:
    package = ready.package
    say(f"  package    {package.package_id} {package.version}")
    say(f"  publisher  {quoted(package.chain.newest.name)} ({package.publisher_id[:16]})")
    say(f"  content    sha256:{package.content_hash}")
    say(f"  file       sha256:{package.file_hash}")


def _staged(ready: Ready, staged_id: str, *, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, **_rows(ready), "state": "staged", "staged_id": staged_id})
        return
    say(f"{ready.package.package_id} {ready.package.version} waits for a second person of the registry; nothing is public yet.")
    say(f"  reference {staged_id}")
    note("Call `mpp publish` again when it was approved: it then writes the bundle.")


def _done(ready: Ready, proof: Proof, *, as_json: bool) -> None:
    target, found = ready.path + BUNDLE_ENDING, proof.proven
    write_atomic(target, proof.bundle)
    if as_json:
        rows: dict[str, Json] = {"state": "published", "log_index": found.index, "log_size": found.size, "published_at": found.published_at}
        put_json({"ok": True, **_rows(ready), **rows, "bundle": shorter(target)})
        return
    say(mark(TICK), f" Published {found.package_id} {found.version}")
    _say_rows(ready)
    say(f"  log        entry {found.index} of {found.size}, {show_time(found.published_at)}, registry {found.registry_id[:16]}")
    say(f"  address    {_address(ready)}")
    say(f"  bundle     {shorter(target)}")
    install = "mpp layer install" if ready.package.manifest.runtime.type == "layer" else "mpp install"
    note(f"Others install it with: {install} {found.package_id}; give {in_shell(os.path.basename(target))} to whoever gets the file another way.")
