"""Who sends a request: a token of this host, an access token of an issuer, or somebody on this machine while no tokens are used.

Spec: spec/mcp-front.md, J-70 to J-87.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mpp.errors import MppError, Refused, RemoteFailed
from mpp.host.agent_store import TOKEN_PREFIX, AgentStore, agent_of_token
from mpp.host.issuer_keys import IssuerKeys
from mpp.host.tenants import LOCAL_TENANT, TENANT_TOKEN_PREFIX, TokenStore, holder_of
from mpp.host.tenants_oauth import AccessTokens, ResourceServer
from mpp.model.agents import AgentIdentity
from mpp.model.value import value
from mpp.ports import Clock
from mpp.protocol.mcp.ports import Caller
from mpp.serve.http_headers import BadRequestError, Head

T = TypeVar("T")

REALM = 'Bearer realm="mpp"'


@value
class Admission:
    """Who calls, and under which name it is counted."""

    who: Caller
    key: str
    """The same for all requests with one token; it opens nothing."""
    rate: int = 0
    """Requests a minute; 0: what the front gives each."""


class Door:
    """Judges the head of each request. Nothing of a request but its token says who it is from."""

    def __init__(self, tokens: TokenStore, agents: AgentStore, clock: Clock, *, access: AccessTokens | None, demanded: bool, local: Caller) -> None:
        self._tokens, self._agents, self._clock, self._access = tokens, agents, clock, access
        self._local = Admission(who=local, key="local")
        self._demanded = demanded or access is not None or bool(tokens.load())

    @property
    def resource(self) -> ResourceServer | None:
        """What the metadata of this resource says; None where no issuer is believed."""
        return None if self._access is None else self._access.current()

    @property
    def is_open(self) -> bool:
        """May somebody without a token call? Once tokens are used, never again: attack: whoever revokes the last token would open the door."""
        if not self._demanded and _read(self._tokens.load):
            self._demanded = True
        return not self._demanded

    def admit(self, head: Head) -> Admission:
        written = head.found.get(b"authorization")
        if written is None:
            if self.is_open:
                return self._local
            raise self._refusal(401, "", "send a token: Authorization: Bearer TOKEN")
        kind, _, token = written.decode("latin-1").partition(" ")
        if kind.lower() != "bearer" or not token or not token.isascii():
            raise self._refusal(401, "invalid_request", "only bearer tokens are taken")
        try:
            return self._of_token(token.strip(" "))
        except RemoteFailed:
            raise BadRequestError(503, "this host cannot judge tokens now", code=-32603, headers=((b"retry-after", b"60"),)) from None
        except MppError as refusal:
            if refusal.code == "agent.scope":
                raise self._refusal(403, "insufficient_scope", refusal.message) from None
            raise self._refusal(401, "invalid_token", refusal.message) from None

    def wanting(self, head: Head) -> IssuerKeys | None:
        """Whose keys may be asked for once more before this request is turned down."""
        kind, _, token = head.found.get(b"authorization", b"").decode("latin-1").partition(" ")
        if self._access is None or kind.lower() != "bearer" or not token.isascii() or token.startswith((TENANT_TOKEN_PREFIX, TOKEN_PREFIX)):
            return None
        return self._access.wanting(token.strip(" "))

    def _of_token(self, token: str) -> Admission:
        now = self._clock.now()
        if token.startswith(TENANT_TOKEN_PREFIX):
            held = holder_of(_read(self._tokens.load), token, now)
            return Admission(who=Caller(tenant=held.tenant, agent=held.identity(), user=held.user), key=f"token {held.id}", rate=held.rate)
        if token.startswith(TOKEN_PREFIX):
            agent = agent_of_token(_read(self._agents.load), token, now)
            return Admission(who=Caller(tenant=LOCAL_TENANT, agent=AgentIdentity(name=agent.name, level="token")), key=f"agent {agent.name}")
        if self._access is None:
            raise Refused("agent.token", "this host knows no such token", where="token", hint="`mpp token add` makes one")
        _read(self._access.current)
        found = self._access.judge(token, now)
        return Admission(who=Caller(tenant=found.tenant, agent=found.agent, user=found.user), key=f"{found.agent.issuer} {found.agent.name} {found.user}")

    def _refusal(self, status: int, error: str, words: str) -> BadRequestError:
        parts = [REALM]
        if error:
            parts += [f'error="{error}"', f'error_description="{_quotable(words)}"']
        if self._access is not None:
            server = _read(self._access.current)
            parts += [f'scope="{" ".join(server.scopes)}"', f'resource_metadata="{metadata_url(server.resource)}"']
        challenge = ", ".join(parts).encode("ascii", "replace")
        return BadRequestError(status, words, code=-32001, headers=((b"www-authenticate", challenge),))


def _read(load: Callable[[], T]) -> T:
    """What a file of this host says. What cannot be read, or is not to be believed, admits nobody; why is said to its owner, not here."""
    try:
        return load()
    except MppError:
        raise BadRequestError(503, "this host cannot judge tokens now", code=-32603, headers=((b"retry-after", b"60"),)) from None


def metadata_url(resource: str) -> str:
    """Where RFC 9728 puts the metadata of a resource: its well-known name in front of its path."""
    scheme, _, rest = resource.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}/.well-known/oauth-protected-resource{slash}{path}".rstrip("/")


def _quotable(words: str) -> str:
    """Attack: what a token holds of its own ends the text in quotes and says another challenge."""
    return "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "'" for sign in words)
