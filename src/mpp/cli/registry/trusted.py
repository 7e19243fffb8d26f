"""``mpp registry trusted``: builds that publish without a key of the registry's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mpp.cli.groups import Words
from mpp.cli.options import find_package, json_option, shorter
from mpp.cli.registry.as_publisher import asking, asking_options, registry_named
from mpp.cli.screen import mark, put_json, say, TICK
from mpp.errors import Refused
from mpp.files import read_stream, take, write_atomic
from mpp.host.store.disk import BUNDLE_ENDING
from mpp.model.jsontext import Json, canonical
from mpp.protocol.registry.bodies import OIDC_TOKEN_CHARS_MAX
from mpp.remote.credentials import Token
from mpp.remote.publishing import PublisherClient, RuleDoc

if TYPE_CHECKING:
    from mpp.stages.gatekeeper import VerifiedPackage


STANDARD_INPUT = "/dev/stdin"


@click.group(name="trusted", cls=Words, no_args_is_help=True, short_help="Let builds of your repositories publish.")
def command() -> None:
    """Trusted publishing: a registry believes the tokens of a build service, and a rule of yours says which builds may publish what.

    \b
    Examples:
      mpp registry trusted add com.example.hello --issuer https://token.actions.githubusercontent.com \\
          --claim repository=example/hello --claim environment=release
      mpp registry trusted list
      mpp registry trusted publish hello-1.0.0.mpp --id-token-file token
    """


@command.command(short_help="Let builds publish packages.")
@click.argument("packages", nargs=-1, required=True)
@click.option("--issuer", required=True, metavar="URL", help="The build service, as its tokens name it.")
@click.option("--claim", "claims", multiple=True, required=True, metavar="NAME=TEXT", help="What a token must hold. May be repeated; all must fit.")
@asking_options
@json_option
def add(
    packages: tuple[str, ...], issuer: str, claims: tuple[str, ...], name: str, key: str | None, passphrase_file: str | None, as_json: bool
) -> None:  # fmt: skip
    """Let builds publish PACKAGES. One claim must say whose build it is, such as repository or sub.

    Name repository_id or repository_owner_id where there is one: whoever takes a repository's old name does not get its number.

    \b
    Example:
      mpp registry trusted add com.example.hello --issuer https://ci.example.com \\
          --claim repository=example/hello --claim environment=release

    \b
    Exit codes: 0 it holds, 40 no answer, 41 the registry refuses it or does not believe the issuer.
    """
    table = dict(_claim(one) for one in claims)
    if len(table) != len(claims):
        raise Refused("usage.option", "a claim stands twice", where="--claim", hint="name each once")
    document: dict[str, Json] = {"issuer": issuer, "claims": dict(table), "packages": list(packages)}
    found = asking(registry_named(name), key, passphrase_file).add_rule(canonical(document))
    if as_json:
        put_json({"ok": True, **_row(found)})
        return
    say(mark(TICK), f" Builds of {found.issuer} that hold all of this may publish {', '.join(found.packages)}:")
    for claim, text in found.claims:
        say(f"  {claim} = {text}")
    say(f"  rule {found.rule_id}")


def _claim(text: str) -> tuple[str, str]:
    name, sign, wanted = text.partition("=")
    if not sign or not name or not wanted:
        raise Refused("usage.option", "a claim is written NAME=TEXT", where="--claim", hint="such as --claim repository=example/hello")
    return name, wanted


@command.command(name="list", short_help="Show your rules.")
@asking_options
@json_option
def list_(name: str, key: str | None, passphrase_file: str | None, as_json: bool) -> None:
    """Show the rules of your publisher.

    \b
    Example:
      mpp registry trusted list
    """
    found = asking(registry_named(name), key, passphrase_file).rules()
    if as_json:
        rows: list[Json] = [_row(one) for one in found]
        put_json({"ok": True, "rules": rows})
        return
    for one in found:
        claims = ", ".join(f"{claim}={text}" for claim, text in one.claims)
        say(f"{one.rule_id}  {' '.join(one.packages)}  {one.issuer}  {claims}")
    if not found:
        say("No build may publish for you.")


@command.command(short_help="Let builds publish no more.")
@click.argument("rule_id")
@asking_options
@json_option
def remove(rule_id: str, name: str, key: str | None, passphrase_file: str | None, as_json: bool) -> None:
    """Remove a rule. Tokens that it gave end at once.

    \b
    Example:
      mpp registry trusted remove 1f0c3b9a77e2d4101f0c3b9a
    """
    asking(registry_named(name), key, passphrase_file).remove_rule(rule_id)
    if as_json:
        put_json({"ok": True, "rule_id": rule_id})
    else:
        say("It is removed.")


@command.command(short_help="Publish from a build, with the token of its service.")
@click.argument("file", required=False)
@click.option("--id-token-file", "source", required=True, metavar="FILE", help="The ID token; - is standard input. Its audience is the registry id.")
@click.option("--registry", "name", default="", metavar="NAME", help="Which registry. [default: that of the name space, else the usual one]")
@json_option
def publish(file: str | None, source: str, name: str, as_json: bool) -> None:
    """Publish FILE, a signed package, from a build: its token is exchanged for one of the registry that holds fifteen minutes.

    The package is signed as always; the token says who uploads it. The registry's proof is written beside the file, as FILE.bundle.

    \b
    Example:
      mpp registry trusted publish hello-1.0.0.mpp --id-token-file token

    \b
    Exit codes: 0 published or staged, 11 to 17 the package is refused, 40 no answer, 41 the
    registry refuses it.
    """
    from mpp.cli.commands.publish import Ready, judged  # noqa: PLC0415 - brings the stages

    path = find_package(file)
    data, package = _verified(path)
    registry = registry_named(name, package.package_id)
    raw = read_stream(STANDARD_INPUT if source == "-" else source, OIDC_TOKEN_CHARS_MAX)
    issued = PublisherClient(registry).exchange(raw.decode("ascii", "replace").strip(), package.package_id)
    client = PublisherClient(registry, credentials=Token(issued.token))
    answer = client.publish(data)
    rows: dict[str, Json] = {"ok": True, "package_id": package.package_id, "version": package.version, "notes": list(answer.notes)}
    if answer.version is None:
        words, rows = f"It waits for a second person: reference {answer.staged_id}", {**rows, "state": "staged", "staged_id": answer.staged_id}
    else:
        proof = judged(client, Ready(path=path, data=data, package=package, registry=registry), answer.bundle)
        write_atomic(path + BUNDLE_ENDING, proof.bundle)
        words = f"Published {package.package_id} {package.version}; its proof is in {shorter(path + BUNDLE_ENDING)}"
        rows = {**rows, "state": "published", "bundle": shorter(path + BUNDLE_ENDING), "log_index": proof.proven.index}
    if as_json:
        put_json(rows)
    else:
        say(mark(TICK), f" {words}")


def _verified(path: str) -> tuple[bytes, VerifiedPackage]:
    """All seven checks by the publisher's own root document; whether the registry believes this publisher is for the registry to say."""
    from mpp.crypto.roots import read_chain  # noqa: PLC0415 - as above
    from mpp.host.system import SystemClock  # noqa: PLC0415 - as above
    from mpp.host.trust_store import with_publisher  # noqa: PLC0415 - as above
    from mpp.stages.archive import PUBLISHER_NAME, read_archive, read_member  # noqa: PLC0415 - as above
    from mpp.stages.archive.limits import TOTAL_BYTES_MAX  # noqa: PLC0415 - as above
    from mpp.stages.gatekeeper import NO_TRUST, verify  # noqa: PLC0415 - as above

    data = bytes(take(path, TOTAL_BYTES_MAX))
    archive = read_archive(data)
    member = archive.find(PUBLISHER_NAME)
    if member is None:
        raise Refused("signature.unsigned", "the package is not signed", where=path, hint="sign it with `mpp sign`")
    chain = read_chain(read_member(archive, member, "signature"), where=PUBLISHER_NAME)
    return data, verify(data, with_publisher(NO_TRUST, chain, any_package=True), SystemClock().now())


def _row(rule: RuleDoc) -> dict[str, Json]:
    return {"rule_id": rule.rule_id, "issuer": rule.issuer, "claims": dict(rule.claims), "packages": list(rule.packages)}
