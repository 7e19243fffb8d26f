"""``mpp policy check``: each file judged by itself, so that one fault does not hide another."""

from __future__ import annotations

from mpp.cli.options import home, quoted
from mpp.cli.policy_files import count, Named, read_named
from mpp.host.policy_lint import warnings
from mpp.cli.screen import CROSS, complain, error_json, mark, note, put_json, say, TICK
from mpp.errors import HostFailed, MppError
from mpp.host.policy_layers import policy_digest
from mpp.host.policy_patterns import admit_patterns
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json

FAILED_EXIT = 23
"""Exit code for warnings that are taken for faults: that of the policy family."""


def check_files(files: tuple[str, ...], *, strict: bool, as_json: bool) -> int:
    """The exit code of the first file that is not sound; 0 when all are."""
    codes, rows = list[int](), list[Json]()
    for file in files:
        try:
            named = read_named(file)
            unjudged = _unjudged(named)
        except MppError as fault:
            codes.append(fault.exit_code)
            rows.append({"file": file, "ok": False, "error": error_json(fault)})
            if not as_json:
                say(mark(CROSS), f" {file}")
                complain(fault, as_json=False)
            continue
        found = [*warnings(named.policy, SystemClock().now()), *unjudged]
        codes.extend([FAILED_EXIT] if strict and found else [])
        rows.append({"file": file, "ok": not (strict and found), "warnings": [*found], **_about(named)})
        if not as_json:
            _show(named, found)
    if as_json:
        put_json({"ok": not codes, "files": rows})
    return codes[0] if codes else 0


def _unjudged(named: Named) -> list[str]:
    """Raises for an expression that no host would take. Where this machine cannot judge, such as one without the jail, that is said: the policy may be meant for others."""
    try:
        admit_patterns(named.policy, home())
    except HostFailed as fault:
        return [f"its patterns were not judged here: {fault}"]
    return []


def _about(named: Named) -> dict[str, Json]:
    about: dict[str, Json] = {"name": named.policy.name, "rules": len(named.policy.rules), "digest": policy_digest(named.policy)}
    if named.bundle is None:
        return about
    body = named.bundle.body
    return {**about, "bundle": {"name": body.name, "layer": body.layer, "version": body.version, "expires": body.expires, "believed": False}}


def _show(named: Named, found: list[str]) -> None:
    what = "" if named.bundle is None else f", bundle version {named.bundle.body.version} for the {named.bundle.body.layer} layer"
    say(mark(TICK), f" {named.source}: {quoted(named.policy.name)}, {count(len(named.policy.rules), 'rule')}{what}")
    for warning in found:
        note(f"  warning: {warning}")
