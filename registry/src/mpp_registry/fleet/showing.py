"""Rows of a fleet as JSON: the same for the interface and for the command line."""

from __future__ import annotations

from mpp.crypto import base64text
from mpp.model.jsontext import Json

from mpp_registry.fleet.alarms import Alarm
from mpp_registry.fleet.hosts import CodeRow, Host
from mpp_registry.fleet.papers import Paper
from mpp_registry.fleet.reports import Installed
from mpp_registry.fleet.witness import LogRow


def host_json(one: Host, log: LogRow | None) -> dict[str, Json]:
    return {
        "host_id": one.host_id,
        "name": one.name,
        "label": one.label,
        "status": one.status,
        "enrolled_at": one.enrolled_at,
        "reported_at": one.reported_at,
        "mpp": one.mpp,
        "policy": {"name": one.policy_name, "version": one.policy_version, "digest": one.policy_digest},
        "trust": {"name": one.trust_name, "version": one.trust_version, "digest": one.trust_digest},
        "log": None if log is None else {"origin": log.origin, "size": log.size, "witnessed_at": log.at if log.note else 0},
    }


def code_json(one: CodeRow) -> dict[str, Json]:
    return {
        "label": one.label,
        "policy_name": one.policy_name,
        "trust_name": one.trust_name,
        "made_at": one.made_at,
        "until": one.until,
        "host_id": one.host_id,
        "used_at": one.used_at,
    }


def installed_json(one: Installed) -> dict[str, Json]:
    return {
        "host_id": one.host_id,
        "host": one.host,
        "package_id": one.package_id,
        "version": one.version,
        "publisher_id": one.publisher_id,
        "content_hash": one.content_hash,
        "file_hash": one.file_hash,
        "active": one.active,
        "status": one.status,
        "agents": list[Json](one.agents),
        "agents_count": one.agents_count,
        "calls": one.calls,
    }


def alarm_json(one: Alarm, names: dict[str, str]) -> dict[str, Json]:
    return {
        "host_id": one.host_id,
        "host": names.get(one.host_id, ""),
        "kind": one.kind,
        "at": one.at,
        "words": one.words,
        "before": base64text.encode(one.before),
        "after": base64text.encode(one.after),
    }


def paper_json(one: Paper) -> dict[str, Json]:
    return {"kind": one.kind, "name": one.name, "version": one.version, "digest": one.digest, "at": one.at}
