"""``mpp inspect`` for people."""

from __future__ import annotations

import json

from mpp.author.report import Report
from mpp.cli.inspect_json import changed_files, changed_texts, publisher_of
from mpp.cli.options import show_time
from mpp.cli.screen import CROSS, fault_lines, HEADING, mark, say, styled, table, TICK
from mpp.crypto.ed25519 import fingerprint, short_id
from mpp.host.sources.naming import renamed, usual_alias
from mpp.model.jsontext import Json, shown
from mpp.model.manifest import Manifest
from mpp.model.words import capability_words, growth
from mpp.stages.privacy.guard import BLOCKS

LINES_MAX = 40
"""Files, imports or SBOM parts shown before the rest is only counted. Reason: one screen; --json shows all."""

WORDS_SHOWN_MAX = 400
"""Characters of changed words that are shown. Reason: five lines; --json has all of them."""


def show_report(name: str, report: Report) -> None:
    say(styled(name, HEADING, bold=True))
    if report.manifest is not None:
        _identity(report.manifest)
    say(f"  content    sha256:{report.content_hash}")
    _signers(report)
    if report.manifest is not None:
        _tools(report.manifest)
        _section("Asks for")
        for words in capability_words(report.manifest.capabilities):
            say(f"  {words}")
        _limits(report.manifest)
    _model_reads(report)
    _code(report)
    _files(report)
    _sbom(report)
    _remarks(report)


def _section(title: str) -> None:
    say()
    say(styled(title, HEADING))


def _identity(manifest: Manifest) -> None:
    say(f"  package    {manifest.package_id} {manifest.version}  ({manifest.license or 'no licence named'})")
    say(f"  about      {manifest.description}")
    say(f"  publisher  {manifest.publisher.name} {manifest.publisher.url} (its own words)")


def _signers(report: Report) -> None:
    if report.seal is None:
        say("  signed     no: nothing runs an unsigned package" if not report.archive.sealed else "  signed     the seal cannot be read")
        return
    seal = report.seal
    holds = "signatures verify" if report.seal_intact else "the seal does NOT hold"
    say("  signed     ", mark(TICK if report.seal_intact else CROSS), f" {holds}; trust in the publisher is for `mpp verify`")
    say(f"  calls self {seal.chain.newest.name!r}, root version {seal.chain.newest.version}, signed {show_time(seal.statement.created)} by its own clock")
    say(f"  print      {fingerprint(seal.chain.publisher_id)}")
    say(f"  keys       {', '.join(short_id(key) for key in seal.statement.signers)}")


def _tools(manifest: Manifest) -> None:
    _section("Tools")
    for tool in manifest.tool_definitions:
        say(f"  {tool.name}  [{tool.security_level}]  {tool.description}")
        for whole, name in renamed(usual_alias(manifest.package_id), (tool.name,)):
            say(f"    agents see {name}: clients do not take {whole}")
        for line in _parameters(json.loads(tool.parameters)):
            say(f"    {line}")
        say(f"    returns {'a described result' if tool.returns is not None else 'anything: no result schema'}")


def _parameters(schema: Json) -> list[str]:
    """One line for each top-level parameter."""
    if not isinstance(schema, dict):
        return []
    found = schema.get("properties")
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    lines: list[str] = []
    for name, item in found.items() if isinstance(found, dict) else ():
        kind = _kind(item.get("type")) if isinstance(item, dict) else "any"
        about = item.get("description", "") if isinstance(item, dict) else ""
        lines.append(f"{name}: {kind}{'' if name in needed else ', optional'}  {about}".rstrip())
    return lines or ["takes no parameters"]


def _kind(found: Json) -> str:
    return " or ".join(str(one) for one in found) if isinstance(found, list) else str(found or "any")


def _limits(manifest: Manifest) -> None:
    runtime, filters = manifest.runtime, manifest.privacy_filters
    _section("Limits and filters")
    say(
        f"  at most {runtime.memory_limit_mb} MB of memory and {runtime.timeout_ms} ms a call; {runtime.type}"
        + (", deterministic" if runtime.deterministic else "")
    )
    if runtime.layer is not None:
        say(f"  stands on the layer {runtime.layer.id} {runtime.layer.version}, sha256:{runtime.layer.sha256}")
    names = [*filters.patterns, *(one.id for one in filters.custom_patterns)]
    say(f"  privacy filters {'on' if filters.enabled else 'asked to be off'}: {', '.join(names) or 'the built-in ones'}")


def _model_reads(report: Report) -> None:
    """Never a word that says harmless: no table has all the words that can be chosen."""
    found = report.read_by_model
    if found is None:
        return
    _section("What a model reads")
    say(f"  {found.words}; {found.pin[:16]} names every byte of it")
    for hit in (*found.blocked, *found.shown)[:LINES_MAX]:
        say(f"  {'REFUSED' if hit.tier == BLOCKS else 'look at'}  {hit.words}")
    if len(found.hits) > LINES_MAX:
        say(f"  and {len(found.hits) - LINES_MAX} more (see --json)")


def _code(report: Report) -> None:
    if report.wasm is None:
        return
    shape = report.wasm
    _section("Code")
    say(f"  {shape.form} module, {shape.size:,} bytes, {shape.functions} functions; imports:")
    _bounded([f"{one.module}.{one.name}" if one.name else one.module for one in shape.imports] or ["nothing"])
    for line in report.undeclared:
        say(f"  note: {line}; the host gives it nothing there")


def show_lookalikes(found: tuple[tuple[str, str], ...]) -> None:
    if found:
        _section("Looks like something else")
        for name, owner in found:
            say(f"  the id looks like {name}, which this machine knows from publisher {owner[:16]}")


def _bounded(lines: list[str]) -> None:
    for line in lines[:LINES_MAX]:
        say(f"    {line}")
    if len(lines) > LINES_MAX:
        say(f"    and {len(lines) - LINES_MAX} more (see --json)")


def _files(report: Report) -> None:
    _section("Files")
    rows = [(member.name, f"{member.size:,}") for member in report.archive.members]
    table(rows[:LINES_MAX])
    if len(rows) > LINES_MAX:
        say(f"  and {len(rows) - LINES_MAX} more (see --json)")


def _sbom(report: Report) -> None:
    if not report.sbom:
        return
    _section("Bill of materials")
    try:
        document = json.loads(report.sbom)
        parts = document["components"]
        made_with = [f"{tool['name']} {tool['version']}" for tool in document["metadata"]["tools"]["components"]]
        say(f"  CycloneDX {document['specVersion']}, {len(parts)} parts, made with {', '.join(made_with) or 'nothing named'}")
    except (ValueError, KeyError, TypeError, RecursionError):
        say("  it is there, but not in a form this program reads")


def _remarks(report: Report) -> None:
    if report.warnings:
        _section("Worth a question")
        for warning in report.warnings:
            say(f"  {warning}")
    if report.problems:
        _section("Problems: hosts refuse this file")
        for line in fault_lines(report.problems):
            say(f"  {line}")


def show_diff(path: str, old: Report, other: str, new: Report) -> None:
    say(f"from {path}")
    say(f"  to {other}")
    if old.manifest is None or new.manifest is None:
        say("One of the manifests cannot be read, so the two cannot be compared; see `mpp inspect` on each.")
        return
    say(f"  {old.manifest.package_id} {old.manifest.version} -> {new.manifest.package_id} {new.manifest.version}")
    same = publisher_of(old) is not None and publisher_of(old) == publisher_of(new)
    say(f"  publisher: {'the same' if same else 'NOT shown to be the same'}")
    _section("Newly asks for")
    for line in growth(old.manifest, new.manifest) or ("Nothing more than before.",):
        say(f"  {line}")
    _changed_texts(old, new)
    _section("Files")
    rows = [*changed_files(old, new)]
    if rows:
        table([(change, name) for change, name in rows[:LINES_MAX]])
    else:
        say("  no file differs")


def _changed_texts(old: Report, new: Report) -> None:
    """What a model reads in another way, in the words that differ."""
    found = changed_texts(old, new)
    _section("What a model reads differently")
    for one in found[:LINES_MAX]:
        say(f"  {one.what}  {one.tool or 'the package'}{one.where}")
        for sign, words in (("-", one.was), ("+", one.now)):
            if words:
                say(f"    {sign} {shown(words, WORDS_SHOWN_MAX)}")
    if len(found) > LINES_MAX:
        say(f"  and {len(found) - LINES_MAX} more (see --json)")
    if not found:
        say("  nothing: every byte of it is the same")
