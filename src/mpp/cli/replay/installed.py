"""An installed package as whom recorded calls are asked, through the host itself, as an agent would call it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mpp.cli.options import home
from mpp.errors import MppError, Refused
from mpp.host.host import Host
from mpp.host.replays.calls import Call, Recorded
from mpp.model.value import value

SEPARATOR = "__"
"""Between the alias of a package and the name of a tool."""


@value
class Installed:
    """Tools stand under the alias at the host; the recording keeps their own names, so that both sides name one tool."""

    host: Host
    alias: str
    seconds: int

    def call(self, call: Call) -> Recorded:
        try:
            outcome = self.host.call(self.alias + SEPARATOR + call.tool, call.arguments, timeout_ms=self.seconds * 1000)
        except MppError as fault:
            if fault.code != "call.tool":
                raise
            return Recorded(call=call, error={"code": fault.code, "message": fault.message})
        if outcome.pending is not None:
            ref = outcome.pending.ref
            hint = f"answer it: mpp approve {ref}, then go on with --resume; or let a policy allow these calls"
            raise Refused("approval.required", f"a call waits for approval, ref {ref}", where=call.tool, hint=hint)
        return Recorded(call=call, result=dict(outcome.result))


@contextmanager
def installed(alias: str, workspace: str, seconds: int) -> Iterator[Installed]:
    with Host.open(home().path, workspace=workspace) as host:
        if not any(_name(tool).startswith(alias + SEPARATOR) for tool in host.tools().items):
            raise Refused(
                "usage.option", f"no installed package has the alias {alias!r}", where="--against", hint="see: mpp list; or give a file that ends in .mpp"
            )
        yield Installed(host=host, alias=alias, seconds=seconds)


def _name(tool: object) -> str:
    return str(tool.get("name", "")) if isinstance(tool, dict) else ""
