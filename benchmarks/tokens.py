"""Tokens and warrants: what they cost a hot call, without the writing of the record.

python benchmarks/tokens.py [--quick]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

from spread import HEAD, Figure, in_turns

from mpp.host.demands import judge_call, judge_opening
from mpp.model.agents import AgentIdentity
from mpp.model.calls import CallContext
from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.model.manifest import parse_manifest
from mpp.model.rights import Folder, Rights
from mpp.model.scope import Scope, scope_of
from mpp.stages.approval import Grant, use, warrant
from mpp.stages.gatekeeper import verified, verify
from mpp.stages.policy import compile_policies, decide, preset
from mpp.stages.policy.permission import PermissionPolicy
from mpp.stages.policy.risk import RiskFacts, risk_of
from mpp.stages.policy.token import CapabilityToken, held_digest, held_by, mint
from mpp.stages.policy.types import Asked, Granted
from mpp.testing import packages
from mpp.testing.keys import publisher

ROUNDS, ROUNDS_QUICK = 12, 3
HOT_MOST = 25e-6
"""Seconds that policy and token may add to a hot call."""

TIMES = 50
"""Runs in one measurement: each takes a few microseconds."""

NOW = packages.NOW
DECLARED: dict[str, Json] = {
    "capabilities/network": ["api.example.com", {"host": "*.example.org", "methods": ["GET"]}],
    "capabilities/filesystem": {"read": ["/srv/in"], "write": ["/srv/out"]},
    "capabilities/env_vars": ["REGION", "API_KEY"],
}
AGENT = AgentIdentity(name="bot", level="launched")


class _Forgets:
    """A record and a store that cost nothing: what they cost is measured where they are."""

    def record(self, event: Event, *, durable: bool = False) -> None: ...

    def spend(self, kind: str, name: str, until: int, now: int) -> bool:  # noqa: ARG002 - the protocol's
        return True


def _times(work: Callable[[], object]) -> Callable[[], None]:
    def many() -> None:
        for _ in range(TIMES):
            work()

    return many


def figures(rounds: int) -> Iterator[Figure]:
    """All of them."""
    who = publisher()
    package = verify(packages.signed(who, DECLARED), packages.trusting(who), NOW)
    manifest, forgets = package.manifest, _Forgets()
    names = {"tenant": "local", "publisher_id": package.publisher_id, "package_id": package.package_id, "content_hash": package.content_hash}
    scope = scope_of(manifest)
    folders = (Folder(guest="/srv/in", host="/srv/in", write=False), Folder(guest="/srv/out", host="/srv/out", write=True))
    rights = Rights(**names, network=scope.network, env=scope.env, folders=folders)
    context = CallContext(
        invocation="0" * 32, agent=AGENT.name, agent_proof=AGENT.level, user="ada", version=manifest.version, tool="greet", **names
    )  # fmt: skip
    facts = RiskFacts(trusted_because="own key", first_seen_days=30)
    asked = Asked(
        publisher_id=package.publisher_id, package_id=package.package_id, version=manifest.version, content_hash=package.content_hash, bound=True, tool="greet",
        security_level="low", arguments={"name": "Ada"}, agent=AGENT, user="ada", now=NOW, risk=risk_of(parse_manifest(json.dumps(packages.manifest()).encode()), None, facts), consented=True, scope=scope,
    )  # fmt: skip
    policies = compile_policies({"user": preset("developer")})
    token = mint(**names, scope=scope)

    def leave(one: CapabilityToken) -> None:
        grant = Grant(token=one, invocation="0" * 32, tool="greet", argument_sha256="a" * 64, agent=AGENT, because="policy")
        judge_call(use(warrant(grant, forgets, forgets, NOW)), rights, context, "a" * 64, NOW, scope)

    def whole() -> None:
        decision = decide(asked, policies)
        if not isinstance(decision, Granted):
            raise SystemExit(f"not granted: {decision}")
        leave(decision.token)

    view = verified(package).manifest
    held = held_by(token)
    works = {
        "whole": _times(whole),
        "kept": _times(lambda: leave(token)),
        "new": _times(lambda: leave(mint(**names, scope=scope))),
        "mint": _times(lambda: mint(**names, scope=scope)),
        "narrow": _times(lambda: token.attenuate(Scope(read=("/srv/in",), tools=("greet",)))),
        "open": _times(lambda: judge_opening(token, package, rights)),
        "digest": _times(lambda: held_digest.__wrapped__(held)),
        "risk": _times(lambda: risk_of(manifest, None, facts)),
        "evaluate": _times(lambda: PermissionPolicy().trust_package("com.example.hello").evaluate(view)),
    }
    found = {name: spread.by(TIMES) for name, spread in in_turns(works, rounds, 20).items()}
    yield Figure("policy, token, warrant and its use, a hot call", found["whole"], seconds_most=HOT_MOST, note="preset developer; without the record")
    yield Figure("  warrant issued, used and compared", found["kept"], note="the token is kept")
    yield Figure("  the same with a new token", found["new"])
    yield Figure("  a token minted", found["mint"])
    yield Figure("a token attenuated", found["narrow"])
    yield Figure("a token compared with rights, once a package", found["open"])
    yield Figure("the digest of a token, once a token", found["digest"])
    yield Figure("a risk score, once a package", found["risk"])
    yield Figure("PermissionPolicy, one evaluation", found["evaluate"])


def main() -> int:
    print(HEAD)
    for figure in figures(ROUNDS_QUICK if "--quick" in sys.argv[1:] else ROUNDS):
        print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
