"""Whose calls a front takes over the network: bearer tokens, each for one tenant, one agent and, if it says so, one user.

Kept is a digest, never the token: it has 256 random bits, so its digest says nothing of it. The document is changed under a lock and
replaced whole; whoever can write ``$MPP_HOME`` can already act as its owner, so it is not signed, and judged strictly all the same.
Spec: spec/mcp-front.md, J-70 to J-77.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping

from mpp.crypto.ed25519 import KEY_ID
from mpp.crypto.jws import encode_part
from mpp.crypto.roots import is_plain_line
from mpp.errors import Refused
from mpp.files import PRIVATE, locked, make_private_folder, write_atomic
from mpp.host.policy_files import Glance, check_folder, glance, read_owned
from mpp.limits import MIB
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.value import value
from mpp.ports import Random
from mpp.stages.policy import read_name

TENANT_TOKENS_MAX = 5000
"""Tokens of one host. Reason: bounds reading; one for each agent of a large team."""

TENANT_TOKENS_BYTES_MAX = 4 * MIB
"""Bytes of the document. Reason: the most tokens fit, each with the longest names."""

TENANT_LABEL_CHARS_MAX = 100
"""Characters of a label. Reason: it is shown on one line."""

TENANT_RATE_MAX = 1_000_000
"""Calls a minute that a token may be given. Reason: more than one machine answers; a larger number is a slip."""

TENANT_TIME_MAX = 253402300799
"""Latest end of a token: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

TENANT_TOKEN_PREFIX = "mppt_"  # noqa: S105 - begins every token, so that scanners for leaked ones find it
TENANT_TOKEN_BYTES = 32
TENANT_ID_BYTES = 8

LOCAL_TENANT = "local"
"""The tenant of whoever runs the host, and of calls without a token from this machine."""

TENANT_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9]){0,39}")
TENANT_NAME_FORM = "a name of 1 to 40 lower-case letters, digits and single dashes"
TOKEN_ID = re.compile(r"[0-9a-f]{16}")
_TOKEN = re.compile(rf"{TENANT_TOKEN_PREFIX}([0-9a-f]{{16}})_[A-Za-z0-9_-]{{43}}")


@value
class TenantToken:
    """What is kept of a token: enough to know it again, not enough to use it."""

    id: str
    """Stands in the token itself, in front of its secret part: it finds the row, and is what lists and logs name."""
    sha256: str
    tenant: str
    agent: str
    until: int
    user: str = ""
    """For whom the agent acts."""
    label: str = ""
    rate: int = 0
    """Calls a minute; 0: what the front gives each."""

    def identity(self) -> AgentIdentity:
        behind = (Delegation(kind="user", name=self.user, level="token"),) if self.user else ()
        return AgentIdentity(name=self.agent, level="token", behind=behind)


TenantTokens = Mapping[str, TenantToken]
"""By their ids."""

NO_TOKENS: TenantTokens = {}


def judge_tenant(name: str, where: str) -> str:
    """The name, or a refusal. Attack: a tenant named like a path, in whatever folder or key a store makes of it."""
    if TENANT_NAME.fullmatch(name) is None:
        raise Refused("usage.text", "this is no name of a tenant", where=where, hint=f"write {TENANT_NAME_FORM}")
    return name


def new_tenant_token(random: Random) -> tuple[str, str]:
    """A token and its id. The token is shown once and kept nowhere."""
    name = random.bytes(TENANT_ID_BYTES).hex()
    return f"{TENANT_TOKEN_PREFIX}{name}_{encode_part(random.bytes(TENANT_TOKEN_BYTES))}", name


def digest_of(token: str) -> str:
    """Over the whole token: the id in front makes each digest one of its own."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


_NOBODYS = "0" * 64


def holder_of(known: TenantTokens, token: str, now: int) -> TenantToken:
    """The row of a token; refused when it is nobody's, or has ended."""
    form = _TOKEN.fullmatch(token)
    held = known.get(form[1]) if form is not None else None
    # Spec: mcp-front J-72. The id is no secret and finds the row; the digest is compared in the same time, row or none.
    is_it = hmac.compare_digest(held.sha256 if held is not None else _NOBODYS, digest_of(token))
    if held is None or not is_it:
        raise Refused("agent.token", "this host knows no such token", where="token", hint="`mpp token add` makes one")
    if now >= held.until:
        raise Refused("agent.expired", "the token has ended", where=f"token {held.id}", hint="make a new one with `mpp token add`")
    return held


def read_tokens(data: bytes, *, where: str) -> TenantTokens:
    faults = Faults("agent")
    fields = Fields(read(data, family="agent", where=where), where, faults)
    fields.number("mpp_tokens", least=1, most=1)
    rows = fields.each("tokens", lambda item, at: _read_token(Fields(item, at, faults)), most=TENANT_TOKENS_MAX)
    fields.end()
    # Attack: of two rows with one id, or one digest, one reader takes this tenant and another that.
    if len({one.id for one in rows}) != len(rows) or len({one.sha256 for one in rows}) != len(rows):
        faults.add("duplicate", fields.path("tokens"), "the same token stands twice", "keep one of them")
    faults.stop()
    return {one.id: one for one in rows}


def _read_token(fields: Fields) -> TenantToken:
    token = TenantToken(
        id=fields.text("id", most=16, pattern=TOKEN_ID, form="16 hex digits"),
        sha256=fields.text("sha256", most=64, pattern=KEY_ID, form="the SHA-256 of a token in hex"),
        tenant=fields.text("tenant", most=40, pattern=TENANT_NAME, form=TENANT_NAME_FORM),
        agent=read_name(fields, "agent"),
        user=read_name(fields, "user") if fields.has("user") else "",
        until=fields.number("until", least=0, most=TENANT_TIME_MAX),
        label=fields.text("label", most=TENANT_LABEL_CHARS_MAX, least=0, default=""),
        rate=fields.number("rate", least=0, most=TENANT_RATE_MAX, default=0),
    )
    if not is_plain_line(token.label):
        fields.faults.add("form", fields.path("label"), "must be one line without hidden characters and odd spaces", "write plain words")
    fields.end()
    return token


def write_tokens(known: TenantTokens) -> bytes:
    rows: list[Json] = [_row(known[name]) for name in sorted(known)]
    return canonical({"mpp_tokens": 1, "tokens": rows})


def _row(token: TenantToken) -> Json:
    row: dict[str, Json] = {"id": token.id, "sha256": token.sha256, "tenant": token.tenant, "agent": token.agent, "until": token.until}
    extra: dict[str, Json] = {"user": token.user, "label": token.label, "rate": token.rate}
    return {**row, **{key: item for key, item in extra.items() if item}}


def without_token(known: TenantTokens, name: str) -> TenantTokens:
    if name not in known:
        raise Refused("agent.unknown", f"there is no token {shown(name)!r}", hint="see `mpp token list`")
    return {one: token for one, token in known.items() if one != name}


class TokenStore:
    """The document of one home. Asking it before each request costs one look at the file while that stays the same."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: tuple[Glance | None, TenantTokens] = (None, NO_TOKENS)

    def load(self) -> TenantTokens:
        """The tokens of now: one that was revoked is gone with the next request. Spec: mcp-front J-73."""
        found = glance(self.path)
        if found is None:
            return NO_TOKENS
        seen, tokens = self._seen
        if seen == found:
            return tokens
        tokens = self._read()
        # The look came before the reading: what changed in between is read once more with the next request.
        self._seen = (found, tokens)
        return tokens

    def _read(self) -> TenantTokens:
        ours = (os.geteuid(), 0)
        check_folder(os.path.dirname(os.path.abspath(self.path)), ours)
        data = read_owned(self.path, TENANT_TOKENS_BYTES_MAX, ours)
        return NO_TOKENS if data is None else read_tokens(data, where=self.path)

    def change(self, step: Callable[[TenantTokens], TenantTokens]) -> TenantTokens:
        """Apply ``step`` to what is known and write it, one process at a time."""
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the list of tokens"):
            after = step(self._read())
            data = write_tokens(after)
            # A document that could not be read again would lock everybody out.
            read_tokens(data, where=self.path)
            write_atomic(self.path, data, PRIVATE)
            return after
