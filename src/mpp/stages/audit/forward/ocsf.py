"""Open Cybersecurity Schema Framework 1: what happened, in its classes. Pure. Spec: audit L-81."""

from __future__ import annotations

from mpp.model.jsontext import canonical, Json
from mpp.model.value import value
from mpp.stages.audit.forward.record import FAILURE, fields_of, ForwardRecord, is_said, SEVERITIES, SUCCESS, summary

OCSF_VERSION = "1.3.0"
OTHER = 99


@value
class _Class:
    uid: int
    name: str
    category_uid: int
    category: str


_API = _Class(uid=6003, name="API Activity", category_uid=6, category="Application Activity")
_LIFECYCLE = _Class(uid=6002, name="Application Lifecycle", category_uid=6, category="Application Activity")
_AUTHENTICATION = _Class(uid=3002, name="Authentication", category_uid=3, category="Identity & Access Management")
_AUTHORIZE = _Class(uid=3003, name="Authorize Session", category_uid=3, category="Identity & Access Management")
_ENTITY = _Class(uid=3004, name="Entity Management", category_uid=3, category="Identity & Access Management")

_SORTS: dict[str, tuple[_Class, int, str]] = {
    "agent": (_AUTHENTICATION, 1, "Logon"),
    "token-granted": (_AUTHORIZE, 1, "Assign Privileges"),
    "token-narrowed": (_AUTHORIZE, OTHER, "Narrow Privileges"),
    "approval-spent": (_AUTHORIZE, 1, "Assign Privileges"),
    "standing": (_ENTITY, 3, "Update"),
    "consent": (_ENTITY, 3, "Update"),
    "policy": (_ENTITY, 3, "Update"),
    "trust": (_ENTITY, 3, "Update"),
    "stop": (_ENTITY, 3, "Update"),
    "package": (_LIFECYCLE, 8, "Update"),
    "vault": (_ENTITY, OTHER, "Vault"),
    "log": (_LIFECYCLE, 3, "Start"),
    "epoch": (_LIFECYCLE, 8, "Update"),
    "torn": (_LIFECYCLE, OTHER, "Torn"),
    "erased": (_LIFECYCLE, OTHER, "Erase"),
    "pruned": (_LIFECYCLE, OTHER, "Prune"),
}
"""Class and activity of each kind. What does not stand here is a step of a call."""

_STATUS = {SUCCESS: (1, "Success"), FAILURE: (2, "Failure")}
_ACTIONS = {"allow": (1, "Allowed"), "deny": (2, "Denied")}
_SEVERITIES = dict(zip(SEVERITIES, ((1, "Informational"), (2, "Low"), (3, "Medium"), (4, "High")), strict=True))


def to_ocsf(record: ForwardRecord) -> bytes:
    kind, activity, activity_name = _SORTS.get(record.kind, (_API, OTHER, record.kind))
    severity_id, severity = _SEVERITIES[record.severity]
    status_id, status = _STATUS.get(record.outcome, (0, "Unknown"))
    document: dict[str, Json] = {
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": kind.category_uid,
        "category_name": kind.category,
        "class_uid": kind.uid,
        "class_name": kind.name,
        "type_uid": kind.uid * 100 + activity,
        "type_name": f"{kind.name}: {activity_name if activity != OTHER else 'Other'}",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "status_code": record.code,
        "time": record.at * 1000,
        "message": summary(record),
        "metadata": _metadata(record),
        "raw_data": record.line.decode("utf-8"),
        "unmapped": {"mpp": fields_of(record)},
        **_of_class(record, kind),
        **_action(record),
    }
    return canonical({key: item for key, item in document.items() if is_said(item)})


def _metadata(record: ForwardRecord) -> dict[str, Json]:
    found: dict[str, Json] = {
        "version": OCSF_VERSION,
        "product": {"name": "MPP", "vendor_name": "Model Package Protocol"},
        "uid": record.leaf,
        "sequence": record.seq,
        "log_name": record.origin,
        "correlation_uid": record.invocation,
        "tenant_uid": record.tenant,
        "profiles": ["security_control"] if _action(record) else [],
    }
    return {key: item for key, item in found.items() if is_said(item)}


def _action(record: ForwardRecord) -> dict[str, Json]:
    """What the profile ``security_control`` adds."""
    effect = "deny" if record.kind == "refused" else record.effect
    if effect not in _ACTIONS:
        return {}
    number, words = _ACTIONS[effect]
    return {"action_id": number, "action": words}


def _of_class(record: ForwardRecord, kind: _Class) -> dict[str, Json]:
    """What the class asks for beyond the base event."""
    service: dict[str, Json] = {"name": "mpp", "uid": record.origin}
    user: dict[str, Json] = {"name": record.agent or "unknown", "type_id": OTHER, "type": "Agent"}
    if record.agent_key:
        user["uid"] = record.agent_key
    if kind is _AUTHENTICATION:
        return {"user": user, "service": service, "auth_protocol_id": OTHER, "auth_protocol": record.agent_level or "anonymous"}
    if kind is _AUTHORIZE:
        return {"user": user, "privileges": [record.tool or record.jti or record.kind]}
    if kind is _ENTITY:
        return {"entity": {"name": record.name or record.package or record.kind, "type": record.kind}, "comment": record.change}
    if kind is _LIFECYCLE:
        return {"app": {"name": "MPP", "vendor_name": "Model Package Protocol", "uid": record.origin}}
    return {
        "actor": {"app_name": "mpp", **({"user": user} if record.agent else {})},
        "api": {"operation": record.tool or record.kind, "service": {"name": record.package or "mpp"}},
        "src_endpoint": {"svc_name": "mpp"},
        "dst_endpoint": {"hostname": record.hosts[0]} if record.hosts else {},
    }
