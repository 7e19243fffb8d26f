"""The table of commands, and the one edge where errors become text and exit codes."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys

import click

from mpp.cli.screen import complain, error_json, note, put_json
from mpp.errors import HostFailed, MppError, Refused
from mpp.model.fields import near
from mpp.model.jsontext import shown

COMMANDS = {
    "init": "Make a new tool project.",
    "build": "Build the project into an unsigned .mpp file.",
    "dev": "Work on a project: build, test and serve it after each change.",
    "keygen": "Make or rotate a publisher's keys.",
    "sign": "Sign a package.",
    "verify": "Run the seven checks on a package.",
    "inspect": "Show what a package is and asks for, without running it.",
    "run": "Verify a package and call one of its tools in the sandbox.",
    "install": "Install packages, so that a host serves their tools.",
    "list": "Show the installed packages.",
    "update": "Install newer versions of installed packages.",
    "outdated": "Show what a registry has a newer version of, or withdrew.",
    "search": "Look for packages in the registries that are known here.",
    "register": "Make your publisher and your name space known to a registry.",
    "publish": "Publish a signed package in a registry.",
    "yank": "Take back a version that you published, or say why not to use it.",
    "uninstall": "Stop serving a package and remove its files.",
    "serve": "Serve the installed tools to an agent, over MCP.",
    "trust": "Manage the publishers this machine trusts.",
    "secret": "Store the secrets and settings that tools may use.",
    "policy": "Say who may run what: check, explain, test, sign, pull.",
    "approve": "Answer what a tool's call waits for; see and end approvals.",
    "layer": "Install the interpreters that tools stand on.",
    "toolchain": "Show, fetch and find the compilers that builds use.",
    "legacy": "Hold older MCP servers in a sandbox, beside packages.",
    "console": "See calls, and answer what waits, on a local web page.",
    "stop": "Refuse a package, a publisher or all from the next call on.",
    "privacy": "See what the privacy filter takes out of answers, and why.",
    "audit": "Read the record of calls, prove it, hand it on.",
    "agent": "Manage the agents that this machine knows.",
    "token": "Say who may call this host over the network.",
    "registry": "Run a registry of packages, and say which ones are asked.",
    "cache": "Look at, empty or fill the cache of compiled code.",
    "doctor": "Say what keeps a tool in on this machine, by trying.",
    "connect": "Write MPP into the configuration of an MCP client.",
    "protect": "Move the servers of an MCP client behind MPP, and back.",
    "import": "Take over servers from a client, a bundle or a registry document.",
    "migrate": "Begin a package from an MCP server and what it was seen to use.",
    "replay": "Record calls of an MCP server, make them of a package, compare.",
    "help": "Explain a topic, a code or a command.",
}
"""Each command is the attribute ``command`` of the module of its name in mpp.cli.commands."""

GROUPS: dict[str, tuple[str, ...]] = {
    "Make a tool": ("init", "build", "dev", "keygen", "sign", "verify", "inspect", "migrate", "replay", "layer", "toolchain"),
    "Install and call": ("install", "list", "update", "outdated", "uninstall", "run", "serve", "connect", "protect", "import", "legacy"),
    "Publish and find": ("search", "register", "publish", "yank", "registry", "trust"),
    "Decide": ("policy", "approve", "stop", "secret", "agent", "token"),
    "See what happens": ("console", "audit", "privacy", "doctor", "cache", "help"),
}
"""The commands as `mpp --help` shows them: by what somebody wants to do."""

MODULES = {"import": "importing"}
"""Modules that cannot have the name of their command, because Python has it."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

READER_GONE = 141
"""Exit code when nobody reads our output any more, as shells have it for SIGPIPE."""


class Commands(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"mpp.cli.commands.{MODULES.get(cmd_name, cmd_name)}").command
        return found if isinstance(found, click.Command) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            hint = near(args[0], COMMANDS)
            raise Refused("usage.command", f"there is no command {shown(args[0])!r}", hint=hint or "see `mpp --help`")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, names in GROUPS.items():
            with formatter.section(title):
                # One width for all, so that the lines of every group stand beneath each other.
                formatter.write_dl([(name.ljust(width), COMMANDS[name]) for name in names])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, no_args_is_help=True)
@click.version_option(package_name="model-package-protocol", prog_name="mpp")
def app() -> None:
    """MPP turns an agent's tool into one signed file that declares what it needs.

    \b
    A first tool, from nothing to verified:
      mpp init hello && cd hello
      mpp build
      mpp keygen -o ~/.mpp/keys
      mpp sign -k ~/.mpp/keys/publisher.key
      mpp verify

    Each command explains itself: `mpp build --help`. `mpp help` lists topics, `mpp help start` the first steps.
    """


def run(arguments: list[str]) -> int:
    """Run one command; the exit code says which stage refused. Nothing but a typed error ends a command."""
    as_json = "--json" in arguments
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its number, never a crash.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _reported(arguments, as_json)
    except (click.Abort, KeyboardInterrupt, EOFError):
        return _stopped(as_json)
    except BrokenPipeError:
        _discard()
        return READER_GONE
    except OSError as fault:
        return _unwritten(fault, as_json)


def _reported(arguments: list[str], as_json: bool) -> int:
    """The exit code, once any refusal has been shown."""
    try:
        return _call(arguments)
    except MppError as found:
        fault = found
    except click.exceptions.NoArgsIsHelpError as help_:
        click.echo(help_.format_message())
        return 0
    except click.ClickException as wrong:
        fault = _usage(wrong)
    except UnicodeEncodeError:
        # Bytes of a command line or of a file name that are no text. What is kept, signed or compared is.
        fault = Refused("usage.text", "a name, a path or a text that was given is not UTF-8", hint="write it in UTF-8, or rename the file")
    complain(fault, as_json=as_json)
    return fault.exit_code


def _call(arguments: list[str]) -> int:
    # Not app.main: that ends the process by itself when a pipe breaks.
    try:
        with app.make_context("mpp", [*arguments]) as context:
            code = app.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    return code if isinstance(code, int) else 0


def _usage(fault: click.ClickException) -> Refused:
    """A wrong call, in the same form as every other refusal."""
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    path = context.command_path if context is not None else "mpp"
    return Refused("usage.syntax", fault.format_message().rstrip("."), hint=f"see `{path} --help`")


def _stopped(as_json: bool) -> int:
    fault = Refused("usage.stopped", "stopped by the person at the terminal", hint="every file is as it was or complete; call the command again")
    if as_json:
        put_json({"ok": False, "error": {**error_json(fault), "exit_code": INTERRUPTED}})
    else:
        note("")
        complain(fault, as_json=False)
    return INTERRUPTED


def _unwritten(fault: OSError, as_json: bool) -> int:
    """The last net for the file system: a full disk below our output, a folder that vanished."""
    from mpp.files import what_helps  # noqa: PLC0415 - when something failed

    failed = HostFailed("host.file", f"cannot go on: {fault.strerror or 'input or output failed'}", where=_named(fault), hint=what_helps(fault))
    # Where neither stream can be written, the exit code is all that is left to say.
    with contextlib.suppress(OSError):
        complain(failed, as_json=as_json)
    # What a full disk did not take is still waiting, and would fail once more at exit.
    _discard()
    return failed.exit_code


def _named(fault: OSError) -> str:
    return fault.filename if isinstance(fault.filename, str) else ""


def _discard() -> None:
    """Send both streams nowhere, so that the flush at exit is silent."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue
    os.close(nowhere)
