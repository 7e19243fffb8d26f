"""What the gatekeeper gives."""

from __future__ import annotations

from mpp.crypto.roots import RootChain
from mpp.model.manifest import Manifest
from mpp.model.value import value
from mpp.stages.archive import Archive, read_member
from mpp.stages.gatekeeper.statement import Statement
from mpp.stages.gatekeeper.wasm import WasmShape


@value
class CheckResult:
    """One of the seven, passed, and what it found in a few words."""

    number: int
    name: str
    detail: str


@value
class VerifiedPackage:
    """A package that passed all seven checks against one TrustState at one moment. Only ``verify`` makes one."""

    archive: Archive
    file_hash: str
    statement: Statement
    chain: RootChain
    """The publisher's newest root documents, from the package or from this host's memory."""
    manifest: Manifest
    wasm: WasmShape | None
    """The static shape of the entrypoint; None for interpreted tools."""
    trust_digest: str
    trusted_because: str
    verified_at: int
    checks: tuple[CheckResult, ...]

    @property
    def publisher_id(self) -> str:
        return self.chain.publisher_id

    @property
    def package_id(self) -> str:
        return self.statement.package_id

    @property
    def version(self) -> str:
        return self.statement.version

    @property
    def content_hash(self) -> str:
        return self.statement.content_hash

    def read(self, name: str) -> bytes | None:
        """The plain bytes of a member, checked again while they are read; None if there is no such member."""
        member = self.archive.find(name)
        return None if member is None else read_member(self.archive, member)


@value
class AttestationResult:
    """A verdict that may be kept in memory and reused while its key is the same and ``until`` is not over; never written to disk."""

    key: tuple[str, int, str]
    """File hash, gatekeeper version, TrustState digest."""
    package: VerifiedPackage
    until: int | None
    """Seconds since 1970 at which the trust in the publisher ends, or None."""
