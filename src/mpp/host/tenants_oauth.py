"""Access tokens of OAuth issuers, for the front as a resource server: a file says which issuers count, for which tenant, with which keys.

Tokens are judged here, nobody is asked about one. Keys come out of files, or where the owner says so from the issuer itself (``issuer_keys``). Strict where the standards leave a choice: one audience that is this very resource, the algorithm of the named key, an end, and every scope that is demanded.
Spec: spec/mcp-front.md, J-80 to J-87.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Lock, Thread

from mpp.crypto.jws import Compact, read_compact
from mpp.crypto.roots import is_plain_line
from mpp.errors import MppError, Refused, RemoteFailed
from mpp.host.issuer_keys import IssuerKeys, is_issuer, KeySource
from mpp.host.oidc import ISSUER_TEXT_MAX, JWKS_BYTES_MAX, OIDC_SECONDS_MAX, OIDC_SKEW_SECONDS_MAX, OIDC_TIME_MAX, IssuerKey, judge_signature, keys_of_file
from mpp.host.policy_files import Glance, glance, read_owned
from mpp.host.tenants import TENANT_NAME, TENANT_NAME_FORM
from mpp.limits import KIB
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read, shown
from mpp.model.value import value
from mpp.stages.policy import AGENT_NAME, NAME_PATTERN_FORM, is_name_pattern, judge_name, name_matches

OAUTH_BYTES_MAX = 64 * KIB
"""Bytes of the file of issuers. Reason: a few lines for each, with room for comments."""

OAUTH_ISSUERS_MAX = 32
"""Issuers of one front. Reason: one for each tenant of a small team; bounds what is read anew when a key changes."""

OAUTH_SCOPES_MAX = 16
"""Scopes that are demanded. Reason: they stand in a header and are compared with each request."""

OAUTH_CLAIM_CHARS_MAX = 4000
"""Characters of the list of scopes in a token. Reason: the token travels in a header; real ones have a dozen scopes."""

OAUTH_KEPT_MAX = 2048
"""Judged tokens that are remembered until they end. Reason: to verify one takes longer than a call; one for each session of a large team."""

KINDS = frozenset(("AT+JWT", "APPLICATION/AT+JWT", "JWT", ""))
"""What the header may call an access token. Many issuers write JWT, or nothing."""

ID_TOKEN_CLAIMS = ("nonce", "at_hash", "c_hash", "auth_req_id")
"""Only ID tokens hold one of these."""


@value
class AccessIssuer:
    """Whose access tokens count here, for one tenant."""

    issuer: str
    tenant: str
    keys: tuple[IssuerKey, ...]
    name_claim: str
    """The claim that names the agent."""
    may_name: str
    user_claim: str
    """The claim that names the user; empty: no user is taken out of a token."""
    source: KeySource | None = None
    """Where its keys are fetched from; None: they are in a file."""


@value
class ResourceServer:
    """The front as a resource, and whom it believes."""

    resource: str
    """Its address, as clients know it. It is the audience of each token."""
    scopes: tuple[str, ...]
    issuers: Mapping[str, AccessIssuer]
    files: tuple[str, ...]
    """What was read; a change of one means to read all anew."""

    @property
    def metadata(self) -> dict[str, Json]:
        """RFC 9728."""
        return {
            "resource": self.resource,
            "authorization_servers": [*sorted(self.issuers)],
            "scopes_supported": [*self.scopes],
            "bearer_methods_supported": ["header"],
            "resource_name": "MPP tools",
        }


@value
class Admitted:
    """Who a token says calls."""

    tenant: str
    agent: AgentIdentity
    user: str
    until: int


def read_resource(path: str) -> ResourceServer:
    """The file and the key files that it names. A relative path is one beside the file."""
    data = _owned(path, OAUTH_BYTES_MAX)
    faults = Faults("agent")
    fields = Fields(_toml(data, path), path, faults)
    files = [path]
    folder = os.path.dirname(os.path.abspath(path))
    issuers = fields.each("issuer", lambda item, at: _read_issuer(Fields(item, at, faults), folder, files), most=OAUTH_ISSUERS_MAX, required=True, least=1)
    found = ResourceServer(
        resource=fields.text("resource", most=ISSUER_TEXT_MAX),
        scopes=fields.texts("scopes", most=OAUTH_SCOPES_MAX, each_most=ISSUER_TEXT_MAX, required=True, least=1),
        issuers={one.issuer: one for one in issuers},
        files=tuple(files),
    )
    fields.end()
    _judge(found, fields, issuers)
    faults.stop()
    return found


def _judge(found: ResourceServer, fields: Fields, issuers: tuple[AccessIssuer, ...]) -> None:
    if not found.resource.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")) or "#" in found.resource:
        fields.faults.add("form", fields.path("resource"), "is no https address", "write the address of this front as its clients know it")
    if any(not is_plain_line(scope) or " " in scope or '"' in scope or "\\" in scope or not scope.isascii() for scope in found.scopes):
        fields.faults.add("form", fields.path("scopes"), "is no list of scopes", "write each scope as one word")
    # Attack: of two entries for one issuer, the tenant would be that of whichever is read last.
    if len(found.issuers) != len(issuers):
        fields.faults.add("duplicate", fields.path("issuer"), "the same issuer stands twice", "keep one of them")


def _read_issuer(fields: Fields, folder: str, files: list[str]) -> AccessIssuer:
    faults = fields.faults
    fetches, private = fields.flag("fetch_keys", default=False), fields.flag("private_addresses", default=False)
    name = "" if fetches else fields.text("jwks", most=ISSUER_TEXT_MAX)
    authority = fields.text("ca_file", most=ISSUER_TEXT_MAX, default="", least=0) if fetches else ""
    source = KeySource(issuer="", private=private, ca_file=os.path.join(folder, authority) if authority else "")
    found = AccessIssuer(
        issuer=fields.text("issuer", most=ISSUER_TEXT_MAX),
        tenant=fields.text("tenant", most=40, pattern=TENANT_NAME, form=TENANT_NAME_FORM),
        keys=_keys(os.path.join(folder, name), files) if name else (),
        name_claim=fields.text("name_claim", most=ISSUER_TEXT_MAX, default="client_id"),
        may_name=fields.text("may_name", most=ISSUER_TEXT_MAX),
        user_claim=fields.text("user_claim", most=ISSUER_TEXT_MAX, default="sub", least=0),
    )
    if found.may_name and not is_name_pattern(found.may_name):
        faults.add("form", fields.path("may_name"), "is no pattern of names", f"write {NAME_PATTERN_FORM}")
    if not (is_issuer(found.issuer) if fetches else found.issuer.startswith("https://")):
        faults.add("form", fields.path("issuer"), "is no https address", "write the issuer exactly as its tokens do")
    if private and not fetches:
        faults.add("form", fields.path("private_addresses"), "says where keys may be fetched from, and none are", "add fetch_keys = true")
    fields.end()
    return replace(found, source=replace(source, issuer=found.issuer)) if fetches else found


def _keys(path: str, files: list[str]) -> tuple[IssuerKey, ...]:
    files.append(path)
    keys, _ = keys_of_file(_owned(path, JWKS_BYTES_MAX), where=path)
    # Attack: of two keys with one name, readers could take one or the other.
    if len({key.kid for key in keys}) != len(keys):
        raise Refused("agent.jwk", "two keys of the file have the same name", where=path, hint="keep one of them")
    return keys


def _owned(path: str, most: int) -> bytes:
    """Attack: whoever can write the file says whose tokens count."""
    data = read_owned(path, most, (os.geteuid(), 0))
    if data is None:
        raise Refused("usage.no_file", "there is no such file", where=path, hint="name a file that is there")
    return data


def _toml(data: bytes, where: str) -> Json:
    try:
        found: Json = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as fault:
        raise Refused("policy.toml", f"not TOML: {str(fault)[:200]}", where=where, hint="mend the syntax at that place") from None
    return found


def judge_access_token(
    token: str, server: ResourceServer, now: int, *, where: str = "access token", fetched: Callable[[str], tuple[IssuerKey, ...]] = lambda _: ()
) -> Admitted:  # fmt: skip
    """Who calls by this token; refused if it is not an issuer's for this resource, now, with all scopes. ``fetched`` knows the keys of issuers without a file."""
    found = read_compact(token, where=where)
    if found.kind.upper() not in KINDS:
        raise Refused("agent.jws_kind", f"the token is of the kind {shown(found.kind)!r}, no access token", where=where, hint="send the access token")
    faults = Faults("agent")
    claims = Fields(read(found.payload, family="agent", where=where), where, faults)
    written = claims.text("iss", most=ISSUER_TEXT_MAX)
    faults.stop()
    issuer = server.issuers.get(written)
    if issuer is None:
        raise Refused("agent.issuer", f"this host does not know the issuer {shown(written)!r}", where=where, hint="get a token of an issuer that it names")
    judge_signature(found, issuer.keys if issuer.source is None else fetched(written), where)
    until = _judge_claims(claims, found, server, now, where)
    _judge_scopes(claims, server, where)
    written_name = claims.text(issuer.name_claim, most=ISSUER_TEXT_MAX)
    faults.stop()
    name = judge_name(written_name, where)
    if not name_matches(issuer.may_name, name):
        raise Refused("agent.may_name", f"{issuer.issuer} may not vouch for the name {name}", where=where, hint=f"it may name {issuer.may_name}")
    user = _user(claims, issuer, name)
    behind = (Delegation(kind="user", name=user, level="token"),) if user else ()
    identity = AgentIdentity(name=name, level="token", issuer=issuer.issuer, behind=behind)
    return Admitted(tenant=issuer.tenant, agent=identity, user=user, until=until)


def _judge_claims(claims: Fields, found: Compact, server: ResourceServer, now: int, where: str) -> int:
    """Audience, use and times. Spec: mcp-front J-83."""
    # Attack: a token that the same issuer made for another resource, or for several: whoever runs one of them could use it here.
    if claims.raw("aud") not in (server.resource, [server.resource]):
        hint = f"ask the issuer for a token with the resource {server.resource}"
        raise Refused("agent.audience", "the token is for another resource, or for several", where=where, hint=hint)
    # Attack: an ID token, which says who somebody is and not what they may do.
    if found.kind.upper() in {"JWT", ""} and any(claims.has(name) for name in ID_TOKEN_CLAIMS):
        raise Refused("agent.jws_kind", "this is an ID token, no access token", where=where, hint="send the access token")
    expires = claims.number("exp", least=0, most=OIDC_TIME_MAX)
    issued = claims.number("iat", least=0, most=OIDC_TIME_MAX)
    start = claims.number("nbf", least=0, most=OIDC_TIME_MAX, default=issued)
    claims.faults.stop()
    if max(issued, start) > now + OIDC_SKEW_SECONDS_MAX:
        raise Refused("agent.early", "the token does not hold yet", where=where, hint="set the clock of this host, or wait")
    if now >= expires or expires - issued > OIDC_SECONDS_MAX:
        hint = f"get a new one; it may hold {OIDC_SECONDS_MAX} seconds at most"
        raise Refused("agent.expired", "the token has ended, or holds longer than any may", where=where, hint=hint)
    return expires


def _judge_scopes(claims: Fields, server: ResourceServer, where: str) -> None:
    """Spec: mcp-front J-84. ``scope`` as RFC 9068 has it, or the list ``scp`` of some issuers."""
    found = claims.raw("scope", required=False)
    listed = claims.raw("scp", required=False) if found is None else found
    words = listed[:OAUTH_CLAIM_CHARS_MAX].split(" ") if isinstance(listed, str) else listed if isinstance(listed, list) else []
    missing = [scope for scope in server.scopes if scope not in words]
    if missing:
        raise Refused("agent.scope", f"the token lacks the scope {missing[0]}", where=where, hint=f"ask the issuer for: {' '.join(server.scopes)}")


def _user(claims: Fields, issuer: AccessIssuer, agent: str) -> str:
    """The user, by a name of the form that policies know; another name is told apart by a digest. Spec: mcp-front J-86."""
    if not issuer.user_claim or not claims.has(issuer.user_claim):
        return ""
    name = claims.text(issuer.user_claim, most=ISSUER_TEXT_MAX)
    claims.faults.stop()
    # A client that acts for itself: many issuers write its own name there.
    if name == agent:
        return ""
    if AGENT_NAME.fullmatch(name) is not None:
        return name
    return "subject-" + hashlib.sha256(f"{issuer.issuer}\0{name}".encode("utf-8", "replace")).hexdigest()[:32]


class AccessTokens:
    """The file of issuers, read anew when it or a key file changes; and the tokens that were judged by it, until each ends."""

    def __init__(self, path: str, *, keys: Callable[[KeySource], IssuerKeys] = IssuerKeys) -> None:
        self.path = path
        self._lock = Lock()
        self._make = keys
        self._stamps: tuple[Glance | None, ...] = ()
        self._fetched: dict[str, IssuerKeys] = {}
        self._known: dict[str, tuple[IssuerKey, ...]] = {}
        """What tokens were judged by, so that a change is noticed."""
        self._server = self._read()
        self._kept: OrderedDict[bytes, Admitted] = OrderedDict()

    def _read(self) -> ResourceServer:
        server = read_resource(self.path)
        self._stamps = tuple(map(glance, server.files))
        before, wanted = self._fetched, {one.issuer: one.source for one in server.issuers.values() if one.source is not None}
        self._fetched = {
            name: before[name] if name in before and before[name].source == source else self._make(source) for name, source in wanted.items()
        }  # fmt: skip
        return server

    def current(self) -> ResourceServer:
        """What the files say now."""
        with self._lock:
            return self._current()

    def _current(self) -> ResourceServer:
        if tuple(map(glance, self._server.files)) != self._stamps:
            self._server = self._read()
            # Spec: mcp-front J-87. A key that was taken away opens nothing from then on, whatever was judged before.
            self._kept.clear()
        if self._fetched:
            keys = {name: one.keys() for name, one in self._fetched.items()}
            if keys != self._known:
                self._known = keys
                self._kept.clear()
        return self._server

    def judge(self, token: str, now: int) -> Admitted:
        name = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        with self._lock:
            server = self._current()
            found = self._kept.get(name)
            if found is not None and now < found.until:
                return found
            admitted = judge_access_token(token, server, now, fetched=self._keys_of)
            self._kept[name] = admitted
            if len(self._kept) > OAUTH_KEPT_MAX:
                self._kept.popitem(last=False)
            return admitted

    def _keys_of(self, issuer: str) -> tuple[IssuerKey, ...]:
        found = self._known[issuer]
        if not found:
            hint = "wait a minute: they are asked for again"
            raise RemoteFailed("remote.connection", "the keys of the issuer are not known now, so its tokens cannot be judged", where=issuer, hint=hint)
        return found

    def wanting(self, token: str) -> IssuerKeys | None:
        """Whose keys may be asked for again, because this token names one that is not known here; None where that would change nothing, or is too soon."""
        try:
            found = read_compact(token, where="access token")
            issuer = claimed_issuer(found)
        except MppError:
            return None
        with self._lock:
            source = self._fetched.get(issuer)
            known = self._known.get(issuer, ())
        if source is None or any(key.kid == found.key for key in known) or not source.is_due():
            return None
        return source

    def renew_all(self) -> None:
        """Fetch what is fetched, before the first token comes. It waits; what cannot be fetched is asked for later."""
        with self._lock:
            sources = list(self._fetched.values())
        # Side by side: one that is down must not keep the others waiting.
        threads = [Thread(target=source.renew, name="mpp-issuer-keys", daemon=True) for source in sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def claimed_issuer(found: Compact) -> str:
    """Who a token says made it. Nothing is verified."""
    faults = Faults("agent")
    written = Fields(read(found.payload, family="agent", where="access token"), "access token", faults).text("iss", most=ISSUER_TEXT_MAX)
    faults.stop()
    return written
