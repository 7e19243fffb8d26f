"""The seven checks, in order. Spec: spec/2-gatekeeper.md.

    1 archive safety      the bytes are one canonical archive
    2 size limits         nothing is too large, inflated or not
    3 path rules          every name is portable and harmless
    4 content hash        the body is the one that the statement is about
    5 signature           every listed signer is one of the publisher's, and the publisher is believed
    6 manifest            the manifest and every member are what the statement says
    7 capabilities        what the package asks for is well formed, and its wasm keeps the static rules

Each check gets what the ones before it established. The first failure ends the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mpp.crypto.ed25519 import short_id
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.stages.archive import Archive, Buffer, Hashes, check_names, check_sizes, hashes, read_structure
from mpp.stages.gatekeeper.contents import Contents, judge_capabilities, judge_contents
from mpp.stages.gatekeeper.signed import Seal, judge_seal, read_seal
from mpp.stages.gatekeeper.trust import TrustState, judge_publisher, newest_chain
from mpp.stages.gatekeeper.types import AttestationResult, CheckResult, VerifiedPackage
from mpp.stages.gatekeeper.wasm import WasmShape

GATEKEEPER_VERSION = 2
"""Raised whenever a check changes its verdict on any input; part of the key of a kept verdict."""


class Judgement:
    """What the checks have established so far. Check n reads only what checks 1 to n-1 have set."""

    archive: Archive
    hashes: Hashes
    seal: Seal | Refused
    sealed: Seal
    chain: RootChain
    trusted_because: str
    contents: Contents
    wasm: WasmShape | None

    def __init__(self, data: Buffer, trust: TrustState, now: int) -> None:
        self.data, self.trust, self.now = data, trust, now


def _archive_safety(at: Judgement) -> str:
    at.archive = read_structure(at.data)
    return f"canonical archive, {len(at.archive.members)} members"


def _size_limits(at: Judgement) -> str:
    check_sizes(at.archive)
    return f"{len(at.data):,} bytes packed, {sum(member.size for member in at.archive.members):,} inflated"


def _path_rules(at: Judgement) -> str:
    check_names(at.archive)
    return "all names portable and inside the package"


def _content_hash(at: Judgement) -> str:
    """Spec: 2-gatekeeper G-10. Anything wrong with the seal itself is for check 5 to say."""
    at.hashes = hashes(at.archive)
    at.seal = read_seal(at.archive)
    found = at.hashes.content.hex()
    if isinstance(at.seal, Seal) and at.seal.statement.content_hash != found:
        raise Refused(
            "content.mismatch",
            "the content is not what was signed",
            where=f"sha256:{found}",
            hint="the file was changed after signing: get it again from its publisher",
        )
    return f"sha256:{found}"


def _signature(at: Judgement) -> str:
    """Spec: 2-gatekeeper G-20 to G-29."""
    if isinstance(at.seal, Refused):
        raise at.seal
    at.sealed = at.seal
    shown = at.sealed.chain
    try:
        at.chain = newest_chain(shown, at.trust)
    except Refused:
        # A refusal about the publisher says that integrity held, so the seal is judged by its own root first.
        judge_seal(at.sealed, shown, accepted_before=False)
        raise
    content_hash = at.sealed.statement.content_hash
    judge_seal(at.sealed, at.chain, accepted_before=content_hash in at.trust.installed)
    if content_hash in at.trust.revoked_content:
        raise Refused(
            "publisher.content_revoked", "this exact package is revoked here", where=f"sha256:{content_hash}", hint="remove it; look for a newer version"
        )
    at.trusted_because = judge_publisher(at.chain, at.sealed.statement.package_id, at.trust, at.now)
    signers = ", ".join(short_id(key) for key in at.sealed.statement.signers)
    return f"Ed25519 by {signers} for {at.chain.newest.name!r} ({at.trusted_because})"


def _manifest(at: Judgement) -> str:
    at.contents = judge_contents(at.archive, at.sealed.statement)
    statement = at.sealed.statement
    return f"{statement.package_id} {statement.version}, {len(statement.files)} files as signed"


def _capabilities(at: Judgement) -> str:
    at.wasm = judge_capabilities(at.contents)
    tools = len(at.contents.manifest.tool_definitions)
    return f"{tools} tool{'s' if tools != 1 else ''}, capabilities well formed, static rules kept"


class Check(NamedTuple):
    number: int
    name: str
    run: Callable[[Judgement], str]


CHECKS = (
    Check(1, "archive safety", _archive_safety),
    Check(2, "size limits", _size_limits),
    Check(3, "path rules", _path_rules),
    Check(4, "content hash", _content_hash),
    Check(5, "signature and publisher", _signature),
    Check(6, "manifest", _manifest),
    Check(7, "capabilities and code", _capabilities),
)
CHECK_NAMES = tuple(check.name for check in CHECKS)
AUTHENTICATION = CHECKS[:5]
"""What runs before anything is inflated."""


def _ignore(_: CheckResult) -> None:
    """Nobody watches."""


def verify(data: Buffer, trust: TrustState, now: int, *, seen: Callable[[CheckResult], None] = _ignore) -> VerifiedPackage:
    """Run all seven checks; ``seen`` is told of each that passed. Raises ``Refused`` at the first that fails."""
    at = Judgement(data, trust, now)
    passed: list[CheckResult] = []
    for check in CHECKS:
        passed.append(CheckResult(number=check.number, name=check.name, detail=check.run(at)))
        seen(passed[-1])
    return VerifiedPackage(
        archive=at.archive,
        file_hash=at.hashes.file.hex(),
        statement=at.sealed.statement,
        chain=at.chain,
        manifest=at.contents.manifest,
        wasm=at.wasm,
        trust_digest=trust.digest,
        trusted_because=at.trusted_because,
        verified_at=now,
        checks=tuple(passed),
    )


def authenticate(data: Buffer, trust: TrustState, now: int) -> Judgement:
    """Checks 1 to 5 alone; for measuring, and for showing a signed statement before anything is inflated."""
    at = Judgement(data, trust, now)
    for check in AUTHENTICATION:
        check.run(at)
    return at


def attest(data: Buffer, trust: TrustState, now: int) -> AttestationResult:
    """A verdict with the key under which it may be reused, in memory only."""
    package = verify(data, trust, now)
    key = (package.file_hash, GATEKEEPER_VERSION, package.trust_digest)
    return AttestationResult(key=key, package=package, until=trust.publishers[package.publisher_id].until)
