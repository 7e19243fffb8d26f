"""The agents that this host knows, and who may vouch for others: one document, changed under a lock, replaced whole.

It is not signed: whoever can write ``$MPP_HOME`` can already act as its owner. It is judged strictly all the same.
Spec: spec/identity.md section 2.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace

from mpp.crypto import base64text
from mpp.crypto.ed25519 import KEY_ID, key_id
from mpp.crypto.jws import encode_part
from mpp.crypto.roots import is_plain_line
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.host.oidc import ISSUER_KEYS_MAX, ISSUER_TEXT_MAX, Issuer, key_row, read_issuer_key
from mpp.limits import MIB
from mpp.model.fields import Faults, Fields, near
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.value import value
from mpp.ports import Random
from mpp.stages.policy import NAME_PATTERN_FORM, Organisation, is_name_pattern, judge_name, read_name, read_public

AGENTS_BYTES_MAX = 8 * MIB
"""Bytes of the document. Reason: it is read before calls; thousands of agents fit."""

AGENTS_MAX = 5000
"""Agents, organisations or issuers of one host. Reason: bounds reading; a person manages tens."""

AGENT_KEYS_MAX = 16
"""Keys, or tokens, of one agent. Reason: one for each machine it runs on, and the next one."""

LABEL_CHARS_MAX = 100
"""Characters of the label of a token and of the name of an organisation. Reason: each is shown on one line."""

AGENT_TIME_MAX = 253402300799
"""Latest end of an agent or a token: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

KEY_DIGITS_MIN = 16
"""Digits of a key id that name a key. Reason: fewer are ground in minutes."""

TOKEN_PREFIX = "mppa_"  # noqa: S105 - begins every token, so that scanners for leaked ones find it
TOKEN_BYTES = 32
_TOKEN_CHARS = len(TOKEN_PREFIX) + 43


@value
class BearerToken:
    """What is kept of a token: enough to know it again, not enough to use it."""

    sha256: str
    until: int
    label: str


@value
class KnownAgent:
    """An agent, or with ``is_user`` a person for whom agents act."""

    name: str
    keys: tuple[bytes, ...] = ()
    tokens: tuple[BearerToken, ...] = ()
    until: int | None = None
    is_user: bool = False


@value
class KnownAgents:
    """The whole document."""

    agents: Mapping[str, KnownAgent]
    organisations: Mapping[str, Organisation]
    """By the ids of their keys."""
    issuers: Mapping[str, Issuer]
    """By their addresses."""

    def find(self, name: str) -> KnownAgent:
        found = self.agents.get(name)
        if found is None:
            raise Refused("agent.unknown", f"this host knows no agent {shown(name)!r}", hint=near(name, self.agents) or "see `mpp agent list`")
        return found

    def with_agent(self, agent: KnownAgent) -> KnownAgents:
        return KnownAgents(agents={**self.agents, agent.name: agent}, organisations=self.organisations, issuers=self.issuers)


NOBODY = KnownAgents(agents={}, organisations={}, issuers={})


def read_agents(data: bytes, *, where: str) -> KnownAgents:
    faults = Faults("agent")
    fields = Fields(read(data, family="agent", where=where), where, faults)
    fields.number("mpp_agents", least=1, most=1)
    agents = fields.each("agents", lambda item, at: _read_agent(Fields(item, at, faults)), most=AGENTS_MAX)
    organisations = fields.each("organisations", lambda item, at: _read_organisation(Fields(item, at, faults)), most=AGENTS_MAX)
    issuers = fields.each("issuers", lambda item, at: _read_issuer(Fields(item, at, faults)), most=AGENTS_MAX)
    fields.end()
    faults.stop()
    # Spec: identity I-12. Attack: a key, a token or a name that stands for two is taken for the one that somebody did not mean.
    _once(fields, "agents", [one.name for one in agents])
    _once(fields, "agents", [key for one in agents for key in one.keys])
    _once(fields, "agents", [token.sha256 for one in agents for token in one.tokens])
    _once(fields, "organisations", [one.key for one in organisations])
    _once(fields, "issuers", [one.issuer for one in issuers])
    faults.stop()
    return KnownAgents(
        agents={one.name: one for one in agents},
        organisations={key_id(one.key): one for one in organisations},
        issuers={one.issuer: one for one in issuers},
    )


def _once(fields: Fields, key: str, found: list[str] | list[bytes]) -> None:
    if len(set(found)) != len(found):
        fields.faults.add("duplicate", fields.path(key), "the same name, key or token stands twice", "keep one of them")


def _read_agent(fields: Fields) -> KnownAgent:
    faults = fields.faults
    agent = KnownAgent(
        name=read_name(fields, "name"),
        keys=tuple(_read_key(text, fields) for text in fields.texts("keys", most=AGENT_KEYS_MAX, each_most=44)),
        tokens=fields.each("tokens", lambda item, at: _read_token(Fields(item, at, faults)), most=AGENT_KEYS_MAX),
        until=fields.number("until", least=0, most=AGENT_TIME_MAX) if fields.has("until") else None,
        is_user=fields.flag("user", default=False),
    )
    # A person has no bearer token: whoever held it could let any agent act for them.
    if agent.is_user and agent.tokens:
        faults.add("type", fields.path("tokens"), "a user has no tokens", "remove them")
    fields.end()
    return agent


def _read_key(text: str, fields: Fields) -> bytes:
    return read_public(Fields({"keys": text}, fields.where, fields.faults), "keys")


def _read_token(fields: Fields) -> BearerToken:
    token = BearerToken(
        sha256=fields.text("sha256", most=64, pattern=KEY_ID, form="the SHA-256 of a token in hex"),
        until=fields.number("until", least=0, most=AGENT_TIME_MAX),
        label=_line(fields, "label", least=0),
    )
    fields.end()
    return token


def _line(fields: Fields, key: str, *, least: int = 1) -> str:
    text = fields.text(key, most=LABEL_CHARS_MAX, least=least)
    if not is_plain_line(text):
        fields.faults.add("form", fields.path(key), "must be one line without hidden characters and odd spaces", "write plain words")
    return text


def _pattern(fields: Fields) -> str:
    text = fields.text("may_name", most=LABEL_CHARS_MAX)
    if text and not is_name_pattern(text):
        fields.faults.add("form", fields.path("may_name"), f"{shown(text)!r} is no pattern of names", f"write {NAME_PATTERN_FORM}")
    return text


def _read_organisation(fields: Fields) -> Organisation:
    found = Organisation(name=_line(fields, "name"), key=read_public(fields, "key"), may_name=_pattern(fields))
    fields.end()
    return found


def _read_issuer(fields: Fields) -> Issuer:
    faults = fields.faults
    inner = fields.object("jwks")
    jwks = inner if inner is not None else Fields({}, fields.path("jwks"), faults)
    keys = jwks.each("keys", lambda item, at: read_issuer_key(item, at, faults), most=ISSUER_KEYS_MAX, required=True, least=1)
    jwks.end()
    found = Issuer(
        issuer=fields.text("issuer", most=ISSUER_TEXT_MAX),
        audience=fields.text("audience", most=ISSUER_TEXT_MAX),
        keys=keys,
        name_claim=fields.text("name_claim", most=ISSUER_TEXT_MAX),
        may_name=_pattern(fields),
    )
    if not found.issuer.startswith("https://"):
        faults.add("form", fields.path("issuer"), "is no https address", "write the issuer exactly as its tokens do")
    # Attack: of two keys with one name, readers could take one or the other.
    _once(fields, "jwks", [key.kid for key in keys])
    fields.end()
    return found


def write_agents(known: KnownAgents) -> bytes:
    agents: list[Json] = [_agent_row(known.agents[name]) for name in sorted(known.agents)]
    organisations: list[Json] = [
        {"name": one.name, "key": base64text.encode(one.key), "may_name": one.may_name} for _, one in sorted(known.organisations.items())
    ]
    issuers: list[Json] = []
    for _, one in sorted(known.issuers.items()):
        keys: list[Json] = [key_row(key) for key in one.keys]
        issuers.append({"issuer": one.issuer, "audience": one.audience, "jwks": {"keys": keys}, "name_claim": one.name_claim, "may_name": one.may_name})
    return canonical({"mpp_agents": 1, "agents": agents, "organisations": organisations, "issuers": issuers})


def _agent_row(agent: KnownAgent) -> dict[str, Json]:
    tokens: list[Json] = [{"sha256": one.sha256, "until": one.until, "label": one.label} for one in agent.tokens]
    row: dict[str, Json] = {"name": agent.name, "keys": [base64text.encode(key) for key in agent.keys], "tokens": tokens}
    if agent.until is not None:
        row["until"] = agent.until
    return {**row, "user": True} if agent.is_user else row


class AgentStore:
    """The document of one home. Reading is cheap while it stays the same."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: tuple[tuple[int, int, int, int], KnownAgents] | None = None

    def load(self) -> KnownAgents:
        """What this host knows; an absent document means nobody."""
        try:
            folder = os.path.dirname(os.path.abspath(self.path))
            for path in (os.path.dirname(folder), folder):
                _check_ours(path, os.stat(path))
            found = os.stat(self.path)
            _check_ours(self.path, found)
        except FileNotFoundError:
            return NOBODY
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the list of agents: {fault.strerror}", where=self.path, hint="check who may read it") from None
        stamp = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
        if self._seen is None or self._seen[0] != stamp:
            self._seen = (stamp, read_agents(read_bounded(self.path, AGENTS_BYTES_MAX), where=self.path))
        return self._seen[1]

    def change(self, step: Callable[[KnownAgents], KnownAgents]) -> KnownAgents:
        """Apply ``step`` to what is known and write it, one process at a time."""
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the list of agents"):
            before = self.load()
            after = step(before)
            if after is before:
                return after
            data = write_agents(after)
            # A document that could not be read again would lock its owner out.
            if len(data) > AGENTS_BYTES_MAX:
                message = f"the list of agents would have more than {AGENTS_BYTES_MAX} bytes"
                raise Refused("agent.length", message, where=self.path, hint="remove agents that you no longer use with `mpp agent remove`")
            read_agents(data, where=self.path)
            write_atomic(self.path, data, PRIVATE)
            return after


def _check_ours(path: str, found: os.stat_result) -> None:
    """Attack: whoever can write the document, or swap it in its folder, says who is who here."""
    if found.st_uid not in {os.geteuid(), 0}:
        hint = "take it over with chown, or set MPP_HOME to a folder of yours"
        raise Refused("trust.mode", "somebody else owns what says which agents this host knows", where=path, hint=hint)
    if stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        hint = f"run: chmod go-w {shlex.quote(path)}; then `mpp agent list`"
        raise Refused("trust.mode", "others may change which agents this host knows", where=path, hint=hint)


def new_token(random: Random) -> str:
    """A bearer token. It is shown once and kept nowhere."""
    return TOKEN_PREFIX + encode_part(random.bytes(TOKEN_BYTES))


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def agent_of_token(known: KnownAgents, token: str, now: int) -> KnownAgent:
    """Whose token it is; refused when it is nobody's, or has ended."""
    if len(token) != _TOKEN_CHARS or not token.startswith(TOKEN_PREFIX):
        raise Refused("agent.token", "this is no token of an agent", where="token", hint="`mpp agent token NAME` makes one")
    digest = token_digest(token)
    found: tuple[KnownAgent, BearerToken] | None = None
    for agent in known.agents.values():
        for one in agent.tokens:
            # Spec: identity I-20. All are compared, each in the same time: how long it takes says nothing of how near a guess was.
            if hmac.compare_digest(one.sha256, digest):
                found = (agent, one)
    if found is None:
        raise Refused("agent.token", "this host knows no such token", where="token", hint="`mpp agent token NAME` makes one")
    agent, held = found
    if now > held.until:
        raise Refused("agent.expired", f"the token of {agent.name} has ended", where="token", hint=f"make a new one: mpp agent token {agent.name}")
    return agent


def without_credential(agent: KnownAgent, key_digits: str, token_digits: str) -> KnownAgent:
    """The agent without the one key, and the one token, whose ids begin so; an empty text takes none."""
    keys = tuple(one for one in agent.keys if not (key_digits and key_id(one).startswith(key_digits)))
    tokens = tuple(one for one in agent.tokens if not (token_digits and one.sha256.startswith(token_digits)))
    gone = (len(agent.keys) - len(keys), len(agent.tokens) - len(tokens))
    if gone != (bool(key_digits), bool(token_digits)) or min((len(one) for one in (key_digits, token_digits) if one), default=0) < KEY_DIGITS_MIN:
        message = "not exactly one key, or token, of the agent begins so"
        raise Refused("agent.unknown", message, where=agent.name, hint=f"give {KEY_DIGITS_MIN} or more digits, as `mpp agent list` shows them")
    return replace(agent, keys=keys, tokens=tokens)


def named_agent(name: str, *, public: bytes | None = None, until: int | None = None, is_user: bool = False) -> KnownAgent:
    """A new entry."""
    return KnownAgent(name=judge_name(name, "name"), keys=() if public is None else (public,), until=until, is_user=is_user)
