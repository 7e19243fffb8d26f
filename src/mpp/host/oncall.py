"""One call of a prepared package, from arguments to a judged reply. Whoever calls brings leave for it: policy and approval, or nothing runs.

Spec: call-contract, order of a call.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from mpp.errors import MppError, Refused
from mpp.host.audit.vault import CallVault, Made
from mpp.host.leaving import Sent
from mpp.host.measured import measured, Spent
from mpp.host.sandbox import CallInput, Ready, Sandbox
from mpp.host.secret_store import SecretStore
from mpp.host.services.border import Border
from mpp.host.services.secrets import resolve_env
from mpp.model.calls import CallContext
from mpp.model.events import Event, Written, written_body
from mpp.model.fields import near
from mpp.model.jsonquick import compact
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest, ToolDefinition
from mpp.model.value import value
from mpp.ports import Random, Steps
from mpp.stages.approval import Grant, Warrant
from mpp.stages.privacy import Clean, clean_run, Filter, FilteredLive, Report, together, with_leaks
from mpp.stages.sandbox import Live, Run, Used
from mpp.stages.sandbox import Arguments, read_reply, request_line, SchemaCheck, ToolReply, ToolResult

OK = "ok"

RESULTS_KNOWN_MAX = 64
"""Bodies of results that are remembered. Reason: most calls of a host end in one of a few ways; each is some hundred bytes."""

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
    through: Filter
    """The privacy filter, bound to this call: what a tool says, and what it sends to other hosts, goes through it, or nowhere."""
    issue: Callable[[Grant], Steps[Warrant]]
    """Spends the approval and records the intent. It is asked last, so that nothing is spent on a call that cannot run."""
    vault: CallVault | None = None
    """Keeps the payloads of this call, where the vault is on; then ``issue`` records the intent through it."""


@value
class Reply:
    """What may be shown of a call, and what the record is told of it."""

    context: CallContext
    clean: Clean
    run: Run
    """Raw: for the record's commitments and for what was used, never to be shown."""
    privacy: Report
    """What the filter did, while the tool ran and with what it answered."""
    outcome: str
    """``ok``, or the code of the tool's failure. A withheld answer is no failure of the tool."""
    argument_hash: str
    """Of the arguments as they are shown. Attack: the hash of what stands behind a placeholder, for an agent that tries all telephone numbers."""
    vault: str = ""
    """What the vault kept of it, or the code of why it did not; empty where the vault is off."""
    spent: Spent = ()
    """How long it took, by stage."""


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
    guess = near(name, (tool.name for tool in tools))
    raise Refused("call.tool", f"the package has no tool {name[:80]!r}", where="tool", hint=f"{guess} its tools: {names}".lstrip())


def judge_arguments(tool: ToolDefinition, arguments: Arguments) -> None:
    """Refuse arguments that the tool's own schema does not allow."""
    SchemaCheck(tool.parameters).judge_arguments(arguments)


def new_invocation(random: Random) -> str:
    """The name of one call, from its first judgement to its receipt."""
    return random.bytes(INVOCATION_BYTES).hex()


def context_of(ready: Ready, tool: str, grant: Grant, user: str) -> CallContext:
    """What the guest learns of a call. Who calls is what was judged; which tool is what is run, so that the sandbox can compare the two."""
    rights, agent = ready.opened.rights, grant.agent
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
    sandbox: Sandbox, ready: Ready, tool: ToolDefinition, sent: Sent, grant: Grant, user: str, about: Surroundings, *,
    secrets: SecretStore | None, timeout_ms: int = 0,
) -> Steps[Reply]:  # fmt: skip
    """Run one judged call. A failed run is a Reply with a fault. ``secrets`` None: the call gets none."""
    manifest, rights = ready.package.manifest, ready.opened.rights
    context = context_of(ready, tool.name, grant, user)
    through = sent.through(about.through)
    live = FilteredLive(about.live, through)
    limit = manifest.runtime.timeout_ms
    env = resolve_env(rights.env, rights.package_id, secrets, about.environment) if secrets is not None and rights.env else ()
    border = border_of(about.through, sent, env)
    given = CallInput(
        context=context,
        line=request_line(tool.name, sent.given, context),
        argument_sha256=sent.given.sha256,
        seconds=min(timeout_ms or limit, limit) / 1000,
        env=env,
        now_ns=about.clock_ns(),
        live=live,
        border=border,
    )
    begun = time.perf_counter()
    warranted = yield from about.issue(grant)
    at_warrant = time.perf_counter()
    run = yield from sandbox.call(ready, warranted, given)
    at_run, fault, reply = time.perf_counter(), run.fault, None
    if fault is None:
        try:
            reply = read_reply(run.stdout, run.exit_code, tool)
        except MppError as found:
            fault = found
    clean = clean_run(reply, fault, run.stderr, through)
    spent = (("audit", at_warrant - begun), ("sandbox", at_run - at_warrant), ("privacy", time.perf_counter() - at_run))
    kept = keep_call(about.vault, ready, given, sent.given, run, clean.reply) if about.vault is not None else ""
    return Reply(
        context=context, clean=clean, run=run, privacy=told((clean.report, *live.reports), border), outcome=OK if fault is None else fault.code,
        argument_hash=sent.shown.sha256, vault=kept, spent=spent,
    )  # fmt: skip


def border_of(by: Filter, sent: Sent, env: Iterable[tuple[str, str]]) -> Border:
    """What searches the requests of one call. What the host itself gave to it may be used. Spec: 6-privacy F-40."""
    return Border(by, leaks=sent.found, granted=(*[text for _, text in env], *sent.values))


def told(reports: Sequence[Report], border: Border) -> Report:
    """What the filter did in one call, in all directions."""
    report = together(reports)
    return with_leaks(report, [(one.type, one.digest) for one in border.leaks]) if border.leaks else report


def keep_call(vault: CallVault, ready: Ready, given: CallInput, arguments: Arguments, run: Run, reply: ToolReply | None) -> str:
    """Have the vault keep what came in and went out, raw and as it is shown, before the result is told to anybody. Spec: audit L-42."""
    rights = ready.rights
    folders = [f"{one.guest}={one.host}" for one in rights.folders] + [f"{one.guest}={one.host}" for one in rights.devices]
    made = Made(
        tool=given.context.tool, line=given.line, arguments=arguments.data, now_ns=given.now_ns,
        memory_bytes=min(given.memory_bytes or ready.memory_bytes, ready.memory_bytes), variables=len(given.env),
        folders=tuple(folders), run=run, shown=shown_bytes(reply),
    )  # fmt: skip
    return vault.keep(made)


def shown_bytes(reply: ToolReply | None, document: dict[str, Json] | None = None) -> bytes:
    """What is passed on, as the record commits to it; empty where nothing is. ``document``: the reply as JSON, where whoever calls has it."""
    return (
        b""
        if reply is None
        else compact(reply.to_json() if document is None else document, decimals=not (isinstance(reply, ToolResult) and reply.is_text), in_order=True)
    )


def shown_digest(reply: ToolReply | None, document: dict[str, Json] | None = None) -> str:
    """SHA-256 in hex of what is passed on; empty where nothing is."""
    return "" if reply is None else hashlib.sha256(shown_bytes(reply, document)).hexdigest()


def result_event(
    tenant: str, invocation: str, outcome: str, run: Run, shown_sha256: str, privacy: Report, now: int, vault: str = "", spent: Spent = ()
) -> Event:
    """What went out is committed to: as the guest wrote it, and as it is passed on.

    Names of hosts, secrets and methods, and numbers of files: which files they were is not for this record.
    """
    commit = {"out_raw": hashlib.sha256(run.stdout).hexdigest()} | ({"out_shown": shown_sha256} if shown_sha256 else {})
    used = run.used
    # What used something is seldom the same twice.
    is_common = not (used.hosts or used.kv or used.secrets or used.echoed or used.files_read or used.files_written or privacy.digests)
    body, written = (_result_body if is_common else _result_body.__wrapped__)(outcome, used, privacy, vault)
    if spent:
        found = measured(spent, len(run.stdout))
        body, written = _with_measured(body, written if is_common else None, found)
    return Event(kind="result", at=now, tenant=tenant, invocation=invocation, body=body, commit=commit, written=written)


def _with_measured(body: dict[str, Json], written: Written | None, found: dict[str, Json]) -> tuple[dict[str, Json], Written | None]:
    """No two calls take the same time: what is remembered of the rest of the body is written on, at the place where the new key belongs."""
    whole = {**body, "measured": found}
    if written is None:
        return whole, None
    before, more, after = written.data.partition(b',"more":')
    numbers = compact(found, decimals=False, in_order=True)
    return whole, Written(whole, b"".join((before, b',"measured":', numbers, more, after)))


@lru_cache(RESULTS_KNOWN_MAX)
def _result_body(outcome: str, used: Used, privacy: Report, vault: str) -> tuple[dict[str, Json], Written | None]:
    """Shared by all results that are alike, as most are that used nothing: nobody changes it."""
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
        "redactions": [{"type": kind, "count": count} for kind, count in privacy.counts],
        "privacy": privacy.to_json(),
    }
    if vault:
        body["vault"] = vault
    return body, written_body(body)
