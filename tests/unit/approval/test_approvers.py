from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.stages.approval import Approver, NOBODY, read_approvers, write_approvers
from mpp.stages.approval.approvers import covers_package, may_answer
from mpp.stages.approval.limits import APPROVERS_BYTES_MAX
from mpp.testing.packages import NOW
from mpp.testing.questions import approver, approver_key, approvers

PAGE = Approver(id="carol", name="Carol", roles=("second",), issuer="https://id.example", subject="42")
FULL = approvers(
    approver("ada", "approver", "admin", packages=("com.example.*", "org.example.one"), until=NOW, amr="tty"), approver("bob", "second"), PAGE
)  # fmt: skip


@pytest.mark.parametrize("one", [NOBODY, FULL], ids=["nobody", "full"])
def test_approvers_are_read_as_they_were_written(one: object) -> None:
    assert read_approvers(write_approvers(one), where="here") == one  # type: ignore[arg-type]


def test_who_has_a_key() -> None:
    assert FULL.of_key(key_id(approver_key("bob").public_key)) == FULL.known["bob"]
    assert FULL.of_key(key_id(approver_key("eve").public_key)) is None
    assert FULL.of_key(key_id(b"")) is None, "whoever has no key has not this one"


PATTERNS = [
    ("*", "com.example.hello", True),
    ("com.example.hello", "com.example.hello", True),
    ("com.example.hello", "com.example.hello2", False),
    ("com.example.*", "com.example.hello", True),
    ("com.example.*", "com.example.a.b", True),
    ("com.example.*", "com.example", False),
    ("com.example.*", "com.examplefoo", False),
    ("com.example.*", "com.examplefoo.x", False),
    ("com.example", "com.example.hello", False),
]


@pytest.mark.parametrize(("pattern", "package", "covered"), PATTERNS)
def test_patterns_of_packages(pattern: str, package: str, covered: bool) -> None:
    assert covers_package(pattern, package) is covered


MAY = [
    (approver("ada"), "approver", ""),
    (approver("ada", "admin"), "approver", "approval.role"),
    (approver("ada", "second"), "approver", "approval.role"),
    (approver("ada", "second"), "second", ""),
    (approver("ada", until=NOW), "approver", ""),
    (approver("ada", until=NOW - 1), "approver", "approval.approver_expired"),
    (approver("ada", packages=("com.other.*",)), "approver", "approval.role"),
    (approver("ada", packages=("com.other.*", "com.example.*")), "approver", ""),
]


@pytest.mark.parametrize(("one", "role", "code"), MAY)
def test_who_may_answer(one: Approver, role: str, code: str) -> None:
    assert may_answer(one, "com.example.hello", NOW, (role,)) == code


Spoil = Callable[[dict[str, Any]], object]
SPOILT: list[tuple[str, Spoil, str]] = [
    ("another version", lambda d: d.update(mpp_approvers=2), "approval.range"),
    ("no list", lambda d: d.pop("approvers"), "approval.missing"),
    ("a key more", lambda d: d.update(more=1), "approval.unknown_key"),
    ("a key more in one", lambda d: d["approvers"][0].update(more=1), "approval.unknown_key"),
    ("no id", lambda d: d["approvers"][0].pop("id"), "approval.missing"),
    ("an id that passes for a user of this host", lambda d: d["approvers"][0].update(id="user:ada"), "approval.form"),
    ("an id in capitals", lambda d: d["approvers"][0].update(id="Ada"), "approval.form"),
    ("a hidden character", lambda d: d["approvers"][0].update(name="A\u200bda"), "approval.form"),
    ("an unknown role", lambda d: d["approvers"][0].update(roles=["god"]), "approval.choice"),
    ("no roles", lambda d: d["approvers"][0].pop("roles"), "approval.missing"),
    ("empty roles", lambda d: d["approvers"][0].update(roles=[]), "approval.length"),
    ("no packages at all", lambda d: d["approvers"][0].update(packages=[]), "approval.length"),
    ("a pattern with a star in it", lambda d: d["approvers"][0].update(packages=["com.*.hello"]), "approval.form"),
    ("a pattern of half a name", lambda d: d["approvers"][0].update(packages=["com.exam*"]), "approval.form"),
    ("neither key nor identity", lambda d: d["approvers"][0].pop("key"), "approval.missing"),
    ("both", lambda d: d["approvers"][0].update(oidc={"issuer": "https://id.example", "subject": "1"}), "approval.type"),
    ("a key that is too short", lambda d: d["approvers"][0].update(key="AAAA"), "approval.base64"),
    ("a key of small order", lambda d: d["approvers"][0].update(key="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "approval.form"),
    ("an issuer without a lock", lambda d: d["approvers"][2]["oidc"].update(issuer="http://id.example"), "approval.form"),
    ("a key more in the identity", lambda d: d["approvers"][2]["oidc"].update(more=1), "approval.unknown_key"),
    ("an unknown strength", lambda d: d["approvers"][0].update(amr="god"), "approval.choice"),
    ("a strength that no signature has", lambda d: d["approvers"][0].update(amr="flag"), "approval.choice"),
    ("one id twice", lambda d: d["approvers"][1].update(id="ada"), "approval.duplicate"),
    ("one key twice", lambda d: d["approvers"][1].update(key=d["approvers"][0]["key"]), "approval.duplicate"),
    ("one identity twice", lambda d: d["approvers"].append({**d["approvers"][2], "id": "dan"}), "approval.duplicate"),
    ("an end that is none", lambda d: d["approvers"][0].update(until=-1), "approval.range"),
]


@pytest.mark.parametrize(("spoil", "code"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
def test_a_wrong_list_is_refused_as_a_whole(spoil: Spoil, code: str) -> None:
    document = json.loads(write_approvers(FULL))
    spoil(document)
    with pytest.raises(Refused) as caught:
        read_approvers(json.dumps(document).encode(), where="here")
    assert caught.value.code == code


def test_a_list_that_is_too_large_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        read_approvers(b" " * (APPROVERS_BYTES_MAX + 1), where="here")
    assert caught.value.code == "approval.size"
