"""``mpp registry add``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import agreed, told, yes_option
from mpp.cli.options import json_option, quoted
from mpp.cli.screen import note, put_json, say
from mpp.cli.store.registries import client_of, config_file, confirm_registry, drop_login, HOUR, look_at, memory_of, name_of, terms_of
from mpp.crypto.ed25519 import fingerprint
from mpp.errors import Refused
from mpp.model.fields import near
from mpp.remote.address import check_base, origin_of
from mpp.remote.config import Config, is_namespace, NAME, NAME_CHARS_MAX, NAME_FORM, Registry, with_registry, write_config
from mpp.remote.limits import STALE_SECONDS


@click.command(name="add")
@click.argument("url")
@click.option("--name", default="", metavar="NAME", help="How you call it. [default: the first part of its host]")
@click.option("--fingerprint", "expected", default="", metavar="HEX", help="The fingerprint you expect, got another way; it replaces the question.")
@click.option("--namespace", "namespaces", multiple=True, metavar="PREFIX.", help="Ids that begin so are looked up here and nowhere else. May be repeated.")
@click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="Files are fetched from here first. May be repeated.")
@click.option("--default", "is_default", is_flag=True, help="Ask it for everything that lies in no name space.")
@click.option("--min-age", type=click.FloatRange(min=0), default=None, metavar="HOURS", help="How long a version must have been public. [default: 72; 0 here]")
@click.option("--max-age", type=click.FloatRange(min=0.05), default=None, metavar="HOURS", help="How old its newest checkpoint may be. [default: 24]")
@click.option("--witness", "witnesses", multiple=True, metavar="KEY", help="The verifier key of a witness whose cosignatures count. May be repeated.")
@click.option("--quorum", type=click.IntRange(min=0), default=0, metavar="N", help="How many witnesses must have cosigned.")
@click.option("--trust", type=click.Choice(["ask", "namespaces"]), default="ask", help="May its proofs of name spaces pin publishers without a question?")
@click.option("--private", is_flag=True, help="It answers only those who log in: see `mpp registry login`.")
@yes_option
@json_option
def command(
    url: str, name: str, expected: str, namespaces: tuple[str, ...], mirrors: tuple[str, ...], is_default: bool, min_age: float | None,
    max_age: float | None, witnesses: tuple[str, ...], quorum: int, trust: str, private: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Name a registry that packages are installed from, or change how it is used.

    A registry is known by the SHA-256 of its first root document, shown as a fingerprint. You confirm it once, in a
    terminal or with --fingerprint; from then on another registry at the same address is refused, and so is one that shows
    an older state, another history, or nothing new for too long. To give --trust namespaces, a person agrees.

    \b
    Examples:
      mpp registry add https://registry.example.com
      mpp registry add https://mpp.corp.example --name corp --namespace com.corp. \\
          --fingerprint "851a 921d …"
      mpp registry add http://127.0.0.1:8765 --default

    \b
    Exit code:
      0   it is known from now on
      2   an address or an option that is not taken
      20  nobody confirmed the fingerprint, or it is another one
      40  there is no registry at the address
      41  it is not the registry that was known under this name, or its log does not hold
    """
    base = check_base(url)
    name = name or name_of(base)
    _judge(name, namespaces)
    file = config_file()
    before = file.load()
    info, chain = look_at(base)
    one = Registry(
        name=name, url=base, registry_id=chain.publisher_id, namespaces=tuple(sorted(set(namespaces))), mirrors=tuple(check_base(one) for one in mirrors),
        min_age=None if min_age is None else int(min_age * HOUR), max_age=STALE_SECONDS if max_age is None else int(max_age * HOUR), trust=trust,
        witnesses=witnesses, quorum=quorum, private=private,
    )  # fmt: skip
    # Judged before a person is asked about what could not be written.
    write_config(with_registry(before, one, default=is_default), where=file.path)
    memory = memory_of(chain.publisher_id)
    known = before.by_id(chain.publisher_id)
    # One that was only introduced so far gets more rights by this, and its fingerprint is compared now.
    if known is None or known.introduced_by or expected:
        confirm_registry(base, info, chain, expected)
    if trust == "namespaces":
        how = agreed(f"Let what {name} says of name spaces pin publishers on this machine, without a question?", name, yes=yes)
        told("registry", name, "trusts its proofs of name spaces", how)
    memory.begin(chain)
    # A private one shows nothing to a stranger; then its first proof is judged at the first install.
    if not private:
        client = client_of(one)
        memory.accept(client.checkpoint(), client.consistency, terms_of(one).now, one.max_age)
    config = file.change(lambda latest: with_registry(latest, one, default=is_default))
    _end_login(before, one)
    _done(config, one, as_json=as_json)


def _judge(name: str, namespaces: tuple[str, ...]) -> None:
    if len(name) > NAME_CHARS_MAX or NAME.fullmatch(name) is None:
        raise Refused("usage.registry", f"the name is not {NAME_FORM}", where=name[:80], hint="give one with --name")
    for space in namespaces:
        if not is_namespace(space):
            hint = near(space, [f"{space}."]) or "write com.example. with a dot at its end"
            raise Refused("usage.registry", "this is no beginning of package ids with a dot at its end", where=space[:80], hint=hint)


def _end_login(before: Config, one: Registry) -> None:
    """Attack: a registry whose address is changed, so that the token of its user is sent to somebody who only repeats its public documents."""
    old = before.by_id(one.registry_id)
    if old is not None and origin_of(old.url) != origin_of(one.url) and drop_login(one):
        note("the login was taken away with the old address; log in again with `mpp registry login`")


def _done(config: Config, one: Registry, *, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, "name": one.name, "url": one.url, "registry_id": one.registry_id, "default": config.default == one.name})
        return
    say(f"Packages can be installed from {quoted(one.name)}, {one.url}" + (", the usual registry." if config.default == one.name else "."))
    say(f"  fingerprint {fingerprint(one.registry_id)}")
    for space in one.namespaces:
        say(f"  {space}* is looked up there and nowhere else")
    note("Next: mpp search WORDS, mpp install NAME")
