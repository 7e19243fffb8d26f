"""What a guest learns of its call, and the tables of what it may import."""

from __future__ import annotations

import re
from dataclasses import fields, replace

from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.wasmimports import EMSCRIPTEN, HOST_CALLS, NOT_SUPPORTED, PREVIEW1

CONTEXT = CallContext(
    invocation="i", tenant="t", agent="a", agent_proof="token", user="u", package_id="com.example.x", version="1.0.0", content_hash="c", publisher_id="p", tool="f"
)  # fmt: skip


def test_all_of_the_context_is_shown_and_each_in_its_place() -> None:
    assert CONTEXT.shown() == {
        "invocation": "i",
        "agent": {"name": "a", "proof": "token"},
        "user": "u",
        "tenant": "t",
        "package": {"id": "com.example.x", "version": "1.0.0", "sha256": "c", "publisher": "p"},
        "tool": "f",
    }
    assert len(fields(CallContext)) == 13


def test_who_calls_is_shown_with_all_that_is_known() -> None:
    behind = (Delegation(kind="user", name="ada", level="launched"),)
    known = replace(CONTEXT, agent_proof="signed", agent_key="k", agent_issuer="i", delegation=behind)
    assert known.identity == AgentIdentity(name="a", level="signed", key="k", issuer="i", behind=behind)
    assert known.shown()["agent"] == {
        "name": "a", "proof": "signed", "key": "k", "issuer": "i", "behalf": [{"kind": "user", "name": "ada", "proof": "launched"}]
    }  # fmt: skip


def test_each_showing_is_a_fresh_one() -> None:
    CONTEXT.shown()["user"] = "mallory"
    assert CONTEXT.shown()["user"] == "u"


def test_an_answer_used_nothing_unless_it_says_so() -> None:
    answer = HostAnswer(result=1, error="", message="")
    assert (answer.hosts, answer.secrets, answer.echoed, answer.kv) == ((), (), (), "")


def test_the_tables_are_well_formed() -> None:
    assert len(PREVIEW1) == 46
    assert set(HOST_CALLS) == {"call"}
    for table in (PREVIEW1, HOST_CALLS, EMSCRIPTEN):
        assert all(re.fullmatch(r"[iI]*:i?", signature) for signature in table.values())
    assert not PREVIEW1.keys() & EMSCRIPTEN.keys()
    assert NOT_SUPPORTED < 0
