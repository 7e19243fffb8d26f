"""A small log with an entry of each kind, always the same, and what is made of it."""

from __future__ import annotations

from mpp.model.events import Event
from mpp.model.jsontext import canonical, Json
from mpp.stages.audit.entry import Entry, FIRST_PREV, leaf_of, line_of, read_entry
from mpp.stages.audit.forward import ForwardRecord, record_of

ORIGIN = "mpp-audit/00112233445566778899aabbccddeeff"
CALL = "0f" * 16
AT = 1_790_000_000
PUBLISHER, CONTENT, TOKEN = "a1" * 32, "b2" * 32, "c3" * 32
AGENT: Json = {"name": "claude", "proof": "signed", "key": "d4" * 32}
COMMIT = {"in": "e5" * 32}
WHO: dict[str, Json] = {"publisher": PUBLISHER, "package": "com.example.crm", "content": CONTENT, "tool": "find"}
FACTS: Json = {
    "tenant": "local", "publisher_id": PUBLISHER, "publisher_name": "Ada Example", "package_id": "com.example.crm", "version": "1.2.0",
    "content_hash": CONTENT, "tool": "find", "security_level": "medium", "user": "9" * 32, "origin": "package", "now": AT,
    "agent": {"name": "claude", "level": "signed", "key": "d4" * 32, "issuer": ""}, "risk": {"score": 41, "band": "medium", "reasons": [[10, "network"]]},
}  # fmt: skip
RULES: Json = [{"layer": "user", "policy": "p", "rule": "ask-for-network", "effect": "ask"}, {"layer": "tenant", "policy": "q", "rule": "", "effect": "allow"}]

EVENTS: list[tuple[str, str, dict[str, Json], dict[str, str]]] = [
    ("log", "", {"format": 1, "host": "x", "key": "y", "nonce": "0" * 32, "follows": ""}, {}),
    ("agent", CALL, {"name": "claude", "proof": "signed", "key": "d4" * 32, "jti": "j1"}, {}),
    ("decision", CALL, {"facts": FACTS, "effect": "ask", "rules": RULES, "limits": {}, "risk": 41, "policy": "f6" * 32}, COMMIT),
    ("question", "", {**WHO, "ref": "K7-Q2", "question": "q1", "jti": "j2", "agent": AGENT, "level": "medium", "score": 41, "band": "medium", "approvers": 1}, {}),
    ("answer", "", {"question": "q1", "jti": "j2", "answer": "yes", "scope": "once", "approver": "grace", "amr": "key"}, {}),
    ("answer", "", {"question": "q1", "jti": "j2", "answer": "no", "scope": "once", "approver": "grace", "amr": "key"}, {}),
    ("consent", CALL, {"given": True, "publisher": PUBLISHER, "package": "com.example.crm", "version": "1.2.0", "by": "grace", "amr": "tty"}, {}),
    ("consent", "", {"given": False, "package": "com.example.crm", "by": "grace", "amr": "tty"}, {}),
    ("token-granted", CALL, {"token": TOKEN, "publisher": PUBLISHER, "package": "com.example.crm", "content": CONTENT, "tools": ["find", "list"]}, {}),
    ("token-narrowed", CALL, {"token": TOKEN, "package": "com.example.crm", "tools": ["find"], "narrowed": 1}, {}),
    ("approval-spent", CALL, {"jti": "j2", "approvers": ["grace", "ada"], "amr": "key"}, {}),
    ("standing", "", {"id": "s1", "change": "given", **WHO, "agent": AGENT, "calls": 5, "score": 12, "approver": "grace", "amr": "key"}, {}),
    ("standing-used", CALL, {"id": "s1", "left": 4}, {}),
    ("intent", CALL, {**WHO, "agent": AGENT, "because": "approval", "rule": "user/p/ask", "jti": "j2", "token": TOKEN, "writer": "w1"}, COMMIT),
    ("token-used", CALL, {"token": TOKEN, "package": "com.example.crm", "tools": ["find"]}, {}),
    ("result", CALL, {"outcome": "ok", "hosts": ["api.example.com:443", "b.example"], "secrets": ["API_KEY"], "secrets_echoed": [], "kv": {"get": 2}}, {}),
    ("result", CALL, {"outcome": "tool.deadline", "hosts": [], "secrets": [], "secrets_echoed": ["API_KEY"]}, {"out_raw": "a" * 64}),
    ("interrupted", CALL, {"intent": 13, "writer": "w1", "package": "com.example.crm", "tool": "find"}, {}),
    ("receipt", CALL, {"jti": "j2", "outcome": "ok", "sha256": "0" * 64}, {}),
    ("approval-refused", "", {"code": "approval.expired", "question": "q1"}, {}),
    ("refused", CALL, {"code": "token.warrant", "stage": "sandbox", "package": "com.example.crm", "tool": "find"}, {}),
    ("decision", CALL, {"facts": FACTS, "effect": "deny", "rules": RULES, "risk": 99}, COMMIT),
    ("policy", "", {"what": "refused", "layer": "org", "name": "corp", "version": 7, "code": "policy.signature"}, {}),
    ("trust", "", {"what": "approver", "name": "grace", "change": "added", "by": "root", "amr": "tty"}, {}),
    ("stop", "", {"what": "package", "name": "com.example.crm", "lifted": False, "why": "leaks", "by": "root", "amr": ""}, {}),
    ("stop", "", {"what": "all", "name": "", "lifted": True, "by": "root", "amr": "tty"}, {}),
    ("torn", "", {"bytes": 17, "sha256": "0" * 64}, {}),
    ("erased", "", {"entries": [15], "reason": "a person asked", "by": "root"}, {}),
    ("pruned", "", {"first": 0, "count": 10, "why": "old", "by": "root"}, {}),
    ("vault", "", {"what": "opened", "by": "root", "entry": 15}, {}),
    ("epoch", "", {"epoch": 1, "key": "z"}, {}),
    ("intent", "strange | call", {"package": 'a"]\\|=x', "tool": 'p|i=p]e"\\\nnéw\r\u202e', "agent": {"name": "x" * 500, "proof": 7}, "jti": ["no text"]}, {}),
    ("result", "strange | call", {"outcome": "", "hosts": "no list", "secrets": [1, "s"], "score": True}, {}),
    ("reveal", CALL, {"package": "com.example.crm", "tool": "find", "revealed": [{"type": "email", "where": "arguments/to", "digest": "0" * 24}], "count": 1}, {}),
    ("package", "", {"change": "update", "package": "com.example.crm", "publisher": PUBLISHER, "version": "1.2.0", "content": CONTENT, "amr": "tty"}, {}),
]  # fmt: skip
"""Kind, invocation, body and commitments of each event."""


def entries(events: list[tuple[str, str, dict[str, Json], dict[str, str]]] | None = None) -> list[Entry]:
    found: list[Entry] = []
    prev = FIRST_PREV
    for seq, (kind, invocation, body, commit) in enumerate(EVENTS if events is None else events):
        event: Json = {
            "mpp_event": 1, "kind": kind, "at": AT + seq, "tenant": "local", "invocation": invocation, "body": body, "commit": dict(commit),
        }  # fmt: skip
        line = line_of(canonical(event), prev, seq)
        prev = leaf_of(line)
        found.append(read_entry(line, where="case"))
    return found


def records() -> list[ForwardRecord]:
    return [record_of(entry, ORIGIN) for entry in entries()]


def record(kind: str, body: dict[str, Json], invocation: str = CALL) -> ForwardRecord:
    return record_of(entries([(kind, invocation, body, {})])[0], ORIGIN)


def event(kind: str, body: dict[str, Json] | None = None, invocation: str = CALL) -> Event:
    return Event(kind=kind, at=AT, tenant="local", invocation=invocation, body=body or {})
