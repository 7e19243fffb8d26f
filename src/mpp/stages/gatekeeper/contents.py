"""Checks 6 and 7: the members are what was signed, the manifest is sound, the code keeps the static rules.

Nothing here runs before the signatures have been verified, so inflating only meets what a believed publisher packed.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO

from mpp.crypto.ed25519 import short_id
from mpp.errors import Fault, Refused
from mpp.model.manifest import Manifest, parse_manifest, read_manifest
from mpp.model.value import value
from mpp.stages.archive import LAYER_NAME, MANIFEST_NAME, Archive, check_names, check_sizes, hashes, member_chunks, read_member, read_structure
from mpp.stages.gatekeeper.statement import Statement
from mpp.stages.gatekeeper.wasm import WasmShape, read_wasm
from mpp.stages.gatekeeper.wasm_limits import WASM_BYTES_MAX
from mpp.stages.gatekeeper.wasm_rules import RULES, judge_wasm

WASM_MAGIC = b"\0asm"
SIGN_AGAIN = "the publisher signs the package again with `mpp sign`"


@value
class Inside:
    """All members read once: digests of all, bytes of the two that are judged."""

    files: Mapping[str, str]
    """Member name -> SHA-256 of its plain bytes, in hex."""
    manifest: bytes
    code: bytes | None
    """The entrypoint; None if the package has no such member."""
    wasm_names: tuple[str, ...]
    """Members that begin as WebAssembly does."""
    layer: bytes | None = None
    """The layer that the package carries for a host that has none; None if it carries none."""


@value
class Contents:
    """The authenticated inside of a package after check 6."""

    manifest: Manifest
    capability_faults: tuple[Fault, ...]
    inside: Inside


@value
class Unsigned:
    """What an author may sign: an archive whose inside has been judged as checks 6 and 7 will judge it."""

    manifest: Manifest
    files: Mapping[str, str]
    wasm: WasmShape | None


def judge_contents(archive: Archive, statement: Statement) -> Contents:
    """Check 6. Spec: 2-gatekeeper G-30 to G-36."""
    names = {member.name for member in archive.content_members}
    if names != statement.files.keys():
        odd = min(names ^ statement.files.keys())
        raise Refused("manifest.files", "the signed list of files is not the list of members", where=f"member {odd!r}", hint=SIGN_AGAIN)
    inside = read_inside(archive, statement.entrypoint)
    for name, digest in inside.files.items():
        if digest != statement.files[name]:
            raise Refused("manifest.file_digest", "a member is not the one that was signed", where=f"member {name!r}", hint=SIGN_AGAIN)
    reading = read_manifest(inside.manifest)
    if reading.manifest is None:
        raise Refused.of(reading.faults)
    _judge_identity(reading.manifest, statement)
    return Contents(manifest=reading.manifest, capability_faults=reading.faults, inside=inside)


def judge_unsigned(archive: Archive) -> Unsigned:
    """Checks 6 and 7 for a package that has no statement yet. Signing begins here: nothing unsound is ever signed."""
    manifest = parse_manifest(read_member(archive, archive.members[0]))
    inside = read_inside(archive, manifest.runtime.entrypoint)
    return Unsigned(manifest=manifest, files=inside.files, wasm=judge_code(manifest, inside))


def judge_capabilities(contents: Contents) -> WasmShape | None:
    """Check 7. Spec: 2-gatekeeper G-40 to G-43: capabilities first, then the code."""
    if contents.capability_faults:
        raise Refused.of(contents.capability_faults)
    return judge_code(contents.manifest, contents.inside)


def judge_code(manifest: Manifest, inside: Inside) -> WasmShape | None:
    """The static rules of the manifest's runtime type; the same for a build, an upload and a host."""
    runtime = manifest.runtime
    if inside.layer is not None:
        _judge_carried(manifest, inside.layer)
    if inside.code is None:
        raise Refused("wasm.missing", "the entrypoint is not in the package", where="/runtime/entrypoint", hint="build the package again with `mpp build`")
    # Attack: code beside the sources of an interpreted tool would pass every rule that is about its sources.
    if not RULES[runtime.type].carries_wasm and inside.wasm_names:
        raise Refused(
            "wasm.unexpected", f"a package of type {runtime.type} carries WebAssembly", where=f"member {inside.wasm_names[0]!r}", hint="remove the member"
        )
    if not RULES[runtime.type].carries_wasm:
        return None
    shape = read_wasm(inside.code)
    judge_wasm(shape, runtime.type, runtime.memory_limit_mb)
    return shape


def _judge_carried(manifest: Manifest, data: bytes) -> None:
    """Spec: G-45. Whoever takes the layer out judges it as any other; here it is only the one that the manifest names.

    Attack: a package that is agreed to with the digest of a known layer, and brings another one.
    """
    where = f"member {LAYER_NAME!r}"
    named = manifest.runtime.layer
    if named is None:
        message = f"a package of type {manifest.runtime.type} carries a layer"
        raise Refused("wasm.layer", message, where=where, hint="remove the member; only interpreted tools stand on a layer")
    try:
        archive = read_structure(data)
        check_sizes(archive)
        check_names(archive)
    except Refused as fault:
        raise Refused("wasm.layer", f"what it carries as its layer is no package: {fault.message}", where=where, hint=SIGN_AGAIN) from None
    if hashes(archive).content.hex() != named.sha256:
        raise Refused("wasm.layer", "the layer that the package carries is not the one that its manifest names", where=where, hint=SIGN_AGAIN)


def read_inside(archive: Archive, entrypoint: str) -> Inside:
    """Inflate every member once, in pieces; only the manifest, the entrypoint and a layer are kept."""
    files: dict[str, str] = {}
    kept: dict[str, bytes] = {}
    wasm_names: list[str] = []
    for member in archive.content_members:
        # Attack: 128 MiB of code would be held in memory only to be refused by its size.
        if member.name == entrypoint and member.size > WASM_BYTES_MAX:
            raise Refused(
                "wasm.size",
                f"the entrypoint has more than {WASM_BYTES_MAX} bytes",
                where=f"member {member.name!r}",
                hint="build it for size, without debug information",
            )
        # A BytesIO gives its bytes away without a copy, so the largest entrypoint is held once, not twice.
        digest, plain, keep = sha256(), BytesIO(), member.name in (MANIFEST_NAME, entrypoint, LAYER_NAME)
        for piece in member_chunks(archive, member):
            digest.update(piece)
            if keep or plain.tell() < len(WASM_MAGIC):
                plain.write(piece)
        files[member.name] = digest.hexdigest()
        if plain.getvalue().startswith(WASM_MAGIC):
            wasm_names.append(member.name)
        if keep:
            kept[member.name] = plain.getvalue()
    return Inside(files=files, manifest=kept[MANIFEST_NAME], code=kept.get(entrypoint), wasm_names=tuple(wasm_names), layer=kept.get(LAYER_NAME))


def _judge_identity(manifest: Manifest, statement: Statement) -> None:
    """The manifest and the statement speak of one package. Spec: 2-gatekeeper G-34 to G-36."""
    if (manifest.package_id, manifest.version) != (statement.package_id, statement.version):
        raise Refused("manifest.identity", "the manifest names another package or version than the signature", where="/package_id", hint=SIGN_AGAIN)
    if manifest.runtime.entrypoint != statement.entrypoint:
        raise Refused("manifest.entrypoint", "the manifest names another entrypoint than the signature", where="/runtime/entrypoint", hint=SIGN_AGAIN)
    wanted = manifest.publisher.verified_key_id
    if wanted and wanted not in [short_id(key) for key in statement.signers]:
        raise Refused(
            "manifest.key_id",
            f"{wanted} did not sign the package",
            where="/publisher/verified_key_id",
            hint="fill it with `mpp build --set-key`, or leave it out",
        )
