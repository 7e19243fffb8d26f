"""What the sandbox demands: each right is compared, and what is missing is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.host import demands as subject
from mpp.host.demands import beyond, judge_call, judge_values
from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.rights import Device, Folder, Rights
from mpp.model.scope import NOTHING, Scope
from mpp.stages.approval import Grant
from mpp.stages.policy.token import mint
from tests.unit.sandbox.conftest import CONTEXT

RULE = NetworkRule(host="api.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=(), paths=())
SECRET = Secret(name="K", host="api.example.com", header="X-Key", format="{secret}")
RIGHTS = Rights(tenant="local", publisher_id="p", package_id="com.example.hello", content_hash="c")
FULL = replace(
    RIGHTS,
    folders=(Folder(guest="/data", host="/srv", write=False), Folder(guest="/workspace/out", host="/srv/out", write=True)),
    devices=(Device(guest="/dev/ttyUSB0", host="/dev/ttyUSB0", mode="r"),),
    network=(RULE,),
    env=("A",),
    secrets=(SECRET,),
    kv_max_bytes=10,
)
WHOLE = Scope(
    network=(RULE,), read=("/data",), write=("${workspace}/out",), env=("A",), secrets=(SECRET,), kv_max_bytes=10,
    devices=(Hardware(device="serial-port", path="/dev/ttyUSB0", mode="rw"),), tools=("greet",),
)  # fmt: skip


def test_what_is_covered_is_not_named() -> None:
    assert beyond(WHOLE, FULL) == ()
    assert beyond(NOTHING, RIGHTS) == ()


def test_everything_that_is_missing_is_named_at_once() -> None:
    assert beyond(NOTHING, FULL) == (
        "/data for reading", "/workspace/out for writing", "the device /dev/ttyUSB0 (r)", "requests to api.example.com", "the variable A", "the secret K",
        "10 bytes of storage",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "missing"),
    [
        ({"read": ("/dat",)}, "/data for reading"),
        ({"read": (), "write": ("/data", "${workspace}")}, ""),
        ({"write": ()}, "/workspace/out for writing"),
        ({"read": ("/data", "${workspace}/out"), "write": ()}, "/workspace/out for writing"),
        ({"write": ("${workspace}",)}, ""),
        ({"devices": (Hardware(device="other", path="/dev/ttyUSB0", mode="w"),)}, "the device /dev/ttyUSB0 (r)"),
        ({"kv_max_bytes": 9}, "10 bytes of storage"),
        ({"kv_max_bytes": 11}, ""),
    ],
)
def test_each_right_is_compared(scope: dict[str, object], missing: str) -> None:
    assert ", ".join(beyond(replace(WHOLE, **scope), FULL)) == missing  # type: ignore[arg-type]


def test_a_comparison_is_made_once_for_each_pair() -> None:
    subject.beyond.cache_clear()
    for _ in range(3):
        assert beyond(replace(WHOLE), replace(FULL)) == ()
    assert subject.beyond.cache_info().misses == 1


# --- one call

MINE = {"tenant": "local", "publisher_id": "p" * 64, "package_id": "com.example.hello", "content_hash": "c" * 64}
CALLED = Rights(**MINE, env=("A",))
DIGEST = "d" * 64


def granted(scope: Scope | None = None, token: dict[str, str] | None = None, **changes: object) -> Grant:
    held = mint(**{**MINE, **(token or {})}, scope=scope or Scope(env=("A",), tools=("greet",)))
    whole = {"invocation": CONTEXT.invocation, "tool": "greet", "argument_sha256": DIGEST, "agent": CONTEXT.identity, "because": "policy"}
    return Grant(**{"token": held, **whole, **changes})  # type: ignore[arg-type]


def test_a_grant_for_this_call_is_taken() -> None:
    assert judge_call(granted(), CALLED, CONTEXT, DIGEST, 5).scope.env == ("A",)
    assert judge_call(granted(Scope(env=("A",), tools=("greet",), until=5)), CALLED, CONTEXT, DIGEST, 5).scope.until == 5


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        (granted(token={"tenant": "other"}), "token.package"),
        (granted(token={"publisher_id": "q" * 64}), "token.package"),
        (granted(token={"package_id": "com.example.other"}), "token.package"),
        (granted(token={"content_hash": "e" * 64}), "token.package"),
        (granted(invocation="1" * 32), "token.call"),
        (granted(tool="wipe"), "token.call"),
        (granted(argument_sha256="e" * 64), "token.call"),
        (granted(agent=replace(CONTEXT.identity, name="eve")), "token.call"),
        (granted(Scope(env=("A",), tools=("greet",), until=4)), "token.expired"),
        (granted(Scope(env=("B",), tools=("greet",))), "token.beyond"),
    ],
)
def test_a_grant_for_anything_else_is_refused(grant: Grant, expected: str) -> None:
    """Attack: leave that somebody gave, taken to another package, call, time, or to more."""
    with pytest.raises(Refused) as fault:
        judge_call(grant, CALLED, CONTEXT, DIGEST, 5)
    assert fault.value.code == expected


def test_only_granted_variables_get_values() -> None:
    judge_values((("A", "1"),), CALLED)
    with pytest.raises(Refused) as fault:
        judge_values((("A", "1"), ("B", "2")), CALLED)
    assert fault.value.code == "token.beyond"
