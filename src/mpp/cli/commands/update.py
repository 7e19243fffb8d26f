"""``mpp update``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.screen import complain, error_json, note, put_json, safe, say
from mpp.cli.store.changes import Asks, carried_out, Changed, judged
from mpp.cli.store.from_registry import newer, Ways
from mpp.cli.store.gathering import Wanted
from mpp.cli.store.opened import Opened, opened
from mpp.cli.store.shown import changed_json, show_changed
from mpp.errors import MppError, Refused
from mpp.host.store import Installed
from mpp.host.store.sources import candidates, is_address, newest_of
from mpp.model.jsontext import Json
from mpp.model.value import value


@value
class Result:
    """What came of one package: an update, nothing newer, or an error."""

    row: Installed
    changed: Changed | None = None
    fault: MppError | None = None


@click.command(name="update")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--from", "source", default="", metavar="FOLDER|FILE|URL", help="Look for newer versions here instead of where each package came from.")
@click.option("--min-age", type=click.FloatRange(min=0), default=None, metavar="HOURS", help="How long a version of a registry must have been public.")
@click.option("--yes", is_flag=True, help="You are the person who agrees to what an update newly asks for; recorded as such, and refused in fleet mode.")
@json_option
def command(names: tuple[str, ...], source: str, min_age: float | None, yes: bool, as_json: bool) -> int:
    """Look for newer versions of installed packages, and install them.

    NAME is a package id or alias; without one, all packages that are served. A newer version is looked for where the
    package came from (its registry, the folder of its file, or the same address), or at --from.

    An update never goes below the highest version that was ever served here. One that asks for more waits for a person's
    yes; the others are updated all the same.

    \b
    Examples:
      mpp update
      mpp update hello --from ~/Downloads
      mpp update --json

    \b
    Exit code:
      0   all are as new as what was found
      22  an update grows, and nobody agreed
      other: what stopped the first package that could not be updated, as of `mpp install`
    """
    with opened() as on:
        rows = tuple(on.store.find(name) for name in names) if names else on.store.active()
        how = Asks(yes=yes, as_json=as_json)
        ways = Ways(min_age=min_age, quiet=as_json)
        found = [_updated(row, source, on, how, ways) for row in rows]
    if as_json:
        put_json(_json(found))
    else:
        _show(found)
    return next((one.fault.exit_code for one in found if one.fault is not None), 0)


def _updated(row: Installed, source: str, on: Opened, how: Asks, ways: Ways) -> Result:
    try:
        if row.registry_id and not source:
            return Result(row=row, changed=_from_registry(row, on, how, ways))
        return Result(row=row, changed=_update(row, source or row.source, on, how))
    except MppError as fault:
        # The other packages are updated all the same.
        return Result(row=row, fault=fault)


def _from_registry(row: Installed, on: Opened, how: Asks, ways: Ways) -> Changed | None:
    found = newer(row, ways)
    return None if found is None else carried_out(judged(Wanted(found=found[0], origin=found[1]), on, how), on, how)


def _update(row: Installed, source: str, on: Opened, how: Asks) -> Changed | None:
    if not source:
        raise Refused("usage.no_file", "nobody knows where this package came from", where=row.package_id, hint="say where to look: --from FOLDER")
    if is_address(source) and not how.as_json:
        note(f"looking for {row.package_id} at {safe(source)}")
    newer = newest_of(row.package_id, row.version, row.mark, candidates(source))
    if newer is None:
        return None
    return carried_out(judged(Wanted(found=newer), on, how), on, how)


def _json(found: list[Result]) -> dict[str, Json]:
    updated: list[Json] = [changed_json(one.changed) for one in found if one.changed is not None]
    current: list[Json] = [one.row.package_id for one in found if one.changed is None and one.fault is None]
    failed: list[Json] = [{"package_id": one.row.package_id, "error": error_json(one.fault)} for one in found if one.fault is not None]
    return {"ok": not failed, "updated": updated, "current": current, "failed": failed}


def _show(found: list[Result]) -> None:
    if not found:
        say("Nothing is installed. `mpp install FILE` installs a package.")
    for one in found:
        if one.changed is not None:
            show_changed(one.changed)
        elif one.fault is not None:
            complain(one.fault, as_json=False)
        else:
            say(f"{one.row.package_id} {one.row.version} is the newest that was found")
