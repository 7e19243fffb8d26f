"""One call of a prepared package, from arguments to a judged reply. The stages between are joined here until there is a policy.

Spec: call-contract, order of a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpp.errors import MppError, Refused
from mpp.host.sandbox import CallInput, Ready, Sandbox
from mpp.host.secret_store import SecretStore
from mpp.host.services.secrets import resolve_env
from mpp.model.calls import CallContext
from mpp.model.manifest import Manifest, ToolDefinition
from mpp.model.value import value
from mpp.ports import Random, Steps
from mpp.stages.sandbox import Live, Run
from mpp.stages.sandbox import Arguments, read_reply, request_line, SchemaCheck, ToolReply

INVOCATION_BYTES = 16
"""Bytes of an invocation id. Reason: never the same twice."""


@value
class Caller:
    """Who calls, as the front that took the call knows it."""

    agent: str = ""
    agent_proof: str = "anonymous"
    user: str = ""


@value
class Surroundings:
    """What a call takes from the world."""

    environment: Mapping[str, str]
    """For the commands that print secrets; no guest ever sees it."""
    clock_ns: Callable[[], int]
    """Nanoseconds since 1970."""
    random: Random
    live: Live


@value
class Reply:
    """A judged reply, or why there is none, with the run that gave it."""

    context: CallContext
    run: Run
    reply: ToolReply | None
    fault: MppError | None
    argument_hash: str


def find_tool(manifest: Manifest, name: str) -> ToolDefinition:
    """The tool of that name; it may be left out where there is only one."""
    tools = manifest.tool_definitions
    if not name and len(tools) == 1:
        return tools[0]
    for tool in tools:
        if tool.name == name:
            return tool
    names = ", ".join(tool.name for tool in tools)
    if not name:
        raise Refused("call.tool", "the package has several tools", where="tool", hint=f"name one of: {names}")
    raise Refused("call.tool", f"the package has no tool {name[:80]!r}", where="tool", hint=f"its tools: {names}")


def judge_arguments(tool: ToolDefinition, arguments: Arguments) -> None:
    """Refuse arguments that the tool's own schema does not allow."""
    SchemaCheck(tool.parameters).judge_arguments(arguments)


def call_tool(
    sandbox: Sandbox, ready: Ready, tool: ToolDefinition, arguments: Arguments, caller: Caller, about: Surroundings, *, secrets: SecretStore | None,
    timeout_ms: int = 0,
) -> Steps[Reply]:  # fmt: skip
    """Run one judged call. A failed run is a Reply with a fault. ``secrets`` None: the call gets none."""
    manifest, rights = ready.package.manifest, ready.rights
    context = CallContext(
        invocation=about.random.bytes(INVOCATION_BYTES).hex(),
        tenant=rights.tenant,
        agent=caller.agent,
        agent_proof=caller.agent_proof,
        user=caller.user,
        package_id=rights.package_id,
        version=manifest.version,
        content_hash=rights.content_hash,
        publisher_id=rights.publisher_id,
        tool=tool.name,
    )
    limit = manifest.runtime.timeout_ms
    given = CallInput(
        context=context,
        line=request_line(tool.name, arguments, context),
        argument_sha256=arguments.sha256,
        seconds=min(timeout_ms or limit, limit) / 1000,
        env=resolve_env(rights.env, rights.package_id, secrets, about.environment) if secrets is not None and rights.env else (),
        now_ns=about.clock_ns(),
        live=about.live,
    )
    run = yield from sandbox.call(ready, given)
    fault, reply = run.fault, None
    if fault is None:
        try:
            reply = read_reply(run.stdout, run.exit_code, tool)
        except MppError as found:
            fault = found
    return Reply(context=context, run=run, reply=reply, fault=fault, argument_hash=arguments.sha256)
