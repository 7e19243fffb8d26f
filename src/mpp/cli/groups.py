"""Groups of commands that say what was probably meant."""

from __future__ import annotations

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
