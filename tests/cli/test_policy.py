"""``mpp policy`` as a person types it: check, show, use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.stages.policy import PRESETS
from tests.cli.conftest import Answer, Mpp
from tests.cli.terminal import Terminal

from tests.cli.policy_world import MINE, machine_folder, rules, told, write


@pytest.fixture
def policy() -> str:
    return write("policy.toml", MINE)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine folder of the test's own."""
    return machine_folder(tmp_path, monkeypatch)


# check


def test_a_sound_file(mpp: Mpp, policy: str) -> None:
    found = mpp("policy", "check", policy)
    assert (found.code, found.err) == (0, "")
    assert "'mine', 2 rules" in found.out
    answer = mpp("policy", "check", policy, "--json").json
    assert answer["ok"] is True
    assert (answer["files"][0]["name"], answer["files"][0]["rules"], answer["files"][0]["warnings"]) == ("mine", 2, [])


def test_presets_are_sound_and_warn_of_nothing(mpp: Mpp) -> None:
    found = mpp("policy", "check", "developer", "ci", "fleet", "--strict")
    assert (found.code, found.err) == (0, "")


def test_faults_name_the_place_and_what_is_meant(mpp: Mpp) -> None:
    wrong = write("wrong.toml", MINE.replace("packages =", "package ="))
    found = mpp("policy", "check", wrong)
    assert found.code == 23
    assert "[policy.unknown_key]" in found.err
    assert "did you mean 'packages'?" in found.err
    assert "wrong.toml" in found.err


def test_each_file_is_judged(mpp: Mpp, policy: str) -> None:
    bad = write("bad.toml", "x")
    found = mpp("policy", "check", bad, policy, "absent.toml", "developr", "--json")
    assert found.code == 23
    files = found.json["files"]
    assert [one["ok"] for one in files] == [False, True, False, False]
    assert [one["error"]["code"] for one in files if not one["ok"]] == ["policy.toml", "usage.no_file", "usage.no_file"]
    assert files[3]["error"]["hint"] == "did you mean 'developer'?"


WARNED: dict[str, tuple[str, str]] = {
    "no rule": ('mpp_policy = 1\nname = "x"\nrules = []\n', "no rule, so it denies everything"),
    "only denials": (rules(("a", "deny", 'tools = ["x"]')), "no rule allows or asks"),
    "allow everything": (rules(("a", "allow", "")), "rule a allows everything"),
    "an empty list": (rules(("a", "allow", "packages = []"), ("b", "ask", "")), "its list of packages is empty"),
    "an empty list of values": (rules(("a", "ask", 'arguments = [{ pointer = "/x", op = "in", value = [] }]')), "no value fits an empty list at /x"),
    "a name that is not bound": (rules(("a", "allow", 'packages = ["com.example.x"]\nbound = false'), ("b", "ask", "")), "must be bound"),
    "no capability": (rules(("a", "ask", "capabilities = { hosts = [] }")), "each of its lists of capabilities is empty"),
    "no day": (rules(("a", "ask", "when = { days = [] }")), "holds on no day"),
    "a time that is over": (rules(("a", "ask", 'when = { not_after = "2020-01-01" }')), "its last day was 2020-01-01"),
    "denied by the same condition": (rules(("a", "allow", 'tools = ["x"]'), ("b", "deny", 'tools = ["x"]')), "rule a changes nothing: rule b denies"),
    "asked by a wider one": (rules(("a", "allow", 'tools = ["x"]\norigins = ["human"]'), ("b", "ask", 'tools = ["x"]')), "rule b asks whenever it matches"),
    "denied by everything": (rules(("a", "allow", 'tools = ["x"]'), ("b", "deny", "")), "rule a changes nothing"),
    "the same twice": (rules(("a", "ask", 'tools = ["x"]'), ("b", "ask", 'tools = ["x"]')), "rules a and b say the same"),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_is_probably_not_meant_is_said(mpp: Mpp, name: str) -> None:
    text, words = WARNED[name]
    file = write("odd.toml", text)
    found = mpp("policy", "check", file)
    assert found.code == 0, found.err
    assert words in found.err
    assert mpp("policy", "check", file, "--strict").code == 23


NOT_WARNED: dict[str, str] = {
    "an allow rule beside one that asks": rules(("a", "allow", ""), ("b", "ask", 'tools = ["x"]')),
    "limits hold where one asks": rules(("a", "allow", 'tools = ["x"]\nlimits = { timeout_ms = 5 }'), ("b", "ask", 'tools = ["x"]')),
    "capabilities are any here and all there": rules(
        ("a", "allow", 'capabilities = { hosts = ["a.example.com"] }'), ("b", "deny", 'capabilities = { hosts = ["a.example.com"] }')
    ),
    "no host, for a rule that allows": rules(("a", "allow", "capabilities = { hosts = [] }"), ("b", "ask", "asks = true")),
    "other tools": rules(("a", "allow", 'tools = ["x"]'), ("b", "deny", 'tools = ["y"]')),
}


@pytest.mark.parametrize("name", NOT_WARNED)
def test_nothing_is_said_without_need(mpp: Mpp, name: str) -> None:
    found = mpp("policy", "check", write("fine.toml", NOT_WARNED[name]), "--strict")
    assert (found.code, found.err) == (0, "")


def test_a_bundle_is_read_and_not_believed(mpp: Mpp, keys: Path, policy: str) -> None:
    assert mpp("policy", "sign", policy, "-o", "b.json").code == 0
    assert "bundle version 1 for the fleet layer" in mpp("policy", "check", "b.json").out
    answer = mpp("policy", "check", "b.json", "--json").json["files"][0]
    assert (answer["bundle"]["version"], answer["bundle"]["believed"]) == (1, False)


def test_there_is_an_end_to_files(mpp: Mpp, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp.cli.commands import policy as module

    monkeypatch.setattr(module, "FILES_MAX", 1)
    assert mpp("policy", "check", policy, policy).code == 2


# show


def test_nothing_is_there_yet(mpp: Mpp) -> None:
    found = mpp("policy", "show")
    assert "the preset developer, because nobody wrote a policy" in found.out
    assert "mode               personal" in found.out
    answer = mpp("policy", "show", "--json").json
    assert (answer["mode"], answer["faults"]) == ("personal", [])
    assert [(one["layer"], one["kind"], one["source"]) for one in answer["layers"]] == [("user", "preset", "developer")]


@pytest.mark.parametrize("name", ["developer", "ci"])
def test_a_preset_is_shown_as_text_to_begin_with(mpp: Mpp, name: str) -> None:
    found = mpp("policy", "show", name)
    assert found.out == PRESETS[name]
    assert mpp("policy", "show", "--preset", name).out == PRESETS[name]
    assert mpp("policy", "show", name, "--json").json["policy"]["name"] == name


def test_a_name_of_a_layer_is_the_layer(mpp: Mpp) -> None:
    assert mpp("policy", "show", "fleet").out == "There is no fleet policy.\n"
    assert mpp("policy", "show", "fleet", "--json").json == {"ok": True, "layer": None}
    assert mpp("policy", "show", "--preset", "fleet").out == PRESETS["fleet"]


def test_one_layer_is_shown_as_a_document_again(mpp: Mpp, policy: str) -> None:
    assert mpp("policy", "use", policy, "--yes").code == 0
    found = mpp("policy", "show", "user")
    assert json.loads(found.out)["name"] == "mine"
    assert "user: 'mine'" in found.err
    assert mpp("policy", "show", "user", "--json").json["layer"]["policy"]["name"] == "mine"
    assert mpp("policy", "use", "--remove", "--yes").code == 0
    assert mpp("policy", "show", "user").out == PRESETS["developer"]


@pytest.mark.parametrize("words", [("show", "usr"), ("show", "--preset", "developr"), ("show", "user", "--preset", "ci")])
def test_what_cannot_be_shown(mpp: Mpp, words: tuple[str, ...]) -> None:
    found = mpp("policy", *words)
    assert found.code in {2, 23}
    assert "hint:" in found.err


def test_a_broken_policy_is_said_and_denies(mpp: Mpp, home: Path) -> None:
    (home / "policy").mkdir(parents=True, mode=0o700)
    (home / "policy" / "policy.toml").write_text("x")
    (home / "policy" / "policy.toml").chmod(0o600)
    found = mpp("policy", "show")
    assert found.code == 0
    assert "CLOSED: it denies everything" in found.out
    assert "[policy.toml]" in found.err
    assert mpp("policy", "show", "--json").json["faults"][0]["code"] == "policy.toml"


# use


def test_a_person_takes_a_policy_into_use(policy: str, home: Path, terminal: Callable[..., Terminal]) -> None:
    with terminal("policy", "use", policy) as screen:
        screen.wait_for("Type yes to take it:")
        assert "new rules: allow-hello, ask-large" in screen.screen
        screen.type("yes\n")
        assert screen.end() == 0
        assert "The user policy is now 'mine'" in screen.screen
    assert (home / "policy" / "policy.toml").read_text() == MINE
    assert [(one.body["what"], one.body["name"]) for one in told(home)] == [("used", "mine")]
    assert "tty" in str(told(home)[0].body["why"])


def test_a_no_changes_nothing(policy: str, home: Path, terminal: Callable[..., Terminal]) -> None:
    with terminal("policy", "use", policy) as screen:
        screen.wait_for("Type yes to take it:")
        screen.type("no\n")
        assert screen.end() == 23
        assert "policy.unconfirmed" in screen.screen
    assert not (home / "policy" / "policy.toml").exists()


def test_without_a_terminal_somebody_must_say_it(mpp: Mpp, policy: str, home: Path) -> None:
    found = mpp("policy", "use", policy)
    assert found.code == 23
    assert "[policy.unconfirmed]" in found.err
    assert mpp("policy", "use", policy, "--yes").code == 0
    assert "flag" in str(told(home)[0].body["why"])


def test_one_policy_takes_the_place_of_the_other(mpp: Mpp, policy: str, home: Path) -> None:
    assert mpp("policy", "use", policy, "--yes").code == 0
    other = write("other.json", json.dumps({"mpp_policy": 1, "name": "other", "rules": [{"id": "ask-large", "effect": "ask"}], "private_hosts": []}))
    answer = mpp("policy", "use", other, "--yes", "--json").json
    assert answer["changes"] == {"added": [], "removed": ["allow-hello"], "changed": ["ask-large"], "others": ["private hosts"]}
    assert answer["by"] == "flag"
    assert sorted(path.name for path in (home / "policy").iterdir() if path.name.startswith("policy.")) == ["policy.json"]
    found = mpp("policy", "use", "developer", "--yes")
    assert found.code == 0
    assert (home / "policy" / "policy.toml").read_text() == PRESETS["developer"]
    assert mpp("policy", "use", "developer", "--yes").out.splitlines()[1] == "  nothing changes"


def test_warnings_are_said_before_use(mpp: Mpp) -> None:
    found = mpp("policy", "use", write("open.toml", rules(("a", "allow", ""))), "--yes")
    assert "warning: rule a allows everything" in found.err


def test_a_policy_is_taken_away(mpp: Mpp, policy: str, home: Path) -> None:
    assert mpp("policy", "use", "--remove", "--yes").out.startswith("There was no user policy.")
    assert mpp("policy", "use", policy, "--yes").code == 0
    assert mpp("policy", "use", "--remove").code == 23
    assert mpp("policy", "use", "--remove", "--yes", "--json").json == {"ok": True, "removed": True, "by": "flag"}
    assert mpp("policy", "use", "--remove", "--yes").out.startswith("There was no user policy.")
    assert [one.body["what"] for one in told(home)] == ["used", "removed"]


@pytest.mark.parametrize("words", [(), ("policy.toml", "--remove")])
def test_use_takes_one_thing(mpp: Mpp, policy: str, words: tuple[str, ...]) -> None:
    assert mpp("policy", "use", *words).code == 2


def test_a_bundle_is_not_used_but_pulled(mpp: Mpp, keys: Path, policy: str) -> None:
    mpp("policy", "sign", policy, "-o", "b.json")
    found = mpp("policy", "use", "b.json", "--yes")
    assert (found.code, "mpp policy pull b.json" in found.err) == (23, True)


def test_in_fleet_mode_nobody_says_yes_by_an_option(mpp: Mpp, policy: str, system: Path) -> None:
    (system / "config.toml").write_text('mode = "fleet"\napproval_strength = "passphrase"\n')
    found = mpp("policy", "use", policy, "--yes")
    assert found.code == 23
    assert "[policy.fleet]" in found.err
    assert mpp("policy", "use", "--remove", "--yes").code == 23
    shown = mpp("policy", "show").out
    assert "mode               fleet, each approval needs passphrase or better" in shown
    assert "the preset fleet" in shown


# everything


@pytest.mark.parametrize("name", ["check", "show", "use", "explain", "test", "sign", "pull"])
def test_each_command_explains_itself(mpp: Mpp, name: str) -> None:
    found: Answer = mpp("policy", name, "--help")
    assert found.code == 0
    assert "Example" in found.out
    assert "--json" in found.out


def test_a_real_process_does_the_same(process: Mpp, policy: str) -> None:
    found = process("policy", "check", policy, "--json")
    assert (found.code, found.json["ok"]) == (0, True)
