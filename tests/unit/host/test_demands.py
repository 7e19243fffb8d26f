"""What the sandbox demands: each right is compared, and what is missing is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.host import demands as subject
from mpp.host.demands import beyond
from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.rights import Device, Folder, Rights
from mpp.model.scope import NOTHING, Scope

RULE = NetworkRule(host="api.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=(), paths=())
SECRET = Secret(name="K", host="api.example.com", header="X-Key", format="{secret}")
RIGHTS = Rights(tenant="local", publisher_id="p", package_id="com.example.hello", content_hash="c")
FULL = replace(
    RIGHTS,
    folders=(Folder(guest="/data", host="/srv", write=False), Folder(guest="/workspace/out", host="/work/out", write=True)),
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
