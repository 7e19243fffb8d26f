"""``mpp token``: made once, listed without what opens anything, ended at once; a person agrees to each new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.host.tenants import TokenStore, holder_of
from mpp.testing.packages import NOW
from tests import records
from tests.cli.conftest import Mpp
from tests.cli.terminal import Terminal


def store(home: Path) -> TokenStore:
    return TokenStore(str(home / "trust" / "tokens.json"))


def test_a_token_is_made_listed_and_ended(mpp: Mpp, home: Path) -> None:
    assert "There is no token" in mpp("token", "list").out
    made = mpp("token", "add", "planner", "--tenant", "acme", "--user", "ada", "--label", "build server", "--rate", 60, "--now", NOW, "--yes")
    assert made.code == 0
    text = made.out.strip()
    held = holder_of(store(home).load(), text, NOW)
    assert (held.tenant, held.agent, held.user, held.label, held.rate, held.until) == ("acme", "planner", "ada", "build server", 60, NOW + 90 * 86400)
    assert f"mpp token revoke {held.id}" in made.err
    listed = mpp("token", "list", "--now", NOW)
    assert listed.out.startswith(f"{held.id}  acme  planner for ada  until 20")
    assert listed.out.endswith("  60 a minute  build server\n")
    assert text not in listed.out
    assert held.sha256 not in listed.out
    row = mpp("token", "list", "--json", "--now", NOW).json["tokens"][0]
    assert row == {"id": held.id, "tenant": "acme", "agent": "planner", "user": "ada", "until": held.until, "label": "build server", "rate": 60, "ended": False}
    assert mpp("token", "revoke", held.id).out == f"Ended {held.id}.\n"
    assert store(home).load() == {}
    assert [(event.kind, event.body["what"], event.body["change"]) for event in records.events(home)] == [
        ("trust", "token", f"added {held.id}"),
        ("trust", "token", "revoked"),
    ]
    assert text not in str([event.body for event in records.events(home)])


def test_json(mpp: Mpp, home: Path) -> None:
    made = mpp("token", "add", "planner", "--until", "2030-01-01", "--now", NOW, "--yes", "--json").json
    assert holder_of(store(home).load(), made["token"], NOW).id == made["id"]
    assert (made["ok"], made["tenant"], made["user"], made["rate"]) == (True, "local", "", 0)
    assert mpp("token", "revoke", made["id"], "--json").json == {"ok": True, "revoked": [made["id"]]}


def test_a_tenant_is_listed_and_ended_alone(mpp: Mpp, home: Path) -> None:
    for tenant, agent in (("acme", "planner"), ("acme", "scout"), ("other", "planner")):
        assert mpp("token", "add", agent, "--tenant", tenant, "--yes").code == 0
    assert [row["agent"] for row in mpp("token", "list", "--tenant", "acme", "--json").json["tokens"]] == ["planner", "scout"]
    assert mpp("token", "revoke", "--tenant", "acme").code == 0
    assert [one.tenant for one in store(home).load().values()] == ["other"]


def test_an_ended_token_is_said_to_have_ended(mpp: Mpp) -> None:
    assert mpp("token", "add", "planner", "--until", NOW + 10, "--now", NOW, "--yes").code == 0
    assert "  ended " in mpp("token", "list", "--now", NOW + 10).out
    assert mpp("token", "list", "--now", NOW + 10, "--json").json["tokens"][0]["ended"] is True


def test_a_person_is_asked(mpp: Mpp, home: Path, terminal: Callable[..., Terminal]) -> None:
    refused = mpp("token", "add", "planner")
    assert (refused.code, "consent.missing" in refused.err) == (22, True)
    assert store(home).load() == {}
    with terminal("token", "add", "planner", "--tenant", "acme") as person:
        person.wait_for("calls as planner, tenant acme")
        person.type("yes\n")
        assert person.end() == 0
    assert [one.tenant for one in store(home).load().values()] == ["acme"]
    assert records.events(home)[-1].body["amr"] == "tty"


WRONG: list[tuple[tuple[object, ...], int, str]] = [
    (("add", "Planner", "--yes"), 25, "agent.name"),
    (("add", "planner", "--tenant", "../acme", "--yes"), 2, "usage.text"),
    (("add", "planner", "--user", "Ada L", "--yes"), 25, "agent.name"),
    (("add", "planner", "--label", "a\nb", "--yes"), 2, "usage.text"),
    (("add", "planner", "--until", NOW, "--now", NOW, "--yes"), 2, "usage.time"),
    (("add", "planner", "--rate", "-1", "--yes"), 2, "usage.syntax"),
    (("add",), 2, "usage.syntax"),
    (("revoke",), 2, "usage.option"),
    (("revoke", "0" * 16, "--tenant", "acme"), 2, "usage.option"),
    (("revoke", "0" * 16), 25, "agent.unknown"),
    (("revoke", "--tenant", "acme"), 25, "agent.unknown"),
    (("lst",), 2, "usage.command"),
    (("tenant", "--sees", "notes"), 2, "usage.option"),
    (("tenant", "acme", "--sees", "notes", "--sees-all"), 2, "usage.option"),
    (("tenant", "Acme", "--sees", "notes"), 2, "usage.text"),
    (("tenant", "acme", "--sees", "no tes"), 2, "usage.text"),
    (("tenant", "acme", "--forget"), 25, "agent.unknown"),
]


@pytest.mark.parametrize(("words", "code", "name"), WRONG)
def test_what_cannot_be_done(words: tuple[object, ...], code: int, name: str, mpp: Mpp, home: Path) -> None:
    answer = mpp("token", *words)
    assert answer.code == code
    assert f"[{name}]" in answer.err
    assert store(home).load() == {}


def test_no_more_than_a_host_can_hold(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.cli.commands.token.TENANT_TOKENS_MAX", 1)
    assert mpp("token", "add", "planner", "--yes").code == 0
    refused = mpp("token", "add", "scout", "--yes")
    assert (refused.code, "agent.length" in refused.err) == (25, True)


def test_a_person_lets_a_tenant_see_more(mpp: Mpp, home: Path) -> None:
    assert mpp("token", "tenant", "acme", "--sees-nothing").code == 0
    for words in (("--sees", "notes"), ("--sees-all",), ("--forget",)):
        refused = mpp("token", "tenant", "acme", *words)
        assert (refused.code, "consent.missing" in refused.err) == (22, True)
    assert mpp("token", "tenant", "acme").out.startswith("acme  nothing\n")


def test_what_tenants_see(mpp: Mpp, home: Path) -> None:
    assert mpp("token", "tenant").out == "All tenants see all packages.\n"
    assert (
        mpp("token", "tenant", "acme", "--sees", "notes", "--sees", "crm", "--yes").out == "acme  crm, notes\nAll other tenants see nothing, but for local.\n"
    )
    assert mpp("token", "tenant", "big", "--sees-all", "--yes").code == 0
    assert mpp("token", "tenant", "none", "--sees-nothing", "--json").json["tenants"][-1] == {"name": "none", "all": False, "sees": []}
    assert mpp("token", "tenant", "big").out == "big  all\nAll other tenants see nothing, but for local.\n"
    for name in ("acme", "big", "none"):
        assert mpp("token", "tenant", name, "--forget", "--yes").code == 0
    assert mpp("token", "tenant", "--json").json == {"ok": True, "tenants": [], "others": "all"}
    assert [event.body["change"] for event in records.events(home)] == ["sees 2", "sees all", "sees 0", "forgotten", "forgotten", "forgotten"]
