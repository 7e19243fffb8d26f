"""What registries say of each other, and what a fleet trusts, handed to the product."""

from __future__ import annotations

from conformance.hosts.own_identity import inner, now_of, TEXT_MAX, text_of
from conformance.hosts.own_registry import ROOTS_CHARS_MAX, SIZE_MAX
from mpp.crypto import base64text
from mpp.crypto.roots import read_chain, RootChain
from mpp.errors import Refused
from mpp.host.enrolment.trust_bundle import judge_trust, TrustMark
from mpp.limits import MIB
from mpp.model.fields import Fields
from mpp.model.jsontext import Json
from mpp.protocol.registry.found import read_found
from mpp.protocol.registry.peerlist import PeerList, check_age, read_list, whom_to_ask
from mpp.remote.discovering import introduced, Start
from mpp.remote.proofs import Terms

LISTS_CHARS_MAX = 8 * MIB
"""Characters of one list of peers in a context."""


def _bytes(context: Fields, key: str, most: int) -> bytes:
    return base64text.decode(context.text(key, most=most)) or b""


def _chain(context: Fields, key: str) -> RootChain:
    return read_chain(_bytes(context, key, ROOTS_CHARS_MAX), where=key)


def peers(data: bytes, context: Fields, _: str) -> Json:
    listed = read_list(data, _chain(context, "registry"), where="list")
    if context.has("now"):
        check_age(listed, now_of(context))
    rows: list[Json] = [{"registry_id": one.registry_id, "url": one.url, "namespaces": [*one.namespaces], "introduces": one.introduces} for one in listed.peers]
    asked = whom_to_ask(listed, text_of(context, "package"), is_ours=context.flag("is_ours", default=False))
    return {"version": listed.version, "peers": rows, "asked": [one.registry_id for one in asked]}


def introduction(data: bytes, context: Fields, _: str) -> Json:
    chain, lists = _chain(context, "registry"), inner(context, "lists")

    def given(_url: str, registry_id: str, known: RootChain) -> PeerList:
        if not lists.has(registry_id):
            raise Refused("registry.peer", "the registry has no list", where=registry_id)
        return check_age(read_list(_bytes(lists, registry_id, LISTS_CHARS_MAX), known, where="list"), now_of(context))

    start = Start(registry_id=chain.publisher_id, url=context.text("url", most=TEXT_MAX), chain=chain)
    terms = Terms(now=now_of(context), max_age=context.number("max_age", least=0, most=SIZE_MAX))
    found = introduced(start, read_found(data, where="answer"), text_of(context, "package"), given, terms)
    home, proof = found.home, found.proof
    return {"registry_id": home.registry_id, "url": home.url, "via": [*found.via], "package_id": proof.package_id, "version": proof.version}


def trust(data: bytes, context: Fields, _: str) -> Json:
    seen = inner(context, "seen")
    digest = seen.text("digest", most=64, default="", least=0)
    mark = TrustMark(name=seen.text("name", most=TEXT_MAX, default="", least=0), version=seen.number("version", least=0, most=SIZE_MAX), digest=digest)
    found, standing = judge_trust(data, _chain(context, "roots"), mark, now_of(context), where="bundle")
    body = found.body
    return {
        "name": body.name, "version": body.version, "standing": standing, "publishers": [*sorted(body.publishers)],
        "revoked_content": [*sorted(body.revoked_content)], "registries": [*sorted(one.namespace for one in body.registries)],
    }  # fmt: skip
