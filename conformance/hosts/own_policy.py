"""Policies and policy bundles, handed to the product."""

from __future__ import annotations

import os
from dataclasses import replace

from conformance.hosts.own_identity import filled, inner, now_of, text_of
from mpp.crypto.roots import read_chain
from mpp.files import read_bounded
from mpp.limits import MIB
from mpp.model.fields import Fields
from mpp.model.jsontext import Json, canonical
from mpp.stages.policy import (
    IN_GRACE, Asked, Limits, Policies, Remembered, compile_policies, narrowed_scope, parse_policy, read_facts, scope_json, together_json, verify_bundle,
)  # fmt: skip

LAYER_BYTES_MAX = 64 * MIB
"""Bytes of a policy beside the one that is judged. Reason: as for documents."""

CALLS_MAX = 1000
"""Calls of one vector. Reason: real ones have ten."""

BESIDE = ("arguments", "unknown")
"""What a call has besides its facts."""


def policy(data: bytes, context: Fields, folder: str) -> Json:
    """What the layers say of each call."""
    documents = {text_of(context, "layer"): data}
    others = context.object("layers", required=False)
    for name in others.found if others is not None else ():
        documents[name] = read_bounded(os.path.join(folder, os.path.basename(text_of(others, name))), LAYER_BYTES_MAX) if others is not None else b""
    given, calls = inner(context, "given").found, context.items("calls", most=CALLS_MAX, required=True)
    policies = compile_policies({name: parse_policy(text, where=name) for name, text in documents.items()})
    rows: list[Json] = [_judged({**given, **(call if isinstance(call, dict) else {})}, policies, f"call {i}") for i, call in enumerate(calls)]
    speaks = any(one.privacy is not None for _, one in policies.layers)
    filtered: dict[str, Json] = {"privacy": together_json(policies.privacy)} if speaks else {}
    return {"calls": rows, "private_hosts": [*policies.private_hosts], "mappings": dict(policies.mappings), "digest": policies.digest, **filtered}


def _judged(call: dict[str, Json], policies: Policies, where: str) -> Json:
    facts: dict[str, Json] = {key: item for key, item in call.items() if key not in BESIDE}
    unknown = call.get("unknown")
    known = read_facts(facts, where)
    asked: Asked = replace(known, arguments=call.get("arguments"), unknown=tuple(str(one) for one in unknown) if isinstance(unknown, list) else ())
    verdict = policies.evaluate(asked)
    found: dict[str, Json] = {"effect": verdict.effect, "layer": verdict.decisive.layer, "rule": verdict.decisive.rule}
    if verdict.effect == "deny":
        return found
    return {**found, "limits": _limits(verdict.limits), "scope": filled(scope_json(narrowed_scope(asked, verdict)))}


def _limits(limits: Limits) -> dict[str, Json]:
    every: dict[str, Json] = {
        "calls_per_minute": limits.calls_per_minute,
        "timeout_ms": limits.timeout_ms,
        "privacy_patterns": [*limits.privacy_patterns],
        "strength": limits.strength,
        "approvers": 0 if limits.approvers == 1 else limits.approvers,
        "answer_seconds": limits.answer_seconds,
    }
    return {key: item for key, item in every.items() if item not in ([], 0, "")}


def bundle(data: bytes, context: Fields, _: str) -> Json:
    """A bundle, for a host that was enrolled and remembers what it has seen."""
    now, layer = now_of(context), text_of(context, "layer")
    chain = read_chain(canonical({"roots": context.raw("roots")}), where="roots")
    seen = inner(context, "seen")
    known = Remembered(chain=chain, name=text_of(seen, "name"), version=seen.number("version", least=0, most=2**31), digest=text_of(seen, "digest"))
    seen.end()
    found = verify_bundle(data, known, now, layer=layer)
    body = found.body
    return {
        "publisher": found.chain.publisher_id, "root_version": found.chain.newest.version, "signers": [*found.signers], "digest": found.digest,
        "layer": body.layer, "name": body.name, "version": body.version, "grace": body.state(now) == IN_GRACE,
    }  # fmt: skip
