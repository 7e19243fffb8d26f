"""``mpp list``."""

from __future__ import annotations

import click

from mpp.cli.options import home, json_option, show_time
from mpp.cli.screen import ending, note, put_json, say, table
from mpp.cli.store.opened import the_store
from mpp.cli.store.shown import row_json, state_of
from mpp.host.sources.naming import renamed, SHOWN_NAME_CHARS_MAX
from mpp.host.withdrawn import load_statuses, Status
from mpp.model.jsontext import Json


@click.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Also the versions that are installed and not served.")
@json_option
def command(everything: bool, as_json: bool) -> None:
    """Show the packages that are installed, under which alias each is served, and whether its file still holds.

    Each file is read and verified, as a host does before it serves one. With --all a version that is served has a star.
    REGISTRY is what the registry of a package last proved of its version; stale: it could not be proven anew since.
    --json also says of each package that holds: its publisher, its tools, and what it may do, in words.

    \b
    Examples:
      mpp list
      mpp list --all --json

    \b
    Exit code:
      0  the list, whatever the state of a package
      1  the lockfile is damaged
    """
    store = the_store()
    rows = [(row, *state_of(row, store)) for row in (store.all() if everything else store.active())]
    statuses = load_statuses(home())
    if as_json:
        found: list[Json] = [{**row_json(row), "state": state, **told, "registry": _status_json(statuses.get(row.content_hash))} for row, state, told in rows]
        put_json({"ok": True, "lockfile": store.places.lockfile, "packages": found})
        return
    if not rows:
        say("Nothing is installed. `mpp install FILE` installs a package.")
        return
    star, is_any = "*" if everything else "", any(row.registry_id for row, _, _ in rows)
    head = ("ALIAS", "PACKAGE", "VERSION", "STATE", *(("REGISTRY",) if is_any else ()), "INSTALLED")
    lines = [
        (
            row.alias, row.package_id, row.version + (star if row.active else ""), ending(state),
            *((_status_words(statuses.get(row.content_hash), row.registry_id),) if is_any else ()), show_time(row.installed_at),
        )
        for row, state, _ in rows
    ]  # fmt: skip
    table([head, *lines], indent="", head=True)
    for whole, name in (pair for row, _, told in rows if row.active for pair in renamed(row.alias, _names(told))):
        note(f"Agents see {whole} as {name}: clients take at most {SHOWN_NAME_CHARS_MAX} letters, digits, '_' and '-'.")
    if any(state != "ok" for _, state, _ in rows):
        note("What is not ok is not served. `mpp list --json` says why; `mpp install FILE` puts the file back.")


def _names(told: dict[str, Json]) -> list[str]:
    tools = told["tools"]
    return [str(one["name"]) for one in tools if isinstance(one, dict)] if isinstance(tools, list) else []


def _status_words(found: Status | None, registry_id: str) -> str:
    if not registry_id:
        return "-"
    return "not looked at" if found is None else found.status + (", stale" if found.stale else "")


def _status_json(found: Status | None) -> Json:
    return None if found is None else {"name": found.registry, "status": found.status, "at": found.at, "stale": found.stale}
