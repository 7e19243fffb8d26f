"""``mpp outdated``."""

from __future__ import annotations

import click

from mpp.cli.options import home, json_option
from mpp.cli.registry.following import look_once
from mpp.cli.screen import error_json, note, put_json, say, table
from mpp.cli.store.from_registry import again, Origin, Ways
from mpp.cli.store.opened import the_store
from mpp.errors import MppError
from mpp.host.store import Installed
from mpp.host.store.lockfile import order
from mpp.host.withdrawn import load_statuses
from mpp.model.jsontext import Json
from mpp.model.value import value


@value
class Row:
    row: Installed
    status: str
    """The last proven one of the installed version."""
    stale: bool
    origin: Origin | None = None
    fault: MppError | None = None

    @property
    def latest(self) -> str:
        return "" if self.origin is None else self.origin.proof.proven.latest

    @property
    def takes(self) -> str:
        """What `mpp update` would install; empty: nothing."""
        version = "" if self.origin is None else self.origin.chosen.version
        return version if version and order(version) > order(self.row.version) else ""

    @property
    def is_behind(self) -> bool:
        return bool(self.latest) and order(self.latest) > order(self.row.version)


@click.command(name="outdated")
@click.option("--all", "everything", is_flag=True, help="Also what is as new as its registry has it.")
@json_option
def command(everything: bool, as_json: bool) -> int:
    """Show installed packages of which a registry has a newer version, or which it has withdrawn.

    UPDATE is what `mpp update` would install now; a version that has not been public for long enough is only named as the
    latest. What was withdrawn is stopped on this machine at once, as a serving host does every few minutes.

    \b
    Examples:
      mpp outdated
      mpp outdated --json

    \b
    Exit code:
      0   the list, whatever is in it
      40  a registry does not answer; the rest is shown
      41  what a registry says does not hold
    """
    rows = [row for row in the_store().active() if row.registry_id]
    if rows:
        for line in look_once(home(), lambda _: None):
            note(line)
    found = [_looked(row) for row in rows]
    shown = [one for one in found if everything or one.is_behind or one.fault is not None or one.status not in {"active", ""}]
    if as_json:
        packages: list[Json] = [_json(one) for one in shown]
        put_json({"ok": all(one.fault is None for one in found), "packages": packages, "looked_at": len(found)})
    else:
        _show(shown, len(found))
    return next((one.fault.exit_code for one in found if one.fault is not None), 0)


def _looked(row: Installed) -> Row:
    known = load_statuses(home()).get(row.content_hash)
    status, stale = ("", True) if known is None else (known.status, known.stale)
    try:
        _, origin = again(row, Ways(quiet=True))
    except MppError as fault:
        # A package of which every version is too new, or withdrawn, has nothing to update to.
        if fault.code in {"registry.cooldown", "registry.withdrawn"}:
            return Row(row=row, status=status, stale=stale)
        return Row(row=row, status=status, stale=stale, fault=fault)
    return Row(row=row, status=status, stale=stale, origin=origin)


def _json(one: Row) -> dict[str, Json]:
    return {
        "package_id": one.row.package_id, "alias": one.row.alias, "version": one.row.version, "latest": one.latest, "update": one.takes,
        "status": one.status, "stale": one.stale, "registry_id": one.row.registry_id, "proof": None if one.origin is None else one.origin.to_json(),
        "error": None if one.fault is None else error_json(one.fault),
    }  # fmt: skip


def _show(shown: list[Row], count: int) -> None:
    if not shown:
        say("Nothing that came from a registry is installed." if not count else "All is as new as its registries have it.")
        return
    head = ("ALIAS", "PACKAGE", "INSTALLED", "UPDATE", "LATEST", "STATUS")
    lines = [
        (one.row.alias, one.row.package_id, one.row.version, one.takes or "-", one.latest or "-", (one.status or "unknown") + (", stale" if one.stale else ""))
        for one in shown
    ]
    table([head, *lines], indent="", head=True)
    for one in shown:
        if one.fault is not None:
            note(f"{one.row.package_id}: {one.fault.message} [{one.fault.code}]")
    if any(one.takes for one in shown):
        note("Next: mpp update")
