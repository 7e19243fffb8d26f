from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity, Delegation
from mpp.stages.approval import Action, binding_of
from mpp.testing.questions import AGENT, CONTENT, POLICY_DIGEST, PUBLISHER, RIGHTS_DIGEST, asked, given, need

ACTION = Action(
    tenant="local", publisher_id=PUBLISHER, package_id="com.example.hello", content_hash=CONTENT, tool="greet", argument_sha256=given().argument_sha256,
    rights_digest=RIGHTS_DIGEST, agent=AGENT, user="ada", policy_digest=POLICY_DIGEST,
)  # fmt: skip

CHANGES: list[tuple[str, object]] = [
    ("tenant", "other"),
    ("publisher_id", "ab" * 32),
    ("package_id", "com.example.other"),
    ("content_hash", "ab" * 32),
    ("tool", "other"),
    ("argument_sha256", "ab" * 32),
    ("rights_digest", "ab" * 32),
    ("agent", AgentIdentity(name="other", level="launched")),
    ("agent", AgentIdentity(name="claude", level="token")),
    ("agent", replace(AGENT, behind=(Delegation(kind="user", name="ada", level="token"),))),
    ("agent", replace(AGENT, key="ab" * 32)),
    ("agent", replace(AGENT, issuer="https://issuer.example")),
    ("user", "bob"),
    ("policy_digest", "ab" * 32),
]


def test_the_binding_is_the_hash_of_these_bytes() -> None:
    written = (
        '{"agent":{"name":"claude","proof":"launched"},"argument_sha256":"88bab6d8f6dc68a877064d584cbb5b6c50e74f617ea50d81d3a53c2ee6ffbc4f",'
        f'"content":"{CONTENT}","package":"com.example.hello","policy":"{POLICY_DIGEST}","publisher":"{PUBLISHER}","rights":"{RIGHTS_DIGEST}",'
        '"tenant":"local","tool":"greet","user":"ada"}'
    )
    assert ACTION.binding == sha256(written.encode()).hexdigest() == binding_of(asked(), need().verdict, given())


@pytest.mark.parametrize(("name", "item"), CHANGES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CHANGES)])
def test_each_part_counts(name: str, item: object) -> None:
    assert replace(ACTION, **{name: item}).binding != ACTION.binding  # type: ignore[arg-type]


def test_no_two_changes_meet() -> None:
    found = [replace(ACTION, **{name: item}).binding for name, item in CHANGES]  # type: ignore[arg-type]
    assert len(set(found)) == len(found)


def test_half_of_a_character_is_refused() -> None:
    with pytest.raises(Refused, match="half of a character") as caught:
        _ = replace(ACTION, user="\ud800").binding
    assert caught.value.code == "approval.name"


def test_rights_in_words_have_a_digest() -> None:
    one, two = given(), given(uses=("read /data, which is /etc here",))
    assert one.uses_digest != two.uses_digest
    # Two lines are not one line of both.
    assert given(uses=("a", "b")).uses_digest != given(uses=("a, b",)).uses_digest != given(uses=("ab",)).uses_digest
    assert given(uses=("\udcff",)).uses_digest != given(uses=("\udcfe",)).uses_digest
