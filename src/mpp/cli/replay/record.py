"""``mpp replay record``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.replay.given import call_option, calls_option, needs_server, read_calls, resume_option, seconds_option, server_argument, tell
from mpp.cli.screen import put_json, say
from mpp.host.replays.client import Client
from mpp.host.replays.running import run_calls, server as started


@click.command(name="record")
@click.option("--out", required=True, metavar="FILE", type=click.Path(dir_okay=False), help="Where the recording goes.")
@call_option
@calls_option
@seconds_option
@resume_option
@json_option
@server_argument
def command(out: str, call_texts: tuple[str, ...], calls_file: str, seconds: int, resume: bool, as_json: bool, server: tuple[str, ...]) -> None:
    """Start the MCP server that stands after --, make the calls, and write down what it answers, a line each.

    The server is not held in by anything: it runs as you, as it does without MPP, and its tools do what they do. Its answers are
    written as they are, with all that is private in them: keep the file as you would keep the data. Each line is on the disk
    before the next call is made.

    \b
    Examples:
      mpp replay record --out calls.jsonl --call 'echo={"message": "hi"}' -- npx some-mcp-server
      mpp replay record --out calls.jsonl --calls wanted.jsonl --resume -- python server.py

    \b
    Exit code:
      0     all calls were made and written down, whatever the server answered
      2     the calls, the file or the server's command are not as they must be
      30    the server ended, did not answer in time, or does not speak MCP
    """
    calls, command_line = read_calls(call_texts, calls_file), needs_server(server)
    with started(lambda: Client(command_line, seconds=seconds)) as client:
        made = run_calls(calls, client, out, resume=resume, tell=(lambda _n, _r: None) if as_json else tell)
    if as_json:
        put_json({"ok": True, "file": out, "calls": len(calls), "made": made})
        return
    say(f"Wrote {out}: {len(calls)} call{'s' * (len(calls) != 1)}, {made} made now.")
