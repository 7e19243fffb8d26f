"""One call of a prepared package, from arguments to a judged reply. Whoever calls brings leave for it: policy and approval, or nothing runs.

Spec: call-contract, order of a call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from mpp.errors import MppError, Refused
from mpp.host.audit.vault import CallVault, Made
from mpp.host.sandbox import CallInput, Ready, Sandbox
from mpp.host.secret_store import SecretStore
from mpp.host.services.secrets import resolve_env
from mpp.model.calls import CallContext
from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest, ToolDefinition
from mpp.model.value import value
from mpp.ports import Random, Steps
from mpp.stages.approval import Grant, Warrant
from mpp.stages.sandbox import Live, Run
from mpp.stages.sandbox import Arguments, read_reply, request_line, SchemaCheck, ToolReply

INVOCATION_BYTES = 16
"""Bytes of an invocation id. Reason: never the same twice."""


@value
class Surroundings:
    """What a call takes from the world."""

    environment: Mapping[str, str]
    """For the commands that print secrets; no guest ever sees it."""
    clock_ns: Callable[[], int]
    """Nanoseconds since 1970."""
    live: Live
    issue: Callable[[Grant], Warrant]
    """Spends the approval and records the intent. It is asked last, so that nothing is spent on a call that cannot run."""
    vault: CallVault | None = None
    """Keeps the payloads of this call, where the vault is on; then ``issue`` records the intent through it."""


@value
class Reply:
    """A judged reply, or why there is none, with the run that gave it."""

    context: CallContext
    run: Run
    reply: ToolReply | None
    fault: MppError | None
    argument_hash: str
    vault: str = ""
    """What the vault kept of it, or the code of why it did not; empty where the vault is off."""


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


def new_invocation(random: Random) -> str:
    """The name of one call, from its first judgement to its receipt."""
    return random.bytes(INVOCATION_BYTES).hex()


def context_of(ready: Ready, tool: str, grant: Grant, user: str) -> CallContext:
    """What the guest learns of a call. Who calls is what was judged; which tool is what is run, so that the sandbox can compare the two."""
    rights, agent = ready.rights, grant.agent
    return CallContext(
        invocation=grant.invocation,
        tenant=rights.tenant,
        agent=agent.name,
        agent_proof=agent.level,
        user=user,
        package_id=rights.package_id,
        version=ready.package.manifest.version,
        content_hash=rights.content_hash,
        publisher_id=rights.publisher_id,
        tool=tool,
        agent_key=agent.key,
        agent_issuer=agent.issuer,
        delegation=agent.behind,
    )


def call_tool(
    sandbox: Sandbox, ready: Ready, tool: ToolDefinition, arguments: Arguments, grant: Grant, user: str, about: Surroundings, *,
    secrets: SecretStore | None, timeout_ms: int = 0,
) -> Steps[Reply]:  # fmt: skip
    """Run one judged call. A failed run is a Reply with a fault. ``secrets`` None: the call gets none."""
    manifest, rights = ready.package.manifest, ready.rights
    context = context_of(ready, tool.name, grant, user)
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
    run = yield from sandbox.call(ready, about.issue(grant), given)
    fault, reply = run.fault, None
    if fault is None:
        try:
            reply = read_reply(run.stdout, run.exit_code, tool)
        except MppError as found:
            fault = found
    kept = keep_call(about.vault, ready, given, arguments, run, reply) if about.vault is not None else ""
    return Reply(context=context, run=run, reply=reply, fault=fault, argument_hash=arguments.sha256, vault=kept)


def keep_call(vault: CallVault, ready: Ready, given: CallInput, arguments: Arguments, run: Run, reply: ToolReply | None) -> str:
    """Have the vault keep what came in and went out, before the result is told to anybody. Spec: audit L-42."""
    rights = ready.rights
    folders = [f"{one.guest}={one.host}" for one in rights.folders] + [f"{one.guest}={one.host}" for one in rights.devices]
    made = Made(
        tool=given.context.tool, line=given.line, arguments=arguments.data, now_ns=given.now_ns,
        memory_bytes=min(given.memory_bytes or ready.memory_bytes, ready.memory_bytes), variables=len(given.env),
        folders=tuple(folders), run=run, shown=shown_bytes(reply),
    )  # fmt: skip
    return vault.keep(made)


def shown_bytes(reply: ToolReply | None) -> bytes:
    """What is passed on, as the record commits to it; empty where nothing is."""
    return b"" if reply is None else json.dumps(reply.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def shown_digest(reply: ToolReply | None) -> str:
    """SHA-256 in hex of what is passed on; empty where nothing is."""
    return "" if reply is None else hashlib.sha256(shown_bytes(reply)).hexdigest()


def result_event(tenant: str, invocation: str, outcome: str, run: Run, shown_sha256: str, now: int, vault: str = "") -> Event:
    """What went out is committed to: as the guest wrote it, and as it is passed on (this version passes on what it judged, unfiltered).

    Names of hosts, secrets and methods, and numbers of files: which files they were is not for this record.
    """
    used = run.used
    commit = {"out_raw": hashlib.sha256(run.stdout).hexdigest()} | ({"out_shown": shown_sha256} if shown_sha256 else {})
    body: dict[str, Json] = {
        "outcome": outcome,
        "hosts": [*used.hosts],
        "kv": dict(used.kv),
        "secrets": [*used.secrets],
        "secrets_echoed": [*used.echoed],
        "files_read": len(used.files_read),
        "files_written": len(used.files_written),
        "host_calls": used.host_calls,
        "more": used.more,
    }
    if vault:
        body["vault"] = vault
    return Event(kind="result", at=now, tenant=tenant, invocation=invocation, body=body, commit=commit)
