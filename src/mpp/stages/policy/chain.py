"""Grant chains: what one host may open for another, each link no wider than the one before. Pure.

A chain grants nothing by itself: the host that holds it decides by its own policy and narrows what it decided by the chain.
Spec: spec/identity.md section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mpp.crypto import base64text
from mpp.crypto.ed25519 import KEY_ID, key_id
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, read_canonical
from mpp.model.limits import PACKAGE_ID_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM
from mpp.model.scope import Scope, covers
from mpp.model.value import value
from mpp.ports import Signer
from mpp.stages.policy.agent_statement import JTI, JTI_FORM
from mpp.stages.policy.chain_json import placed, read_scope
from mpp.stages.policy.identity_limits import GRANT_BYTES_MAX, GRANT_CHAIN_BYTES_MAX, GRANT_SECONDS_MAX, GRANT_WORK_MAX, GRANTS_MAX
from mpp.stages.policy.signed_text import Signed, judge_window, opened, read_public, read_signed, read_window, write_signed
from mpp.stages.policy.token import CapabilityToken, held_by, scope_json

GRANT_TYPE = "application/vnd.mpp.grant+json"
_ORDER = "send the whole chain, in its order"


@value
class GrantedPackage:
    """The one content that a chain is about."""

    publisher_id: str
    package_id: str
    content_hash: str


@value
class Grant:
    """One link as read: ``issuer`` lets ``holder`` open ``scope`` and, while ``depth_left`` lasts, pass it on."""

    scope: Scope
    package: GrantedPackage
    holder_public: bytes
    parent: str
    """The digest of the link before; empty for the first."""
    depth_left: int
    not_before: int
    not_after: int
    issuer: str
    jti: str
    signed: Signed


@value
class VerifiedGrants:
    """A chain that holds now, for this host. ``scope`` is what all links allow."""

    package: GrantedPackage
    scope: Scope
    issuer: str
    """The key that this host trusts."""
    holders: tuple[str, ...]
    """Through whose hands it came, this host last."""
    digest: str
    """Of the last link: names the chain in the record."""


def extend_chain(
    signer: Signer, chain: bytes, *, package: GrantedPackage, scope: Scope, holder_public: bytes, depth_left: int, not_before: int, not_after: int, jti: str
) -> bytes:  # fmt: skip
    """The chain with one more link; an empty ``chain`` begins one. Refuses what a verifier would refuse."""
    before = read_chain_of_grants(chain) if chain else ()
    link = write_signed(
        GRANT_TYPE,
        {
            "mpp_grant": 1,
            "scope": scope_json(placed(scope)),
            "package": {"publisher": package.publisher_id, "id": package.package_id, "content": package.content_hash},
            "holder": {"key": key_id(holder_public), "public": base64text.encode(holder_public)},
            "parent": before[-1].signed.digest if before else "",
            "depth_left": depth_left,
            "not_before": not_before,
            "not_after": not_after,
            "issuer": key_id(signer.public_key),
            "jti": jti,
        },
        signer,
    )
    links: list[Json] = [read(one, family="token", where="grants") for one in (*_links(chain), link)]
    made = canonical({"mpp_grants": 1, "links": links})
    grants = read_chain_of_grants(made)
    issuer = grants[0].issuer
    _judge_links(grants, {issuer: signer.public_key} if not before else {}, where="grants", begun=bool(before))
    return made


def _links(chain: bytes) -> tuple[bytes, ...]:
    return tuple(_split(chain, "grants")) if chain else ()


def _split(data: bytes, where: str) -> list[bytes]:
    """The links as they were signed, each with its envelope."""
    if len(data) > GRANT_CHAIN_BYTES_MAX:
        raise Refused("token.length", f"a grant chain has at most {GRANT_CHAIN_BYTES_MAX} bytes", where=where, hint=_ORDER)
    faults = Faults("token")
    fields = Fields(read_canonical(data, family="token", where=where), where, faults)
    fields.number("mpp_grants", least=1, most=1)
    items = fields.items("links", most=GRANTS_MAX, required=True, least=1)
    fields.end()
    faults.stop()
    return [canonical(item) for item in items]


def read_chain_of_grants(data: bytes, *, where: str = "grants") -> tuple[Grant, ...]:
    """The links as found. Nothing is verified yet."""
    return tuple(_read_grant(link, f"{where}/links/{i}") for i, link in enumerate(_split(data, where)))


def _read_grant(data: bytes, where: str) -> Grant:
    signed = read_signed(data, GRANT_TYPE, most=GRANT_BYTES_MAX, family="token", where=where)
    faults = Faults("token")
    fields = opened(signed, "mpp_grant", faults, where=where)
    not_before, not_after = read_window(fields, GRANT_SECONDS_MAX)
    grant = Grant(
        scope=read_scope(fields.raw("scope"), fields.path("scope"), faults),
        package=_read_package(_inner(fields, "package")),
        holder_public=_read_holder(_inner(fields, "holder")),
        parent=fields.text("parent", most=64, least=0),
        depth_left=fields.number("depth_left", least=0, most=GRANTS_MAX - 1),
        not_before=not_before,
        not_after=not_after,
        issuer=fields.text("issuer", most=64, pattern=KEY_ID, form="the id of a key"),
        jti=fields.text("jti", most=32, pattern=JTI, form=JTI_FORM),
        signed=signed,
    )
    fields.end()
    faults.stop()
    return grant


def _inner(fields: Fields, key: str) -> Fields:
    found = fields.object(key)
    return found if found is not None else Fields({}, fields.path(key), fields.faults)


def _read_package(fields: Fields) -> GrantedPackage:
    found = GrantedPackage(
        publisher_id=fields.text("publisher", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        package_id=fields.text("id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        content_hash=fields.text("content", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
    )
    fields.end()
    return found


def _read_holder(fields: Fields) -> bytes:
    public = read_public(fields, "public")
    # Attack: a person compares the id, and the key beside it is another's.
    if fields.text("key", most=64) != key_id(public):
        fields.faults.add("form", fields.path("key"), "is not the id of the key beside it", "write the SHA-256 of the key")
    fields.end()
    return public


def verify_grants(data: bytes, trusted: Mapping[str, bytes], now: int, *, holder: str, where: str = "grants") -> VerifiedGrants:
    """Judge a chain that was given to the host whose key has the id ``holder``. ``trusted``: the keys that may begin one, by their ids."""
    grants = read_chain_of_grants(data, where=where)
    _judge_links(grants, trusted, where)
    for grant in grants:
        judge_window(grant.not_before, grant.not_after, now, what="a grant of the chain", where=where, family="token")
    holders = tuple(key_id(grant.holder_public) for grant in grants)
    # Spec: identity I-76. Attack: whoever saw a chain on its way uses it as if it had been given to him.
    if holders[-1] != holder:
        raise Refused(
            "token.holder", "the chain was given to another host", where=where, hint="ask for a grant to the key that `mpp agent host-key` shows here"
        )
    # Each link allows no more than the one before, so the last one is what all of them allow.
    last = grants[-1]
    scope = replace(last.scope, until=last.not_after if last.scope.until is None else min(last.scope.until, last.not_after))
    return VerifiedGrants(
        package=last.package, scope=scope, issuer=grants[0].issuer, holders=holders, digest=last.signed.digest,
    )  # fmt: skip


def _judge_links(grants: tuple[Grant, ...], trusted: Mapping[str, bytes], where: str, *, begun: bool = False) -> None:
    """Whether each link follows the one before it. ``begun``: whoever goes on with a chain need not trust its first issuer."""
    first = grants[0]
    if first.parent:
        raise Refused("token.parent", "the beginning of the chain is missing", where=where, hint=_ORDER)
    public = trusted.get(first.issuer)
    if public is None and not begun:
        hint = "trust the key of that host first, if it may grant here"
        raise Refused("token.issuer", f"this host does not trust grants of the key {first.issuer[:16]}", where=where, hint=hint)
    if public is not None and not first.signed.signed_by(public):
        raise _unsigned(where)
    for before, grant in zip(grants, grants[1:], strict=False):
        _judge_step(before, grant, where)


def _judge_step(before: Grant, grant: Grant, where: str) -> None:
    """Spec: identity I-72 to I-75."""
    if grant.parent != before.signed.digest:
        raise Refused("token.parent", "a grant does not follow the one before it", where=where, hint=_ORDER)
    if grant.issuer != key_id(before.holder_public) or not grant.signed.signed_by(before.holder_public):
        raise _unsigned(where)
    if grant.package != before.package:
        raise Refused("token.package", "the chain goes over to another package", where=where, hint="begin a chain for each package and version")
    if grant.depth_left >= before.depth_left:
        raise Refused("token.depth", "the grant may not be passed on, or not so often", where=where, hint="ask the first issuer for more steps")
    _judge_work(before.scope, grant.scope, where)
    is_longer = grant.not_before < before.not_before or grant.not_after > before.not_after
    if is_longer or not covers(before.scope, grant.scope):
        hint = "grant no more than you hold, each rule of it within one rule of yours"
        raise Refused("token.widened", "a grant opens more, or for longer, than the one before it", where=where, hint=hint)


def _judge_work(wide: Scope, narrow: Scope, where: str) -> None:
    """Attack: rules that are sound one by one, and take minutes to compare with one another."""
    requests = sum(len(rule.schemes) * len(rule.ports) * max(1, len(rule.methods)) * max(1, len(rule.paths)) for rule in narrow.network)
    if requests * len(wide.network) > GRANT_WORK_MAX:
        hint = "grant fewer rules, or rules with fewer ports and paths"
        raise Refused("token.work", "the rules of two grants are too many to be compared", where=where, hint=hint)


def _unsigned(where: str) -> Refused:
    return Refused("token.signer", "a grant is not signed with the key that the one before it names", where=where, hint="send the links as they were made")


def scope_from_chain(grants: VerifiedGrants, package: GrantedPackage) -> Scope:
    """What the chain allows for this very content. Attack: a chain for one package, or one version, used for another."""
    if grants.package != package:
        raise Refused("token.package", "the chain is for another package or another content", where=package.package_id, hint="ask for a grant for this one")
    return grants.scope


def token_from_chain(token: CapabilityToken, grants: VerifiedGrants) -> CapabilityToken:
    """The token of this host's own policy, narrowed by the chain. Without such a token a chain opens nothing."""
    held = held_by(token)
    package = GrantedPackage(publisher_id=held.publisher_id, package_id=held.package_id, content_hash=held.content_hash)
    return token.attenuate(scope_from_chain(grants, package))
