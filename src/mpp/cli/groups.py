"""Groups of commands that say what was probably meant."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click

from mpp.errors import Refused
from mpp.model.fields import near
from mpp.model.jsontext import shown


class Words(click.Group):
    """A group that says what was probably meant."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            hint = near(args[0], self.list_commands(ctx)) or f"see `{ctx.command_path} --help`"
            raise Refused("usage.command", f"there is no command {ctx.command_path.removeprefix('mpp ')} {shown(args[0])!r}", hint=hint)
        return super().resolve_command(ctx, args)


class Modules(Words):
    """A group each of whose commands is the attribute ``command`` of a module of one package, imported when it is called."""

    package: ClassVar[str]
    listed: ClassVar[Mapping[str, str]]
    """Each command with a line about it. In the name of its module ``_`` stands for ``-``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.listed:
            return None
        found = importlib.import_module(f"{self.package}.{cmd_name.replace('-', '_')}").command
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.listed.items()))
