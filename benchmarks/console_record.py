"""A made-up record for the console: calls over thirty days, each with the entries that a real one leaves."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from mpp.host.audit.log import AuditLog
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.model.jsontext import Json

BEGINS = 1_790_000_000
DAYS = 30
BATCH = 512

PACKAGES = tuple(f"com.example.{name}" for name in ("crm", "mail", "files", "weather", "search", "ledger", "tickets", "notes"))
TOOLS = ("read", "write", "list", "export")
AGENTS = ("claude", "planner", "builder", "support")
KINDS = ("email", "phone", "iban", "api_key", "credit_card")


def fill(folder: str, calls: int) -> None:
    """The same for the same number."""
    draw = random.Random(calls)
    waiting: list[Event] = []
    with AuditLog(Home(path=folder)) as log:
        for number in range(calls):
            waiting += _call(draw, number, BEGINS + number * DAYS * 86_400 // calls)
            if len(waiting) >= BATCH:
                log.record_all(waiting, durable=False)
                waiting = []
        log.record_all(waiting, durable=False)
        log.checkpoint()


def _call(draw: random.Random, number: int, at: int) -> Iterator[Event]:
    invocation = hashlib.sha256(b"%d" % number).hexdigest()[:32]
    package, tool, agent = draw.choice(PACKAGES), draw.choice(TOOLS), draw.choice(AGENTS)
    fate = draw.random()

    def event(kind: str, body: dict[str, Json], **commit: str) -> Event:
        return Event(kind=kind, at=at, tenant="local", invocation=invocation, body=body, commit=commit)

    who: dict[str, Json] = {"name": agent, "level": "launched"}
    facts: dict[str, Json] = {
        "package_id": package, "publisher_id": "ab" * 32, "publisher_name": "Example", "content_hash": "cd" * 32, "tool": tool, "version": "1.0.0",
        "agent": {"name": agent, "level": "launched"}, "scope": {"read": ["/data"], "network": ["api.example.com:443"]},
    }  # fmt: skip
    effect = "deny" if fate < 0.04 else "ask" if fate < 0.12 else "allow"
    rules: list[Json] = [{"layer": "user", "policy": "developer", "rule": "default", "effect": effect, "why": ""}]
    yield event("agent", who)
    yield event("decision", {"facts": facts, "effect": effect, "rules": rules, "risk": min(99, int(draw.expovariate(1 / 22)))}, **{"in": "ef" * 32})
    if effect != "allow":
        code = "policy.denied" if effect == "deny" else "approval.required"
        yield event("refused", {"code": code, "stage": code.partition(".")[0], "package": package, "tool": tool, "agent": dict(who)})
        return
    yield event("token-granted", {"package": package, "opens": {"network": 1}, "token": "12" * 32})
    ran: dict[str, Json] = {
        "publisher": "ab" * 32,
        "package": package,
        "content": "cd" * 32,
        "tool": tool,
        "agent": dict(who),
        "because": "policy",
        "rule": "user/developer/default",
        "jti": "",
    }
    yield event("intent", ran, **{"in": "ef" * 32})
    yield event("token-used", {"package": package, "token": "12" * 32})
    yield event("result", _result(draw, fate), out_raw="aa" * 32, out_shown="bb" * 32)


def _result(draw: random.Random, fate: float) -> dict[str, Json]:
    took: dict[str, Json] = {"policy_us": draw.randrange(150, 900), "approval_us": draw.randrange(5, 90), "audit_us": draw.randrange(600, 9000)}
    took |= {"sandbox_us": int(draw.lognormvariate(9, 1)), "privacy_us": draw.randrange(40, 2000), "raw_bytes": draw.randrange(100, 90_000)}
    found: list[Json] = [{"type": kind, "count": draw.randrange(1, 9)} for kind in sorted(draw.sample(KINDS, 2))] if draw.random() < 0.2 else []
    return {
        "outcome": "sandbox.timeout" if fate > 0.97 else "ok", "hosts": ["api.example.com"] if fate > 0.5 else [], "kv": {}, "secrets": [], "secrets_echoed": [],
        "files_read": draw.randrange(3), "files_written": 0, "host_calls": draw.randrange(3), "more": 0, "redactions": found, "privacy": {"rules": "r", "engine": "e"},
        "measured": took,
    }  # fmt: skip
