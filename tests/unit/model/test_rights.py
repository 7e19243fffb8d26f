"""Rights and their digest: everything that is a right changes it, and nothing else does."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from mpp.model import rights as subject
from mpp.model.capabilities import NetworkRule, Secret
from mpp.model.rights import Device, Folder, Rights
from mpp.model.secretvalue import SecretValue

RULE = NetworkRule(host="api.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=("GET",), paths=("/v1",))
SECRET = Secret(name="KEY", host="api.example.com", header="Authorization", format="Bearer {secret}")
FOLDER = Folder(guest="/data", host="/srv/data", write=False)
DEVICE = Device(guest="/dev/ttyUSB0", host="/dev/ttyUSB1", mode="r")
RIGHTS = Rights(
    tenant="local", publisher_id="p", package_id="com.example.a", content_hash="c", folders=(FOLDER,), devices=(DEVICE,), network=(RULE,),
    private_hosts=("db:5432",), env=("A",), secrets=(SECRET,), kv_max_bytes=1,
)  # fmt: skip

OTHER = {
    "tenant": "t2", "publisher_id": "q", "package_id": "com.example.b", "content_hash": "d", "folders": (), "devices": (), "network": (),
    "private_hosts": (), "env": ("B",), "secrets": (), "kv_max_bytes": 2,
}  # fmt: skip


def test_each_field_is_tried() -> None:
    assert OTHER.keys() == {one.name for one in fields(Rights)}


@pytest.mark.parametrize("name", OTHER)
def test_each_field_changes_the_digest(name: str) -> None:
    assert replace(RIGHTS, **{name: OTHER[name]}).digest != RIGHTS.digest  # type: ignore[arg-type]


PARTS = [
    replace(RIGHTS, folders=(replace(FOLDER, **change),)) for change in ({"guest": "/x"}, {"host": "/x"}, {"write": True})  # type: ignore[arg-type]
] + [
    replace(RIGHTS, devices=(replace(DEVICE, **change),)) for change in ({"guest": "/dev/x"}, {"host": "/dev/x"}, {"mode": "rw"})  # type: ignore[arg-type]
] + [
    replace(RIGHTS, network=(replace(RULE, **change),))  # type: ignore[arg-type]
    for change in ({"host": "x"}, {"wildcard": True}, {"schemes": ("http",)}, {"ports": (444,)}, {"methods": ()}, {"paths": ()})
] + [
    replace(RIGHTS, secrets=(replace(SECRET, **change),)) for change in ({"name": "X"}, {"host": "x"}, {"header": "X"}, {"format": "{secret}"})  # type: ignore[arg-type]
]  # fmt: skip


def test_each_part_of_a_right_changes_the_digest() -> None:
    assert len({one.digest for one in (RIGHTS, *PARTS)}) == len(PARTS) + 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_DIGESTS", {})
    monkeypatch.setattr(subject, "DIGESTS_MAX", 2)
    many = [replace(RIGHTS, tenant=f"t{number}") for number in range(5)]
    assert len({one.digest for one in many}) == 5
    assert len(subject._DIGESTS) <= 2
    assert [one.digest for one in many] == [replace(one).digest for one in many]


def test_the_digest_is_stable() -> None:
    assert RIGHTS.digest == replace(RIGHTS).digest
    assert len(RIGHTS.digest) == 64
    plain = Rights(tenant="local", publisher_id="p", package_id="a", content_hash="c")
    # Stored state is kept under it: another form would lose it.
    assert plain.digest == "3f9146a69b1c5cdb7133dc467ebb1405509f8eec290ccd7e343c954464ae667c"


def test_no_field_runs_into_the_next() -> None:
    first, second = replace(RIGHTS, tenant="ab", publisher_id="c"), replace(RIGHTS, tenant="a", publisher_id="bc")
    assert first.digest != second.digest


def test_rights_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        RIGHTS.tenant = "other"  # type: ignore[misc]


def test_a_secret_value_shows_itself_to_nobody() -> None:
    text = "sk-" + "abc" * 9
    found = SecretValue(secret=SECRET, value=text)
    for shown in (repr(found), str(found), f"{found}", f"{[found]}", f"{found!s}"):
        assert text not in shown
        assert "KEY" in shown
