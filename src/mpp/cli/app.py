"""The table of commands, and the one edge where errors become text and exit codes."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys

import click

from mpp.cli.screen import complain
from mpp.errors import MppError, Refused
from mpp.model.fields import near
from mpp.model.jsontext import shown

COMMANDS = {
    "init": "Make a new tool project.",
    "build": "Build the project into an unsigned .mpp file.",
    "keygen": "Make or rotate a publisher's keys.",
    "sign": "Sign a package.",
    "verify": "Run the seven checks on a package.",
    "inspect": "Show what a package is and asks for, without running it.",
    "trust": "Manage the publishers this machine trusts.",
}
"""Each command is the attribute ``command`` of the module of its name in mpp.cli.commands."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class Commands(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"mpp.cli.commands.{cmd_name}").command
        return found if isinstance(found, click.Command) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            hint = near(args[0], COMMANDS)
            raise Refused("usage.command", f"there is no command {shown(args[0])!r}", hint=hint or "see `mpp --help`")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, no_args_is_help=True)
@click.version_option(package_name="model-package-protocol", prog_name="mpp")
def app() -> None:
    """MPP turns an agent's tool into one signed file that declares what it needs.

    \b
    A first tool, from nothing to verified:
      mpp init hello --lang c && cd hello
      mpp build
      mpp keygen -o ~/.mpp/keys
      mpp sign -k ~/.mpp/keys/publisher.key
      mpp verify
    """


def _usage(fault: click.ClickException) -> Refused:
    """A wrong call, in the same form as every other refusal."""
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    path = context.command_path if context is not None else "mpp"
    return Refused("usage.syntax", fault.format_message().rstrip("."), hint=f"see `{path} --help`")


def run(arguments: list[str]) -> int:
    """Run one command; the exit code says which stage refused. Nothing but a typed error ends a command."""
    as_json = "--json" in arguments
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its number, never a crash.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app.main(args=arguments, prog_name="mpp", standalone_mode=False)
    except MppError as fault:
        complain(fault, as_json=as_json)
        return fault.exit_code
    except click.exceptions.NoArgsIsHelpError as fault:
        click.echo(fault.format_message())
        return 0
    except click.ClickException as fault:
        wrong = _usage(fault)
        complain(wrong, as_json=as_json)
        return wrong.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; nothing was changed", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; silence the flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code if isinstance(code, int) else 0
