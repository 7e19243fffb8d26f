"""Consents: a yes to what a package declares, and whether it still holds after an update. Spec: spec/4-approval.md section 7."""

from __future__ import annotations

from collections.abc import Iterator

from mpp.errors import Refused
from mpp.model.manifest import Manifest, parse_manifest, ToolDefinition
from mpp.model.scope import scope_of
from mpp.model.words import changed_words, growth
from mpp.stages.approval.digests import capabilities_digest, definitions_digest
from mpp.stages.approval.limits import CHANGE_CHARS_MAX, CHANGES_MAX, CONSENT_BYTES_MAX
from mpp.stages.approval.quoting import name, quoted
from mpp.stages.approval.types import Consent, Kept


def consent_of(manifest: Manifest, data: bytes, *, tenant: str, publisher_id: str, by: str, amr: str, now: int) -> Consent:
    """What somebody agreed to: the manifest whose bytes are ``data``."""
    if len(data) > CONSENT_BYTES_MAX:
        raise Refused("consent.size", f"the manifest has more than {CONSENT_BYTES_MAX} bytes", where=manifest.package_id, hint="verify the package first")
    layer = manifest.runtime.layer
    return Consent(
        tenant=tenant,
        publisher_id=publisher_id,
        package_id=manifest.package_id,
        version=manifest.version,
        definitions=definitions_digest(manifest),
        capabilities=capabilities_digest(scope_of(manifest)),
        layer=layer.sha256 if layer is not None else "",
        manifest=data,
        by=by,
        amr=amr,
        at=now,
    )


def keeps(consent: Consent, manifest: Manifest, *, tenant: str, publisher_id: str) -> Kept:
    """Whether ``consent`` holds for a package, and else what is different, in words. Spec: approval H-50 to H-55."""
    # Attack: another publisher, or another tenant's person, under the same name.
    if (consent.tenant, consent.publisher_id, consent.package_id) != (tenant, publisher_id, manifest.package_id):
        return Kept(kept=False, lines=("Nobody agreed to this package of this publisher.",))
    try:
        old = parse_manifest(consent.manifest)
    except Refused:
        return Kept(kept=False, lines=("What was agreed to before can no longer be read.",))
    lines = [*growth(old, manifest), *_definition_changes(old, manifest)]
    if len(lines) > CHANGES_MAX:
        lines = [*lines[:CHANGES_MAX], f"and {len(lines) - CHANGES_MAX} more differences"]
    # The words are for people; the digest decides, so that no difference without a word of its own passes.
    same = consent.definitions == definitions_digest(manifest)
    if not lines and not same:
        lines = ["The tools are described in another way."]
    return Kept(kept=same and not lines, lines=tuple(lines))


def _definition_changes(old: Manifest, new: Manifest) -> Iterator[str]:
    before = {tool.name: tool for tool in old.tool_definitions}
    for tool in sorted(new.tool_definitions, key=lambda tool: tool.name):
        # What is new is growth already.
        if tool.name in before:
            yield from _tool_changes(before[tool.name], tool)
    gone = before.keys() - {tool.name for tool in new.tool_definitions}
    yield from (f"The tool {name(one)} is gone." for one in sorted(gone))


def _tool_changes(old: ToolDefinition, new: ToolDefinition) -> Iterator[str]:
    for what, before, after in (("title", old.title, new.title), ("description", old.description, new.description)):
        if before != after:
            was, now = changed_words(before, after)
            how = f"said {_said(was)} and now says {_said(now)}" if was or now else "has other spaces or line ends"
            yield f"The {what} of the tool {name(new.name)} {how}."
    if old.parameters != new.parameters:
        yield f"The parameters of the tool {name(new.name)} are others."
    if old.returns != new.returns:
        yield f"What the tool {name(new.name)} returns has another form."


def _said(words: str) -> str:
    return quoted(words, CHANGE_CHARS_MAX).noted if words else "nothing there"
