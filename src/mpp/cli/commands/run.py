"""``mpp run``."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from mpp.author.development import TENANT as DEVELOPMENT_TENANT
from mpp.cli.consent import obtain
from mpp.cli.options import find_package, here, home, json_option
from mpp.cli.packages import Taken, take_package
from mpp.cli.run_report import Report, show, Shown
from mpp.cli.screen import note, safe
from mpp.errors import Refused
from mpp.files import read_stream
from mpp.host.drive import drive
from mpp.host.granting import Places, rights_for
from mpp.host.oncall import call_tool, Caller, find_tool, judge_arguments, Surroundings
from mpp.host.sandbox import Sandbox
from mpp.host.secret_store import open_secrets
from mpp.host.services.secrets import judge_stored
from mpp.host.services.standard import standard_calls
from mpp.host.system import SystemRandom
from mpp.model.jsontext import shown as shown_text
from mpp.model.rights import Rights
from mpp.stages.sandbox import HostCalls
from mpp.stages.sandbox import ARGUMENT_BYTES_MAX, read_arguments

LARGE_CODE_BYTES = 2_000_000
"""Bytes of code from which a person is told that it takes a moment. Reason: it compiles in about a second."""

LOCAL_TENANT = "local"
"""The tenant of what a person runs at the command line."""


class TerminalLive:
    """Log lines and progress of a tool, on standard error while it runs."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def log(self, level: str, message: str) -> None:
        if not self._quiet and level != "debug":
            note(f"tool {level}: {safe(message)}")

    def progress(self, progress: float, total: float | None, message: str) -> None:
        if not self._quiet:
            share = f"{progress:g}" if total is None else f"{progress:g}/{total:g}"
            note(f"tool progress: {share} {safe(message)}".rstrip())


@click.command(name="run")
@click.argument("file", required=False)
@click.option("--tool", "tool_name", default="", metavar="NAME", help="The tool to call; may be left out when the package has one.")
@click.option("--args", "arguments", default="{}", metavar="JSON|@FILE|-", help="The arguments: a JSON object, @FILE, or - for standard input.")
@click.option("--yes", is_flag=True, help="You are the person who agrees to what the package asks for; recorded as such.")
@click.option("--map", "maps", multiple=True, metavar="GUEST=HOST", help="Give the folder or file HOST in place of a declared path. May be repeated.")
@click.option("--workspace", default="", metavar="FOLDER", type=click.Path(file_okay=False), help="The folder that ${workspace} in a manifest stands for.")
@click.option("--timeout", "timeout_ms", type=click.IntRange(1, 600_000), default=None, metavar="MS", help="A shorter time limit than the manifest's.")
@click.option("--agent", default="", metavar="NAME", help="Say to the tool on whose behalf you call.")
@click.option("--explain", is_flag=True, help="Show each stage with its time, and what the tool used.")
@json_option
def command(
    file: str | None, tool_name: str, arguments: str, yes: bool, maps: tuple[str, ...], workspace: str, timeout_ms: int | None, agent: str, explain: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Verify FILE (default: the package of the project you are in) and call one of its tools in the sandbox.

    The tool gets what its manifest declares and you agree to, and nothing else. In a project, a build that is not signed yet
    runs in development mode: without secrets, with a storage of its own. The answer is shown as the tool gave it; this
    version does not filter personal data out of it.

    \b
    Examples:
      mpp run hello-0.1.0.mpp --args '{"name": "Ada"}'
      mpp run notes.mpp --tool search --args @request.json --workspace ~/notes --explain
      echo '{"name": "Ada"}' | mpp run --args - --json

    \b
    Exit code:
      0        the tool answered
      11 … 20  the package was refused, as by `mpp verify`
      21, 22   the call was refused, or nobody agreed to it
      30       the tool failed, or says that it could not do it
    """
    given = read_arguments(_arguments(arguments))
    places = Places(home=home().path, workspace=_workspace(workspace), mappings=_mappings(maps))
    secrets = open_secrets(home())
    report = Report()
    with standard_calls(home(), secrets) as calls, _sandbox(calls) as sandbox:
        with report.stage("verify"):
            taken = take_package(find_package(file), ask=not as_json, development=True)
        with report.stage("judge arguments"):
            tool = find_tool(taken.package.manifest, tool_name)
            judge_arguments(tool, given)
        with report.stage("rights and consent"):
            rights, consent = _agree(taken, places, yes=yes)
            judge_stored(rights.env, rights.secrets, rights.package_id, secrets)
        with report.stage("compile"):
            _announce(taken, as_json=as_json)
            ready = sandbox.prepare(taken.package, rights)
        with report.stage("start"):
            drive(sandbox.warm(ready, agent))
        with report.stage("run"):
            caller = Caller(agent=agent, agent_proof="launched" if agent else "anonymous", user=_user())
            about = Surroundings(environment=os.environ, clock_ns=time.time_ns, random=SystemRandom(), live=TerminalLive(quiet=as_json))
            steps = call_tool(sandbox, ready, tool, given, caller, about, secrets=None if taken.development else secrets, timeout_ms=timeout_ms or 0)
            reply = drive(steps)
        sandbox.release(ready)
    shown = Shown(
        package=taken.package.package_id, version=taken.package.version, development=taken.development, consent=consent,
        because=taken.package.trusted_because, fresh=ready.compiled.fresh,
    )  # fmt: skip
    return show(report, shown, ready, reply, as_json=as_json, explain=explain)


def _announce(taken: Taken, *, as_json: bool) -> None:
    """A word before what may take seconds."""
    code = taken.package.archive.find(taken.package.manifest.runtime.entrypoint)
    if code is not None and code.size >= LARGE_CODE_BYTES and not as_json:
        note(f"preparing {code.size / 1e6:.1f} MB of code; it is compiled once on this machine")


def _agree(taken: Taken, places: Places, *, yes: bool) -> tuple[Rights, str]:
    """The rights, and how somebody agreed to them."""
    package = taken.package
    rights = rights_for(package.manifest, tenant=tenant_of(taken), publisher_id=package.publisher_id, content_hash=package.content_hash, places=places)
    _no_secrets(taken)
    return rights, obtain(package.manifest, rights, taken.trust, yes=yes, development=taken.development)


@contextmanager
def _sandbox(calls: HostCalls) -> Iterator[Sandbox]:
    sandbox = Sandbox(home().cache, calls)
    # The processes start while the package is judged and compiled.
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.close()


def tenant_of(taken: Taken) -> str:
    return DEVELOPMENT_TENANT if taken.development else LOCAL_TENANT


def _no_secrets(taken: Taken) -> None:
    """Spec: 5-sandbox S-70. An unsigned build can be changed by whoever can write to the project."""
    declared = taken.package.manifest.capabilities
    if taken.development and (declared.secrets or declared.env_vars):
        names = ", ".join([*declared.env_vars, *(secret.name for secret in declared.secrets)])
        raise Refused("consent.development", f"an unsigned build gets no secrets, and this one declares {names}", hint="sign it: mpp sign, then mpp run")


def _arguments(text: str) -> bytes:
    """Too many bytes are a fault of the call, not of a package. Spec: call-contract C-3."""
    try:
        return _given(text)
    except Refused as fault:
        if fault.code != "size.input":
            raise
        raise Refused("call.size", fault.message, where=fault.where, hint="send less at once") from None


def _given(text: str) -> bytes:
    if text == "-":
        return read_input(ARGUMENT_BYTES_MAX)
    if text.startswith("@"):
        return read_stream(text[1:], ARGUMENT_BYTES_MAX)
    return text.encode("utf-8", "surrogateescape")


def read_input(most: int) -> bytes:
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise Refused("size.input", f"standard input has more than {most} bytes", where="-", hint="give less")
    return data


def _mappings(maps: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in maps:
        guest, equals, place = entry.partition("=")
        if not equals or not guest or not place or guest in found:
            raise Refused(
                "usage.map",
                f"{shown_text(entry)!r} is no mapping, or a second one of its path",
                where="--map",
                hint="write each declared path once: --map /data=/home/ada/data",
            )
        found[guest] = os.path.join(here(), os.path.expanduser(place))
    return found


def _workspace(folder: str) -> str:
    return os.path.realpath(os.path.join(here(), os.path.expanduser(folder))) if folder else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid())
