"""``mpp console``."""

from __future__ import annotations

import os
import sys

import click

from mpp.cli.calling import user_name
from mpp.cli.options import home
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.host.system import SystemClock, SystemRandom

FOLDER = "console"
"""In the home: where the page lies that leads a browser here, while nobody has come in."""


@click.command(name="console")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, metavar="N", help="Port on this machine; 0 takes a free one. [default: 8809, or a free one]"
)
@click.option("--no-open", is_flag=True, help="Open no browser; only print the address.")
@click.option("--read-only", is_flag=True, help="Show, and change nothing: no answer is taken, nothing is ended or stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with the address when it listens.")
def command(port: int | None, no_open: bool, read_only: bool, as_json: bool) -> None:
    """Serve a web page about this home to a browser on this machine: calls that wait for an answer, calls that were made,
    packages, agents, policy, health.

    The address that is printed lets one browser in, once. What is answered there is the same as with `mpp approve`: what
    is high or critical needs the passphrase of an approver's key.

    \b
    Examples:
      mpp console
      mpp console --no-open --port 8809
      mpp console --read-only

    \b
    Exit code:
      0        it was asked to end, as with Ctrl-C
      1        this machine cannot serve it: the port is taken
      2        what it needs is not installed
    """
    _check_installed()
    from mpp.console.desk import Desk  # noqa: PLC0415 - brings the web framework, an extra
    from mpp.console.opening import Opener, can_open  # noqa: PLC0415
    from mpp.console.serving import ConsoleServer  # noqa: PLC0415

    place = home()
    desk = Desk(home=place, clock=SystemClock(), random=SystemRandom(), user=user_name(), read_only=read_only)
    opener = Opener(os.path.join(place.path, FOLDER))

    def entered(address: str) -> None:
        # Whoever sits here sees that somebody came in; and an address that was seen before is of no use by then.
        opener.forget()
        # Attack: what this process says is kept in a log. There the token of the next entry has no place.
        note("A browser came in." + (f" For another one: {address}" if sys.stderr.isatty() else ""))

    server = ConsoleServer(desk, port, entered=entered)

    def ready() -> None:
        if as_json:
            put_json({"ok": True, "url": server.url, "port": server.port, "pid": os.getpid(), "read_only": read_only})
        else:
            say(server.url)
            note("It lets one browser in, once. Ctrl-C ends the console.")
        sys.stdout.flush()
        if not (no_open or as_json) and can_open(os.environ, sys.platform) and not opener.open(server.url):
            note("No browser could be opened; open the address yourself.")

    try:
        server.run(signals=True, ready=ready)
    finally:
        opener.forget()


def _check_installed() -> None:
    try:
        import jinja2  # noqa: F401, PLC0415 - an extra
        import starlette  # noqa: F401, PLC0415
    except ImportError as fault:
        hint = "install it: pip install 'model-package-protocol[console]'"
        raise Refused("usage.extra", f"the console needs the module {fault.name}, which is not here", hint=hint) from None
