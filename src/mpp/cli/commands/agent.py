"""``mpp agent``."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from mpp.cli.agent_keys import read_public_text, read_role
from mpp.cli.agreeing import agreed, told, yes_option
from mpp.cli.agent_signing import DAY_SECONDS, delegate, prove, verify_context_, vouch
from mpp.cli.options import clock, home, in_shell, json_option, now_option, parse_time, passphrase_option, quoted, read_passphrase, shorter, show_time
from mpp.cli.screen import note, put_json, say
from mpp.crypto import base64text
from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner, key_id
from mpp.crypto.keyfile import write_key
from mpp.errors import Refused
from mpp.files import PRIVATE, make_private_folder, read_bounded, write_atomic
from mpp.host.agent_store import (
    KEY_DIGITS_MIN,
    AgentStore,
    BearerToken,
    KnownAgent,
    KnownAgents,
    named_agent,
    new_token,
    token_digest,
    without_credential,
)
from mpp.host.host_key import host_key
from mpp.host.oidc import JWKS_BYTES_MAX, Issuer, keys_of_file
from mpp.host.system import SystemRandom
from mpp.model.fields import near
from mpp.model.jsontext import Json, shown
from mpp.stages.policy import NAME_PATTERN_FORM, Organisation, is_name_pattern, judge_name
from mpp.cli.groups import Words

TOKEN_DAYS = 90
"""Days for which a new token holds. Reason: long enough not to be renewed by habit; a leaked one ends by itself."""


@click.group(name="agent", cls=Words, no_args_is_help=True, short_help="Manage the agents that this machine knows.")
def command() -> None:
    """Manage the agents that this machine knows, and make what agents prove themselves with.

    An agent is known by a key (it signs each call), by a token (whoever has it is the agent), or only by what its launcher
    says. Policies may demand one of these, and what they allow stands in the policy, never here.

    \b
    Examples:
      mpp agent keygen planner
      mpp agent add planner --key planner.key
      mpp agent token planner --until 2027-01-01
      mpp agent trust-org Acme --public DhTB… --may-name "acme.example/*"
      mpp agent list
    """


for one in (prove, vouch, delegate, verify_context_):
    command.add_command(one)


def _store() -> AgentStore:
    return AgentStore(home().agents)


def _done(as_json: bool, text: str, about: str, more: dict[str, Json]) -> None:
    if as_json:
        put_json({"ok": True, "changed": about, **more})
    else:
        say(text + ".")
        note("See `mpp agent list`.")


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show the agents, organisations and issuers that this machine knows. Tokens are never shown.

    \b
    Example:
      mpp agent list --json
    """
    known = _store().load()
    if as_json:
        put_json({"ok": True, "file": _store().path, **_known_json(known)})
        return
    if known == KnownAgents(agents={}, organisations={}, issuers={}):
        say("No agent is known yet. `mpp agent keygen NAME` makes a key, `mpp agent add NAME` adds one.")
    for _, agent in sorted(known.agents.items()):
        _say_agent(agent)
    for key_name, organisation in sorted(known.organisations.items()):
        say(f"organisation {quoted(organisation.name)}  may name {organisation.may_name}  key {key_name}")
    for address, issuer in sorted(known.issuers.items()):
        say(f"issuer {address}  may name {issuer.may_name}  audience {issuer.audience}  keys {len(issuer.keys)}")


def _say_agent(agent: KnownAgent) -> None:
    say(agent.name + ("  (a user)" if agent.is_user else "") + ("" if agent.until is None else f"  until {show_time(agent.until)}"))
    for key in agent.keys:
        say(f"  key   {key_id(key)}")
    for token in agent.tokens:
        say(f"  token {token.sha256[:KEY_DIGITS_MIN]}  until {show_time(token.until)}" + (f"  {quoted(token.label)}" if token.label else ""))


def _known_json(known: KnownAgents) -> dict[str, Json]:
    agents: list[Json] = [_agent_json(agent) for _, agent in sorted(known.agents.items())]
    organisations: list[Json] = [{"name": one.name, "key": name, "may_name": one.may_name} for name, one in sorted(known.organisations.items())]
    issuers: list[Json] = [
        {"issuer": one.issuer, "audience": one.audience, "name_claim": one.name_claim, "may_name": one.may_name, "keys": [key.kid for key in one.keys]}
        for _, one in sorted(known.issuers.items())
    ]
    return {"agents": agents, "organisations": organisations, "issuers": issuers}


def _agent_json(agent: KnownAgent) -> Json:
    tokens: list[Json] = [{"id": one.sha256[:KEY_DIGITS_MIN], "until": one.until, "label": one.label} for one in agent.tokens]
    return {"name": agent.name, "user": agent.is_user, "keys": [key_id(key) for key in agent.keys], "tokens": tokens, "until": agent.until}


@command.command(name="host-key", short_help="Show the key of this host.")
@json_option
def host_key_(as_json: bool) -> None:
    """Show the key of this host: its id is the audience of proofs, and back ends verify signed contexts with it.

    \b
    Example:
      mpp agent host-key --json
    """
    found = host_key(home())
    if as_json:
        put_json({"ok": True, "key_id": found.key_id, "public_key": base64text.encode(found.public), "public_hex": found.public.hex()})
        return
    say(f"Key id      {found.key_id}")
    say(f"Public key  {base64text.encode(found.public)}")
    say(f"In hex      {found.public.hex()}")


@command.command(short_help="Make a key file for an agent, a user or an organisation.")
@click.argument("name")
@click.option("-o", "--output", default="", metavar="FILE", type=click.Path(dir_okay=False), help="The key file. [default: in $MPP_HOME/keys]")
@click.option("--organisation", is_flag=True, help="A key that vouches for agents, instead of one that signs calls and delegations.")
@click.option("--no-passphrase", is_flag=True, help="Leave the key readable to whoever can read the file; an agent without a person needs that.")
@passphrase_option
@json_option
def keygen(name: str, output: str, organisation: bool, no_passphrase: bool, passphrase_file: str | None, as_json: bool) -> None:
    """Make a key for NAME. It is not known to any host yet: add it where it is to be accepted.

    \b
    Examples:
      mpp agent keygen planner --no-passphrase
      mpp agent keygen acme.example --organisation -o acme.key
    """
    judge_name(name, "NAME")
    role = "organisation" if organisation else "agent"
    path = output or os.path.join(home().keys, f"{role}-{name.replace('/', '-')}.key")
    if os.path.lexists(path):
        raise Refused("key.exists", "the file exists already", where=path, hint="name another file with -o; a key is never overwritten")
    passphrase = None if no_passphrase else read_passphrase(passphrase_file, confirm=True, what="the new key")
    random = SystemRandom()
    seed = random.bytes(SEED_BYTES)
    make_private_folder(os.path.dirname(os.path.abspath(path)))
    write_atomic(path, write_key(seed, role, passphrase, random), PRIVATE, replace=False)
    public = SeedSigner(seed).public_key
    if as_json:
        put_json(
            {
                "ok": True,
                "name": name,
                "role": role,
                "file": path,
                "key_id": key_id(public),
                "public_key": base64text.encode(public),
                "sealed": not no_passphrase,
            }
        )
        return
    say(f"Key file    {path}")
    say(f"Key id      {key_id(public)}")
    say(f"Public key  {base64text.encode(public)}")
    file, text = in_shell(shorter(path)), base64text.encode(public)
    say(f"Next: mpp agent trust-org {name} --public {text} --may-name '{name}/*'" if organisation else f"Next: mpp agent add {name} --key {file}")
    if no_passphrase:
        note("warning: the key is not sealed; whoever reads the file can sign with it")


@command.command(short_help="Make an agent's key known to this machine.")
@click.argument("name")
@click.option("--key", "key_file", default="", metavar="FILE", type=click.Path(dir_okay=False), help="Its key file; only the public half is read.")
@click.option("--public", default="", metavar="BASE64", help="Its public key.")
@click.option("--until", default="", metavar="TIME", help="Accept it until this time only.")
@click.option("--user", "is_user", is_flag=True, help="NAME is a person for whom agents act, and signs delegations.")
@yes_option
@json_option
def add(name: str, key_file: str, public: str, until: str, is_user: bool, yes: bool, as_json: bool) -> None:
    """Know the agent NAME by a key, after a person at the terminal said yes. A second key is added to the first; with --until alone, only the end is changed.

    \b
    Examples:
      mpp agent add planner --key planner.key
      mpp agent add ada --user --public DhTBlDBe6pR9t221eGxnSoUyWTlmGzPh+AuJ14IWfws=
    """
    judge_name(name, "NAME")
    if bool(key_file) + bool(public) > 1 or not (key_file or public or until):
        raise Refused("usage.option", "give one of --key and --public, or --until for an agent that is known", hint="see `mpp agent add --help`")
    key = _public_of(key_file, public)
    end = parse_time(until, "--until") if until else None

    def step(known: KnownAgents) -> KnownAgents:
        if key is None:
            return known.with_agent(replace(known.find(name), until=end))
        _judge_free(known, name, key)
        before = known.agents.get(name) or named_agent(name, is_user=is_user)
        if before.is_user != is_user:
            raise Refused("agent.user", f"{name} is known as {'a user' if before.is_user else 'an agent'}", where=name, hint="take another name, or remove it")
        keys = before.keys if key in before.keys else (*before.keys, key)
        return known.with_agent(replace(before, keys=keys, until=before.until if end is None else end))

    step(_store().load())  # What cannot be done is said before anybody is asked.
    kind = "user" if is_user else "agent"
    by = f"its keys, until {until}" if key is None else f"the key {key_id(key)}"
    how = agreed(f"Know the {kind} {name} by {by}?", name, yes=yes)
    agent = _store().change(step).agents[name]
    told(kind, name, "known", how)
    _done(as_json, f"{name} is known by {len(agent.keys)} key{'s' * (len(agent.keys) != 1)}", name, {"agent": _agent_json(agent)})


def _public_of(key_file: str, public: str) -> bytes | None:
    if key_file:
        return read_role(key_file, "agent").public
    return read_public_text(public, "--public") if public else None


def _judge_free(known: KnownAgents, name: str, key: bytes) -> None:
    for one in known.agents.values():
        if key in one.keys and one.name != name:
            raise Refused("agent.duplicate", f"the key is already that of {one.name}", where=name, hint="make a key of its own for each agent")


@command.command(short_help="Make a bearer token for an agent; it is shown once.")
@click.argument("name")
@click.option("--until", default="", metavar="TIME", help=f"The end.  [default: in {TOKEN_DAYS} days]")
@click.option("--label", default="", metavar="TEXT", help="Where it is used, for the list.")
@now_option
@yes_option
@json_option
def token(name: str, until: str, label: str, now: str | None, yes: bool, as_json: bool) -> None:
    """Make a token for the agent NAME, after a person at the terminal said yes, and print it once. Whoever has it is the agent; only its digest is kept here.

    \b
    Example:
      mpp agent token planner --label "build server" --until 2027-01-01 > planner.token
    """
    judge_name(name, "NAME")
    end = parse_time(until, "--until") if until else clock(now).now() + TOKEN_DAYS * DAY_SECONDS
    text = new_token(SystemRandom())
    held = BearerToken(sha256=token_digest(text), until=end, label=label)

    def step(known: KnownAgents) -> KnownAgents:
        before = known.agents.get(name) or named_agent(name)
        if before.is_user:
            raise Refused("agent.user", f"{name} is a user and has no tokens", where=name, hint="make a token for the agent that acts for them")
        return known.with_agent(replace(before, tokens=(*before.tokens, held)))

    step(_store().load())  # What cannot be done is said before anybody is asked.
    how = agreed(f"Make a token by which whoever has it is the agent {name}, until {show_time(end)}?", name, yes=yes)
    _store().change(step)
    told("agent", name, "token", how)
    if as_json:
        put_json({"ok": True, "changed": name, "token": text, "id": held.sha256[:KEY_DIGITS_MIN], "until": end})
        return
    say(text)
    note(f"This is the one time that it is shown. It holds until {show_time(end)}; end it with: mpp agent remove {name} --token {held.sha256[:KEY_DIGITS_MIN]}")


@command.command(short_help="Forget an agent, an organisation or an issuer.")
@click.argument("what")
@click.option("--key", "key_digits", default="", metavar="ID", help="Forget only this key of the agent (16 or more digits of its id).")
@click.option("--token", "token_digits", default="", metavar="ID", help="Forget only this token of the agent (16 or more digits, see `mpp agent list`).")
@json_option
def remove(what: str, key_digits: str, token_digits: str, as_json: bool) -> None:
    """Forget WHAT: the name of an agent, the key id of an organisation (16 or more digits), or the address of an issuer.

    \b
    Examples:
      mpp agent remove planner
      mpp agent remove planner --token 1f0c3b9a77e2d410
    """
    if key_digits or token_digits:
        _store().change(lambda known: known.with_agent(without_credential(known.find(what), key_digits, token_digits)))
        told("agent", what, "key or token removed", "")
        _done(as_json, f"Removed from {what}", what, {})
        return

    def step(known: KnownAgents) -> KnownAgents:
        if what in known.agents:
            return replace(known, agents={name: one for name, one in known.agents.items() if name != what})
        if what in known.issuers:
            return replace(known, issuers={name: one for name, one in known.issuers.items() if name != what})
        keys = [name for name in known.organisations if len(what) >= KEY_DIGITS_MIN and name.startswith(what)]
        if len(keys) == 1:
            return replace(known, organisations={name: one for name, one in known.organisations.items() if name != keys[0]})
        hint = near(what, known.agents) or "see `mpp agent list`"
        raise Refused("agent.unknown", f"this host knows no agent, organisation or issuer {shown(what)!r}", hint=hint)

    _store().change(step)
    told("agent, organisation or issuer", what, "removed", "")
    _done(as_json, f"Removed {what}", what, {})


def _pattern(may_name: str) -> str:
    if not is_name_pattern(may_name):
        raise Refused("usage.option", f"--may-name {shown(may_name)!r} is no pattern of names", hint=f"write {NAME_PATTERN_FORM}")
    return may_name


@command.command(name="trust-org", short_help="Believe an organisation that vouches for its agents.")
@click.argument("name")
@click.option("--public", required=True, metavar="BASE64", help="Its public key, got from it another way.")
@click.option("--may-name", required=True, metavar="PATTERN", help="The names that it may vouch for, with at most one '*'.")
@yes_option
@json_option
def trust_org(name: str, public: str, may_name: str, yes: bool, as_json: bool) -> None:
    """Believe what the organisation NAME says of its agents (`mpp agent vouch`), after a person at the terminal said yes.

    \b
    Example:
      mpp agent trust-org Acme --public DhTB… --may-name "acme.example/*"
    """
    found = Organisation(name=name, key=read_public_text(public, "--public"), may_name=_pattern(may_name))
    number = key_id(found.key)
    how = agreed(f"Believe {quoted(name)} of the names {may_name}, by the key {number}?", name, yes=yes)
    _store().change(lambda known: replace(known, organisations={**known.organisations, number: found}))
    told("organisation", number, "trusted", how)
    _done(as_json, f"{quoted(name)} may vouch for {may_name}, with the key {number}", number, {"name": name, "may_name": may_name})


@command.command(name="trust-issuer", short_help="Believe an OIDC issuer whose ID tokens name agents.")
@click.argument("issuer")
@click.option("--audience", required=True, metavar="TEXT", help="The audience that its tokens for this host have.")
@click.option("--jwks", required=True, metavar="FILE", type=click.Path(dir_okay=False), help="Its published keys. They are taken from here and never fetched.")
@click.option("--name-claim", default="sub", metavar="CLAIM", show_default=True, help="The claim that holds the agent's name.")
@click.option("--may-name", required=True, metavar="PATTERN", help="The names that it may vouch for, with at most one '*'.")
@yes_option
@json_option
def trust_issuer(issuer: str, audience: str, jwks: str, name_claim: str, may_name: str, yes: bool, as_json: bool) -> None:
    """Believe ID tokens of ISSUER, exactly as its tokens write it, after a person at the terminal said yes. They must name
    the agent's key in the claim cnf.

    Checking them needs the module cryptography: pip install 'model-package-protocol[oidc]'. Call this again when the issuer changes its keys.

    \b
    Example:
      mpp agent trust-issuer https://id.example.com --audience mpp-host --jwks jwks.json \\
        --may-name "*@example.com"
    """
    keys, left = keys_of_file(read_bounded(jwks, JWKS_BYTES_MAX), where=jwks)
    found = Issuer(issuer=issuer, audience=audience, keys=keys, name_claim=name_claim, may_name=_pattern(may_name))
    how = agreed(f"Believe ID tokens of {shown(issuer)} of the names {may_name}?", issuer, yes=yes)
    _store().change(lambda known: replace(known, issuers={**known.issuers, issuer: found}))
    told("issuer", issuer, "trusted", how)
    more: dict[str, Json] = {"keys": [key.kid for key in keys], "left_out": [*left]}
    _done(as_json, f"{issuer} may vouch for {may_name}, with {len(keys)} keys", issuer, more)
    if left and not as_json:
        note(f"left out: {', '.join(left)}; taken are RS256, ES256 and EdDSA keys for signatures")
