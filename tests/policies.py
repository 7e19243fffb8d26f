"""Calls and policies for tests: sound ones, with what a test wants to change."""

from __future__ import annotations

from dataclasses import replace

from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.stages.policy import Asked, Policies, Policy, Risk, Verdict, compile_policies, read_policy
from mpp.testing.packages import NOW

PUBLISHER = "ab" * 32
CONTENT = "cd" * 32
TOOL = "send"


def risk(score: int = 3) -> Risk:
    band = ("low", "medium", "high", "critical")[min(score // 25, 3)]
    return Risk(score=score, band=band, reasons=())


def network(written: str, **more: tuple[str, ...] | tuple[int, ...]) -> NetworkRule:
    """``host``, ``host:port`` or ``*.host`` as a manifest declares it."""
    host, _, port = written.partition(":")
    base = NetworkRule(host=host.removeprefix("*."), wildcard=host.startswith("*."), schemes=("https",), ports=(int(port or 443),), methods=(), paths=())
    return replace(base, **more)  # type: ignore[arg-type]


def secret(name: str = "TOKEN", host: str = "api.example.com") -> Secret:
    return Secret(name=name, host=host, header="Authorization", format="{secret}")


def device(path: str = "/dev/ttyUSB0") -> Hardware:
    return Hardware(device="serial-port", path=path, mode="rw")


def call(**changes: object) -> Asked:
    """A harmless call of a bound package that asks for nothing."""
    sound = Asked(
        publisher_id=PUBLISHER,
        publisher_name="Example",
        package_id="com.example.mail",
        version="1.4.0",
        content_hash=CONTENT,
        bound=True,
        tool=TOOL,
        security_level="low",
        arguments={},
        now=NOW,
        risk=risk(),
        scope=Scope(tools=(TOOL, "list")),
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


def opening(**changes: object) -> Asked:
    """A call of a package that asks for something of each kind."""
    scope = Scope(
        network=(network("api.example.com"), network("*.cdn.example.org")),
        read=("/data/in",),
        write=("/data/out",),
        env=("REGION",),
        secrets=(secret(),),
        kv_max_bytes=1000,
        devices=(device(),),
        tools=(TOOL, "list"),
    )
    return call(**{"scope": scope, **changes})


def document(*rules: dict[str, Json], **more: Json) -> dict[str, Json]:
    """A policy document; a rule without an id gets ``r0``, ``r1`` and so on."""
    numbered: list[Json] = [{"id": f"r{i}", **rule} for i, rule in enumerate(rules)]
    return {"mpp_policy": 1, "name": "test", "rules": numbered, **more}


def policy(*rules: dict[str, Json], **more: Json) -> Policy:
    return read_policy(document(*rules, **more), "test")


def layered(**layers: Policy) -> Policies:
    return compile_policies(layers)


def judged(asked: Asked, *rules: dict[str, Json]) -> Verdict:
    """What one layer with these rules says."""
    return layered(user=policy(*rules)).evaluate(asked)


def matches(asked: Asked, conditions: dict[str, Json], effect: str) -> bool:
    """Whether a rule with these conditions matches. A milder or stricter rule beside it shows the difference."""
    rules: list[dict[str, Json]] = [{"id": "tried", "effect": effect, **conditions}]
    if effect != "allow":
        rules.append({"id": "beside", "effect": "allow"})
    return judged(asked, *rules).decisive.rule == "tried"
