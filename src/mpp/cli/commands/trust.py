"""``mpp trust``."""

from __future__ import annotations

import click

from mpp.cli.first_use import confirm, question, warnings
from mpp.cli.options import json_option, parse_time, quoted, show_time, trust_store
from mpp.cli.screen import note, put_json, say, table
from mpp.crypto.ed25519 import fingerprint
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.files import take
from mpp.host.system import SystemClock
from mpp.host.trust_store import TrustStore, find_publisher, load_chain_file, with_accepted, with_first_use, with_pin, without_pin, without_publisher
from mpp.model.jsontext import Json
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.stages.archive import read_archive
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import Seal, TrustState, authenticate, judge_first_use, newest_chain, read_seal

ASKABLE = ("publisher.unknown", "publisher.package_unpinned")
"""Refusals that a person's yes may answer; every other one stands."""


def _store() -> TrustStore:
    return trust_store()


@click.group(name="trust", no_args_is_help=True, short_help="Manage the publishers this machine trusts.")
def command() -> None:
    """Manage the publishers this machine trusts.

    A publisher is known by the SHA-256 of its first root document, shown as a fingerprint. On first use a person
    confirms it once, for one package id; from then on that id belongs to that publisher only.

    \b
    Examples:
      mpp trust list
      mpp trust add hello-0.1.0.mpp
      mpp trust pin com.example. "Ada Example"
      mpp trust remove com.example.hello
    """


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show trusted publishers, pinned packages and revocations.

    \b
    Example:
      mpp trust list --json
    """
    state = _store().load()
    if as_json:
        put_json({"ok": True, "file": _store().path, **_state_json(state)})
        return
    if not state.publishers:
        say("No publisher is trusted yet. `mpp keygen` makes one, `mpp trust add FILE` accepts one.")
    for name, one in sorted(state.publishers.items()):
        newest = one.chain.newest
        say(f"{quoted(newest.name)}  (root version {newest.version})")
        say(f"  fingerprint {fingerprint(name)}")
        say(f"  release keys {', '.join('pub_' + key[:16] for key in newest.role('release').keys)}")
        say("  any package: it is this machine's own key" if one.any_package else "  only the packages pinned below")
        if one.until is not None:
            say(f"  until {show_time(one.until)}")
    rows = [(name, owner[:16]) for name, owner in sorted({**state.pins, **state.prefixes}.items())]
    if rows:
        say("Pinned packages (package, publisher):")
        table(rows)
    for digest in sorted(state.revoked_publishers | state.revoked_content):
        say(f"revoked {digest}")


def _state_json(state: TrustState) -> dict[str, Json]:
    publishers: list[Json] = [
        {"id": name, "name": one.chain.newest.name, "root_version": one.chain.newest.version, "any_package": one.any_package, "until": one.until}
        for name, one in sorted(state.publishers.items())
    ]
    revoked: list[Json] = [*sorted(state.revoked_publishers | state.revoked_content)]
    return {"publishers": publishers, "pins": dict(state.pins), "prefixes": dict(state.prefixes), "revoked": revoked, "first_use": state.first_use}


@command.command(short_help="Trust the publisher of a package or publisher.json.")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--fingerprint", "expected", default="", metavar="HEX", help="The fingerprint you expect, got another way; it replaces the question.")
@click.option("--until", default=None, metavar="TIME", help="Trust until this time only.")
@json_option
def add(file: str, expected: str, until: str | None, as_json: bool) -> None:
    """Trust the publisher of FILE: a signed package (pins its package id) or a publisher.json (pins nothing yet).

    In a terminal you confirm the fingerprint. Scripts give it with --fingerprint; it must match in full.

    \b
    Examples:
      mpp trust add hello-0.1.0.mpp
      mpp trust add publisher.json --until 2027-12-31 --fingerprint "851a 921d …"
    """
    moment = None if until is None else parse_time(until, "--until")
    state = _store().load()
    # With a new end given, an end that has passed is no reason to refuse; it is what is being renewed.
    seal, chain = _read(file, state, 0 if moment is not None else SystemClock().now())
    judge_first_use(chain, state)
    found = warnings(chain, seal, state)
    if expected:
        for warning in found:
            note(f"warning: {warning}")
        if expected.replace(" ", "").replace(":", "").lower() != chain.publisher_id:
            raise Refused("publisher.fingerprint", "the fingerprint is another one", where=file, hint="stop: this is not the publisher you expect")
    elif not confirm(question(chain, seal, state)):
        raise Refused("publisher.unconfirmed", "nobody confirmed the fingerprint", where=file, hint="run in a terminal and answer yes, or give --fingerprint")

    def step(old: TrustState) -> TrustState:
        if seal is None:
            return with_accepted(old, chain, until=moment)
        return with_first_use(old, chain, seal.statement.package_id, until=moment)

    _store().change(step)
    about = f" for {seal.statement.package_id}" if seal is not None else ""
    more: dict[str, Json] = {"publisher": chain.publisher_id, "name": chain.newest.name, "warnings": [*found]}
    _done(as_json, f"Trusted {quoted(chain.newest.name)}{about}, fingerprint {fingerprint(chain.publisher_id)}", chain.publisher_id, more)


def _read(file: str, state: TrustState, now: int) -> tuple[Seal | None, RootChain]:
    """A package's seal, once checks 1 to 5 have passed but for what a person may answer, or a bare root document."""
    data = take(file, TOTAL_BYTES_MAX)
    if data[:1] == b"{":
        return None, newest_chain(load_chain_file(file), state)
    try:
        authenticate(data, state, now)
    except Refused as fault:
        # Attack: a package whose content was swapped, or whose publisher is revoked here, is trusted because somebody said yes.
        if fault.code not in ASKABLE:
            raise
    seal = read_seal(read_archive(data))
    if isinstance(seal, Refused):
        raise seal
    return seal, newest_chain(seal.chain, state)


@command.command(short_help="Stop trusting a publisher, or remove a pin.")
@click.argument("what")
@json_option
def remove(what: str, as_json: bool) -> None:
    """Stop trusting WHAT: a publisher (its exact name, or 16 or more digits of its fingerprint) with all its pins, or one pinned package id.

    \b
    Examples:
      mpp trust remove "Ada Example"
      mpp trust remove com.example.hello
    """
    done: list[tuple[str, str, dict[str, Json]]] = []

    def step(state: TrustState) -> TrustState:
        owner = state.pins.get(what) or state.prefixes.get(what)
        if owner is not None:
            words, more = _hit(state, owner)
            done.append((f"Removed {what} from {words}", what, more))
            return without_pin(state, what)
        publisher = find_publisher(state, what)
        words, more = _hit(state, publisher)
        done.append((f"Removed {words}", publisher, more))
        return without_publisher(state, publisher)

    _store().change(step)
    _done(as_json, *done[-1])


@command.command(short_help="Bind a package id or prefix to a publisher.")
@click.argument("package")
@click.argument("publisher")
@json_option
def pin(package: str, publisher: str, as_json: bool) -> None:
    """Bind PACKAGE to PUBLISHER (its exact name, or 16 or more digits of its fingerprint), as an administrator.

    PACKAGE is a package id, or a prefix with a dot at its end: com.example. binds all ids below it.

    \b
    Examples:
      mpp trust pin com.example.hello "Ada Example"
      mpp trust pin com.example. "851a 921d d19c 0f2e"
    """
    if PACKAGE_ID.fullmatch(package + "x" if package.endswith(".") else package) is None:
        raise Refused(
            "usage.package_id",
            f"{package[:80]!r} is not {PACKAGE_ID_FORM}, nor such an id with '.' at its end",
            hint="for example com.example.hello or com.example.",
        )
    hit: list[tuple[str, dict[str, Json]]] = []

    def step(state: TrustState) -> TrustState:
        found = find_publisher(state, publisher)
        hit.append(_hit(state, found))
        return with_pin(state, package, found)

    _store().change(step)
    words, more = hit[-1]
    _done(as_json, f"Pinned {package} to {words}", package, more)


def _hit(state: TrustState, publisher: str) -> tuple[str, dict[str, Json]]:
    """The publisher that a command changed, in words and as JSON: a person sees whether it was the one meant."""
    known = state.publishers.get(publisher)
    name = known.chain.newest.name if known is not None else ""
    return f"publisher {quoted(name)}, fingerprint {fingerprint(publisher)}", {"publisher": publisher, "name": name}


def _done(as_json: bool, text: str, about: str, more: dict[str, Json]) -> None:
    if as_json:
        put_json({"ok": True, "changed": about, **more})
    else:
        say(text + ".")
        note("See `mpp trust list`.")
