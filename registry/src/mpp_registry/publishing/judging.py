"""Is this file a package that may be published at all? Nothing is written here, so it may take its time.

1 gatekeeper       the seven checks that every host runs, by the publisher's newest root document
2 descriptions     what a model reads of it: hidden, encoded or misplaced text is refused, what is only suspicious is said
3 static content   its prompts and resources, by the same guard
4 patterns         expressions of its privacy filter, each tried out in a jail
"""

from __future__ import annotations

from dataclasses import replace

from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.host.described import to_look_at
from mpp.host.patterns.judging import admit
from mpp.host.static.static import to_look_at as static_to_look_at
from mpp.model.value import value
from mpp.stages.gatekeeper import NO_TRUST, TrustedPublisher, TrustState, VerifiedPackage, verify
from mpp_registry.publishing.limits import CREATED_AHEAD_SECONDS, DOCUMENT_BYTES_MAX, README_BYTES_MAX

README, SBOM, PROVENANCE, MANIFEST = "README.md", "_mpp/sbom.cdx.json", "_mpp/provenance.json", "manifest.json"


@value
class Judged:
    """A package that passed, with what the site shows of it, and what a person should look at."""

    package: VerifiedPackage
    stored: RootChain
    """The chain by which it was judged; the package may have brought a longer one."""
    manifest: bytes
    readme: bytes
    sbom: bytes
    provenance: bytes
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.package.archive.data)


def judge(data: bytes, stored: RootChain, now: int) -> Judged:
    """Raises Refused with the code of the check that failed."""
    package = _verified(data, stored, now)
    notes = [*to_look_at(package.manifest), *static_to_look_at(package)]
    # Attack: an expression that takes hours on ordinary text, in the filter of every host that installs the package.
    admit(package.manifest.privacy_filters.custom_patterns, None)
    if package.statement.created > now + CREATED_AHEAD_SECONDS:
        notes.append("Its statement says that it was made in the future.")
    return Judged(
        package=package,
        stored=stored,
        manifest=package.read(MANIFEST) or b"",
        readme=_text(package, README),
        sbom=_document(package, SBOM),
        provenance=_document(package, PROVENANCE),
        notes=tuple(notes),
    )


def trust_of(chain: RootChain) -> TrustState:
    """This one publisher, for any package id: who may have which id is judged by the rows, not by the gatekeeper."""
    return replace(NO_TRUST, publishers={chain.publisher_id: TrustedPublisher(chain=chain, any_package=True)}, first_use=False)


def _verified(data: bytes, stored: RootChain, now: int) -> VerifiedPackage:
    try:
        return verify(data, trust_of(stored), now)
    except Refused as fault:
        if fault.code != "publisher.not_listed":
            raise
        # The words of a fleet's host would lead astray here.
        raise Refused(
            "registry.forbidden", "the package is signed by another publisher than the one that uploads it", where=fault.where,
            hint="upload it with a key of the publisher that signed it",
        ) from None  # fmt: skip


def _text(package: VerifiedPackage, name: str) -> bytes:
    """At most what is shown, cut between characters."""
    found = _member(package, name, None)
    return found if len(found) <= README_BYTES_MAX else found[:README_BYTES_MAX].decode("utf-8", "ignore").encode("utf-8")


def _document(package: VerifiedPackage, name: str) -> bytes:
    return _member(package, name, DOCUMENT_BYTES_MAX)


def _member(package: VerifiedPackage, name: str, most: int | None) -> bytes:
    """Empty where there is none, or where it is too large for the site."""
    member = package.archive.find(name)
    if member is None or (most is not None and member.size > most):
        return b""
    return package.read(name) or b""
