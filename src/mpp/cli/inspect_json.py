"""``mpp inspect --json``: the report as one object."""

from __future__ import annotations

import json

from mpp.author.report import Report
from mpp.cli.screen import fault_json
from mpp.crypto.ed25519 import short_id
from mpp.host.sources.naming import public_name, usual_alias
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest
from mpp.model.words import capability_words, growth
from mpp.stages.gatekeeper import Seal, WasmShape
from mpp.stages.privacy.guard import Change, Verdict, changes, describe_manifest


def report_json(path: str, report: Report) -> dict[str, Json]:
    files: list[Json] = [
        {"name": member.name, "bytes": member.size, "packed": member.packed, "compressed": member.method != 0} for member in report.archive.members
    ]
    words: list[Json] = [*capability_words(report.manifest.capabilities)] if report.manifest is not None else []
    return {
        "ok": not report.problems,
        "file": path,
        "content_hash": report.content_hash,
        "file_hash": report.file_hash,
        "manifest": None if report.manifest is None else _manifest(report.manifest),
        "capabilities_in_words": words,
        "code": None if report.wasm is None else _code(report.wasm),
        "seal": None if report.seal is None else _seal(report.seal, intact=report.seal_intact),
        "files": files,
        "problems": [fault_json(fault) for fault in report.problems],
        "warnings": [*report.warnings],
        "undeclared_imports": [*report.undeclared],
        "model_reads": None if report.read_by_model is None else _model_reads(report.read_by_model),
    }


def _model_reads(found: Verdict) -> dict[str, Json]:
    """The verdict on what a model reads. Tiers: A is refused, B and C are for a person to look at."""
    hits: list[Json] = [
        {"tier": hit.tier, "kind": hit.kind, "where": hit.where, "at": hit.at, "found": hit.found, "says": hit.says, "points": hit.points} for hit in found.hits
    ]
    return {"verdict": found.words, "score": found.score, "pin": found.pin, "hits": hits}


def _manifest(manifest: Manifest) -> dict[str, Json]:
    runtime = manifest.runtime
    tools: list[Json] = [
        {
            "name": tool.name,
            "served_as": public_name(usual_alias(manifest.package_id), tool.name),
            "description": tool.description,
            "security_level": tool.security_level,
            "parameters": json.loads(tool.parameters),
            "returns": None if tool.returns is None else json.loads(tool.returns),
        }
        for tool in manifest.tool_definitions
    ]
    filters = manifest.privacy_filters
    return {
        "package_id": manifest.package_id,
        "version": manifest.version,
        "name": manifest.name,
        "description": manifest.description,
        "license": manifest.license,
        "publisher": {"name": manifest.publisher.name, "url": manifest.publisher.url, "verified_key_id": manifest.publisher.verified_key_id},
        "runtime": {
            "type": runtime.type,
            "entrypoint": runtime.entrypoint,
            "memory_limit_mb": runtime.memory_limit_mb,
            "timeout_ms": runtime.timeout_ms,
            "deterministic": runtime.deterministic,
            "layer": None if runtime.layer is None else {"id": runtime.layer.id, "version": runtime.layer.version, "sha256": runtime.layer.sha256},
        },
        "tools": tools,
        "privacy_filters": {"enabled": filters.enabled, "patterns": [*filters.patterns], "custom_patterns": [one.id for one in filters.custom_patterns]},
    }


def _code(shape: WasmShape) -> dict[str, Json]:
    return {
        "form": shape.form,
        "bytes": shape.size,
        "functions": shape.functions,
        "imports": [f"{one.module}.{one.name}" if one.name else one.module for one in shape.imports],
        "exports": [one.name for one in shape.exports],
    }


def _seal(seal: Seal, *, intact: bool) -> dict[str, Json]:
    root = seal.chain.newest
    return {
        "intact": intact,
        "publisher_id": seal.chain.publisher_id,
        "calls_itself": root.name,
        "root_version": root.version,
        "signers": [short_id(key) for key in seal.statement.signers],
        "created": seal.statement.created,
    }


def changed_files(old: Report, new: Report) -> list[tuple[str, str]]:
    """Members that differ, as (``added`` | ``removed`` | ``changed``, name)."""
    before, after = old.files, new.files
    rows = [("removed", name) for name in sorted(before.keys() - after.keys())]
    rows += [("added", name) for name in sorted(after.keys() - before.keys())]
    return rows + [("changed", name) for name in sorted(before.keys() & after.keys()) if before[name] != after[name]]


def changed_texts(old: Report, new: Report) -> tuple[Change, ...]:
    """What a model reads in another way; nothing where one of the manifests cannot be read."""
    if old.manifest is None or new.manifest is None:
        return ()
    return changes(describe_manifest(old.manifest), describe_manifest(new.manifest))


def diff_json(path: str, old: Report, other: str, new: Report) -> dict[str, Json]:
    both = old.manifest is not None and new.manifest is not None
    asks: list[Json] = [*growth(old.manifest, new.manifest)] if old.manifest is not None and new.manifest is not None else []
    texts: list[Json] = [{"tool": one.tool, "where": one.where, "change": one.what, "was": one.was, "now": one.now} for one in changed_texts(old, new)]
    return {
        "ok": both,
        "from": report_json(path, old),
        "to": report_json(other, new),
        "files": [{"change": change, "name": name} for change, name in changed_files(old, new)],
        "newly_asks": asks,
        "model_reads_changed": texts,
        "same_publisher": publisher_of(old) is not None and publisher_of(old) == publisher_of(new),
    }


def publisher_of(report: Report) -> str | None:
    """The publisher id, if the seal is intact."""
    return report.seal.chain.publisher_id if report.seal is not None and report.seal_intact else None
