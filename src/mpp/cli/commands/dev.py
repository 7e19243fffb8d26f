"""``mpp dev``."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import click

from mpp.author.build import Built, Wishes
from mpp.author.development import TENANT
from mpp.author.project import find_project, Project, read_project
from mpp.cli.building import find_or_install, newest_layer
from mpp.cli.calling import user_name
from mpp.cli.developing import Cycle, DevOptions, judged_once, run_cycle, Teller, Watcher
from mpp.cli.options import here, home
from mpp.cli.packages import take_unsigned
from mpp.cli.run_options import read_workspace
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused

if TYPE_CHECKING:  # a host is slow to import, and --once needs none
    from mpp.host.sources.development import DevelopmentSource
    from mpp.host.sources.ports import Offered


@click.command(name="dev")
@click.argument("folder", default=None, required=False, type=click.Path(exists=True, file_okay=False))
@click.option("--once", is_flag=True, help="Build and test once, and end.")
@click.option("--no-tests", is_flag=True, help="Do not run the tests.")
@click.option("--native", is_flag=True, help="Python: serve the tool as a plain process, WITHOUT sandbox, policy, filter and record. For a debugger.")
@click.option("--workspace", default="", metavar="FOLDER", type=click.Path(file_okay=False), help="The folder that ${workspace} in a manifest stands for.")
@click.option("--allow-network", is_flag=True, help="Let what the project runs while it is built reach the network.")
@click.option("--unconfined", is_flag=True, help="The project is your own: let its code run on a system that has nothing to hold it.")
@click.option("--json", "as_json", is_flag=True, help="With --once one JSON object on standard output; else one event a line on standard error.")
def command(folder: str | None, once: bool, no_tests: bool, native: bool, workspace: str, allow_network: bool, unconfined: bool, as_json: bool) -> None:
    """Work on the project in FOLDER (default: the one you are in): build it, test it, serve it, and again after each change.

    An MCP client starts this command as it would start `mpp serve`, and then sees the newest build; when tools change, it
    is told. Each call is judged, runs in the sandbox and is recorded, as with `mpp run` in the project: unsigned, without
    secrets, with a storage of its own, labelled as a development build. At a terminal it only watches. Standard error
    says how long each step took, and what a failing access would need in the manifest.

    \b
    Examples:
      mpp dev
      mpp dev --once
      mpp dev --once --json
      mpp dev tools/hello --workspace ~/notes

    \b
    Exit code:
      0        ended by its client or Ctrl-C; with --once: built, and the tests passed
      3        with --once: the project cannot be built, or its tests failed
    """
    project = _project(folder)
    teller = Teller(as_json=as_json and not once)
    wishes = Wishes(
        allow_network=allow_network, trusts_project=unconfined, layer=newest_layer, toolchain=partial(find_or_install, install=True)
    )  # fmt: skip
    options = DevOptions(wishes=wishes, tests=not no_tests, trusts_project=unconfined)
    if once:
        _once(project, options, teller, as_json=as_json)
    elif sys.stdin.isatty() and not native:
        _watch(project, options, teller)
    else:
        _serve(project, options, teller, workspace=read_workspace(workspace), native=native)


def _project(folder: str | None) -> Project:
    project = find_project(here()) if folder is None else read_project(folder)
    if project is None:
        raise Refused(
            "project.no_manifest", "there is no manifest.json here or above", where=here(), hint="go to the project's folder, or begin one with: mpp init NAME"
        )
    return project


def _once(project: Project, options: DevOptions, teller: Teller, *, as_json: bool) -> None:
    cycle = run_cycle(project.root, options, _Silent() if as_json else teller)
    judged_once(cycle)
    built, tested = cycle.built, cycle.tested
    if as_json and built is not None:
        put_json({
            "ok": True, "file": built.name, "bytes": len(built.data), "content_hash": built.content_hash, "seconds": round(cycle.seconds, 3), "warnings": [*built.warnings],
            "steps": [{"step": text, "seconds": round(took, 3)} for text, took in cycle.steps], "tests": None if tested is None else tested.summary,
        })  # fmt: skip
    elif not as_json:
        say(f"Done in {cycle.seconds:.2f} s")


class _Silent(Teller):
    """For one object on standard output."""

    def __init__(self) -> None:
        super().__init__(as_json=True)

    def tell(self, event: str, words: str, **more: object) -> None: ...


def _watch(project: Project, options: DevOptions, teller: Teller) -> None:
    run_cycle(project.root, options, teller)
    note("Watching. To call the tool: mpp run in another terminal; to serve it: let an MCP client start `mpp dev` here. Ctrl-C ends it.")
    with Watcher(project.root, lambda: _ignored(run_cycle(project.root, options, teller)), teller) as watcher:
        watcher.wait()


def _ignored(_: Cycle) -> None:
    """It has told what was wrong."""


def _serve(project: Project, options: DevOptions, teller: Teller, *, workspace: str, native: bool) -> None:
    from mpp.host.backend import open_backend, ServeOptions  # noqa: PLC0415 - slow to import, and --once needs none
    from mpp.host.fleet import fleet_settings  # noqa: PLC0415 - as above
    from mpp.host.sources.development import DevelopmentSource  # noqa: PLC0415 - as above
    from mpp.host.system import SystemClock, SystemRandom  # noqa: PLC0415 - as above
    from mpp.protocol.mcp.ports import Caller  # noqa: PLC0415 - as above
    from mpp.serve.stdio import serve_stdio  # noqa: PLC0415 - as above

    if native and fleet_settings().is_fleet:
        raise Refused("consent.fleet", "a host of a fleet runs no tool without its sandbox", where="--native", hint="leave the option out")
    if native:
        note("WARNING: --native runs this tool WITHOUT sandbox, policy, privacy filter and record, with all your rights. Never for a project of somebody else.")
    made: list[DevelopmentSource] = []

    def sources(room: object) -> list[DevelopmentSource]:
        made.append(DevelopmentSource(room, tenant=TENANT, hears=teller))  # type: ignore[arg-type] # what the host gives is a room
        return made

    def serve(built: Built) -> None:
        _put(made[0], built.data, project, native=native, teller=teller)

    def build() -> None:
        run_cycle(project.root, options, teller, serve)

    clock, random = SystemClock(), SystemRandom()
    with open_backend(home(), ServeOptions(workspace=workspace, plain_names=True), environment=os.environ, sources=sources) as backend:
        build()
        with Watcher(project.root, build, teller):
            serve_stdio(backend, Caller(user=user_name()), clock, random, version=_version())


def _put(source: DevelopmentSource, data: bytes, project: Project, *, native: bool, teller: Teller) -> None:
    package = take_unsigned(data).package
    if not native:
        source.put(package)
        return
    from mpp.cli.native import native_offers  # noqa: PLC0415 - rare

    offers: tuple[Offered, ...] = native_offers(project, package, teller)
    source.put_offers(offers)


def _version() -> str:
    try:
        return version("model-package-protocol")
    except PackageNotFoundError:
        return "0"
