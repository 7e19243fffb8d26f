"""The static audit behind ``mpp inspect``: everything a package says, shown without running or trusting it.

Nothing here decides. Each part is read as far as it can be; what cannot be read is listed as a problem.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpp.author.breadth import breadth_warnings, undeclared_powers
from mpp.author.limits import SBOM_SHOWN_MAX
from mpp.errors import Fault, Refused
from mpp.model.manifest import Manifest, read_manifest
from mpp.model.value import value
from mpp.stages.archive import MANIFEST_NAME, SBOM_NAME, Archive, Buffer, Member, hashes, read_archive, read_member
from mpp.stages.gatekeeper import WASM_MAGIC, Inside, Seal, WasmShape, judge_code, judge_seal, read_inside, read_seal, read_wasm
from mpp.stages.privacy.guard import Verdict, judge_manifest, refusal


@value
class Report:
    """What a look at a package found. ``manifest`` is None when it has faults."""

    archive: Archive
    content_hash: str
    file_hash: str
    files: Mapping[str, str]
    """Member name -> SHA-256 of its plain bytes, in hex; empty when a member cannot be inflated."""
    manifest: Manifest | None
    wasm: WasmShape | None
    seal: Seal | None
    seal_intact: bool
    """The statement is about this content, and its signatures verify under the keys the package itself brings."""
    sbom: bytes
    problems: tuple[Fault, ...]
    warnings: tuple[str, ...]
    undeclared: tuple[str, ...]
    read_by_model: Verdict | None
    """What was found in the texts that a model reads; None when the manifest has faults."""


def examine(data: Buffer) -> Report:
    """Look at a package. Raises ``Refused`` only when the file is no archive at all, or an unsafe one."""
    archive = read_archive(data)
    found = hashes(archive)
    problems: list[Fault] = []
    manifest = _manifest(archive, problems)
    inside = _inside(archive, manifest, problems)
    wasm = _wasm(manifest, inside, problems)
    seal, intact = _seal(archive, found.content.hex(), problems)
    sbom = _sbom(archive, problems)
    texts = _texts(manifest, problems)
    return Report(
        archive=archive,
        content_hash=found.content.hex(),
        file_hash=found.file.hex(),
        files=inside.files if inside is not None else {},
        manifest=manifest,
        wasm=wasm,
        seal=seal,
        seal_intact=intact,
        sbom=sbom,
        problems=tuple(problems),
        warnings=breadth_warnings(manifest, wasm) if manifest is not None else (),
        undeclared=undeclared_powers(manifest, wasm) if manifest is not None and wasm is not None else (),
        read_by_model=texts,
    )


def _member(archive: Archive, member: Member | None, problems: list[Fault]) -> bytes:
    try:
        return b"" if member is None else read_member(archive, member)
    except Refused as fault:
        problems.extend(fault.faults)
        return b""


def _sbom(archive: Archive, problems: list[Fault]) -> bytes:
    member = archive.find(SBOM_NAME)
    # Attack: 128 MiB of brackets cost gigabytes once they are parsed; hosts never read this member.
    return b"" if member is not None and member.size > SBOM_SHOWN_MAX else _member(archive, member, problems)


def _manifest(archive: Archive, problems: list[Fault]) -> Manifest | None:
    reading = read_manifest(_member(archive, archive.find(MANIFEST_NAME), problems))
    problems.extend(reading.faults)
    return reading.manifest if not reading.faults else None


def _texts(manifest: Manifest | None, problems: list[Fault]) -> Verdict | None:
    """What a model reads. What the guard refuses no host asks a person to agree to."""
    try:
        found = judge_manifest(manifest) if manifest is not None else None
    except Refused as fault:
        problems.extend(fault.faults)
        return None
    refused = refusal(found) if found is not None else None
    problems.extend(refused.faults if refused is not None else ())
    return found


def _inside(archive: Archive, manifest: Manifest | None, problems: list[Fault]) -> Inside | None:
    try:
        return read_inside(archive, manifest.runtime.entrypoint if manifest is not None else "")
    except Refused as fault:
        problems.extend(fault.faults)
        return None


def _wasm(manifest: Manifest | None, inside: Inside | None, problems: list[Fault]) -> WasmShape | None:
    """The shape of the code, even when it breaks a rule of its runtime type."""
    shape: WasmShape | None = None
    if manifest is None or inside is None:
        return None
    try:
        if inside.code is not None and inside.code.startswith(WASM_MAGIC):
            shape = read_wasm(inside.code)
        judge_code(manifest, inside)
    except Refused as fault:
        problems.extend(fault.faults)
    return shape


def _seal(archive: Archive, content_hash: str, problems: list[Fault]) -> tuple[Seal | None, bool]:
    found = read_seal(archive)
    if isinstance(found, Refused):
        problems.extend(found.faults)
        return None, False
    try:
        judge_seal(found, found.chain, accepted_before=False)
    except Refused as fault:
        problems.extend(fault.faults)
        return found, False
    if found.statement.content_hash != content_hash:
        problems.append(Fault("content.mismatch", f"sha256:{content_hash}", "the content is not what was signed", "get the file again from its publisher"))
        return found, False
    return found, True
