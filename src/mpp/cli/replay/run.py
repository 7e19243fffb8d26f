"""``mpp replay run``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from mpp.cli.options import find_package, json_option
from mpp.cli.replay.given import resume_option, seconds_option, server_argument, tell
from mpp.cli.replay.packaged import Packaged
from mpp.cli.run_options import read_workspace
from mpp.cli.screen import put_json, say
from mpp.errors import Refused
from mpp.host.replays.client import Client
from mpp.host.replays.running import calls_of, Renamed, run_calls, server as started, Target


@click.command(name="run")
@click.argument("calls", type=click.Path(dir_okay=False))
@click.option("--out", required=True, metavar="FILE", type=click.Path(dir_okay=False), help="Where the answers go.")
@click.option("--against", default="", metavar="FILE.mpp|ALIAS", help="A package file; or the alias of an installed package.")
@click.option("--yes", is_flag=True, help="With a package: you are the person who approves these calls, as in `mpp run --yes`.")
@click.option("--map", "maps", multiple=True, metavar="GUEST=HOST", help="With a package file: as in `mpp run`. May be repeated.")
@click.option("--workspace", default="", metavar="FOLDER", help="The folder that ${workspace} in the manifest stands for.")
@click.option("--prefix", default="", metavar="TEXT", help="With a server: what stands before the names of its tools, for example notes__.")
@seconds_option
@resume_option
@json_option
@server_argument
def command(
    calls: str, out: str, against: str, yes: bool, maps: tuple[str, ...], workspace: str, prefix: str, seconds: int, resume: bool, as_json: bool, server: tuple[str, ...],
) -> None:  # fmt: skip
    """Make the calls of CALLS once more: of a package (--against), or of the MCP server that stands after --.

    Of a package file each call is one `mpp run`: verified, judged, sandboxed, filtered, recorded. The result, or the code of the
    refusal, goes into the new file. A package that is refused, or a call for which nobody says yes, ends the command.

    \b
    Examples:
      mpp replay run calls.jsonl --against port-0.1.0.mpp --yes --out got.jsonl
      mpp replay run calls.jsonl --against port-0.1.0.mpp --yes --workspace ./data --out got.jsonl
      mpp replay run calls.jsonl --against notes --out got.jsonl
      mpp replay run calls.jsonl --out got.jsonl -- node other-server.js

    \b
    Exit code:
      0          all calls were made and written down, whatever came back
      2          the files, the options or the server's command are not as they must be
      11 … 20    the package was refused, as by `mpp verify`
      22, 24     nobody said yes to a call
      30         the server ended, did not answer in time, or does not speak MCP
    """
    asked = calls_of(calls)
    if bool(against) == bool(server):
        raise Refused("usage.option", "name one whom to ask", hint="give --against FILE.mpp, --against ALIAS, or a server's command after --")
    options = [word for one in maps for word in ("--map", one)]
    is_file = against.endswith(".mpp") or os.path.exists(against)
    if (maps and not is_file) or (yes and not against) or (workspace and server) or (prefix and against):
        hint = "--map goes with a package file, --yes and --workspace with a package, --prefix with a server"
        raise Refused("usage.option", "an option goes with something else than what is named", hint=hint)
    with _target(find_package(against) if is_file else against, options, workspace, server, prefix, seconds, is_file=is_file, yes=yes) as target:
        made = run_calls(asked, target, out, resume=resume, tell=(lambda _n, _r: None) if as_json else tell)
    if as_json:
        put_json({"ok": True, "file": out, "calls": len(asked), "made": made})
        return
    say(f"Wrote {out}: {len(asked)} call{'s' * (len(asked) != 1)}, {made} made now.")


@contextmanager
def _target(
    against: str, options: list[str], workspace: str, server: tuple[str, ...], prefix: str, seconds: int, *, is_file: bool, yes: bool
) -> Iterator[Callable[[], Target]]:  # fmt: skip
    if is_file:
        yield lambda: Packaged(
            file=against, options=[*options, *(["--yes"] if yes else []), *(["--workspace", workspace] if workspace else [])], seconds=seconds
        )
    elif against:
        from mpp.cli.replay.installed import installed  # noqa: PLC0415 - brings the whole host

        with installed(against, read_workspace(workspace), seconds, yes=yes) as package:
            yield lambda: package
    else:
        with started(lambda: Client(server, seconds=seconds)) as client:
            yield lambda: Renamed(client=client(), prefix=prefix)
