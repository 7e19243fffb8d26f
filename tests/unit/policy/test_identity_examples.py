"""The examples of spec/identity.md are exact: each is what the library makes, and holds."""

from __future__ import annotations

import re
from pathlib import Path

from mpp.crypto.context_token import verify_context
from mpp.crypto.ed25519 import key_id
from mpp.stages.policy import Organisation, read_and_verify, read_link, verify_delegations, verify_grants, verify_statement
from mpp.testing.agents import FACTS, HOST, HOST_ID, Known, agent
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW

TEXT = (Path(__file__).resolve().parents[3] / "spec" / "identity.md").read_text(encoding="utf-8")
PROOF, STATEMENT, LINK, CONTEXT, GRANTS = re.findall(r"```(?:json|text)\n(.*)\n```", TEXT)


def test_the_examples_hold() -> None:
    assert read_and_verify(PROOF.encode(), FACTS, Known(), NOW).user == "ada"
    acme = Organisation(name="Acme", key=agent("acme").public_key, may_name="acme/*")
    assert verify_statement(STATEMENT.encode(), {key_id(acme.key): acme}, NOW).public == agent("acme/bot").public_key
    link = read_link(LINK.encode(), where="x")
    assert verify_delegations((link,), "planner", agent("planner").public_key, Known(), NOW, where="x")[0].name == "ada"
    assert verify_context(CONTEXT, "https://crm.example.com", HOST.public_key, NOW).agent == "planner"
    found = verify_grants(GRANTS.encode(), {HOST_ID: HOST.public_key}, NOW, holder=key_id(fixed_signer("other host").public_key))
    assert found.scope.tools == ("lookup",)
