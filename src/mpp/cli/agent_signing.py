"""What an agent, its organisation or its user signs, and what a back end verifies: ``mpp agent prove|vouch|delegate|verify-context``."""

from __future__ import annotations

import os
import sys

import click

from mpp.cli.agent_keys import load_key, read_public_text
from mpp.cli.options import clock, json_option, now_option, parse_time, passphrase_option, show_time
from mpp.cli.screen import note, put_json, say
from mpp.crypto.context_token import verify_context
from mpp.crypto.ed25519 import KEY_ID
from mpp.crypto.jws import JWS_BYTES_MAX
from mpp.errors import Refused
from mpp.files import read_bounded, read_stream, write_atomic
from mpp.host.agent_identity import read_behalf
from mpp.host.system import SystemRandom
from mpp.limits import KIB
from mpp.model.jsontext import Json, read, shown
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.stages.policy import CallFacts, judge_name, make_delegation, make_proof, make_statement
from mpp.stages.sandbox import ARGUMENT_BYTES_MAX, read_arguments

SIGNED_BYTES_MAX = 256 * KIB
"""Bytes of a file with a delegation. Reason: one has under 2 KiB; anything larger is something else."""

DAY_SECONDS = 86400
"""Seconds of a day. Reason: ends that nobody names are counted in days."""

JTI_BYTES = 16
"""Bytes of the id of a proof or a statement. Reason: never the same twice."""

output_option = click.option("-o", "--output", default="", metavar="FILE", type=click.Path(dir_okay=False), help="Write it there. [default: print it]")
key_option = click.option("--key", "key_file", required=True, metavar="FILE", type=click.Path(dir_okay=False), help="The key file to sign with.")


def give(data: bytes, output: str, as_json: bool, more: dict[str, Json]) -> None:
    """A signed document: into a file, or on standard output as it is."""
    if output:
        write_atomic(output, data)
    if as_json:
        document: dict[str, Json] = {"file": output} if output else {"document": read(data, family="agent", where="document")}
        put_json({"ok": True, **more, **document})
    elif output:
        say(f"Wrote {output}.")
    else:
        # Byte for byte as it was signed; a line end is added for the terminal.
        say(data.decode("utf-8"))


@click.command(short_help="Sign a proof of one call, as an agent.")
@click.argument("name")
@key_option
@click.option("--host", "host_id", required=True, metavar="ID", help="The id of the key of the host that is called: `mpp agent host-key` there.")
@click.option("--package", required=True, metavar="PUBLISHER/ID", help="The publisher's id (64 hex digits), '/', the package id.")
@click.option("--tool", required=True, metavar="NAME", help="The tool that is called.")
@click.option("--args", "arguments", default="{}", metavar="JSON|@FILE|-", help="The arguments: a JSON object, @FILE, or - for standard input.")
@click.option("--user", default="", metavar="NAME", help="The user for whom you call; only your word, unless a delegation says the same.")
@click.option("--delegation", multiple=True, metavar="FILE", type=click.Path(dir_okay=False), help="A delegation, the first one first. May be repeated.")
@click.option("--with-key", is_flag=True, help="Send the public key along, for a host that knows you by an ID token.")
@passphrase_option
@now_option
@output_option
@json_option
def prove(
    name: str, key_file: str, host_id: str, package: str, tool: str, arguments: str, user: str, delegation: tuple[str, ...], with_key: bool,
    passphrase_file: str | None, now: str | None, output: str, as_json: bool,
) -> None:  # fmt: skip
    """Sign, as the agent NAME, that you make this call now. The proof holds for 30 seconds, on that host, once.

    \b
    Example:
      mpp agent prove planner --key planner.key --host 7f3a… --package 4e73…/com.example.crm \\
        --tool lookup --args '{"id": 7}'
    """
    judge_name(name, "NAME")
    publisher, _, package_id = package.partition("/")
    if KEY_ID.fullmatch(host_id) is None or KEY_ID.fullmatch(publisher) is None or PACKAGE_ID.fullmatch(package_id) is None:
        message = f"--host takes 64 hex digits, --package 64 hex digits, '/' and {PACKAGE_ID_FORM}"
        raise Refused("usage.option", message, hint="`mpp agent host-key` and `mpp inspect` show them")
    facts = CallFacts(
        audience=host_id, tool=tool, publisher_id=publisher, package_id=package_id, argument_sha256=read_arguments(_given(arguments)).sha256
    )  # fmt: skip
    links = tuple(read_bounded(one, SIGNED_BYTES_MAX).removesuffix(b"\n") for one in delegation)
    signer = load_key(key_file, "agent", passphrase_file)
    moment, jti = clock(now).now(), SystemRandom().bytes(JTI_BYTES).hex()
    proof = make_proof(name, facts, signer, jti=jti, now=moment, user=user, delegation=links, with_key=with_key)
    give(proof, output, as_json, {"jti": jti})


def _given(text: str) -> bytes:
    if text == "-":
        return sys.stdin.buffer.read(ARGUMENT_BYTES_MAX + 1)
    if text.startswith("@"):
        return read_stream(text[1:], ARGUMENT_BYTES_MAX)
    return os.fsencode(text)


@click.command(short_help="Sign, as an organisation, whose key a key is.")
@click.argument("name")
@key_option
@click.option("--public", required=True, metavar="BASE64", help="The agent's public key.")
@click.option("--until", default="", metavar="TIME", help="The end. [default: in 90 days]")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="A role of the agent, for the record. May be repeated.")
@passphrase_option
@now_option
@output_option
@json_option
def vouch(
    name: str, key_file: str, public: str, until: str, roles: tuple[str, ...], passphrase_file: str | None, now: str | None, output: str, as_json: bool
) -> None:  # fmt: skip
    """Sign, with the key of an organisation, that the agent NAME has this key. Hosts that know the organisation then accept the agent.

    A statement cannot be called back before its end: make it for a short time.

    \b
    Example:
      mpp agent vouch acme.example/planner --key acme.key --public DhTB… -o planner.statement
    """
    moment = clock(now).now()
    end = parse_time(until, "--until") if until else moment + 90 * DAY_SECONDS
    agent_public, jti = read_public_text(public, "--public"), SystemRandom().bytes(JTI_BYTES).hex()
    signer = load_key(key_file, "organisation", passphrase_file)
    made = make_statement(signer, agent=name, public=agent_public, not_before=moment, not_after=end, jti=jti, roles=roles)
    give(made, output, as_json, {"agent": name, "until": end, "jti": jti})


@click.command(short_help="Sign that an agent may act for you.")
@click.argument("agent")
@key_option
@click.option("--for", "acted_for", required=True, metavar="KIND:NAME", help="Who you are: user:NAME or agent:NAME.")
@click.option("--public", required=True, metavar="BASE64", help="The public key of AGENT.")
@click.option("--until", default="", metavar="TIME", help="The end. [default: in one day]")
@click.option("--depth", default=0, type=click.IntRange(0, 3), help="How many more agents may act below AGENT.  [default: none]")
@click.option("--parent", default="", metavar="FILE", type=click.Path(dir_okay=False), help="The delegation by which you act yourself.")
@passphrase_option
@now_option
@output_option
@json_option
def delegate(
    agent: str, key_file: str, acted_for: str, public: str, until: str, depth: int, parent: str, passphrase_file: str | None, now: str | None, output: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Sign that AGENT, who has that key, acts for you. The agent sends it with its proofs; it shows in every question and record.

    \b
    Examples:
      mpp agent delegate planner --key ada.key --for user:ada --public DhTB… -o ada.delegation
      mpp agent delegate worker --key planner.key --for agent:planner --public nVhg… \\
        --parent ada.delegation -o worker.delegation
    """
    who = read_behalf(acted_for)
    moment = clock(now).now()
    end = parse_time(until, "--until") if until else moment + DAY_SECONDS
    above = read_bounded(parent, SIGNED_BYTES_MAX).removesuffix(b"\n") if parent else b""
    agent_public, signer = read_public_text(public, "--public"), load_key(key_file, "agent", passphrase_file)
    made = make_delegation(
        signer, of=agent, of_public=agent_public, kind=who.kind, name=who.name, not_before=moment, not_after=end, max_depth=depth, parent=above
    )  # fmt: skip
    give(made, output, as_json, {"of": agent, "for": f"{who.kind}:{who.name}", "until": end})


@click.command(name="verify-context", short_help="Verify a signed context, as a remote back end.")
@click.argument("text", metavar="TOKEN")
@click.option("--audience", required=True, metavar="ORIGIN", help="The back end's own origin, such as https://crm.example.com.")
@click.option("--host-key", "host_key_text", required=True, metavar="HEX", help="The public key of the host, as `mpp agent host-key` shows it there.")
@now_option
@json_option
def verify_context_(text: str, audience: str, host_key_text: str, now: str | None, as_json: bool) -> None:
    """Verify TOKEN (- for standard input), which a tool sent with a request: which host, agent, package and call it comes from.

    \b
    Example:
      mpp agent verify-context - --audience https://crm.example.com --host-key 0e14c194… < token.txt
    """
    public = read_public_text(host_key_text, "--host-key")
    token = sys.stdin.buffer.read(JWS_BYTES_MAX + 1).decode("ascii", "replace").strip() if text == "-" else text
    found = verify_context(token, audience, public, clock(now).now())
    if as_json:
        put_json({"ok": True, "host": found.host, "agent": found.agent, "expires": found.expires, "jti": found.jti, "context": found.context})
        return
    proof = found.context.get("agent")
    level = proof.get("proof") if isinstance(proof, dict) else ""
    say(f"Host    {found.host}")
    say(f"Agent   {found.agent or 'unknown'} ({level})")
    say(f"Tool    {shown(str(found.context.get('tool')))}")
    say(f"Until   {show_time(found.expires)}")
    note("The context holds for this audience and this call.")
