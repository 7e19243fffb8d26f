"""Does a layer hold, now? The hash decides which one it is; the trust of this moment, whether anything speaks against it.

A layer is code that runs with the rights of the tool that names it, and with nothing of its own. So whoever signed the tool answers for it: a
publisher that this host does not know may have signed the layer, a revoked one may not. Spec: layers Y-30 to Y-36.
"""

from __future__ import annotations

from dataclasses import replace

from mpp.crypto.ed25519 import short_id
from mpp.errors import Refused
from mpp.host.layers.store import read_layer_manifest
from mpp.model.jsontext import Json
from mpp.model.manifest import LayerRef, Manifest
from mpp.model.value import value
from mpp.stages.archive import Archive, Buffer, hashes, read_archive, read_member
from mpp.stages.gatekeeper import authenticate, GATEKEEPER_VERSION, newest_chain, read_seal, TrustedPublisher, TrustState, verify, VerifiedPackage
from mpp.stages.sandbox import ImageCache


@value
class JudgedLayer:
    """A layer that held when it was looked at. ``judge_named`` and ``judge_file`` make one."""

    ref: LayerRef
    publisher_id: str
    signers: tuple[str, ...]
    entrypoint: str
    wasm_sha256: str
    archive: Archive

    def code(self) -> bytes:
        """Its module, inflated now."""
        member = self.archive.find(self.entrypoint)
        if member is None:
            raise Refused("layer.changed", "the layer has lost its module", where=self.ref.sha256, hint="install it again: mpp layer install FILE")
        return read_member(self.archive, member)


def vouched(trust: TrustState, data: Buffer, content_hash: str = "") -> TrustState:
    """The trust under which a layer is judged that something believed names by its hash: its own publisher counts for it, unless it is revoked.

    Roots that this host has seen, and revocations, hold as ever. Spec: Y-32.
    """
    archive = read_archive(data)
    seal = read_seal(archive)
    if isinstance(seal, Refused):
        raise seal
    chain = newest_chain(seal.chain, trust)
    publishers = {**trust.publishers, chain.publisher_id: TrustedPublisher(chain=chain, any_package=True)}
    installed = trust.installed | {content_hash or hashes(archive).content.hex()}
    return replace(trust, publishers=publishers, pins={}, prefixes={}, installed=installed)


def judge_named(data: Buffer, named: LayerRef, trust: TrustState, now: int, cache: ImageCache | None) -> JudgedLayer:
    """The layer that a verified manifest names, from the store or out of a package.

    Signature and trust are judged anew each time. That its inside keeps the rules, which a hash settles for good, is remembered under the MAC
    of the cache: to inflate and read an interpreter takes longer than a call.
    """
    found = hashes(read_archive(data)).content.hex()
    if found != named.sha256:
        raise Refused(
            "layer.changed", "the file of the layer is not the one that it is named after", where=named.sha256, hint="install it again: mpp layer install FILE"
        )
    known = known_module(cache, named.sha256)
    believed = vouched(trust, data, found)
    if known is None:
        judged = of_package(verify(data, believed, now))
        _remember(cache, judged)
    else:
        at = authenticate(data, believed, now)
        manifest = read_layer_manifest(at.archive)
        judged = _judged(manifest, at.archive, at.chain.publisher_id, known, named.sha256, tuple(map(short_id, at.sealed.statement.signers)))
    if (judged.ref.id, judged.ref.version) != (named.id, named.version):
        # Attack: the name of a layer that people know, with the hash of another.
        message = f"the tool calls its layer {named.id} {named.version}, it is {judged.ref.id} {judged.ref.version}"
        raise Refused("layer.named", message, where="runtime.layer", hint="its publisher builds the tool again")
    return judged


def judge_file(data: Buffer, trust: TrustState, now: int) -> JudgedLayer:
    """A layer in full, under a trust that knows its publisher."""
    return of_package(verify(data, trust, now))


def of_package(package: VerifiedPackage) -> JudgedLayer:
    """What a verified package says, if it is a layer."""
    manifest = read_layer_manifest(package.archive)
    wasm = package.statement.files[manifest.runtime.entrypoint]
    signers = tuple(map(short_id, package.statement.signers))
    return _judged(manifest, package.archive, package.publisher_id, wasm, package.content_hash, signers)


def _judged(manifest: Manifest, archive: Archive, publisher_id: str, wasm_sha256: str, content_hash: str, signers: tuple[str, ...]) -> JudgedLayer:
    ref = LayerRef(id=manifest.package_id, version=manifest.version, sha256=content_hash)
    return JudgedLayer(
        ref=ref, publisher_id=publisher_id, signers=signers, entrypoint=manifest.runtime.entrypoint, wasm_sha256=wasm_sha256, archive=archive
    )  # fmt: skip


def known_module(cache: ImageCache | None, content_hash: str) -> str | None:
    """The digest of the module of a layer that this gatekeeper has judged in full on this machine."""
    row = cache.verdict(content_hash) if cache is not None else None
    if row is None or row.get("content") != content_hash or row.get("gatekeeper") != GATEKEEPER_VERSION:
        return None
    digest = row.get("wasm")
    return digest if isinstance(digest, str) and len(digest) == len(content_hash) else None


def _remember(cache: ImageCache | None, judged: JudgedLayer) -> None:
    if cache is not None:
        row: dict[str, Json] = {"content": judged.ref.sha256, "gatekeeper": GATEKEEPER_VERSION, "wasm": judged.wasm_sha256}
        cache.keep_verdict(judged.ref.sha256, row)


def is_revoked(judged: JudgedLayer, trust: TrustState) -> bool:
    """Has somebody revoked it since it was judged? Cheap enough for each call."""
    return judged.ref.sha256 in trust.revoked_content or judged.publisher_id in trust.revoked_publishers
