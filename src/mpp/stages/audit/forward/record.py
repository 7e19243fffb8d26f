"""One neutral record for each entry: what every other system wants to know, under our own names. Pure.

Each format is written from this record alone. A body may come from elsewhere, so nothing in it is believed to have a type. Spec: audit L-80.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpp.model.events import Event
from mpp.model.jsontext import canonical, Json
from mpp.model.value import value
from mpp.stages.audit.entry import Entry, line_of

SEVERITIES = ("info", "low", "medium", "high")
"""From what happens all day to what somebody should look at now."""

SUCCESS, FAILURE, UNKNOWN = "success", "failure", "unknown"

OK = "ok"
"""The outcome of a call that ended well."""

ITEMS_MAX = 32
"""Items of a list that are passed on. Reason: other systems index each of them; the entry itself has all."""

TEXT_MAX = 200
"""Characters of a text that is passed on. Reason: names are shorter; columns of other systems are not longer."""

_ATTACKS = frozenset(("signature", "token", "agent", "trust"))
"""Families of codes that an honest caller does not meet: what was forged, stolen or turned around."""


@value
class ForwardRecord:
    """Empty texts and lists: the entry does not say."""

    origin: str
    """The name of the log."""
    seq: int
    leaf: str
    line: bytes
    """The entry, so that whoever receives it can make the leaf hash anew."""
    kind: str
    at: int
    tenant: str
    invocation: str
    severity: str
    outcome: str
    """``success``, ``failure`` or ``unknown``."""
    code: str = ""
    """Of the fault, or of the reason."""
    package: str = ""
    version: str = ""
    publisher: str = ""
    publisher_name: str = ""
    content: str = ""
    tool: str = ""
    agent: str = ""
    agent_level: str = ""
    agent_key: str = ""
    agent_issuer: str = ""
    user: str = ""
    """A pseudonym."""
    effect: str = ""
    rule: str = ""
    policy: str = ""
    risk: int = -1
    """The score; -1 where there is none."""
    band: str = ""
    because: str = ""
    change: str = ""
    """What was done to a thing of this host, and to which."""
    name: str = ""
    hosts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    amr: str = ""
    jti: str = ""
    question: str = ""
    token: str = ""
    commit: tuple[tuple[str, str], ...] = ()


def record_of(entry: Entry, origin: str) -> ForwardRecord:
    """``origin``: the name of the log that holds the entry."""
    event, body = entry.event, entry.event.body
    facts = _object(body, "facts")
    agent = _object(facts, "agent") or _object(body, "agent") or (body if event.kind == "agent" else {})
    risk = _object(facts, "risk")
    outcome = outcome_of(event)
    code = _code(event)
    return ForwardRecord(
        origin=origin,
        seq=entry.seq,
        leaf=entry.leaf,
        line=line_of(canonical(_event_json(event)), entry.prev, entry.seq),
        kind=event.kind,
        at=event.at,
        tenant=event.tenant,
        invocation=event.invocation,
        severity=severity_of(event, outcome, code),
        outcome=outcome,
        code=code,
        package=_text(facts, "package_id") or _text(body, "package"),
        version=_text(facts, "version") or _text(body, "version"),
        publisher=_text(facts, "publisher_id") or _text(body, "publisher"),
        publisher_name=_text(facts, "publisher_name"),
        content=_text(facts, "content_hash") or _text(body, "content"),
        tool=_text(facts, "tool") or _text(body, "tool") or ", ".join(_texts(body, "tools")),
        agent=_text(agent, "name"),
        agent_level=_text(agent, "level") or _text(agent, "proof"),
        agent_key=_text(agent, "key"),
        agent_issuer=_text(agent, "issuer"),
        user=_text(facts, "user"),
        effect=_text(body, "effect"),
        rule=_rule(body),
        policy=_text(body, "policy") or _text(body, "digest"),
        risk=_number(body, "risk", _number(body, "score")),
        band=_text(risk, "band") or _text(body, "band"),
        because=_text(body, "because"),
        change=_change(event),
        name=_text(body, "name"),
        hosts=_texts(body, "hosts"),
        secrets=_texts(body, "secrets"),
        approvers=_approvers(body),
        amr=_text(body, "amr"),
        jti=_text(body, "jti"),
        question=_text(body, "question"),
        token=_text(body, "token"),
        commit=tuple(sorted(event.commit.items())),
    )  # fmt: skip


def outcome_of(event: Event) -> str:
    """Did what the event tells of go well for whoever asked?"""
    body = event.body
    judge = _OUTCOMES.get(event.kind)
    return judge(body) if judge is not None else SUCCESS


def _by(key: str, good: Json, bad: Json) -> Callable[[Mapping[str, Json]], str]:
    return lambda body: SUCCESS if body.get(key) == good else FAILURE if body.get(key) == bad else UNKNOWN


_OUTCOMES: dict[str, Callable[[Mapping[str, Json]], str]] = {
    "decision": _by("effect", "allow", "deny"),
    "answer": _by("answer", "yes", "no"),
    "result": lambda body: SUCCESS if body.get("outcome") == OK else FAILURE,
    "receipt": lambda body: SUCCESS if body.get("outcome") == OK else FAILURE,
    "policy": lambda body: FAILURE if str(body.get("what")) in {"refused", "kept"} else SUCCESS,
    "question": lambda _: UNKNOWN,
    "intent": lambda _: UNKNOWN,
    "refused": lambda _: FAILURE,
    "approval-refused": lambda _: FAILURE,
    "interrupted": lambda _: FAILURE,
    "torn": lambda _: FAILURE,
}
"""Kinds that do not stand here tell of something that was done."""


def severity_of(event: Event, outcome: str, code: str) -> str:
    """Not how dangerous a call is, which is its risk, but how much the entry wants to be looked at."""
    if event.kind == "torn" or _texts(event.body, "secrets_echoed"):
        return "high"
    if outcome == FAILURE:
        return "high" if code.partition(".")[0] in _ATTACKS else "medium"
    if event.kind in {"stop", "erased", "trust", "vault"}:
        return "medium"
    return "low" if event.kind in {"question", "policy", "consent", "standing", "pruned", "reveal", "package"} else "info"


def summary(record: ForwardRecord) -> str:
    """One line for people. It is no format: read the fields."""
    what = " ".join(part for part in (record.package, record.tool) if part)
    who = f"by {record.agent}" if record.agent else ""
    how = record.effect or record.change or record.code or (record.outcome if record.outcome != UNKNOWN else "")
    about = " ".join(part for part in (record.kind, what, record.name, who) if part)
    return one_line(f"{about}: {how}" if how else about)


def one_line(text: str) -> str:
    """Attack: a name with a line break or an escape makes a second message of its own, or steers a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def fields_of(record: ForwardRecord) -> dict[str, Json]:
    """All that is said, by our own names, for formats with a room for such."""
    found: dict[str, Json] = {
        "origin": record.origin, "seq": record.seq, "leaf": record.leaf, "kind": record.kind, "tenant": record.tenant,
        "invocation": record.invocation, "severity": record.severity, "outcome": record.outcome, "code": record.code, "package": record.package,
        "version": record.version, "publisher": record.publisher, "publisher_name": record.publisher_name, "content": record.content,
        "tool": record.tool, "agent": record.agent, "agent_level": record.agent_level, "agent_key": record.agent_key,
        "agent_issuer": record.agent_issuer, "user": record.user, "effect": record.effect, "rule": record.rule, "policy": record.policy,
        "risk": record.risk, "band": record.band, "because": record.because, "change": record.change, "name": record.name,
        "hosts": [*record.hosts], "secrets": [*record.secrets], "approvers": [*record.approvers], "amr": record.amr, "jti": record.jti,
        "question": record.question, "token": record.token, "commit": dict(record.commit),
    }  # fmt: skip
    return {key: item for key, item in found.items() if is_said(item)}


def is_said(item: Json) -> bool:
    return bool(item) if isinstance(item, list | dict) else item not in {"", -1, None}


def _event_json(event: Event) -> dict[str, Json]:
    """The event as it was read. Its commitments are salted already."""
    return {
        "mpp_event": 1, "kind": event.kind, "at": event.at, "tenant": event.tenant, "invocation": event.invocation, "body": event.body,
        "commit": dict(event.commit),
    }  # fmt: skip


def _object(body: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def _text(body: Mapping[str, Json], key: str) -> str:
    """A version of a policy is a number, that of a package a text."""
    found = body.get(key)
    if isinstance(found, int) and not isinstance(found, bool) and key == "version":
        return str(found)
    return found[:TEXT_MAX] if isinstance(found, str) else ""


def _texts(body: Mapping[str, Json], key: str) -> tuple[str, ...]:
    found = body.get(key)
    return tuple(item[:TEXT_MAX] for item in found[:ITEMS_MAX] if isinstance(item, str)) if isinstance(found, list) else ()


def _number(body: Mapping[str, Json], key: str, other: int = -1) -> int:
    found = body.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else other


def _code(event: Event) -> str:
    """``outcome`` of a result is the code of its fault."""
    found = _text(event.body, "code") or _text(event.body, "outcome")
    return "" if found == OK else found


def _rule(body: Mapping[str, Json]) -> str:
    """The rules that decided, one of each layer."""
    listed = body.get("rules")
    if not isinstance(listed, list):
        return _text(body, "rule")
    rows = [item for item in listed[:ITEMS_MAX] if isinstance(item, dict)]
    return " ".join(f"{_text(row, 'layer')}:{_text(row, 'rule')}" for row in rows)[:TEXT_MAX]


def _approvers(body: Mapping[str, Json]) -> tuple[str, ...]:
    """Of a question it is how many are asked for: that is no name."""
    return _texts(body, "approvers") or tuple(text for text in (_text(body, "approver"), _text(body, "by")) if text)


def _change(event: Event) -> str:
    body = event.body
    words = [text for text in (_text(body, "what"), _text(body, "change")) if text]
    if event.kind == "stop":
        words.append("lifted" if body.get("lifted") is True else "put")
    if event.kind == "consent":
        words.append("given" if body.get("given") is True else "taken back")
    return " ".join(words)
