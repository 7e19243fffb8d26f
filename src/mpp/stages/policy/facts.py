"""What a decision event keeps of a call, so that the call can be judged again by another policy.

Everything that a condition can look at, but for arguments and the user: of these a record must not speak. Conditions on them are
unclear when a past call is judged again, and so decided to the strict side. Spec: spec/3-policy.md section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from mpp.model.agents import LEVELS, AgentIdentity
from mpp.model.capabilities import METHODS, Hardware, NetworkRule, Secret
from mpp.model.events import EVENT_TIME_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical
from mpp.model.limits import HARDWARE_MAX, KV_BYTES_MAX, NETWORK_RULES_MAX, PATH_CHARS_MAX, PATHS_MAX, RULE_ITEMS_MAX, SECRETS_MAX, TOOLS_MAX
from mpp.model.manifest import SECURITY_LEVELS
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.model.scope import Scope
from mpp.stages.policy.arguments import ARGUMENTS
from mpp.stages.policy.limits import FACT_ITEMS_MAX, FACT_TEXT_MAX, FACTS_SCOPE_BYTES_MAX, SCOPES_KNOWN_MAX
from mpp.stages.policy.token import scope_json
from mpp.stages.policy.types import ORIGINS, RISK_MOST, Asked, Reason, Risk


def facts_json(asked: Asked, user: str = "") -> dict[str, Json]:
    """``user``: a pseudonym that stands in the record, or nothing. On whose behalf the agent acts is left out for the same reason."""
    reasons: list[Json] = [[one.points, one.words[:FACT_TEXT_MAX]] for one in asked.risk.reasons[:FACT_ITEMS_MAX]]
    agent: dict[str, Json] = {"name": asked.agent.name, "level": asked.agent.level, "key": asked.agent.key, "issuer": asked.agent.issuer}
    risk: dict[str, Json] = {"score": asked.risk.score, "band": asked.risk.band, "reasons": reasons}
    return {
        "tenant": asked.tenant,
        "publisher_id": asked.publisher_id,
        "publisher_name": asked.publisher_name,
        "package_id": asked.package_id,
        "version": asked.version,
        "content_hash": asked.content_hash,
        "bound": asked.bound,
        "tool": asked.tool,
        "security_level": asked.security_level,
        "agent": agent,
        "user": user,
        "origin": asked.origin,
        "now": asked.now,
        "risk": risk,
        "consented": asked.consented,
        "scope": _scope(asked.scope),
        "internal_hosts": [*asked.internal_hosts],
    }


@lru_cache(SCOPES_KNOWN_MAX)
def _scope(scope: Scope) -> Json:
    """Shared by all events that speak of it: nobody changes it. Attack: a manifest of a quarter of a megabyte in each line of the record (P-81)."""
    found: Json = scope_json(scope)
    return found if len(canonical(found)) <= FACTS_SCOPE_BYTES_MAX else None


def read_facts(found: Json, where: str) -> Asked:
    """The call again, with what is not on record marked as unknown."""
    faults = Faults("policy")
    fields = Fields(found, where, faults)
    scope = fields.object("scope") if fields.raw("scope") is not None else None
    asked = Asked(
        tenant=_text(fields, "tenant"),
        publisher_id=_digest(fields, "publisher_id"),
        publisher_name=_text(fields, "publisher_name"),
        package_id=_text(fields, "package_id"),
        version=_text(fields, "version"),
        content_hash=_digest(fields, "content_hash"),
        bound=fields.flag("bound"),
        tool=_text(fields, "tool"),
        security_level=fields.one_of("security_level", SECURITY_LEVELS),
        agent=_read_agent(fields),
        user=_text(fields, "user"),
        origin=fields.one_of("origin", ORIGINS),
        now=fields.number("now", least=0, most=EVENT_TIME_MAX),
        risk=_read_risk(fields),
        consented=fields.flag("consented"),
        scope=_read_scope(scope) if scope is not None else Scope(),
        internal_hosts=_texts(fields, "internal_hosts"),
        unknown=(ARGUMENTS, "user") if scope is not None else (ARGUMENTS, "user", "scope"),
    )
    fields.end()
    faults.stop()
    # A scope that was not kept still lets the tool that was called be called.
    return asked if scope is not None else replace(asked, scope=Scope(tools=(asked.tool,)))


def _text(fields: Fields, key: str) -> str:
    return fields.text(key, most=FACT_TEXT_MAX, least=0)


def _texts(fields: Fields, key: str, most: int = FACT_ITEMS_MAX, each_most: int = FACT_TEXT_MAX) -> tuple[str, ...]:
    return fields.texts(key, most=most, each_most=each_most, required=True)


def _digest(fields: Fields, key: str) -> str:
    return fields.text(key, most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)


def _read_agent(fields: Fields) -> AgentIdentity:
    block = fields.object("agent")
    if block is None:
        return AgentIdentity()
    agent = AgentIdentity(
        name=_text(block, "name"),
        level=block.one_of("level", LEVELS),
        key=_text(block, "key"),
        issuer=_text(block, "issuer"),
    )
    block.end()
    return agent if agent.level in LEVELS else AgentIdentity()


def _read_risk(fields: Fields) -> Risk:
    block = fields.object("risk")
    if block is None:
        return Risk(score=RISK_MOST, band="critical", reasons=())
    risk = Risk(
        score=block.number("score", least=0, most=RISK_MOST),
        band=block.one_of("band", SECURITY_LEVELS),
        reasons=block.each("reasons", lambda item, place: _read_reason(item, place, block.faults), most=FACT_ITEMS_MAX, required=True),
    )
    block.end()
    return risk


def _read_reason(found: Json, where: str, faults: Faults) -> Reason:
    pair: Mapping[str, Json] = dict(zip(("points", "words"), found, strict=False)) if isinstance(found, list) and len(found) == 2 else {}
    fields = Fields(dict(pair), where, faults)
    return Reason(points=fields.number("points", least=0, most=RISK_MOST), words=_text(fields, "words"))


def _read_scope(block: Fields) -> Scope:
    faults = block.faults
    scope = Scope(
        network=block.each("network", lambda item, place: _read_rule(item, place, faults), most=NETWORK_RULES_MAX, required=True),
        read=_texts(block, "read", PATHS_MAX, PATH_CHARS_MAX),
        write=_texts(block, "write", PATHS_MAX, PATH_CHARS_MAX),
        env=_texts(block, "env"),
        secrets=block.each("secrets", lambda item, place: _read_secret(item, place, faults), most=SECRETS_MAX, required=True),
        kv_max_bytes=block.number("kv_max_bytes", least=0, most=KV_BYTES_MAX),
        devices=block.each("devices", lambda item, place: _read_device(item, place, faults), most=HARDWARE_MAX, required=True),
        tools=_texts(block, "tools", TOOLS_MAX),
        until=block.number("until", least=0, most=EVENT_TIME_MAX) if block.raw("until") is not None else None,
    )
    block.end()
    return scope


def _read_rule(found: Json, where: str, faults: Faults) -> NetworkRule:
    fields = Fields(found, where, faults)
    host = fields.text("host", most=FACT_TEXT_MAX)
    ports = [item if isinstance(item, int) and not isinstance(item, bool) else 0 for item in fields.items("ports", most=RULE_ITEMS_MAX, required=True)]
    if not all(1 <= port <= 65535 for port in ports):
        faults.add("range", fields.path("ports"), "holds what is no port", "give a record that MPP wrote")
    rule = NetworkRule(
        host=host.removeprefix("*."),
        wildcard=host.startswith("*."),
        schemes=_texts(fields, "schemes", RULE_ITEMS_MAX),
        ports=tuple(ports),
        methods=_texts(fields, "methods", len(METHODS)),
        paths=_texts(fields, "paths", RULE_ITEMS_MAX),
    )
    fields.end()
    return rule


def _read_secret(found: Json, where: str, faults: Faults) -> Secret:
    fields = Fields(found, where, faults)
    secret = Secret(name=_text(fields, "name"), host=_text(fields, "host"), header=_text(fields, "header"), format=_text(fields, "format"))
    fields.end()
    return secret


def _read_device(found: Json, where: str, faults: Faults) -> Hardware:
    fields = Fields(found, where, faults)
    device = Hardware(device=_text(fields, "device"), path=fields.text("path", most=PATH_CHARS_MAX), mode=_text(fields, "mode"))
    fields.end()
    return device
