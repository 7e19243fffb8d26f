"""``mpp migrate source``."""

from __future__ import annotations

import os

import click

from mpp.author.migrating.skeleton import identity_of
from mpp.author.migrating.source import migrate_source, Migrated
from mpp.author.migrating.source_project import write_project
from mpp.cli.options import json_option, shorter
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.model.jsontext import Json


@click.command(name="source")
@click.option("--out", default="", metavar="FOLDER", type=click.Path(file_okay=False), help="The project to make. Without it, only what was found is shown.")
@click.option("--id", "package_id", default="", metavar="ID", help="The package id; com.example.NAME if left out.")
@click.option("--publisher", default="", metavar="NAME", help="The publisher's name; git's idea of yours if left out.")
@json_option
@click.argument("file", type=click.Path(dir_okay=False))
def command(out: str, package_id: str, publisher: str, as_json: bool, file: str) -> None:
    """Change the import of a Python MCP server that was written with FastMCP, and make a project of it.

    FILE is read, not run, and not changed. The project has it with `mpp_sdk.fastmcp` in the place of FastMCP, a draft of what it
    needs (hosts, files, variables that stand in it), and a list of what will not work in a package, with file and line.

    \b
    Examples:
      mpp migrate source server.py
      mpp migrate source server.py --out weather --id com.acme.weather
      mpp migrate source server.py --json

    \b
    Exit code:
      0     the server was read; what will not work is shown
      1     the file cannot be read
      2     the file imports no FastMCP
      3     the folder or a name is not as it must be
    """
    if out and os.path.lexists(out):
        raise Refused("project.exists", "the folder exists already", where=out, hint="take another name, or move the folder away")
    found = migrate_source(file)
    folder = ""
    if out:
        identity = identity_of(file, out, package_id, publisher)
        folder = write_project(identity, os.path.dirname(os.path.abspath(out)), found).folder
    if as_json:
        put_json(_document(found, folder))
        return
    _show(found, folder)


def _document(found: Migrated, folder: str) -> dict[str, Json]:
    return {
        "ok": True,
        "entry": found.entry,
        "files": [*sorted(found.files)],
        "edits": [{"where": one.where, "before": one.before, "after": one.after} for one in found.edits],
        "capabilities": {**found.wanted.capabilities},
        "evidence": [{"what": row.what, "drafted": row.drafted, "evidence": row.evidence} for row in found.wanted.rows],
        "requirements": [*found.requirements],
        "reports": [{"where": one.where, "message": one.message, "hint": one.hint, "will_fail": one.will_fail} for one in found.reports],
        "folder": folder,
    }


def _show(found: Migrated, folder: str) -> None:
    for one in found.edits:
        say(f"{one.where}: {one.before}")
        say(f"    now: {one.after}")
    if found.wanted.rows:
        say("capabilities, and the evidence for each:")
    for row in found.wanted.rows:
        say(f"  {'+' if row.drafted else '?'} {row.what}: {row.evidence}")
    if found.requirements:
        say(f"dependencies: {', '.join(found.requirements)}")
    for title, will_fail in (("will not work:", True), ("look at:", False)):
        reports = [report for report in found.reports if report.will_fail is will_fail]
        if reports:
            say(title)
        for report in reports:
            say(f"  {report.where} {report.message}: {report.hint}")
    if folder:
        say(f"Made {shorter(folder)}; begin with its README.md.")
    else:
        note("nothing was written: --out FOLDER makes a project")
