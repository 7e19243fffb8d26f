"""``mpp registry fleet``, the administrator's part: codes, hosts, signed papers, inventory, alarms."""

from __future__ import annotations

import click

from mpp.cli.groups import Words
from mpp.cli.options import json_option, quoted, show_time
from mpp.cli.policy_signing import seconds
from mpp.cli.registry.fleet_backend import admin_options, all_pages, body_of, call, part, rows_of, target, where
from mpp.cli.screen import note, put_json, say, styled, table, WRONG
from mpp.files import read_bounded
from mpp.model.jsontext import Json, shown

STATUSES = ("active", "deprecated", "yanked", "quarantined", "revoked", "unknown")


@click.group(cls=Words, no_args_is_help=True)
def root() -> None:
    """Say who signs for the fleet."""


@root.command(name="put")
@click.argument("file", type=click.Path(dir_okay=False))
@admin_options
@json_option
def root_put(file: str, as_json: bool, **which: str) -> None:
    """Name the signer of the fleet's policies and trust: the publisher.json of its keys. A newer version goes on from it.

    The first one is for good: machines are enrolled for it, and another signer needs another registry.

    \b
    Example:
      mpp registry fleet root put policy-keys/publisher.json
    """
    found = call(where(**which), "PUT", target("root"), read_bounded(file, 256 * 1024))
    if as_json:
        put_json({"ok": True, **found})
        return
    say(f"The fleet is signed for by {quoted(str(found['name']))}, {found['fleet_id']}, version {found['version']}.")


@click.group(cls=Words, no_args_is_help=True)
def policy() -> None:
    """Put the fleet's signed policies here."""


@policy.command(name="put")
@click.argument("file", type=click.Path(dir_okay=False))
@admin_options
@json_option
def policy_put(file: str, as_json: bool, **which: str) -> None:
    """Hand on a bundle that `mpp policy sign` made for the fleet layer. An older one than is here is refused.

    \b
    Example:
      mpp policy sign policy.toml --layer fleet --expires 30d -k policy-keys/release.key
      mpp registry fleet policy put example-fleet-bundle.json
    """
    from mpp.stages.policy import BUNDLE_BYTES_MAX, read_bundle  # noqa: PLC0415 - only here

    data = read_bounded(file, BUNDLE_BYTES_MAX)
    name = read_bundle(data, where=file).body.name
    _put_paper("policies", name, data, as_json, which)


def _put_paper(path: str, name: str, data: bytes, as_json: bool, which: dict[str, str]) -> None:
    found = call(where(**which), "PUT", target(f"{path}/{part(name)}"), data)
    if as_json:
        put_json({"ok": True, **found})
        return
    say(f"Here is version {found['version']} of the {found['kind']} {found['name']}.")
    say(f"digest    sha256:{found['digest']}")


@click.command(name="enroll-code")
@click.option("--label", required=True, metavar="TEXT", help="What the code is for; hosts that come by it bear it.")
@click.option("--policy", "policy_name", default="", metavar="NAME", help="The policy that these hosts take.")
@click.option("--trust", "trust_name", default="", metavar="NAME", help="The trust that these hosts take.")
@click.option("--valid", default="1h", metavar="TIME", help="How long the code holds: 30m, 1h, 7d.", show_default=True)
@admin_options
@json_option
def enroll_code(label: str, policy_name: str, trust_name: str, valid: str, as_json: bool, **which: str) -> None:
    """Make a code by which one host can come into the fleet, once.

    It names this registry and the fleet's signer by their ids, so that a host can come to nobody else. Only its digest is
    kept here: whoever needs it again makes another one.

    \b
    Example:
      mpp registry fleet enroll-code --label laptops --policy example-fleet --trust example-fleet
    """
    wanted = body_of(label=label, policy_name=policy_name, trust_name=trust_name, seconds=seconds(valid, "--valid"))
    found = call(where(**which), "POST", target("codes"), wanted)
    if as_json:
        put_json({"ok": True, **found})
        return
    say(str(found["code"]))
    note(f"Holds once, until {show_time(int(str(found['until'])))}. On the host: mpp registry fleet enroll URL --code-file -")


@click.command()
@admin_options
@json_option
def hosts(as_json: bool, **which: str) -> None:
    """Show the hosts of the fleet, when each reported, and what it follows.

    \b
    Example:
      mpp registry fleet hosts --json
    """
    found = all_pages(where(**which), "hosts", "hosts")
    if as_json:
        put_json({"ok": True, "hosts": list[Json](found)})
        return
    if not found:
        say("No host is enrolled. `mpp registry fleet enroll-code` makes a code for one.")
    table([_host_row(one) for one in found], indent="")


def _host_row(one: dict[str, Json]) -> tuple[str, ...]:
    papers = [f"{kind} {row['version']}" for kind, row in (("policy", one["policy"]), ("trust", one["trust"])) if isinstance(row, dict) and row["version"]]
    log = one["log"]
    witnessed = f"{log['size']} entries witnessed" if isinstance(log, dict) and log["witnessed_at"] else "not witnessed"
    reported = f"reported {show_time(int(str(one['reported_at'])))}" if one["reported_at"] else "never reported"
    status = str(one["status"]) if one["status"] == "active" else styled(str(one["status"]), WRONG)
    return (str(one["host_id"])[:16], quoted(str(one["name"])), str(one["label"]), status, reported, ", ".join(papers) or "-", witnessed)


@click.command()
@click.argument("host_id")
@admin_options
@json_option
def remove(host_id: str, as_json: bool, **which: str) -> None:
    """Take a host out of the fleet: 16 digits or more of its id. It is answered no more; a new code brings it back.

    What is in force on the machine stays: its administrator changes /etc/mpp.

    \b
    Example:
      mpp registry fleet remove 4e73bb58d6639694
    """
    found = call(where(**which), "DELETE", target(f"hosts/{part(host_id)}"))
    if as_json:
        put_json({"ok": True, **found})
        return
    say(f"Took the host {quoted(str(found['name']))} out of the fleet.")


@click.command()
@click.option("--package", default="", metavar="ID", help="Of this package alone.")
@click.option("--status", type=click.Choice(STATUSES), default=None, help="Of this status alone.")
@click.option("--host", "host_id", default="", metavar="ID", help="Of the host with this whole id alone.")
@click.option("--served", is_flag=True, help="Only versions that are served, not those that merely lie there.")
@admin_options
@json_option
def inventory(package: str, status: str | None, host_id: str, served: bool, as_json: bool, **which: str) -> None:
    """Show what runs where, by the hosts' own reports, and which of it was withdrawn since.

    A status is that of this registry, or revoked where the fleet's trust revokes the content or the publisher. "unknown"
    is what did not come from this registry. Agents are those that called the package in the last 30 days.

    \b
    Examples:
      mpp registry fleet inventory --status revoked --served
      mpp registry fleet inventory --package com.example.hello --json

    \b
    Exit code:
      0        the rows were shown, also if there are none
    """
    found = all_pages(where(**which), "inventory", "installed", package=package, status=status or "", host=host_id, active=int(served))
    if as_json:
        put_json({"ok": True, "installed": list[Json](found)})
        return
    if not found:
        say("No host reports such a version.")
    table([_installed_row(one) for one in found], indent="")


def _installed_row(one: dict[str, Json]) -> tuple[str, ...]:
    status = str(one["status"])
    agents = one["agents"]
    names = ", ".join(shown(str(name), 40) for name in agents[:5]) if isinstance(agents, list) else ""
    more = int(str(one["agents_count"])) - 5
    shown_agents = (names + (f" and {more} more" if more > 0 else "")) or "no agent"
    return (
        quoted(str(one["host"])), f"{one['package_id']}@{one['version']}", str(one["content_hash"])[:16],
        styled(status, WRONG) if status in {"revoked", "quarantined"} else status, "served" if one["active"] else "installed", shown_agents,
    )  # fmt: skip


@click.command()
@click.option("--clear", "host_id", default="", metavar="HOST", help="Put away those that were noted about this host: its whole id.")
@admin_options
@json_option
def alarms(host_id: str, as_json: bool, **which: str) -> None:
    """Show what people must hear of: forked records, codes that came twice, silent hosts, old policies, revoked versions.

    Those about the present, such as a silent host, end by themselves.

    \b
    Examples:
      mpp registry fleet alarms
      mpp registry fleet alarms --clear HOST_ID
    """
    at = where(**which)
    if host_id:
        found = call(at, "DELETE", target(f"hosts/{part(host_id)}/alarms"))
        if as_json:
            put_json({"ok": True, **found})
        else:
            say(f"Put away {found['cleared']} alarms.")
        return
    rows = rows_of(call(at, "GET", target("alarms")), "alarms")
    if as_json:
        put_json({"ok": True, "alarms": list[Json](rows)})
        return
    if not rows:
        say("There are no alarms.")
    table(
        [(str(one["host_id"])[:16], quoted(str(one["host"])), str(one["kind"]), show_time(int(str(one["at"]))), str(one["words"])) for one in rows], indent=""
    )
