"""Whoever asks for more never scores lower, and a hostile manifest costs no more than its size."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.manifest import SECURITY_LEVELS, Capabilities, Manifest, ToolDefinition, parse_manifest
from mpp.stages.policy.risk import RiskFacts, risk_of
from mpp.stages.policy.risk_words import strong_kinds
from mpp.testing import packages

BASE = parse_manifest(json.dumps(packages.manifest()).encode())
WORDS = st.sampled_from(("text", "iban", "ssn", "email", "patient_id", "API_KEY", "REGION", "apiKey", "x"))


def some(pool: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(pool), max_size=5, unique=True).map(tuple)


RULES = st.builds(
    NetworkRule, host=st.sampled_from(("api.example.com", "db.example.com", "example.org")), wildcard=st.booleans(),
    schemes=st.sampled_from((("https",), ("http",), ("https", "http"))), ports=st.just((443,)), methods=st.sampled_from(((), ("GET",), ("POST",))), paths=st.just(()),
)  # fmt: skip
PATHS = some(("/data", "/srv/app/in", "/home/ada/.ssh", "${workspace}", "${workspace}/x", "/home/ada/.bashrc", "/opt/app/lib", "/srv/app/out"))
CAPABILITIES = st.builds(
    Capabilities, network=st.lists(RULES, max_size=5).map(tuple), read=PATHS, write=PATHS, env_vars=some(("REGION", "API_KEY", "DB_PASSWORD", "ZONE")),
    secrets=st.lists(st.builds(Secret, name=WORDS, host=st.just("api.example.com"), header=st.just("X"), format=st.just("{secret}")), max_size=3).map(tuple),
    kv_max_bytes=st.sampled_from((0, 1000, 200 << 20)),
    hardware=st.lists(st.builds(Hardware, device=st.sampled_from(("camera", "serial-port")), path=st.just("/dev/x"), mode=st.sampled_from(("r", "rw"))), max_size=3).map(tuple),
)  # fmt: skip
TOOLS = st.builds(
    lambda names, level: ToolDefinition(
        name="t", description="d", title="", security_level=level, returns=None,
        parameters=json.dumps({"type": "object", "properties": {key: {} for key in names}}).encode(),
    ),
    st.lists(WORDS, max_size=4), st.sampled_from(SECURITY_LEVELS),
)  # fmt: skip
FACTS = st.builds(
    RiskFacts, trusted_because=st.sampled_from(("own key", "pinned", "hearsay")), first_seen_days=st.sampled_from((None, 0, 6, 7, 100)),
    internal_hosts=st.sampled_from(((), ("db.example.com",), ("db.example.com:443", "api.example.com"))), development=st.booleans(),
)  # fmt: skip


def manifest(capabilities: Capabilities, tools: tuple[ToolDefinition, ...], names: tuple[str, ...], *, filtered: bool = True) -> Manifest:
    filters = replace(BASE.privacy_filters, patterns=names, enabled=filtered)
    return replace(BASE, capabilities=capabilities, tool_definitions=tools, privacy_filters=filters)


def joined(one: Capabilities, more: Capabilities) -> Capabilities:
    return Capabilities(
        network=(*one.network, *more.network), read=(*one.read, *more.read), write=(*one.write, *more.write), env_vars=(*one.env_vars, *more.env_vars),
        secrets=(*one.secrets, *more.secrets), kv_max_bytes=max(one.kv_max_bytes, more.kv_max_bytes), hardware=(*one.hardware, *more.hardware),
    )  # fmt: skip


@given(CAPABILITIES, CAPABILITIES, st.lists(TOOLS, max_size=3), st.lists(TOOLS, max_size=2), some(("email", "iban")), some(("ssn", "salary")), FACTS)
def test_more_is_never_less(
    one: Capabilities, more: Capabilities, tools: list[ToolDefinition], other: list[ToolDefinition], names: tuple[str, ...], further: tuple[str, ...], facts: RiskFacts
) -> None:  # fmt: skip
    before = risk_of(manifest(one, tuple(tools), names), None, facts)
    for wider in (
        manifest(joined(one, more), tuple(tools), names),
        manifest(one, (*tools, *other), names),
        manifest(one, tuple(tools), (*names, *further)),
        manifest(one, tuple(tools), names, filtered=False),
    ):
        after = risk_of(wider, None, facts)
        assert after.score >= before.score
        assert SECURITY_LEVELS.index(after.band) >= SECURITY_LEVELS.index(before.band)


@given(CAPABILITIES, st.lists(TOOLS, max_size=3), FACTS)
def test_a_score_is_what_its_reasons_say(one: Capabilities, tools: list[ToolDefinition], facts: RiskFacts) -> None:
    risk = risk_of(manifest(one, tuple(tools), ()), None, facts)
    assert risk.score == min(100, sum(reason.points for reason in risk.reasons))
    assert all(reason.points > 0 and reason.words.endswith(".") for reason in risk.reasons)
    for tool in tools:
        assert risk_of(manifest(one, tuple(tools), ()), tool, facts).score <= risk.score


@given(st.lists(st.text(max_size=300), max_size=20))
def test_any_names_are_read(names: list[str]) -> None:
    assert set(strong_kinds(names).values()) <= set(names)


def test_long_names_take_linear_time() -> None:
    def seconds(length: int) -> float:
        names = ["aB_" * length, "A" * 3 * length, "_" * 3 * length, "aS" * length]
        began = time.thread_time()
        strong_kinds(names)
        return time.thread_time() - began

    # Linear: sixteen times as long. Quadratic: 256 times. What disturbs a measurement does not do so each time.
    assert any(seconds(32_000) < 64 * max(seconds(2_000), 1e-3) for _ in range(10))
