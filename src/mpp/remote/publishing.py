"""What a publisher asks of a registry besides registering and publishing: owners, second persons, builds, recovery. Each request is signed."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar
from urllib.parse import quote

from mpp.errors import Refused, RemoteFailed
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.limits import PACKAGE_ID_MAX
from mpp.model.value import value
from mpp.protocol.registry import answers
from mpp.protocol.registry.bodies import ExchangeBody, OwnersBody, ReasonBody, RecoveryBody, SiteBody
from mpp.protocol.registry.documents import EntryDoc, OWNERS_MAX, OwnerDoc, PublishedDoc, PublisherDoc, StagedDoc, TokenDoc
from mpp.remote.client import JSON_TYPE, RegistryClient
from mpp.stages.archive.limits import TOTAL_BYTES_MAX

T = TypeVar("T")

RULES_MAX = 1000
"""Rules that one answer lists. Reason: a publisher may have a hundred."""

TEXT_MAX = 500
"""Characters of one text of a rule. Reason: twice what a registry takes."""


@value
class OwnersAnswer:
    is_done: bool
    waiting_for: tuple[str, ...]
    owners: tuple[OwnerDoc, ...]


@value
class RuleDoc:
    rule_id: str
    issuer: str
    claims: tuple[tuple[str, str], ...]
    packages: tuple[str, ...]


class PublisherClient(RegistryClient):
    """The same registry, for whoever signs as a publisher."""

    def owners(self, package_id: str, owners: tuple[OwnerDoc, ...]) -> OwnersAnswer:
        body = canonical(OwnersBody(owners=owners).to_json())
        return self._sent("PUT", f"/v1/packages/{quote(package_id, safe='')}/owners", body, JSON_TYPE, read_owners)

    def site_entry(self) -> EntryDoc:
        """A word for the web site at the address that this home knows, which is signed with it."""
        return self._sent("POST", "/v1/site/entry", canonical(SiteBody(site=self.registry.url).to_json()), JSON_TYPE, answers.read_entry)

    def staged(self) -> tuple[StagedDoc, ...]:
        return self._sent("GET", "/v1/staged", b"", JSON_TYPE, answers.read_staged)

    def staged_file(self, one: StagedDoc) -> bytes:
        """The very bytes that wait. Raises RemoteFailed where they are others than the registry said."""
        data = self._sent("GET", f"/v1/staged/{quote(one.staged_id, safe='')}/download", b"", JSON_TYPE, _as_it_is, most=TOTAL_BYTES_MAX)
        if sha256(data).hexdigest() != one.file_hash:
            raise _no_answer(self.registry.url, "the file is another one than the list says")
        return data

    def approve(self, staged_id: str) -> PublishedDoc:
        return self._sent("POST", f"/v1/staged/{quote(staged_id, safe='')}/approve", b"", JSON_TYPE, answers.read_published)

    def refuse(self, staged_id: str, reason: str) -> None:
        body = canonical(ReasonBody(reason=reason).to_json())
        self._sent("POST", f"/v1/staged/{quote(staged_id, safe='')}/refuse", body, JSON_TYPE, _nothing)

    def recovery(self, publisher_id: str, action: str, reason: str) -> PublisherDoc:
        body = canonical(RecoveryBody(action=action, reason=reason).to_json())
        return self._sent("POST", f"/v1/publishers/{quote(publisher_id, safe='')}/recovery", body, JSON_TYPE, answers.read_publisher)

    def rules(self) -> tuple[RuleDoc, ...]:
        return self._sent("GET", "/v1/oidc/rules", b"", JSON_TYPE, read_rules)

    def add_rule(self, document: bytes) -> RuleDoc:
        return self._sent("POST", "/v1/oidc/rules", document, JSON_TYPE, read_rule)

    def remove_rule(self, rule_id: str) -> None:
        self._sent("DELETE", f"/v1/oidc/rules/{quote(rule_id, safe='')}", b"", JSON_TYPE, _nothing)

    def exchange(self, token: str, package_id: str) -> TokenDoc:
        """Signed by nobody: the token of the build says who asks."""
        return self._sent("POST", "/v1/oidc/exchange", canonical(ExchangeBody(token=token, package_id=package_id).to_json()), JSON_TYPE, answers.read_token)


def read_owners(data: bytes, *, where: str) -> OwnersAnswer:
    def made(found: Fields) -> OwnersAnswer:
        rows = found.each("owners", lambda item, at: _owner(Fields(item, at, found.faults)), most=OWNERS_MAX, required=True)
        return OwnersAnswer(is_done=found.flag("is_done"), waiting_for=found.texts("waiting_for", most=2 * OWNERS_MAX, each_most=64), owners=rows)

    return _read(data, where, made)


def read_rules(data: bytes, *, where: str) -> tuple[RuleDoc, ...]:
    return _read(data, where, lambda found: found.each("rules", lambda item, at: _rule(Fields(item, at, found.faults)), most=RULES_MAX, required=True))


def read_rule(data: bytes, *, where: str) -> RuleDoc:
    return _read(data, where, _rule)


def _owner(found: Fields) -> OwnerDoc:
    return OwnerDoc(publisher_id=found.text("publisher_id", most=64), role=found.one_of("role", ("owner", "maintainer")))


def _rule(found: Fields) -> RuleDoc:
    inner = found.object("claims")
    names = () if inner is None else tuple(sorted(inner.found))
    return RuleDoc(
        rule_id=found.text("rule_id", most=TEXT_MAX),
        issuer=found.text("issuer", most=TEXT_MAX),
        claims=tuple((name, inner.text(name, most=TEXT_MAX)) for name in names if inner is not None),
        packages=found.texts("packages", most=RULES_MAX, each_most=PACKAGE_ID_MAX),
    )


def _as_it_is(data: bytes, *, where: str) -> bytes:  # noqa: ARG001 - as every reader of an answer
    return data


def _nothing(data: bytes, *, where: str) -> None:
    """An answer without a body."""
    if data:
        raise _no_answer(where, "it has a body")


def _read(data: bytes, where: str, make: Callable[[Fields], T]) -> T:
    """Keys that we do not know are a newer registry's."""
    faults = Faults("registry")
    try:
        found: Json = read(data, family="registry", where=where)
        made = make(Fields(found, "", faults))
        faults.stop()
    except Refused as fault:
        raise _no_answer(where, fault.message) from None
    return made


def _no_answer(where: str, why: str) -> RemoteFailed:
    return RemoteFailed("remote.answer", f"the registry answers what is no such document: {why}", where=where, hint="check the address of the registry")
