"""``mpp migrate inspect``."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace

import click

from mpp.author.migrating.draft import Draft, make_draft
from mpp.author.migrating.evidence import Observed
from mpp.author.migrating.guide import guide
from mpp.author.migrating.skeleton import identity_of, write_skeleton
from mpp.author.migrating.tracing import observed, read_trace, trace_command
from mpp.author.migrating.variables import script_of, variables_in
from mpp.cli.options import here, json_option, shorter
from mpp.cli.replay.given import call_option, calls_option, needs_server, read_calls, seconds_option, server_argument
from mpp.cli.screen import note, put_json, safe, say
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, write_atomic
from mpp.host.replays.calls import Call, line_of, Recorded
from mpp.host.replays.client import Client
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

STRACE = "strace"


@value
class Look:
    """What came of one run of the server."""

    server: str
    tools: list[dict[str, Json]]
    answers: list[Recorded]
    seen: Observed


@click.command(name="inspect")
@click.option("--out", default="", metavar="FOLDER", type=click.Path(file_okay=False), help="The project to make. Without it, only what was found is shown.")
@click.option("--id", "package_id", default="", metavar="ID", help="The package id; com.example.NAME if left out.")
@click.option("--publisher", default="", metavar="NAME", help="The publisher's name; git's idea of yours if left out.")
@click.option("--trace", is_flag=True, help="Look with strace at what the server and its children use.")
@call_option
@calls_option
@seconds_option
@json_option
@server_argument
def command(
    out: str, package_id: str, publisher: str, trace: bool, call_texts: tuple[str, ...], calls_file: str, seconds: int, as_json: bool, server: tuple[str, ...],
) -> None:  # fmt: skip
    """Start the MCP server that stands after --, list its tools, and make a project whose manifest has them.

    With --trace the draft asks for the hosts, files and folders that the server was seen to use; --call and --calls make it do
    something while it is looked at, and their answers become the recording `calls.jsonl`. Names of variables are searched in its
    sources, where the command names a script. The README of the project has the evidence for each, and what stays open.

    The server is not held in by anything: it runs as you, as it does without MPP, and its tools do what they do.

    \b
    Examples:
      mpp migrate inspect -- npx some-mcp-server
      mpp migrate inspect --trace --call 'echo={"message": "hi"}' -- node server.js
      mpp migrate inspect --out ported --id com.acme.ported -- node server.js
      mpp migrate inspect --trace --calls calls.jsonl --json -- python server.py

    \b
    Exit code:
      0     the server was looked at; what the draft still lacks is shown
      2     the calls or the server's command are not as they must be
      3     the folder or a name is not as it must be
      30    the server ended, did not answer in time, or does not speak MCP
    """
    command_line, calls = needs_server(server), read_calls(call_texts, calls_file)
    _free(out)
    look = _look(command_line, calls, seconds, strace=_strace() if trace else "")
    identity = identity_of(look.server, out, package_id, publisher)
    draft = make_draft(identity, look.tools, look.server, look.seen, os.path.realpath(here()))
    folder = ""
    if out:
        readme = guide(identity, look.server, command_line, draft, look.seen, has_calls=bool(look.answers))
        folder = write_skeleton(identity, os.path.dirname(os.path.abspath(out)), draft, readme).folder
        if look.answers:
            # Answers may hold anything that is private: nobody else reads them.
            write_atomic(os.path.join(folder, "calls.jsonl"), b"".join(map(line_of, look.answers)), PRIVATE)
    if as_json:
        put_json(_document(look, draft, folder))
        return
    _show(look, draft, folder)


def _free(out: str) -> None:
    """Said before the server runs, not after."""
    if out and os.path.lexists(out):
        raise Refused("project.exists", "the folder exists already", where=out, hint="take another name, or move the folder away")


def _strace() -> str:
    found = shutil.which(STRACE)
    if found is None:
        note("warning: strace is not installed, so hosts and files stay unknown (on Debian: apt install strace)")
    return found or ""


def _look(command_line: tuple[str, ...], calls: list[Call], seconds: int, *, strace: str) -> Look:
    script = script_of(command_line)
    variables, sources = variables_in(script) if script else ((), ())
    with tempfile.TemporaryDirectory(prefix="mpp-trace-", ignore_cleanup_errors=True) as work:
        out = os.path.join(work, "trace")
        with Client(trace_command(strace, out, command_line) if strace else command_line, seconds=seconds) as client:
            server, tools = client.server, client.tools()
            answers = [client.call(call) for call in calls]
        seen = _seen(out, command_line, len(calls), strace) if strace else Observed()
    return Look(server=server, tools=tools, answers=answers, seen=replace(seen, variables=variables, sources=sources))


def _seen(out: str, command_line: tuple[str, ...], calls: int, strace: str) -> Observed:
    try:
        with open(out, "rb") as stream:
            trace = read_trace(stream)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot read the trace: {fault.strerror}", where=out, hint="look without --trace") from None
    return observed(trace, command_line, calls=calls, home=os.path.expanduser("~"), traced_by=strace)


def _document(look: Look, draft: Draft, folder: str) -> dict[str, Json]:
    rows: list[Json] = [{"what": row.what, "drafted": row.drafted, "evidence": row.evidence} for row in draft.rows]
    faults: list[Json] = [{"code": fault.code, "where": fault.where, "message": fault.message} for fault in draft.faults]
    return {
        "ok": True, "server": look.server, "traced": look.seen.traced, "calls": len(look.answers), "tools": [*draft.tools], "renamed": [[*pair] for pair in draft.renamed],
        "changes": [*draft.changes], "capabilities": rows, "programs": [*look.seen.programs], "sources": [*look.seen.sources], "manifest_faults": faults,
        "manifest": draft.manifest.decode("utf-8"), "folder": folder,
    }  # fmt: skip


def _show(look: Look, draft: Draft, folder: str) -> None:
    say(f"{look.server}: {len(draft.tools)} tool{'s' * (len(draft.tools) != 1)}")
    for name in draft.tools:
        say(f"  {name}")
    for change in draft.changes:
        say(f"changed: {shown(change, 300)}")
    if draft.rows:
        say("capabilities, and the evidence for each:")
    for row in draft.rows:
        say(f"  {'+' if row.drafted else '?'} {shown(row.what, 200)}: {shown(row.evidence, 300)}")
    if not look.seen.traced:
        note("hosts and files are unknown: --trace looks for them while the server runs")
    elif not look.answers:
        note("only its start was seen: make it do something with --call or --calls")
    for fault in draft.faults:
        note(f"mpp build will refuse: {safe(fault.message)} ({safe(fault.where)}) [{fault.code}]")
    if folder:
        say(f"Made {shorter(folder)}; begin with its README.md.")
    else:
        note("nothing was written: --out FOLDER makes a project")
