"""A scope out of a grant chain, read back as strictly as a manifest is. Spec: spec/identity.md section 8.

A chain comes from another host. What no manifest may ask for, no chain may bring: private names, addresses, paths of the system.
"""

from __future__ import annotations

from dataclasses import replace

from mpp.model.capabilities import Capabilities, read_capabilities
from mpp.model.fields import Faults, Fields
from mpp.model.hosts import WEB_PORTS, covers
from mpp.model.jsontext import Json
from mpp.model.limits import KV_BYTES_MAX, NAME_MAX, TOOLS_MAX
from mpp.model.names import TOOL_NAME, TOOL_NAME_FORM
from mpp.model.scope import Scope
from mpp.stages.policy.identity_limits import IDENTITY_TIME_MAX
from mpp.stages.policy.token import scope_json

_MADE_BY = "take the scope that `scope_json` writes of a sound one"


def placed(scope: Scope) -> Scope:
    """The scope without secrets that no rule can bring anywhere: they open nothing, and a reader refuses them."""
    return replace(scope, secrets=tuple(one for one in scope.secrets if _reaches(scope, one.host)))


def read_scope(found: Json, where: str, faults: Faults) -> Scope:
    """The scope that ``scope_json`` wrote, and no other text of it."""
    fields = Fields(found, where, faults)
    kv_max_bytes = fields.number("kv_max_bytes", least=0, most=KV_BYTES_MAX)
    block: dict[str, Json] = {
        "network": _rules(fields.raw("network")),
        "filesystem": {"read": fields.raw("read"), "write": fields.raw("write")},
        "env_vars": fields.raw("env"),
        "secrets": fields.raw("secrets"),
        "hardware": fields.raw("devices"),
    }
    if kv_max_bytes:
        block["storage"] = {"kv": {"max_bytes": kv_max_bytes}}
    tools = fields.texts("tools", most=TOOLS_MAX, each_most=NAME_MAX, required=True, pattern=TOOL_NAME, form=TOOL_NAME_FORM)
    until = fields.number("until", least=0, most=IDENTITY_TIME_MAX) if fields.raw("until") is not None else None
    fields.end()
    declared = _declared(block, where, faults)
    scope = Scope(
        network=declared.network, read=declared.read, write=declared.write, env=declared.env_vars, secrets=declared.secrets,
        kv_max_bytes=kv_max_bytes, devices=declared.hardware, tools=tools, until=until,
    )  # fmt: skip
    # Spec: identity I-70. Attack: two texts of one scope, of which a person reads one and a host the other.
    if not faults.found and scope_json(scope) != found:
        faults.add("scope", where, "the scope is not written in its one form", _MADE_BY)
    return scope


def judge_scope(scope: Scope, where: str) -> None:
    """Refuse a scope that a reader of the chain would refuse."""
    faults = Faults("token")
    read_scope(scope_json(scope), where, faults)
    faults.stop()


def _declared(block: dict[str, Json], where: str, faults: Faults) -> Capabilities:
    declared, wrong = read_capabilities(block, where, newer=False, optional=frozenset())
    for fault in wrong:
        faults.add("scope", fault.where, fault.message, fault.hint)
    return declared


def _rules(found: Json) -> Json:
    """The rules as a manifest has them: there a list that is empty, which means any, is left out."""
    return [_rule(one) for one in found] if isinstance(found, list) else found


def _rule(found: Json) -> Json:
    return {key: item for key, item in found.items() if key not in {"methods", "paths"} or item != []} if isinstance(found, dict) else found


def _reaches(scope: Scope, place: str) -> bool:
    host, _, port = place.partition(":")
    number = int(port) if port else WEB_PORTS["https"]
    return any("https" in rule.schemes and number in rule.ports and covers(rule.host, host, wildcard=rule.wildcard) for rule in scope.network)
