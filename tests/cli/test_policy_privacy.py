"""``mpp policy`` and the rules for the privacy filter: what is warned of, shown, compared and explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.host.policy_lint import warnings
from mpp.model.jsontext import Json
from mpp.testing.packages import NOW
from mpp.stages.policy import parse_policy
from tests.cli.conftest import Mpp
from tests.cli.policy_world import MINE, machine_folder, told, write
from tests.cli.test_run import HELLO, Make, package, says  # noqa: F401 - the fixture
from tests.policies import PUBLISHER, policy

TABLE = """
[privacy]
off = ["postal_code"]
on = ["vin"]
require = false
accept_disabled = ["com.example.other"]
pseudonym_minutes = 1

[privacy.actions]
api_key = "block"
credit_card = "partial"

[[privacy.allow]]
type = "email"
value = "support@example.com"

[[privacy.allow]]
cidr = "10.0.0.0/8"

[[privacy.exempt]]
package = "com.example.hello"
tool = "greet"
pointer = "/contacts/*/email"
types = ["email", "phone"]

[[privacy.exempt]]
publisher = "PUBLISHER"
types = ["iban"]

[[privacy.patterns]]
id = "employee_number"
regex = "E-[0-9]{6}"

[[privacy.reveal]]
package = "com.example.hello"
pointer = "/name"
types = ["email"]

[[privacy.reveal]]
package = "com.example.crm"
tool = "send"
types = ["email"]
""".replace("PUBLISHER", PUBLISHER)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine folder of the test's own."""
    return machine_folder(tmp_path, monkeypatch)


# check

KNOWN = frozenset(("email", "phone", "api_key", "github_token", "iban"))
CRM: dict[str, Json] = {"package": "com.example.crm", "pointer": "/a", "types": ["email"]}
WARNED: list[tuple[dict[str, Json], str]] = [
    ({"exempt": [{"publisher": PUBLISHER, "pointer": "/a", "types": ["email"]}]}, f"exemption of publisher {PUBLISHER[:16]} (email) holds for every package of its publisher"),
    ({"exempt": [{**CRM, "package": "com.example.*"}]}, "exemption of com.example.* (email) holds for every package below com.example"),
    ({"exempt": [{"package": "com.example.crm", "tool": "find", "types": ["email"]}]}, "exemption of com.example.crm, tool find (email) holds for whole answers"),
    ({"exempt": [{**CRM, "types": ["api_key"]}]}, "lets secrets through"),
    ({"allow": [{"cidr": "8.0.0.0/8"}]}, "the range 8.0.0.0/8 is wide"),
    ({"allow": [{"domain": "*.example.com"}]}, "*.example.com lets everybody's address at each sub-domain through"),
    ({"reveal": [{"package": "com.example.crm", "types": ["email"]}]}, "anywhere in the arguments of com.example.crm (email)"),
    ({"reveal": [{"package": "com.example.crm", "tool": "send", "types": ["email"]}]}, "anywhere in the arguments of com.example.crm, tool send (email)"),
    ({"require": False}, "given out unfiltered where there is no engine"),
    ({"outgoing": "none"}, "nothing is searched in what leaves, secrets included"),
    ({"off": ["api_key"]}, "secrets are searched for nowhere"),
    ({"actions": {"api_key": "partial"}}, "a part of each api_key is shown"),
    ({"accept_disabled": ["com.example.crm"]}, "the publisher of com.example.crm decides"),
    ({"off": ["emial"]}, "there is no type emial; did you mean 'email'?, unless a package brings it"),
    ({"on": ["unheard_of_42"]}, "there is no type unheard_of_42, unless a package brings it"),
    ({"actions": {"fone": "redact"}}, "there is no type fone"),
    ({"allow": [{"type": "mail", "value": "a"}]}, "there is no type mail"),
    ({"reveal": [{**CRM, "types": ["name"]}]}, "there is no type name"),
    ({"patterns": [{"id": "email", "regex": "a"}]}, "the pattern email has the id of a type that is built in"),
]  # fmt: skip
UNWARNED: list[dict[str, Json]] = [
    {},
    {"exempt": [CRM, {**CRM, "package": "com.example.crm.*"}]},
    {"allow": [{"cidr": "10.0.0.0/8"}, {"cidr": "8.8.8.0/24"}, {"value": "a"}, {"domain": "example.com"}]},
    {"actions": {"default": "redact", "email": "partial", "employee_number": "block"}, "patterns": [{"id": "employee_number", "regex": "E"}]},
    {"reveal": [CRM]},
]


@pytest.mark.parametrize(("table", "words"), WARNED, ids=[row[1][:40] for row in WARNED])
def test_what_is_probably_not_meant_is_said(table: dict[str, Json], words: str) -> None:
    found = warnings(policy({"effect": "allow"}, {"effect": "ask"}, privacy=table), NOW, KNOWN)
    assert [line.startswith("privacy: ") for line in found if words in line] == [True], found


@pytest.mark.parametrize("table", UNWARNED)
def test_nothing_is_said_without_need(table: dict[str, Json]) -> None:
    assert [line for line in warnings(policy(privacy=table), NOW, KNOWN) if line.startswith("privacy")] == []


def test_without_known_types_no_name_is_judged() -> None:
    assert not [line for line in warnings(policy(privacy={"off": ["emial"]}), NOW, ()) if "no type" in line]


def test_the_built_in_types_and_groups_are_known() -> None:
    found = warnings(policy(privacy={"off": ["email", "emial"], "actions": {"national_id": "redact", "credit_card": "block"}}), NOW)
    assert [line for line in found if "no type" in line] == ["privacy: there is no type emial; did you mean 'email'?, unless a package brings it"]


def test_a_file_is_checked(mpp: Mpp) -> None:
    found = mpp("policy", "check", write("policy.toml", MINE + TABLE))
    assert found.code == 0
    assert "warning: privacy: answers are given out unfiltered where there is no engine" in found.err
    wrong = mpp("policy", "check", write("wrong.toml", MINE + TABLE.replace("accept_disabled", "accept_disable")))
    assert wrong.code == 23
    assert "did you mean 'accept_disabled'?" in wrong.err


# show


def test_what_holds_is_shown(mpp: Mpp, system: Path) -> None:
    assert mpp("policy", "use", write("policy.toml", MINE + TABLE), "--yes").code == 0
    shown = mpp("policy", "show").out
    for words in (
        "8 exceptions, 1 pattern",
        "privacy filter, by all layers together",
        "actions   api_key: block, credit_card: partial, the last 4 stay",
        "on        vin",
        "off       postal_code",
        "as asked  com.example.other",
        "patterns  employee_number",
        "allowed   email: support@example.com, 10.0.0.0/8",
        "exempt    email, phone of com.example.hello, tool greet, at /contacts/*/email",
        f"exempt    iban of publisher {PUBLISHER[:16]}",
        "reveal    email to com.example.hello, at /name",
        "reveal    email to com.example.crm, tool send",
        "outgoing  secrets: block; without an engine a call goes on unfiltered",
        "pseudonyms may be turned back for 1 minute\n",
    ):
        assert words in shown, words
    answer = mpp("policy", "show", "--json").json
    assert (answer["privacy"]["off"], answer["privacy"]["actions"]) == (["postal_code"], [{"api_key": "block", "credit_card": "partial"}])
    assert answer["layers"][0]["privacy"] == answer["privacy"]["digest"]
    assert '"privacy"' in mpp("policy", "show", "user").out


def test_a_stricter_layer_takes_the_exceptions_away(mpp: Mpp, system: Path) -> None:
    assert mpp("policy", "use", write("policy.toml", MINE + TABLE), "--yes").code == 0
    (system / "policy.toml").write_text(MINE + '[privacy]\noutgoing = "none"\n')
    shown = mpp("policy", "show").out
    assert "no exception" in shown
    assert "exempt" not in shown
    assert "without an engine a call is refused" in shown


def test_where_nothing_is_searched_there_is_no_action(mpp: Mpp) -> None:
    assert mpp("policy", "use", write("policy.toml", MINE + '[privacy]\noutgoing = "none"\n' + MANY), "--yes").code == 0
    shown = mpp("policy", "show").out
    assert "outgoing  none; without" in shown
    assert "t19 and 5 more" in shown


MANY = f"off = {[f't{i}' for i in range(25)]}\n"


def test_without_a_table_nothing_is_shown(mpp: Mpp) -> None:
    assert mpp("policy", "use", write("policy.toml", MINE), "--yes").code == 0
    assert "privacy" not in mpp("policy", "show").out
    assert mpp("policy", "show", "--json").json["layers"][0]["privacy"] is None


def test_a_change_of_the_table_is_said_before_use(mpp: Mpp) -> None:
    assert mpp("policy", "use", write("policy.toml", MINE), "--yes").code == 0
    found = mpp("policy", "use", write("policy.toml", MINE + TABLE), "--yes")
    assert found.code == 0
    assert "also changed: privacy" in found.out + found.err


# explain


def test_exceptions_are_explained(mpp: Mpp, signed: Path) -> None:
    words = ("policy", "explain", signed, "--policy", write("policy.toml", MINE + TABLE), "--args", '{"name": "Ada"}')
    found = mpp(*words)
    assert found.code == 0, found.err
    assert "Privacy: searched for nowhere, by policy: postal_code." in found.out
    assert "Privacy: not filtered here: email, phone at /contacts/*/email of greet (by policy)." in found.out
    assert "Privacy: told who stands behind pseudonyms: email at /name (by policy)." in found.out
    answer = mpp(*words, "--json").json
    assert len(answer["privacy"]["exceptions"]) == 2
    plain = mpp("policy", "explain", signed, "--policy", write("plain.toml", MINE))
    assert "Privacy" not in plain.out


def test_a_rule_that_demands_a_type_leaves_no_exception_for_it(mpp: Mpp, signed: Path) -> None:
    rule = '\n[[rules]]\nid = "search"\neffect = "allow"\nlimits = { privacy_patterns = ["postal_code", "email", "phone"] }\n'
    found = mpp("policy", "explain", signed, "--policy", write("policy.toml", MINE + rule + TABLE))
    assert "answers are searched for email, phone, postal_code" in found.out
    assert "not filtered here" not in found.out
    assert "searched for nowhere" not in found.out


# the record


def test_the_record_has_what_was_loaded(mpp: Mpp, signed: Path, home: Path) -> None:
    assert mpp("policy", "use", write("policy.toml", MINE + TABLE), "--yes").code == 0
    mpp("run", signed, "--args", '{"name": "Ada"}', "--yes")
    loaded = [one.body for one in told(home) if one.body["what"] == "loaded"]
    assert [(one["name"], one["privacy"]) for one in loaded] == [
        ("mine", {"digest": parse_policy((MINE + TABLE).encode(), where="p").privacy.digest, "exceptions": 8})
    ]  # type: ignore[union-attr]


# the question


def test_a_question_says_what_is_not_filtered(mpp: Mpp, package: Make) -> None:  # noqa: F811
    path = package(says(HELLO))
    asking = 'mpp_policy = 1\nname = "asks"\nrules = [{ id = "all", effect = "ask" }]\n'
    assert mpp("policy", "use", write("plain.toml", asking), "--yes").code == 0
    first = mpp("run", path, "--args", '{"name": "Ada"}', "--json")
    assert first.code == 24
    assert "not filtered" not in mpp("approve", "show", first.json["error"]["where"]).out
    assert mpp("policy", "use", write("policy.toml", asking + TABLE), "--yes").code == 0
    second = mpp("run", path, "--args", '{"name": "Ada"}', "--json")
    shown = mpp("approve", "show", second.json["error"]["where"]).out
    assert "not filtered here: email, phone at /contacts/*/email of" in shown
    assert second.json["error"]["where"] != first.json["error"]["where"]
