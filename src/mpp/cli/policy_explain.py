"""Why a call would be allowed, asked about or denied: the package is verified and judged, and not run."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace

from mpp.author.development import TENANT
from mpp.cli.calling import user_name
from mpp.cli.options import find_package, home
from mpp.host.policy_privacy import explained
from mpp.cli.packages import Taken, take_package
from mpp.cli.screen import ending, put_json, say
from mpp.errors import Refused
from mpp.host.judging import Request, asked_of, known_consent
from mpp.host.oncall import find_tool, judge_arguments
from mpp.host.stops import StopStore
from mpp.host.stores.approvals import ApprovalsStore
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages import policy as stage
from mpp.stages.approval import Consent, Kept
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import Asked, Policies, RiskFacts, level_of, risk_of
from mpp.stages.sandbox import read_arguments

INVOCATION = "0" * 32
LOCAL_TENANT = "local"
_DAY = 86_400


@value
class Supposed:
    """The call that is supposed."""

    tool: str
    arguments: bytes
    agent: str
    agent_level: str
    user: str
    origin: str
    now: int


def show_explanation(file: str | None, supposed: Supposed, policies: Policies, by: str, *, as_json: bool) -> None:
    taken = take_package(find_package(file), ask=False, development=True)
    asked = _asked(taken, supposed, policies)
    found = stage.explain(asked, policies)
    package = taken.package
    privacy = stage.privacy_for(policies.privacy, asked, found.verdict.limits.privacy_patterns)
    exceptions = stage.unfiltered(privacy, package.manifest.privacy_filters)
    stopped = _stopped(package)
    if as_json:
        about: dict[str, Json] = {
            "package": package.package_id, "version": package.version, "tool": asked.tool, "judged_by": by, "at": supposed.now, "origin": asked.origin,
            "stopped": stopped or None, "privacy": {"digest": policies.privacy.digest, "exceptions": [*exceptions]},
        }  # fmt: skip
        put_json({"ok": True, **about, **found.to_json()})
        return
    tool = f", tool {asked.tool}" if asked.tool else ", before any call"
    say(f"{package.package_id} {package.version}{tool}, judged by {by}")
    if stopped:
        say(ending("stopped"), f": {stopped}. Whatever the policies say, a call is refused until the stop is lifted (`mpp stop --lift`).")
    say("verdict: ", ending(found.verdict.effect))
    if asked.tool and asked.origin != "automation":
        say(f"Supposed: the origin of the call is {asked.origin}. Where `mpp run` has no terminal it is automation: see --origin.")
    for line in found.lines():
        say(line)
    for line in explained(privacy, exceptions):
        say(line)


def _stopped(package: VerifiedPackage) -> str:
    """What is stopped, in words; empty if nothing is. Stops that cannot be read stop everything."""
    try:
        StopStore(home().stops).current().judge(package.package_id, package.publisher_id, package.content_hash)
    except Refused as refused:
        return refused.message
    return ""


def _asked(taken: Taken, supposed: Supposed, policies: Policies) -> Asked:
    manifest = taken.package.manifest
    names_none = not supposed.tool and len(manifest.tool_definitions) > 1
    tool = manifest.tool_definitions[0] if names_none else find_tool(manifest, supposed.tool)
    arguments = read_arguments(supposed.arguments)
    if not names_none:
        judge_arguments(tool, arguments)
    level = supposed.agent_level or ("launched" if supposed.agent else "anonymous")
    if level != "anonymous" and not supposed.agent:
        raise Refused("usage.option", "--agent-level needs the name of an agent", hint="give --agent NAME too")
    request = Request(
        invocation=INVOCATION,
        package=taken.package,
        tool=tool,
        arguments=arguments,
        agent=AgentIdentity(name=supposed.agent, level=level),
        user=supposed.user or user_name(),
        origin=supposed.origin,
        tenant=TENANT if taken.development else LOCAL_TENANT,
        development=taken.development,
    )
    consent, kept = _consent(request)
    asked = asked_of(request, policies, consent, kept, supposed.now)
    days = None if consent is None else max(0, supposed.now - consent.at) // _DAY
    return _before_call(asked, taken, days) if names_none else asked


def _consent(request: Request) -> tuple[Consent | None, Kept]:
    """What somebody agreed to before. To look makes no store."""
    if not os.path.exists(home().approvals):
        return None, Kept(kept=False)
    with closing(ApprovalsStore(home().approvals)) as approvals:
        return known_consent(request, approvals)


def _before_call(asked: Asked, taken: Taken, days: int | None) -> Asked:
    """Of several tools none is named: the package is judged as when it is installed, by its most sensitive tool."""
    manifest, because = taken.package.manifest, taken.package.trusted_because
    facts = RiskFacts(trusted_because=because, first_seen_days=days, internal_hosts=asked.internal_hosts, development=taken.development)
    return replace(asked, tool="", arguments=None, security_level=level_of(manifest, None), risk=risk_of(manifest, None, facts))
