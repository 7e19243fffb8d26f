"""Installed packages as the console shows them. Names, texts and schemas are of their publishers: hostile, and shown as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mpp.errors import MppError
from mpp.host.sources.naming import public_name
from mpp.host.stops import Stops
from mpp.host.store import Installed
from mpp.host.store.lockfile import order as version_order
from mpp.host.withdrawn import Status
from mpp.model.manifest import Manifest, ToolDefinition
from mpp.model.value import value
from mpp.model.words import capability_words, layer_words
from mpp.stages.approval import Consent
from mpp.stages.audit import Line
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.privacy.guard import BLOCKS, Change, changes, describe_manifest, judge_manifest

SCHEMA_CHARS_MAX = 20_000
"""Characters of one schema on a page. Reason: a page of 128 tools must stay readable; `mpp inspect --json` has all of it."""

CHANGES_SHOWN_MAX = 60
"""Texts that read otherwise, on one page. Reason: a person reads the first ones; the update itself asks for a yes to all."""

HITS_SHOWN_MAX = 20
"""Remarks on what a model reads. Reason: as above."""

TRUST: Mapping[str, str] = {"own key": "its key is one of this home's own", "pinned": "a person confirmed it for this package"}

TONES: Mapping[str, str] = {"active": "good", "deprecated": "careful", "yanked": "careful", "quarantined": "bad", "revoked": "bad"}
"""Of what a registry says of a version."""


@value
class Opened:
    """One row of the lockfile, and what its file holds now: a verified package, or why it is not served."""

    row: Installed
    package: VerifiedPackage | None
    fault: MppError | None


class Said(NamedTuple):
    """A word with its tone: good, careful, bad or plainly."""

    words: str
    tone: str = "plainly"


@value
class PackageLine:
    """One row of the list."""

    package_id: str
    version: str
    content_hash: str
    alias: str
    active: bool
    state: Said
    publisher: str
    """The name that it gives itself; empty where the file is not believed."""
    publisher_id: str
    registry: Said
    stopped: str
    installed_at: int
    size: int


@value
class Tool:
    name: str
    served_as: str
    title: str
    about: str
    level: str
    schema: str
    returns: str


@value
class Compared:
    """What is different from the version before."""

    version: str
    lines: tuple[str, ...]
    """The same lines as `mpp update` shows: what grew or reads otherwise."""
    fewer: tuple[str, ...]
    """Rights that are not asked for any more."""
    texts: tuple[Change, ...]
    more: int


@value
class Event:
    """One entry of the record about this package."""

    seq: int
    at: int
    words: str
    by: str


@value
class Contents:
    """What stands in a file that is believed."""

    description: str
    trusted: str
    """Why its publisher is."""
    rights: tuple[str, ...]
    memory_mb: int
    timeout_ms: int
    runtime: str
    filters: str
    tools: tuple[Tool, ...]
    looks: tuple[tuple[bool, str], ...]
    """What a model reads and a person should look at; True: it is refused for it."""


@value
class PackageView:
    line: PackageLine
    contents: Contents | None
    """None: the file is not believed."""
    fault: str
    code: str
    hint: str
    source: str
    file_hash: str
    mark: str
    others: tuple[PackageLine, ...]
    """All installed versions of the package."""


def line_of(one: Opened, statuses: Mapping[str, Status], stops: Stops) -> PackageLine:
    row = one.row
    return PackageLine(
        package_id=row.package_id,
        version=row.version,
        content_hash=row.content_hash,
        alias=row.alias,
        active=row.active,
        state=_state(one),
        publisher=one.package.chain.newest.name if one.package is not None else "",
        publisher_id=row.publisher_id,
        registry=_registry(statuses.get(row.content_hash), row.registry_id),
        stopped=stopped_words(row, stops),
        installed_at=row.installed_at,
        size=row.size,
    )


def _state(one: Opened) -> Said:
    if one.fault is not None:
        return Said(one.fault.code, "bad")
    return Said("served", "good") if one.row.active else Said("kept, not served")


def _registry(found: Status | None, registry_id: str) -> Said:
    if found is None:
        return Said("not looked at", "careful") if registry_id else Said("-")
    return Said(f"{found.status}, stale", "careful") if found.stale and TONES[found.status] == "good" else Said(found.status, TONES[found.status])


def stopped_words(row: Installed, stops: Stops) -> str:
    """Why nothing of it is called now; empty: it may be."""
    whole = (
        ("everything is stopped", stops.all), ("the package is stopped", stops.packages.get(row.package_id)),
        ("its publisher is stopped", stops.publishers.get(row.publisher_id)), ("this version is stopped", stops.contents.get(row.content_hash)),
    )  # fmt: skip
    return "; ".join(words + (f": {stop.why}" if stop.why else "") for words, stop in whole if stop is not None)


def order(rows: Iterable[Opened]) -> tuple[Opened, ...]:
    """By package, the newest version first."""
    newest_first = sorted(rows, key=lambda one: (version_order(one.row.version), one.row.installed_at), reverse=True)
    return tuple(sorted(newest_first, key=lambda one: one.row.package_id))


def before(one: Opened, rows: Sequence[Opened]) -> Opened | None:
    """The next lower installed version of the same package; of two with one number, the one that was installed earlier."""
    same = [other for other in order(rows) if other.row.package_id == one.row.package_id]
    at = next((place for place, other in enumerate(same) if other.row.content_hash == one.row.content_hash), len(same))
    return same[at + 1] if at + 1 < len(same) else None


def view_of(one: Opened, rows: Sequence[Opened], statuses: Mapping[str, Status], stops: Stops, others: frozenset[str] = frozenset()) -> PackageView:
    """``others``: names of tools of other packages, of which a description should not speak."""
    row, fault = one.row, one.fault
    return PackageView(
        line=line_of(one, statuses, stops),
        contents=None if one.package is None else _contents(one.package, row.alias, others),
        fault="" if fault is None else fault.message,
        code="" if fault is None else fault.code,
        hint="" if fault is None else fault.hint,
        source=row.source,
        file_hash=row.file_hash,
        mark=row.mark,
        others=tuple(line_of(other, statuses, stops) for other in order(rows) if other.row.package_id == row.package_id),
    )


def _contents(package: VerifiedPackage, alias: str, others: frozenset[str]) -> Contents:
    manifest = package.manifest
    return Contents(
        description=manifest.description,
        trusted=TRUST.get(package.trusted_because, package.trusted_because),
        rights=(*capability_words(manifest.capabilities), *layer_words(manifest.runtime)),
        memory_mb=manifest.runtime.memory_limit_mb,
        timeout_ms=manifest.runtime.timeout_ms,
        runtime=manifest.runtime.type,
        filters=_filters(manifest),
        tools=tuple(_tool(tool, alias) for tool in manifest.tool_definitions),
        looks=_looks(manifest, others),
    )


def _filters(manifest: Manifest) -> str:
    filters = manifest.privacy_filters
    names = [*filters.patterns, *(one.id for one in filters.custom_patterns)]
    if not filters.enabled:
        return "It asks that its answers are not filtered; that counts only where the policy of this host agrees."
    return f"Beside the built-in ones it names: {', '.join(names)}." if names else "It adds nothing to the built-in filter."


def _tool(tool: ToolDefinition, alias: str) -> Tool:
    return Tool(
        name=tool.name,
        served_as=public_name(alias, tool.name),
        title=tool.title,
        about=tool.description,
        level=tool.security_level,
        schema=pretty(tool.parameters),
        returns=pretty(tool.returns) if tool.returns is not None else "",
    )


def _looks(manifest: Manifest, others: frozenset[str]) -> tuple[tuple[bool, str], ...]:
    verdict = judge_manifest(manifest, others)
    return tuple((hit.tier == BLOCKS, hit.words) for hit in verdict.hits[:HITS_SHOWN_MAX])


def pretty(data: bytes) -> str:
    """Indented; cut where a page would become unreadable."""
    try:
        text = json.dumps(json.loads(data), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = data[: 4 * SCHEMA_CHARS_MAX].decode("utf-8", "replace")
    return text if len(text) <= SCHEMA_CHARS_MAX else text[:SCHEMA_CHARS_MAX] + "\n… (`mpp inspect --json` has the rest)"


def compared(old: VerifiedPackage, new: VerifiedPackage, lines: Sequence[str]) -> Compared:
    """``lines``: what an update to ``new`` would have asked about (mpp.host.store.comparing)."""
    texts = changes(describe_manifest(old.manifest), describe_manifest(new.manifest))
    kept = set(capability_words(new.manifest.capabilities))
    return Compared(
        version=old.version,
        lines=tuple(lines),
        fewer=tuple(words for words in capability_words(old.manifest.capabilities) if words not in kept),
        texts=texts[:CHANGES_SHOWN_MAX],
        more=max(0, len(texts) - CHANGES_SHOWN_MAX),
    )


def agreed_words(consent: Consent | None) -> str:
    """Who agreed to what it declares."""
    if consent is None:
        return ""
    whose = "A policy agreed beforehand" if consent.by.startswith("policy:") else f"{consent.by} agreed"
    return f"{whose} to version {consent.version} ({consent.amr})." if consent.amr else f"{whose} to version {consent.version}."


_CHANGES: Mapping[str, str] = {
    "install": "installed", "update": "updated", "downgrade": "went back to", "repair": "file put back", "alias": "renamed", "uninstall": "uninstalled",
}  # fmt: skip


def history(lines: Iterable[Line]) -> tuple[Event, ...]:
    """Entries of the record about one package, the newest first. The record is read fast and believed in nothing: each word may be missing."""
    found = [Event(seq=line.seq, at=line.at, words=_words(line), by=_by(line)) for line in lines]
    return tuple(sorted(found, key=lambda one: -one.seq))


def _words(line: Line) -> str:
    if line.kind == "package":
        change = _text(line, "change")
        was = _text(line, "before")
        return f"{_CHANGES.get(change, change)} {_text(line, 'version')}" + (f" (was {was})" if was and was != _text(line, "version") else "")
    if line.kind == "consent":
        return f"{'agreed to' if line.body.get('given') is True else 'agreement taken back for'} version {_text(line, 'version')}"
    if line.kind == "stop":
        why = _text(line, "why")
        return f"{'stop lifted' if line.body.get('lifted') is True else 'stopped'} ({_text(line, 'what')})" + (f": {why}" if why else "")
    return line.kind


def _by(line: Line) -> str:
    by, amr = _text(line, "by"), _text(line, "amr")
    return f"{by} ({amr})" if by and amr else by


def _text(line: Line, key: str) -> str:
    found = line.body.get(key)
    return found if isinstance(found, str) else ""
