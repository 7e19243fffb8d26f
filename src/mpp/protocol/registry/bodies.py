"""The JSON documents that a client sends to a registry. Pure.

The registry reads them strictly: a key that it does not know is refused, since its sender meant something by it.

Spec: spec/registry.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read as read_json
from mpp.model.limits import LINE_MAX, NAME_MAX, PACKAGE_ID_MAX, URL_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, VERSION, VERSION_FORM
from mpp.model.value import value
from mpp.protocol.registry.documents import ADVISORY_CHARS_MAX, OWNERS_MAX, OwnerDoc, PUBLISHER_STATES, REASON_MAX, ROLES, SEVERITIES, VERSION_STATES

T = TypeVar("T")

OIDC_TOKEN_CHARS_MAX = 16 * KIB
"""Characters of a token of an OIDC issuer. Reason: those of build services have two thousand."""

REPORT_CHARS_MAX = 4000
"""Characters of a report about a package. Reason: a person reads it; more is asked for by mail."""

ADVISED_VERSIONS_MAX = 1000
"""Versions that one advisory names. Reason: bounds its leaf in the log."""

CLAIMED_BY = ("dns", "well-known")
RECOVERY_ACTIONS = ("ask", "veto")
REPORT_KINDS = ("malware", "impersonation", "vulnerability", "other")


@value
class StatusBody:
    """``PUT /v1/packages/{id}/versions/{version}/status``."""

    status: str
    reason: str

    def to_json(self) -> Json:
        return {"status": self.status, "reason": self.reason}


@value
class PublisherStatusBody:
    """``PUT /v1/publishers/{id}/status``, by an administrator."""

    status: str
    reason: str

    def to_json(self) -> Json:
        return {"status": self.status, "reason": self.reason}


@value
class RecoveryBody:
    """``POST /v1/publishers/{id}/recovery``: a successor asks, or the publisher itself says no."""

    action: str
    reason: str

    def to_json(self) -> Json:
        return {"action": self.action, "reason": self.reason}


@value
class SiteBody:
    """``POST /v1/site/entry``: the address that the signer knows the registry by."""

    site: str

    def to_json(self) -> Json:
        return {"site": self.site}


@value
class ReasonBody:
    """``POST /v1/staged/{id}/refuse``."""

    reason: str

    def to_json(self) -> Json:
        return {"reason": self.reason}


@value
class OwnersBody:
    """``PUT /v1/packages/{id}/owners``: all of them, as they shall be from now on."""

    owners: tuple[OwnerDoc, ...]

    def to_json(self) -> Json:
        return {"owners": [{"publisher_id": one.publisher_id, "role": one.role} for one in self.owners]}


@value
class NamespaceBody:
    """``POST /v1/namespaces``."""

    namespace: str
    method: str

    def to_json(self) -> Json:
        return {"namespace": self.namespace, "method": self.method}


@value
class ExchangeBody:
    """``POST /v1/oidc/exchange``: a token of a build service for one of ours."""

    token: str
    package_id: str

    def to_json(self) -> Json:
        return {"token": self.token, "package_id": self.package_id}


@value
class TokenWish:
    """``POST /v1/oci/token``: for which package."""

    package_id: str

    def to_json(self) -> Json:
        return {"package_id": self.package_id}


@value
class ReportBody:
    """``POST /v1/reports``: anybody may tell the registry's people about a package."""

    package_id: str
    version: str
    kind: str
    text: str
    contact: str

    def to_json(self) -> Json:
        return {"package_id": self.package_id, "version": self.version, "kind": self.kind, "text": self.text, "contact": self.contact}


@value
class AdvisoryBody:
    """``POST /v1/advisories``."""

    advisory_id: str
    package_id: str
    versions: tuple[str, ...]
    severity: str
    title: str
    text: str

    def to_json(self) -> Json:
        return {
            "advisory_id": self.advisory_id, "package_id": self.package_id, "versions": list(self.versions), "severity": self.severity,
            "title": self.title, "text": self.text,
        }  # fmt: skip


def read_status(data: bytes) -> StatusBody:
    return _read(data, lambda found: StatusBody(status=found.one_of("status", VERSION_STATES), reason=_line(found, "reason", REASON_MAX)))


def read_publisher_status(data: bytes) -> PublisherStatusBody:
    return _read(data, lambda found: PublisherStatusBody(status=found.one_of("status", PUBLISHER_STATES), reason=_line(found, "reason", REASON_MAX)))


def read_recovery(data: bytes) -> RecoveryBody:
    return _read(data, lambda found: RecoveryBody(action=found.one_of("action", RECOVERY_ACTIONS), reason=_line(found, "reason", REASON_MAX)))


def read_site(data: bytes) -> SiteBody:
    return _read(data, lambda found: SiteBody(site=found.text("site", most=URL_MAX)))


def read_reason(data: bytes) -> ReasonBody:
    return _read(data, lambda found: ReasonBody(reason=_line(found, "reason", REASON_MAX)))


def read_owners(data: bytes) -> OwnersBody:
    def owner(item: Json, place: str, faults: Faults) -> OwnerDoc:
        found = Fields(item, place, faults)
        one = OwnerDoc(
            publisher_id=found.text("publisher_id", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
            role=found.one_of("role", ROLES),
        )
        found.end()
        return one

    def owners(found: Fields) -> OwnersBody:
        rows = found.each("owners", lambda item, place: owner(item, place, found.faults), most=OWNERS_MAX, required=True, least=1)
        return OwnersBody(owners=rows)

    return _read(data, owners)


def read_namespace(data: bytes) -> NamespaceBody:
    return _read(
        data,
        lambda found: NamespaceBody(
            namespace=found.text("namespace", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
            method=found.one_of("method", CLAIMED_BY),
        ),
    )


def read_exchange(data: bytes) -> ExchangeBody:
    return _read(data, lambda found: ExchangeBody(token=found.text("token", most=OIDC_TOKEN_CHARS_MAX), package_id=_package_id(found)))


def read_token_wish(data: bytes) -> TokenWish:
    return _read(data, lambda found: TokenWish(package_id=_package_id(found)))


def read_report(data: bytes) -> ReportBody:
    return _read(
        data,
        lambda found: ReportBody(
            package_id=_package_id(found),
            version=found.text("version", most=VERSION_MAX, default="", pattern=VERSION, form=VERSION_FORM),
            kind=found.one_of("kind", REPORT_KINDS),
            text=found.text("text", most=REPORT_CHARS_MAX),
            contact=_line(found, "contact", LINE_MAX),
        ),
    )


def read_advisory(data: bytes) -> AdvisoryBody:
    return _read(
        data,
        lambda found: AdvisoryBody(
            advisory_id=found.text("advisory_id", most=NAME_MAX),
            package_id=_package_id(found),
            versions=found.texts("versions", most=ADVISED_VERSIONS_MAX, each_most=VERSION_MAX, required=True, least=1, pattern=VERSION, form=VERSION_FORM),
            severity=found.one_of("severity", SEVERITIES),
            title=found.text("title", most=LINE_MAX),
            text=found.text("text", most=ADVISORY_CHARS_MAX),
        ),
    )


def _read(data: bytes, read: Callable[[Fields], T]) -> T:
    """The caller bounds ``len(data)``. Refusals are ``registry.json`` and what Fields finds."""
    faults = Faults("registry")
    fields = Fields(read_json(data, family="registry", where="the request"), "", faults)
    found = read(fields)
    fields.end()
    faults.stop()
    return found


def _package_id(found: Fields) -> str:
    return found.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM)


def _line(found: Fields, key: str, most: int) -> str:
    """May be absent."""
    return found.text(key, most=most, default="", least=0)
