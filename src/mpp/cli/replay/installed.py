"""An installed package as whom recorded calls are asked, through the host itself, as an agent would call it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mpp.cli.agreeing import FLAG
from mpp.cli.calling import user_name
from mpp.cli.options import home, is_fleet
from mpp.cli.screen import note
from mpp.errors import MppError, Refused
from mpp.host.host import Host
from mpp.host.replays.calls import Call, Recorded
from mpp.host.sources.naming import public_name, SEPARATOR
from mpp.model.value import value
from mpp.protocol.mcp.ports import Outcome, Pending


@value
class Installed:
    """Tools stand under the alias at the host; the recording keeps their own names, so that both sides name one tool."""

    host: Host
    alias: str
    seconds: int
    yes: bool
    """The person who runs this says yes to each call; recorded as a flag, which counts little."""

    def call(self, call: Call) -> Recorded:
        try:
            outcome = self._ask(call)
        except MppError as fault:
            if fault.code != "call.tool":
                raise
            return Recorded(call=call, error={"code": fault.code, "message": fault.message})
        if outcome.pending is not None and self.yes:
            self._agree(outcome.pending, call)
            outcome = self._ask(call)
        if outcome.pending is not None:
            ref = outcome.pending.ref
            hint = f"answer it: mpp approve {ref}, then go on with --resume; or say that you are that person: --yes"
            raise Refused("approval.required", f"a call waits for approval, ref {ref}", where=call.tool, hint=hint)
        return Recorded(call=call, result=dict(outcome.result))

    def _ask(self, call: Call) -> Outcome:
        return self.host.call(public_name(self.alias, call.tool), call.arguments, timeout_ms=self.seconds * 1000)

    def _agree(self, pending: Pending, call: Call) -> None:
        """As `mpp run --yes`: the person sees what was agreed to, and a fleet takes no such yes."""
        if is_fleet():
            raise Refused("consent.fleet", "this host does not take --yes: it knows its publishers, and policy decides", hint="ask its administrator")
        for line in pending.text.splitlines():
            note(f"approved by --yes: {line}")
        code = self.host.answer(pending.question, yes=True, by=user_name(), amr=FLAG)
        if code:
            raise Refused(code, f"your yes to ref {pending.ref} does not count", where=call.tool, hint=f"answer it in a terminal: mpp approve {pending.ref}")


@contextmanager
def installed(alias: str, workspace: str, seconds: int, *, yes: bool) -> Iterator[Installed]:
    with Host.open(home().path, workspace=workspace) as host:
        if not any(_name(tool).startswith(alias + SEPARATOR) for tool in host.tools().items):
            raise Refused(
                "usage.option", f"no installed package has the alias {alias!r}", where="--against", hint="see: mpp list; or give a file that ends in .mpp"
            )
        yield Installed(host=host, alias=alias, seconds=seconds, yes=yes)


def _name(tool: object) -> str:
    return str(tool.get("name", "")) if isinstance(tool, dict) else ""
