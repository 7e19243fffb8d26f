"""Tools of ``mpp dev --native``: plain processes of the author, marked as such wherever they show."""

from __future__ import annotations

import time

from mpp.author.developing.native import run_native
from mpp.author.project import Project
from mpp.cli.developing import Teller
from mpp.errors import MppError
from mpp.host.definitions import definition_of
from mpp.host.oncall import new_invocation
from mpp.host.sources.development import ALIAS_END, labelled
from mpp.host.sources.naming import public_name
from mpp.host.sources.ports import Offered
from mpp.host.system import SystemRandom
from mpp.host.toolcall import error_result, META
from mpp.model.jsontext import Json
from mpp.model.manifest import ToolDefinition
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.sandbox import read_reply

NATIVE_LABEL = "[NATIVE DEVELOPMENT RUN: no sandbox, no filter, no record] "


def native_offers(project: Project, package: VerifiedPackage, teller: Teller) -> tuple[Offered, ...]:
    """Each tool of the build, run by the Python of the author."""
    alias = f"{package.manifest.name}{ALIAS_END}"
    return tuple(
        Offered(public_name(alias, tool.name), labelled(definition_of(package, tool), NATIVE_LABEL), NativeTool(project, package, tool, teller))
        for tool in package.manifest.tool_definitions
    )


class NativeTool:
    """What ``tools/call`` runs."""

    def __init__(self, project: Project, package: VerifiedPackage, tool: ToolDefinition, teller: Teller) -> None:
        self._project, self._package, self._tool, self._teller = project, package, tool, teller

    def __call__(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        """Attack on trust: a result without sandbox that looks like one with it. The label says so in each answer."""
        labels: dict[str, Json] = {"development": True, "native": True, "verified": False}
        begun, code = time.monotonic(), "ok"
        try:
            limit = self._package.manifest.runtime.timeout_ms
            seconds = min(call.timeout_ms or limit, limit) / 1000
            reply = run_native(self._project, self._tool.name, call.arguments, invocation=new_invocation(SystemRandom()), seconds=seconds)
            self._teller.said(reply.stderr)
            found = read_reply(reply.line, 0, self._tool).to_json()
            meta: dict[str, Json] = {META + name: item for name, item in labels.items()}
            return Outcome(result={**found, "_meta": meta})
        except MppError as fault:
            code = fault.code
            self._teller.said(fault.message)
            return Outcome(result=error_result(fault.message, fault.code, labels))
        finally:
            self._teller.called(self._tool.name, time.monotonic() - begun, 0.0, code)
