"""``mpp install``."""

from __future__ import annotations

from dataclasses import replace

import click

from mpp.cli.options import json_option
from mpp.cli.screen import put_json
from mpp.cli.store.changes import Asks, carried_out, Changed, judged
from mpp.cli.store.from_registry import Ways
from mpp.cli.store.introduced import Follow
from mpp.cli.store.gathering import gather, gather_locked, Sources, Wanted
from mpp.cli.store.registries import known_name
from mpp.cli.store.opened import Opened, opened
from mpp.cli.store.shown import changed_json, show_changed
from mpp.errors import Refused
from mpp.host.store.sources import check_hash
from mpp.model.jsontext import Json, shown
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM


@click.command(name="install")
@click.argument("files", nargs=-1, metavar="NAME[@RANGE]|FILE|FOLDER|URL...")
@click.option("--alias", default="", metavar="NAME", help="The name before the names of its tools; else the last part of the package id.")
@click.option("--sha256", "sha256", default="", metavar="HASH", help="Install only this very file: the SHA-256 of all of it.")
@click.option("--yes", is_flag=True, help="You are the person who agrees to what an update newly asks for; recorded as such, and refused in fleet mode.")
@click.option("--downgrade", is_flag=True, help="An older version than was installed here is what you want. A person agrees to it too.")
@click.option("--locked", default="", metavar="LOCKFILE", type=click.Path(dir_okay=False), help="Install what this lockfile says is served, hash by hash.")
@click.option("--registry", default="", metavar="NAME|URL", help="Take names from this registry. [default: that of the name space, else the usual one]")
@click.option("--min-age", type=click.FloatRange(min=0), default=None, metavar="HOURS", help="How long a version must have been public. [default: 72]")
@click.option("--publisher", default="", metavar="HEX", help="The fingerprint of its publisher, got another way; it replaces the question.")
@click.option("--introduced", default="", metavar="HEX", help="The registry that yours may introduce, got another way; with --yes it replaces the question.")
@click.option("--offline", is_flag=True, help="Ask nobody: only files, each with its bundle beside it.")
@json_option
def command(
    files: tuple[str, ...], alias: str, sha256: str, yes: bool, downgrade: bool, locked: str, registry: str, min_age: float | None,
    publisher: str, introduced: str, offline: bool, as_json: bool,
) -> None:  # fmt: skip
    """Verify packages and install them, so that a host serves their tools.

    NAME is a whole package id, looked up in the registry of its name space or the usual one, or a short name where only one
    package has it; RANGE is 1.2.3, ^1.2, ~1.2, >=1.0.0 or * (the newest). What the registry says is proven by its signed
    log before anything is downloaded. A registry that has it not may introduce one that has it; you are asked once, with
    both fingerprints, and never about a name space of your own. FILE is a signed package; of a FOLDER the newest version of each package in it is
    taken; URL begins with https:// or file://. A version that is installed already is not fetched again.

    All is verified, judged and compiled before anything is put in place; what fails leaves the store as it was. An update
    that asks for more, is described in another way, or comes from another publisher waits for a person's yes to exactly
    these differences. What a package may do is asked about again when its tools are called.

    \b
    Examples:
      mpp install com.example.hello
      mpp install com.example.hello@^0.1 --registry corp
      mpp install hello-0.1.0.mpp
      mpp install https://example.com/crm-2.1.0.mpp --sha256 9f86d0…0f00a08
      mpp install packages/ --json
      mpp install hello-0.1.0.mpp --alias greeter
      mpp install com.example.hello@0.1.0 --downgrade
      mpp install --locked mpp.lock packages/

    \b
    Exit code:
      0        installed, or it was installed already
      2        a wrong option, an alias that is not free, no file
      11 … 20  a package was refused, as by `mpp verify`; 14 also: it is not the file that
               --sha256 or the lockfile says; 20 also: a registry was introduced, and nobody agreed
      22       it grows or is older, and nobody agreed
      28, 29   its descriptions or its patterns were refused
      40       the address or the registry did not give a file
      41       what the registry says does not hold, or it has no such package; the name means
               several; the version is too new, yanked, quarantined or revoked
    """
    _judge_options(files, alias, sha256, locked)
    with opened() as on:
        how = Asks(yes=yes, as_json=as_json, downgrade=downgrade, publisher=publisher)
        follow = Follow(yes=yes, registry_id=introduced, quiet=as_json)
        sources = Sources(ways=Ways(registry=known_name(registry), min_age=min_age, quiet=as_json, follow=follow), offline=offline)
        wanted = gather_locked(locked, files, sources) if locked else gather(files, on.store, sources)
        if alias or sha256:
            wanted = [_only(wanted, alias, sha256.lower())]
        changed = _install(wanted, on, how)
    if as_json:
        rows: list[Json] = [changed_json(one) for one in changed]
        put_json({"ok": True, "packages": rows})
        return
    for one in changed:
        show_changed(one)


def _install(wanted: list[Wanted], on: Opened, how: Asks) -> list[Changed]:
    # All are verified and planned before the first is put in place; each of them is one change.
    changes = [judged(one, on, how) for one in wanted]
    return [carried_out(change, on, how) for change in changes]


def _judge_options(files: tuple[str, ...], alias: str, sha256: str, locked: str) -> None:
    if not files and not locked:
        raise Refused("usage.no_file", "nothing to install is given", hint="give a name, a .mpp file, a folder or an address; see `mpp install --help`")
    if locked and (alias or sha256):
        raise Refused("usage.option", "--locked says which files and aliases", hint="leave out --alias and --sha256")
    if sha256 and SHA256_HEX.fullmatch(sha256.lower()) is None:
        raise Refused("usage.option", f"{shown(sha256)!r} is not {SHA256_HEX_FORM}", where="--sha256", hint="sha256sum FILE prints it")


def _only(wanted: list[Wanted], alias: str, sha256: str) -> Wanted:
    if len(wanted) != 1:
        raise Refused("usage.option", f"--alias and --sha256 are for one package, and {len(wanted)} are meant", hint="name one file")
    if sha256:
        check_hash(wanted[0].found, sha256)
    return replace(wanted[0], alias=alias)
